"""Tables of `docs/averaging.md`, from the measured rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from batchf1.errors import check, raise_path_error
from batchf1.programs.keras_metrics import RETURNED
from batchf1.studies.frameworks.rows import FRAMEWORKS, RULES, MetricRow, Row, Rule


def write(rows: list[MetricRow], folder: str | Path) -> None:
    """Write `averaging.csv` and the tables of `averaging.md`, each completely or not at all.

    Raises `InputError` where the page or its markers are missing, or a file cannot be written.
    """
    write_page(rows, render(rows), Path(folder) / "averaging.md")


def write_page(rows: Sequence[Row], tables: str, page: Path) -> None:
    """Write rows as CSV, and their tables between the markers of a page, completely or not at all.

    Parameters
    ----------
    rows
        Rows of one kind.
    tables
        The same in Markdown.
    page
        File with the lines `BEGIN` and `END`; the CSV gets its name.

    Raises
    ------
    InputError
        Where the page or its markers are missing, or a file cannot be written.
    """
    import pandas as pd

    from batchf1.records.files import replacing
    from batchf1.records.tables import write_csv

    try:
        before = page.read_text(encoding="utf-8")
    except OSError as error:
        raise_path_error(page, "must be a readable file", error)
    after = _with_tables(before, tables, page)
    write_csv(pd.DataFrame([vars(row) for row in rows]), page.with_suffix(".csv"))
    with replacing(page) as temporary:
        temporary.write_text(after, encoding="utf-8")


BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def _with_tables(page: str, tables: str, path: Path) -> str:
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    check(bool(begin and end), str(path), f"needs the lines {BEGIN} and {END}", "neither")
    return f"{head}{BEGIN}\n\n{tables}\n{END}{tail}"


class Line(NamedTuple):
    """Line of a table: its first cell, and the values of `Row` that select its rows."""

    text: str
    weights: tuple[str, ...]
    labels: str = "column"


LINES = {
    "metrics": Line("`metrics`", ("none",)),
    "weighted": Line(
        "`weighted_metrics`, with `sample_weight`", ("weighted_metrics", "weighted_metrics_zero")
    ),
    "flat": Line("`metrics`, labels of shape (n,)", ("none",), "flat"),
}
SHAPE_OF = {
    "sum": "counts, each a sum",
    "mean": "counts, each a mean",
    "per_sample": "counts per sample",
    "f1": "F1",
}
WHY = {
    ("sum", "per_sample"): "a short last batch counts too little",
    ("mean", "per_batch"): "a short last batch counts too much",
    ("f1", "per_batch"): "F1 does not average",
    ("f1", "per_sample"): "F1 does not average",
}
"""(returned, rule) -> why the F1 is wrong."""


def render(rows: list[MetricRow]) -> str:
    """Return two tables in Markdown: whether F1 is right, and how values are averaged."""
    versions = {row.framework: row.version for row in rows}
    header = ["put into", "it returns"]
    header += [f"{name} {versions[framework]}" for framework, name in FRAMEWORKS.items()]
    one = [[returned] for returned in RETURNED]
    first, weighted, flat = (
        [_line(rows, line, returned, _verdict) for returned in one] for line in LINES.values()
    )
    verdicts = [*first, *map(_difference, flat, first), *weighted]
    shapes = (["sum", "mean", "f1"], ["per_sample"])
    lines = (LINES["metrics"], LINES["weighted"])
    rules = [_line(rows, line, shape, _rule) for line, shape in product(lines, shapes)]
    return f"{table(header, verdicts)}\n{table(header, rules)}"


def table(header: list[str], lines: Iterable[list[str]]) -> str:
    """Return a table in Markdown: a header, and lines with as many cells."""
    cells = [header, ["---"] * len(header), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _line(
    rows: list[MetricRow], line: Line, returned: list[str], text: Callable[[list[MetricRow]], str]
) -> list[str]:
    chosen = [
        row
        for row in rows
        if row.returned in returned and row.weights in line.weights and row.labels == line.labels
    ]
    shape = SHAPE_OF[returned[0]] if len(returned) == 1 else "a scalar"
    frameworks = ([row for row in chosen if row.framework == name] for name in FRAMEWORKS)
    return [line.text, shape, *(_cell(part, text) for part in frameworks)]


def _difference(line: list[str], other: list[str]) -> list[str]:
    """Return the line with `same` for each framework that equals the other line."""
    pairs = zip(line[2:], other[2:], strict=True)
    return [*line[:2], *("same" if here == there else here for here, there in pairs)]


def _cell(rows: list[MetricRow], text: Callable[[list[MetricRow]], str]) -> str:
    """Return the text, or one for each call and split where these differ."""
    parts: dict[str, list[MetricRow]] = {}
    for row in rows:
        parts.setdefault(f"{row.call}, {row.split}", []).append(row)
    texts = {where: text(part) for where, part in parts.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{where}: {part}" for where, part in texts.items())


def _verdict(rows: list[MetricRow]) -> str:
    if rows[0].raises:
        return f"raises `{rows[0].raises}`"
    wrong = [row for row in rows if not _right(row)]
    if not wrong:
        return "exact"
    first = wrong[0]
    target = first.true_f1 if first.weights == "none" else first.weighted_f1
    numbers = f"wrong: {first.f1:.2f} for {target:.2f}"
    if all(row.weights == "weighted_metrics_zero" for row in wrong):
        return f"exact, but with a weight of 0 {numbers}"
    return f"{numbers}, {_why(first)}"


def _why(row: MetricRow) -> str:
    if row.rule == "other" and row.labels == "flat":
        return "(n,) against (n, 1) makes (n, n)"
    return WHY.get((row.returned, row.rule), "the weights reach only whole batches")


def _right(row: MetricRow) -> bool:
    """Return True if the F1 is the one asked for: weighted where weights are used."""
    return row.exact == ("unweighted" if row.weights == "none" else "weighted")


def _rule(rows: list[MetricRow]) -> str:
    if rows[0].raises:
        return f"raises `{rows[0].raises}`"
    rules = dict.fromkeys(row.rule for row in rows)
    vector = rows[0].returned == "per_sample"
    return " or ".join(_words(rule, vector) for rule in rules)


def _words(rule: str, vector: bool) -> str:
    words = RULES.get(rule, Rule(rule, rule))
    return words.of_vectors if vector else words.of_scalars
