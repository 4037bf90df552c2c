"""Text of a log as a person saved or pasted it: encoding, notebooks, colours, wrapped lines."""

from __future__ import annotations

import codecs
import html
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from batchf1.errors import raise_input_error
from batchf1.forensics.log_names import pairs, split_of


class Line(NamedTuple):
    """Piece of a line of the log between returns and backspaces, and the line's number from 1."""

    number: int
    text: str


BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks and the encoding that each announces; UTF-32's begin as UTF-16's do."""
CONTROLS = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
"""Characters that no log has: bytes that are not text decode to them in Latin-1."""
UNSEEN = re.compile(
    r"\x1b\][^\x07\x1b]{0,300}+(?:\x07|\x1b\\)"
    r"|(?:\x1b|\u241b|\^\[)\[[0-9;?]*+[A-Za-z]|\[[0-9;]{1,9}+m"
    r"|[\ufeff\u200b-\u200d\u2060]"
)
"""Terminal codes (also where ESC was lost), byte order marks and zero-width spaces."""
RETURN = re.compile(r"[\r\x08\x0b\x0c\u2028]++")
MAX_LENGTH = 500_000
"""Largest number of characters of a line that is read; a longer one is passed over."""
TOO_LONG = f"a line of more than {MAX_LENGTH:,} characters"
BAR_STARTS = re.compile(r"(?<!\d)(?=\d{1,99}+/\d{1,9}+\s?+[\[\u2501])")
"""Start of a bar: pasted bars may stand behind each other, without what returned the cursor."""
UNFINISHED = re.compile(r"\s*+(\d{1,99}+)/(\d{1,99}+)\s?+[\[\u2501]")
QUOTED = re.compile(r"^(?:\s*+(?:#|>|//))++\s*+")
MARKUP = re.compile(r"\*\*|`|</?(?:b|br|code|em|i|p|pre|span|strong)(?:\s[^<>]{0,200}+)?/?>")
STRING = re.compile(r'"((?:[^"\\\n]++|\\.)*+)"')
WRAPPED = re.compile(
    r"\b(?:(?:np|numpy)\.float\d\d|(?:tf\.)?[Tt]ensor|array)\(([^()\s,]{1,40}+)[^()]{0,80}+\)"
)


def decode(data: bytes, name: str = "LOG") -> str:
    """Decode a file: by its byte order mark, else as UTF-8, UTF-16 or Latin-1.

    Raises `InputError` for bytes that are no text in the encoding that they announce, or in any.
    """
    announced = next((encoding for bom, encoding in BOMS if data.startswith(bom)), None)
    even, odd = (data[start:2000:2].count(0) for start in (0, 1))  # of UTF-16 the upper halves
    null = even + odd > len(data[:2000]) / 4
    utf_16 = ["utf-16-be" if even > odd else "utf-16-le"] * null
    for encoding in [announced] if announced else [*utf_16, "utf-8"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not null or announced or not CONTROLS.search(text[:2000]):
            return text
    text = data.decode("latin-1")
    if announced or CONTROLS.search(text):
        tried = announced.upper() if announced else "UTF-8, UTF-16 or Latin-1"
        raise_input_error(name, f"must be a text file; its bytes are no {tried} text")
    return text


def split_lines(text: str) -> list[Line]:
    """Split a log, or the outputs of a notebook, into pieces that are not empty.

    Colours, marks of comments, quotations and bold type go; lines that mail has wrapped are one
    again, with the number of the first.
    """
    lines: list[Line] = []
    for number, physical in enumerate(notebook_outputs(text).split("\n"), 1):
        for piece in _pieces(physical):
            if lines and _continues(lines[-1].text, piece):
                joined = f"{lines[-1].text} {piece}"
                lines[-1] = Line(lines[-1].number, joined)
            else:
                lines.append(Line(number, piece))
    return lines


def _pieces(line: str) -> Iterator[str]:
    """Yield what a line shows, one text per screen; of unfinished bars the last of the line."""
    screens = []
    for screen in RETURN.split(line.replace("^H", "\b").replace("^M", "\r")):
        if len(screen) > MAX_LENGTH:
            screens.append(TOO_LONG)
            continue
        text = MARKUP.sub("", UNSEEN.sub("", screen))
        text = html.unescape(text) if "&" in text else text
        screens += BAR_STARTS.split(WRAPPED.sub(r"\1", text) if "(" in text else text)
    for i, screen in enumerate(screens, 1):
        bar = UNFINISHED.match(screen) if i < len(screens) else None
        shown = "" if bar and not bar[1].endswith(bar[2]) else QUOTED.sub("", screen).strip()
        if shown:
            yield shown


BAR_ALONE = re.compile(r"(?:^|\s)\d{1,99}+/\d{1,99}+(?:\s*+\[[=>.]*+\])?+$")
BEGINS_VALUE = re.compile(r"\d*+[.,]?\d++(?:e[+-]?\d++)?+%?+(?:\s|$)")
BEGINS_METRIC = re.compile(r"(?:-\s++)?+[A-Za-z_][\w-]*+:\s")


def _continues(before: str, line: str) -> bool:
    """Return True if mail has wrapped the line before, a progress line, in front of this one."""
    if " - " not in before and not BAR_ALONE.search(before):
        return False
    if BAR_ALONE.search(before):
        return line.startswith(("- ", "["))
    if before.endswith(":"):
        return BEGINS_VALUE.match(line) is not None
    if before.endswith(" -"):
        return BEGINS_METRIC.match(line) is not None or re.match(r"\d++m?s\b", line) is not None
    if not (line.startswith("- ") and BEGINS_METRIC.match(line)):
        return False
    had, new = ({name for name, _ in pairs(part)} for part in (before, line))
    bases = {split_of(name)[1] for name in had | new if split_of(name)[0] is None}
    validated = {split_of(name)[1] for name in new if split_of(name)[0]}
    return not had & new and validated <= bases  # else a callback prints metrics of its own


def notebook_outputs(text: str) -> str:
    """Return the text of a notebook's outputs, or of a part of its file; else the text itself."""
    text = text.replace("\r\n", "\n")
    start = text.lstrip("\ufeff \t\n")
    if start.startswith("{"):
        try:
            document = json.loads(start)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and ("cells" in document or "worksheets" in document):
            return "".join(_outputs(document))
    if '"output_type"' in text or '"text": [' in text or '\\n",\n' in text:
        return "".join(_unescaped(match[1]) for match in STRING.finditer(text))
    return text


def _outputs(document: dict[str, Any]) -> Iterator[str]:
    cells = document.get("cells", [])
    for sheet in document.get("worksheets", []):
        cells = [*cells, *sheet.get("cells", [])]
    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", output)
            for part in (output.get("text"), data.get("text/plain")):
                if part:
                    yield "".join(part).rstrip("\n") + "\n"


def _unescaped(text: str) -> str:
    try:
        plain = str(json.loads(f'"{text}"'))
    except ValueError:
        return ""
    return plain if plain.endswith("\n") or len(plain) > 40 else f"{plain}\n"
