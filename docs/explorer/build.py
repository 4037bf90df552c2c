"""Make docs/explorer.html of the files beside this one: `python docs/explorer/build.py`.

One file that opens from disk, where a browser loads no module from another file. So the modules
go into one script without their imports and exports; a name is thus used at the top of one only.
Its links lead to the site, whose address is `Documentation` in `project.urls` of `pyproject.toml`;
without an address there are none.
"""

import html
import json
import re
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "explorer.html"
MODULES = (
    *("numbers", "laws", "metrics", "spread", "expectation", "search", "simulate", "texts"),
    *("state", "draw", "words", "pictures", "answer", "widgets", "page"),
)
LANGUAGES = ("en", "ja")
SNIPPETS = {
    "keras3": "Keras 3",
    "tf-keras": "tf-keras",
    "torchmetrics": "PyTorch with torchmetrics",
    "lightning": "Lightning",
}
LINKS = {"theory": "link-theory", "decisions": "link-decisions", "flat_labels": "link-flat"}


def address() -> str:
    """Return the site's address without a slash at the end, empty while it is not known."""
    text = (HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    urls: dict[str, str] = tomllib.loads(text)["project"].get("urls", {})
    return urls.get("Documentation", "").rstrip("/")


def texts() -> dict[str, dict[str, str]]:
    """Return the page's texts by language and name."""
    return {
        language: json.loads((HERE / f"texts/{language}.json").read_text(encoding="utf-8"))
        for language in LANGUAGES
    }


def built(site: str) -> str:
    """Return the page with links to the site of this address; none if it is empty."""
    said = texts()
    parts = {
        "/* style.css */": (HERE / "style.css").read_text(encoding="utf-8").strip(),
        "<!-- snippets -->": "\n".join(map(_snippet, SNIPPETS)),
        "<!-- links -->": _links(site),
        "/* texts */": json.dumps(said, ensure_ascii=False).replace("</", r"<\/"),
        "/* script */": "\n".join(map(_module, MODULES)),
    }
    page = (HERE / "page.html").read_text(encoding="utf-8")
    for place, text in parts.items():
        before, after = page.split(place)
        page = before + text + after
    english = said["en"] | {"site": html.escape(site)}
    return re.sub(r"\{\{([\w-]+)\}\}", lambda found: english[found[1]], page)


def _module(name: str) -> str:
    text = (HERE / f"{name}.js").read_text(encoding="utf-8")
    text = re.sub(r"^import \{[^}]*\} from \"[^\"]*\";\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE).strip()


def _links(site: str) -> str:
    links = " · ".join(
        f'<a href="{html.escape(site)}/docs/{page}.html" data-t="{text}">{{{{{text}}}}}</a>'
        for page, text in LINKS.items()
    )
    return f'<span data-t="links">{{{{links}}}}</span> {links}' if site else ""


def _snippet(name: str) -> str:
    code = html.escape((HERE / "snippets" / f"{name}.txt").read_text(encoding="utf-8").strip())
    title = SNIPPETS[name]
    return (
        f'<div class="code" data-framework="{name}"><div>{title} <button type="button" '
        f'class="copy" data-copy="code-{name}" data-t="copy" data-t-label="code-of" '
        f'data-name="{title}" aria-label="Copy the code for {title}">{{{{copy}}}}</button></div>'
        f'<pre tabindex="0" role="group" aria-label="{title}">'
        f'<code id="code-{name}">{code}</code></pre></div>'
    )


if __name__ == "__main__":
    PAGE.write_text(built(address()), encoding="utf-8")
