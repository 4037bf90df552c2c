"""Texts of the workflow's report in reStructuredText: captions, and the table of claims."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from batchf1.errors import check, keep_machine_error, raise_input_error
from batchf1.records.files import replacing

HEADING = "# The article's claims"
"""Heading of the section with the table of the article's claims."""
CLAIMS = [f"C{i}" for i in range(1, 11)]
OWN_HEADING = "## A claim of ours"
"""Heading of the section with the table of claims of our own."""
OWN_CLAIMS = ["O1"]


class Claim(NamedTuple):
    """Row of the table of claims, in Markdown."""

    number: str
    claim: str
    verdict: str
    rests_on: str


def claims(page: Path) -> list[Claim]:
    """Read the article's claims with their verdicts from the table in `docs/claims.md`.

    Its links to other pages lead there from the folder above.

    Raises `InputError` where the file cannot be read or its table is not of C1 to C10.
    """
    return _claims(page, HEADING, CLAIMS)


def own_claims(page: Path) -> list[Claim]:
    """Read the claims of our own, O1, as `claims` those of the article."""
    return _claims(page, OWN_HEADING, OWN_CLAIMS)


def _claims(page: Path, heading: str, wanted: Sequence[str]) -> list[Claim]:
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        keep_machine_error(error, page)
        raise_input_error(str(page), "must be a readable file", error)
    _, _, section = f"\n{text}".partition(f"\n{heading}\n")
    rows = [_cells(line) for line in section.partition("\n## ")[0].splitlines()]
    claimed = [row for row in rows if row and row[0] in wanted]
    numbers = [row[0] for row in claimed]
    rule = f"must have a row for each of {list(wanted)}"
    check(numbers == list(wanted), f"{page}: {heading}", rule, numbers)
    rule = "must have number, claim, verdict and reasons"
    for row in claimed:
        check(len(row) == 4, f"{page}: {row[0]}", rule, row)
    in_folder = re.compile(r"(?<=\]\()(?=\w+\.md)")
    return [
        Claim(*(in_folder.sub(f"{page.parent.name}/", cell) for cell in row)) for row in claimed
    ]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if "|" in line else []


def write_claims(path: Path, claims: Sequence[Claim]) -> None:
    """Write the claims as a table in reStructuredText."""
    rows = [Claim("", "claim", "verdict", "rests on"), *claims]
    options = ["   :header-rows: 1", "   :widths: 2 10 14 9"]
    lines = [".. list-table::", *options, "", *map(_row, rows)]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(claim: Claim) -> str:
    return "   * - " + "\n     - ".join(map(from_markdown, claim))


def write_caption(path: Path, headline: str, caption: str, origin: str, alt: str) -> None:
    """Write a figure's headline, alternative text, caption and provenance."""
    marked = ((headline, "**"), (alt, ""), (caption, ""), (origin, "*"))
    parts = [f"{mark}{escaped(text)}{mark}" for text, mark in marked if text]
    with replacing(path) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def from_markdown(text: str) -> str:
    """Convert a line of Markdown to reStructuredText: code, and links as plain text."""
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", _link, text)
    parts = text.split("`")
    code = [f"``{part}``" if i % 2 else escaped(part) for i, part in enumerate(parts)]
    return "".join(code)


def _link(match: re.Match[str]) -> str:
    """Return the text of a link, or its path if the text is only the file's name."""
    text, target = match.groups()
    return f"`{target}`" if Path(target).name == text else text


def escaped(text: str) -> str:
    """Escape the characters that are special in reStructuredText."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)
