"""The site: built without a warning, whole, and on nobody else's host."""

import ast
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from helpers.once import made_once

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "src/batchf1"
PACKAGES = ("metrics", "theory", "forensics", "auditing")
EXPLORER = "docs/explorer.html"
pytestmark = pytest.mark.slow  # to build it takes half a minute; `make docs` does so too
UNREAD = {"script", "style", "code", "pre"}


class Page(HTMLParser):
    """What a page links to and loads, its places, and its text outside of code."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.places, self.text, self.unread = [], [], {""}, "", 0
        self.formulas = self.pages = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places.add(given.get("id"))
        self.unread += tag in UNREAD
        self.formulas += tag == "math"
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif "href" in given or "src" in given:
            self.loads.append(given.get("href") or given["src"])

    def handle_endtag(self, tag):
        self.unread -= tag in UNREAD

    def handle_data(self, data):
        self.text += "" if self.unread else data


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    words = ["-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-c", "docs", "-d"]

    def make(out):
        done = subprocess.run(
            [sys.executable, *words, f"{out}/read", ".", f"{out}/pages"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")

    return made_once(tmp_path_factory, "site", make) / "pages"


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Page(path) for path in site.rglob("*.html")}


@cache
def names_of(path):
    """Public classes and functions of a module, or those that its `__all__` lists."""
    body = ast.parse(path.read_text()).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    defined = [node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [node.name for node in defined if not node.name.startswith("_")]


def followed(site, page, link):
    """The file, as the site names it, and the place in it that a link of a page leads to."""
    parts = urlsplit(link)
    path = (site / page).parent / unquote(parts.path) if parts.path else site / page
    return path.resolve().relative_to(site).as_posix(), unquote(parts.fragment)


def test_every_link_leads_somewhere_and_every_picture_is_there(site, pages):
    lost = []
    for page, read in pages.items():
        for link in [*read.links, *read.loads]:
            if re.match(r"https?:|data:", link):
                continue
            path, place = followed(site, page, link)
            known = path not in pages or path == EXPLORER or place in pages[path].places
            if not (site / path).is_file() or not known:
                lost.append(f"{page} -> {link}")
    assert not lost
    assert sum(load.endswith(".png") for read in pages.values() for load in read.loads) >= 9


def test_nothing_is_loaded_from_another_host(site, pages):
    loads = [load for read in pages.values() for load in read.loads]
    loads += [
        found[0] or found[1]
        for path in site.rglob("*.css")
        for found in re.findall(r"""url\(["']?([^"')]+)|@import\s+["']([^"']+)""", path.read_text())
    ]
    assert len(loads) > 100
    assert not [load for load in loads if re.match(r"(https?:)?//", load)]


def test_mathematics_is_drawn(site, pages):
    raw = {
        page: found
        for page, read in pages.items()
        if page != EXPLORER and (found := re.findall(r"\$[^$\n]*\$|\\[a-zA-Z]+|\$\$", read.text))
    }
    assert not raw
    source = (REPOSITORY / "docs/theory.md").read_text().replace("$$", "$")
    assert pages["docs/theory.html"].formulas == source.count("$") // 2 > 100
    assert (site / "_static/math.woff").stat().st_size > 100_000


def test_every_page_is_in_the_contents(site, pages):
    written = {path.relative_to(REPOSITORY) for path in REPOSITORY.glob("docs/**/*.md")}
    written |= {
        Path(name) for name in ("README.md", "README.ja.md", "CONTRIBUTING.md", "CHANGELOG.md")
    }
    expected = {path.with_suffix(".html").as_posix() for path in written}
    listed = (site / "index.html").read_text().split('class="sidebar-tree"')[1].split("<article")[0]
    linked = {
        link.partition("#")[0] or "README.html" for link in re.findall('href="([^"]*)"', listed)
    }
    assert expected - linked == set()
    assert (site / "index.html").read_text() == (site / "README.html").read_text()


def test_the_explorer_is_a_page(site, pages):
    made = (REPOSITORY / EXPLORER).read_text()
    text = (site / EXPLORER).read_text()
    assert text.split("<script")[2:] == made.split("<script")[2:]
    assert EXPLORER in pages["index.html"].links
    assert any(link.endswith("docs/theory.html") for link in pages[EXPLORER].links)


def test_each_figure_is_in_the_gallery(pages):
    shown = {Path(unquote(load)).stem for load in pages["docs/gallery.html"].loads}
    made = {path.stem for path in (REPOSITORY / "figures").glob("*.png")}
    assert made <= shown
    linked = {Path(link).name for link in pages["docs/gallery.html"].links}
    assert linked >= {f"{name}.csv" for name in made} | {f"{name}.pdf" for name in made}


def test_the_japanese_page_has_its_language(site):
    first = '<html[^>]* lang="(..)"'
    languages = {
        path.name: re.search(first, path.read_text())[1] for path in site.glob("README*.html")
    }
    assert languages == {"README.html": "en", "README.ja.html": "ja"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("評価", "README.ja.html"),
        ("バッチごと 平均", "README.ja.html"),
        ("glossary", "docs/glossary"),
    ],
)
def test_the_search_finds_words_of_both_languages(browser, site, words, page):
    opened = browser.new_page()
    opened.goto(f"{(site / 'search.html').as_uri()}?q={quote(words)}")
    found = opened.locator("#search-results li a")
    found.first.wait_for(timeout=60_000)
    links = [found.nth(i).get_attribute("href") for i in range(found.count())]
    assert any(page in link for link in links)
    opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_tables_scroll_within_the_page(browser, site, width):
    opened = browser.new_page(viewport={"width": width, "height": 844})
    for page in ("index", "README.ja", "docs/gallery", "docs/tables", "docs/frameworks"):
        opened.goto((site / f"{page}.html").as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, page
        scrolls = """all => all.filter(x => x.scrollWidth > x.clientWidth).map(x => x.tabIndex)"""
        assert set(opened.eval_on_selector_all(".table-wrapper, pre", scrolls)) <= {0}, page
    opened.close()


@pytest.mark.parametrize("package", ["batchf1", "batchf1.keras"])
def test_the_api_has_what_users_import(pages, package):
    folder = package.removeprefix("batchf1").strip(".")
    names = names_of(PACKAGE / folder / "__init__.py")
    assert len(names) >= 7
    page = pages[f"docs/api/{folder or 'batchf1'}.html"]
    assert {f"{package}.{name}" for name in names} <= page.places


@pytest.mark.parametrize("package", PACKAGES)
def test_the_api_has_every_public_name_of_a_room(pages, package):
    names = {
        f"batchf1.{package}.{path.stem}.{name}"
        for path in (PACKAGE / package).glob("[!_]*.py")
        for name in names_of(path)
    }
    assert len(names) > 10
    assert names <= pages[f"docs/api/{package}.html"].places


@pytest.mark.parametrize(
    "contract",
    [
        "datasets.base.Dataset",
        "figures.base.Figure",
        "keras.base.Strategy",
        "training.base.Framework",
    ],
)
def test_the_api_has_the_contracts_of_plug_ins(pages, contract):
    assert f"batchf1.{contract}" in pages["docs/api/plugins.html"].places


def test_signatures_are_those_of_the_source(site):
    for path in (site / "docs/api").glob("*.html"):
        signs = re.findall(r'<dt class="sig.*?</dt>', path.read_text(), flags=re.S)
        assert signs
        said = re.sub("<[^>]+>", "", "".join(signs))
        assert not re.findall(r"dtype\[|_NestedSequence|\(\*args: Any", said), path.name
        assert "Alias for field" not in path.read_text()
