"""Lines of a log: what each is, and the values taken from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from batchf1.forensics.log_names import Name, name_of, pairs, plain
from batchf1.forensics.log_text import Line

HEADER = re.compile(
    r"Train (?:on|for) (\d{1,9}) (samples|steps)"
    r"(?:, validate (?:on|for) (\d{1,9}) (samples|steps))?"
)
PROGRESS = re.compile(r"(?:^|\s)(\d{1,99})/(\d{1,99})\s*+(\[|━|-\s)")
EPOCH = re.compile(r"^Epoch:?\s++(\d{1,9})(?:\s?/\s?\d{1,9})?+:?$", re.IGNORECASE)
IN_EPOCH = re.compile(r"^\W*+epoch:?\s*+\[?\d++(?:\s?/\s?\d++)?+\]?", re.IGNORECASE)
VERBOSE_2 = re.compile(r"^-\s\d++m?s\b")
CALLBACK = re.compile(
    r"did not improve|improved from|saving model|early stopping|restoring model|reducelronplateau",
    re.IGNORECASE,
)
SERIES = re.compile(r"(?<![\w-])([A-Za-z_][\w-]*+)['\"]?+\s*+[:=]\s*+\[([^\[\]]*+)\]")
REPORT = re.compile(r"^precision\s++recall\s++f1-score\s++support$")
MATRIX = re.compile(r"\[\s?+\[([\d.,\s\[\]e+-]*+)(?<=\])")


class Value(NamedTuple):
    """Printed value: what its name means, the name as printed, and the digits."""

    meaning: Name
    name: str
    text: str


class Entry(NamedTuple):
    """Line, or several that belong together, with the kind and the values.

    Attributes
    ----------
    number : int
        Number of the first line, from 1.
    kind : str
        epoch, header, unfinished, callback, progress, series, line, block (lines with a loss),
        report, matrix or other.
    text : str
        The lines, one of a block after the other.
    values : list of Value
        Metrics in the order printed; empty for kinds without.
    total : int, optional
        Number that a complete bar counts up to.
    """

    number: int
    kind: str
    text: str
    values: list[Value]
    total: int | None = None


def entries(lines: Sequence[Line]) -> list[Entry]:
    """Classify the lines of a log; those of a report, a matrix or a list of metrics are one."""
    single = [line if isinstance(line, Entry) else _entry(line) for line in _with_tables(lines)]
    found: list[Entry] = []
    i = 0
    while i < len(single):
        end = _end_of_block(single, i)
        found.append(_block(single[i:end]) if end - i > 1 else single[i])
        i = max(end, i + 1)
    return found


def _block(lines: Sequence[Entry]) -> Entry:
    text = "\n".join(line.text for line in lines)
    return Entry(lines[0].number, "block", text, [v for line in lines for v in line.values])


def _entry(line: Line) -> Entry:
    number, text = line
    if CALLBACK.search(text):
        return Entry(number, "callback", text, [])
    if HEADER.search(text):
        return Entry(number, "header", text, [])
    if EPOCH.match(text):
        return Entry(number, "epoch", text, [])
    bar = PROGRESS.search(IN_EPOCH.sub("", text))
    if "ETA:" in text or (bar and not bar[1].endswith(bar[2])):
        return Entry(number, "unfinished", text, [])
    series = [(name, values) for name, values in SERIES.findall(text) if "," in values]
    if len(series) > 1:
        values = [Value(name_of(n), n, plain(v.strip())) for n, vs in series for v in vs.split(",")]
        return Entry(number, "series", text, values)
    values = [Value(name_of(name), name, value) for name, value in pairs(text)]
    values = [value for value in values if value.meaning.kind]
    if bar or VERBOSE_2.match(text):
        return Entry(number, "progress", text, values, int(bar[2]) if bar else None)
    losses = any(value.meaning.kind == "loss" for value in values)
    kind = "progress" if losses and len(values) > 1 else "line" if values else "other"
    return Entry(number, kind, text, values)


def _end_of_block(entries: Sequence[Entry], i: int) -> int:
    """Return the index after a list of metrics with a loss, one a line, that begins at `i`."""
    end, names = i, set()
    while end < len(entries) and entries[end].kind == "line" and len(entries[end].values) == 1:
        name = entries[end].values[0].name
        if name in names:
            break
        names.add(name)
        end += 1
    losses = any(entry.values[0].meaning.kind == "loss" for entry in entries[i:end])
    return end if losses else i


def _with_tables(lines: Sequence[Line]) -> Iterator[Line | Entry]:
    """Yield the lines, those of a report or a confusion matrix put together."""
    i = 0
    while i < len(lines):
        end = _end_of_table(lines, i)
        if end > i:
            text = "\n".join(line.text for line in lines[i:end])
            kind = "matrix" if MATRIX.search(text) else "report"
            yield Entry(lines[i].number, kind, text, [])
            i = end
        else:
            yield lines[i]
            i += 1


def _end_of_table(lines: Sequence[Line], i: int) -> int:
    """Return the index after the report or matrix that begins at line `i`, or `i`."""
    text = lines[i].text
    if REPORT.match(text):
        end = i + 1
        while end < len(lines) and re.search(r"(?:\s++\d++(?:\.\d++)?+){2,4}$", lines[end].text):
            end += 1
        return end
    if re.search(r"\[\s?\[", text):
        for end in range(i + 1, min(i + 40, len(lines) + 1)):
            if lines[end - 1].text.rstrip(")").endswith("]]"):
                shown = "\n".join(line.text for line in lines[i:end])
                return end if MATRIX.search(shown) else i
    return i
