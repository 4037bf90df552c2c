"""Table of `docs/frameworks.md`, from the measured rows."""

from __future__ import annotations

from pathlib import Path

from batchf1.auditing.report import MEANING
from batchf1.studies.frameworks.others import samples
from batchf1.studies.frameworks.page import table, write_page
from batchf1.studies.frameworks.rows import LogRow

HEADER = ["framework", "version", "what one writes", "logged", "rule", "right?", "instead"]


def write(rows: list[LogRow], folder: str | Path) -> None:
    """Write `frameworks.csv` and the table of `frameworks.md`, each completely or not at all.

    Raises `InputError` where the page or its markers are missing, or a file cannot be written.
    """
    write_page(rows, render(rows), Path(folder) / "frameworks.md")


def render(rows: list[LogRow]) -> str:
    """Return a table in Markdown, with a line for each way to log F1."""
    ways: dict[tuple[str, str], list[LogRow]] = {}
    for row in rows:
        ways.setdefault((row.framework, row.written), []).append(row)
    return table(HEADER, map(_line, ways.values()))


def _line(cuts: list[LogRow]) -> list[str]:
    first = cuts[0]
    logged = "; ".join(_number(row) for row in cuts)
    rule = f"{_rule(cuts)}{_samples(first)}"
    return [first.framework, first.version, first.written, logged, rule, first.right, first.instead]


def _number(row: LogRow) -> str:
    right = row.logged == row.pooled
    return f"{row.logged:.3f}" if right else f"{row.logged:.3f} for {row.pooled:.3f}"


def _rule(cuts: list[LogRow]) -> str:
    """Describe the rule; if no rule fits all batchings, one that fits each of them."""
    if cuts[0].rule:
        return f"{MEANING[cuts[0].rule]} (`{cuts[0].rule}`)"
    some = [f"`{row.fits.split()[0]}` on {row.batches}" for row in cuts if row.fits]
    return "; ".join(["none on all cuts", *some])


def _samples(row: LogRow) -> str:
    """Describe missing or repeated samples."""
    seen = [int(sample) for sample in row.seen.replace("/", " ").replace("|", " ").split()]
    lacking = set(range(samples(row.batches))) - set(seen)
    if lacking:
        return ", of its own samples alone"
    epochs, over = divmod(len(seen), samples(row.batches))
    if over:
        return ", with a sample counted twice"
    return f", over {epochs} epochs" if epochs > 1 else ""
