"""Make docs/explorer.html of the files beside this one: `python docs/explorer/build.py`.

One file that opens from disk, where a browser loads no module from another file. So the modules
go into one script without their imports and exports; a name is thus used at the top of one only.
"""

import html
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "explorer.html"
MODULES = (
    *("numbers", "laws", "metrics", "spread", "expectation", "search", "simulate"),
    *("state", "draw", "words", "pictures", "widgets", "page"),
)
SNIPPETS = {
    "keras3": "Keras 3",
    "tf-keras": "tf-keras",
    "torchmetrics": "PyTorch with torchmetrics",
    "lightning": "Lightning",
}


def built() -> str:
    """Return the page."""
    page = (HERE / "page.html").read_text(encoding="utf-8")
    parts = {
        "/* style.css */": (HERE / "style.css").read_text(encoding="utf-8").strip(),
        "<!-- snippets -->": "\n".join(map(_snippet, SNIPPETS)),
        "/* script */": "\n".join(map(_module, MODULES)),
    }
    for place, text in parts.items():
        before, after = page.split(place)
        page = before + text + after
    return page


def _module(name: str) -> str:
    text = (HERE / f"{name}.js").read_text(encoding="utf-8")
    text = re.sub(r"^import \{[^}]*\} from \"[^\"]*\";\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE).strip()


def _snippet(name: str) -> str:
    code = html.escape((HERE / "snippets" / f"{name}.txt").read_text(encoding="utf-8").strip())
    title = SNIPPETS[name]
    return (
        f'<div class="code" data-framework="{name}"><div>{title} <button type="button" '
        f'class="copy" data-copy="code-{name}" aria-label="Copy the code for {title}">Copy</button>'
        "</div>"
        f'<pre tabindex="0" aria-label="{title}"><code id="code-{name}">{code}</code></pre></div>'
    )


if __name__ == "__main__":
    PAGE.write_text(built(), encoding="utf-8")
