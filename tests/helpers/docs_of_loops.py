"""The programs of docs/audit.md, and the warnings that it shows under them."""

import re


def code_of(page, title):
    """The program of the section whose title begins so."""
    return re.search(r"```python\n(.*?)```", _section(page, title), re.DOTALL)[1]


def warning_of(page, title):
    """The indented text of the section, on one line."""
    lines = re.search(r"\n((?:    BatchAveraged.*\n)(?:    .*\n)*)", _section(page, title))[1]
    return " ".join(lines.split())


def _section(page, title):
    return page.split(f"\n## {title}")[1].split("\n## ")[0]
