"""The site (`make docs`): README, docs and the public names as pages, by Sphinx.

A page lies where its file lies in the repository, so that links lead to the same place here and
there. Mathematics becomes MathML, which browsers draw by themselves.
"""

import os
import re
import runpy
import shutil
import sys
from importlib.util import find_spec
from inspect import getdoc
from pathlib import Path
from types import GenericAlias

from docutils import nodes
from docutils.parsers import Parser
from fontTools.subset import main as subset
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.ext.autodoc.mock import MockFinder
from sphinx.search.en import SearchEnglish
from sphinx.util.inspect import signature as signature_of
from sphinx.util.inspect import stringify_signature

ROOT = Path(__file__).parents[1]
PACKAGES = ("metrics", "theory", "forensics", "auditing")
EXPLORER = "docs/explorer"
SIGNS = "20-7e,a0-ff,370-3ff,2010-205f,2100-214f,2190-22ff,2308-230b,27e8-27ef,1d400-1d7ff"
"""Characters that formulas may need, of the font STIX Two Math."""
TABLES = (dict, list, tuple, str, re.Pattern, GenericAlias)

ARRAYS = {
    "Bits": "int64",
    "Features": "float32",
    "Flags": "bool",
    "Floats": "float64",
    "Integers": "int64",
    "Rows": "intp",
}
"""Alias of an array type in the sources -> the dtype that the pages show."""

CONTENTS = {
    "Start": {"In short": "self", "日本語": "README.ja", "Every figure": "docs/gallery"},
    "A right F1": {"Which strategy should I use?": "docs/strategies"},
    "Is my number wrong?": {
        "Explorer: try your numbers": EXPLORER,
        "Audit a logged number": "docs/audit",
        "Scan source code": "docs/scan",
    },
    "Which number may I average?": {
        "The atlas of metrics": "docs/atlas",
        "Folds, groups, sorted data": "docs/cuts",
        "What your Keras averages": "docs/averaging",
        "Labels of shape (n,)": "docs/flat_labels",
        "Four numbers called Dice": "docs/segmentation",
        "What other frameworks log": "docs/frameworks",
        "A report for Keras' tracker": "docs/upstream",
    },
    "What it costs": {"Choosing by a wrong F1": "docs/decisions"},
    "Theory": {"What a batch mean will log": "docs/theory"},
    "The article": {
        "Its claims, one by one": "docs/claims",
        "Its log on packaged data": "docs/original_log",
        "Rebuilt against predicted": "docs/discrepancy",
        "What its log gives away": "docs/forensics",
        "Time and memory": "docs/cost",
    },
    "Reproduce and extend": {
        "Commands, engines, files": "docs/reproduce",
        "JAX, PyTorch, GPUs": "docs/backends",
        "A study of your own": "docs/extend",
        "100,000 trainings, and a cluster": "docs/scaling",
        "Columns of the tables": "docs/tables",
        "Error messages": "docs/errors",
        "What the tests find": "docs/testing",
        "Contributing": "CONTRIBUTING",
        "Glossary": "docs/glossary",
        "Changes": "CHANGELOG",
    },
    "API": {
        "batchf1": "docs/api/batchf1",
        "batchf1.keras": "docs/api/keras",
        **{f"batchf1.{package}": f"docs/api/{package}" for package in PACKAGES},
        "Plug-ins": "docs/api/plugins",
    },
}

LANGUAGES = {"README.ja": "ja"}
"""Page -> its language, where that is not English."""
REPAIRS = {
    r'(<p class="caption" role="heading")>': r'\1 aria-level="2">',
    r'<th class="head[^"]*"><p></p></th>': "<td></td>",
    r'<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Contents">',
    r'<aside class="(toc-drawer[^"]*)">': r'<aside class="\1" aria-label="On this page">',
    r'<div id="search-results">': '<h1>Search</h1>\n<div id="search-results">',
}
"""What Sphinx and the theme leave out that a screen reader needs."""
JAPANESE = "\u3005\u3040-\u30ff\u3400-\u9fff"
"""Characters of words that no space separates."""

project = html_title = "batchf1"
language = "en"
html_search_language = "en_ja"
root_doc = "README"
suppress_warnings = ["ref.python"]  # a public name stands on its module's page, too
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".html": "html"}
include_patterns = [
    "README*.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/**.md",
    f"{EXPLORER}.html",
]
exclude_patterns = [
    path.name for path in ROOT.iterdir() if path.suffix != ".md" and path.name != "docs"
]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 6

autodoc_type_aliases = {
    name: name
    for name in (
        "ArrayLike",
        "Batch",
        "BatchMetric",
        "Columns",
        "Enough",
        "Expected",
        "Log",
        "NDArray",
        "Pair",
    )
}
autodoc_type_aliases |= {name: f"NDArray[{of}]" for name, of in ARRAYS.items()}
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False  # type and description of a returned value in one line
sys.meta_path.insert(0, MockFinder(["keras"]))  # for good: autodoc's own mocks end too early
default_role = "code"
python_maximum_signature_line_length = 80

html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_theme_options = {"light_css_variables": {"sidebar-item-spacing-vertical": "0.3rem"}}
html_use_index = html_domain_indices = smartquotes = False
html_copy_source = html_show_sourcelink = html_show_copyright = html_show_sphinx = False

TREE = """
```{{toctree}}
:hidden:
:caption: {caption}

{entries}
```
"""
MODULE = """
## {name}

```{{eval-rst}}
.. automodule:: batchf1.{package}.{name}
```
"""


def is_there(page):
    """Return whether the file of a page exists; `self` is the first page."""
    return page == "self" or any((ROOT / f"{page}{suffix}").exists() for suffix in source_suffix)


def contents():
    """Yield the tables of contents for the sidebar, one per caption."""
    for caption, pages in CONTENTS.items():
        entries = [f"{title} <{page}>" for title, page in pages.items() if is_there(page)]
        yield TREE.format(caption=caption, entries="\n".join(entries))


def modules(package):
    """Yield a section with the public names of each module of a package."""
    for path in sorted((ROOT / "src/batchf1" / package).glob("[!_]*.py")):
        yield MODULE.format(package=package, name=path.stem)


def complete(app, page, source):
    """Add what GitHub shows without: contents after the README, public names on a package's page.

    What follows `#` in a link to the explorer is what it shows, and no place on the page.
    """
    link = r"\[([^]]+)\]\(([^)]*explorer\.html#[^)]*)\)"
    source[0] = re.sub(link, r'<a href="\2">\1</a>', source[0])
    if page == root_doc:
        source[0] += "".join(contents())
    folder, _, name = page.rpartition("/")
    if folder == "docs/api" and name in PACKAGES:
        source[0] += "".join(modules(name))


def in_language(app, page, template, context, doctree):
    """Set the language of a page."""
    context["language"] = LANGUAGES.get(page, language)


class EnglishAndJapanese(SearchEnglish):
    """Search words: English ones, and each two neighbouring characters of Japanese."""

    lang = "en_ja"
    js_splitter_code = rf"""
function splitQuery(query) {{
  const parts = query.match(/[{JAPANESE}]+|(?:(?![{JAPANESE}])[\p{{L}}\p{{N}}_])+/gu) ?? [];
  const pairs = (part) => [...part].slice(1).map((end, i) => part[i] + end);
  const isJapanese = (part) => /[{JAPANESE}]/.test(part) && part.length > 1;
  return parts.flatMap((part) => (isJapanese(part) ? pairs(part) : [part]));
}}
"""

    def split(self, text):
        """Split a text into the words that are searched for."""
        words = []
        for part in re.findall(rf"[{JAPANESE}]+|(?:(?![{JAPANESE}])\w)+", text):
            japanese = len(part) > 1 and re.match(f"[{JAPANESE}]", part)
            words += [part[i : i + 2] for i in range(len(part) - 1)] if japanese else [part]
        return words


def opened(app, doctree, page):
    """Make links to files open in the browser; Sphinx makes them downloads."""
    for node in list(doctree.findall(addnodes.download_reference)):
        target = os.path.relpath(f"_downloads/{node['filename']}", Path(page).parent)
        node.replace_self(nodes.reference("", "", *node.children, refuri=target))


class AsItIs(Parser):
    """Parser of pages in HTML: reads the title only; `finish` copies the page."""

    supported = ("html",)

    def parse(self, inputstring, document):
        """Add a section that has only the title."""
        title = re.search("<title>(.*?)</title>", inputstring)[1]
        document += nodes.section("", nodes.title(text=title), ids=["page"], names=["page"])


def finish(app, exception):
    """Copy the README to index.html, and the font of formulas; write the explorer with links."""
    if exception:
        return
    out = Path(app.outdir)
    for path in out.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for wrong, right in REPAIRS.items():
            page = re.sub(wrong, right, page)
        path.write_text(page, encoding="utf-8")
    shutil.copy(out / f"{root_doc}.html", out / "index.html")
    if is_there(EXPLORER):  # with links to the pages beside it, wherever the site lies
        build = runpy.run_path(str(ROOT / EXPLORER / "build.py"))
        page = build["built"](build["address"]() or "..")
        (out / f"{EXPLORER}.html").write_text(page, encoding="utf-8")
    stix = Path(find_spec("ziamath").origin).parent / "fonts/STIXTwoMath-Regular.ttf"
    font = f"--output-file={out / '_static/math.woff'}"
    subset([str(stix), f"--unicodes={SIGNS}", "--flavor=woff", font])


def mathml(latex, display="inline"):
    """Convert LaTeX to MathML, and correct known errors of the converter."""
    latex = re.sub(r"\\mathbb (\w)", r"\\mathbb{\1}", latex).replace(r"\mathrm{", r"\text{")
    found = convert(latex, display=display).replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")
    return re.sub(
        r"((?:\[|&#x00028;|&#x0003D;|&#x02248;)</mo>)<mo>&#x02212;",
        r'\1<mo form="prefix">&#x02212;',
        found,
    )


def inline(writer, node):
    """Write inline mathematics, `$...$`."""
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(writer, node):
    """Write displayed mathematics, `$$...$$`, with its number."""
    latex, _, tag = node.astext().partition(r"\tag")
    number = f"({tag.strip(' {}')})" if tag else ""
    writer.body.append(f'<div class="math">{mathml(latex, "block")}<span>{number}</span></div>')
    raise nodes.SkipNode


def plain(app, what, name, thing, options, lines):
    """Remove the docstrings that Python generates for the fields of named tuples."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def skipped(app, what, name, thing, skip, options):
    """Skip what does not help a reader, or stands on the page already.

    Of a module: tables, patterns and aliases; of a class: fields that its docstring describes.
    """
    if what == "module":
        return True if isinstance(thing, TABLES) else None
    here = app.env.current_document
    owner = getattr(sys.modules[here.autodoc_module], here.autodoc_class, None)
    described = (getdoc(owner) or "").partition("\nAttributes\n")[2]
    fields = ", ".join(re.findall("^(\\S.*?) : ", described, flags=re.M)).split(", ")
    return True if name in fields else None


ALIAS = re.compile(r"TypeAliasForwardRef\('([^']+)'\)")
"""An alias as Sphinx writes it within a union."""


def own(app, what, name, thing, options, signature, returns):
    """Hide the signature of a protocol; show that of `__init__` for a subclass of a mock.

    Of others the names of aliases are shown, `ArrayLike | None`.
    """
    if what != "class" or not (signature or "").startswith("(*args"):
        return tuple(part and ALIAS.sub(r"\1", part) for part in (signature, returns))
    if getattr(thing, "_is_protocol", False):
        return "", None
    made = signature_of(thing.__init__, bound_method=True)
    return stringify_signature(made, show_return_annotation=False), None


def setup(app):
    """Register parser, renderer and events; Sphinx calls it."""
    app.add_source_parser(AsItIs)
    app.add_search_language(EnglishAndJapanese)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("autodoc-process-docstring", plain)
    app.connect("autodoc-skip-member", skipped)
    app.connect("autodoc-process-signature", own)
    app.connect("source-read", complete)
    app.connect("doctree-resolved", opened)
    app.connect("html-page-context", in_language)
    app.connect("build-finished", finish)
