"""The contract of a figure: a module with `table(source, ...)` and `draw(table)`.

The first makes the numbers, the second the picture. Neither trains: `source` is the table of a
study or an experiment file, and `draw` sees nothing but the numbers of `table`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from batchf1.config import registry
from batchf1.errors import check
from batchf1.records import files, provenance_of_file


class Figure(Protocol):
    """What a module of this package offers."""

    ALT: str
    """What the picture shows, for those who do not see it; no numbers of its table."""

    COLUMNS: Mapping[str, str]
    """Column of its table that `draw` needs -> `number`, `text` or `flag`."""

    def table(self, *sources: Path) -> pd.DataFrame:
        """The numbers behind the figure."""

    def draw(self, table: pd.DataFrame) -> Any:
        """The figure, a `matplotlib.figure.Figure`."""


def module(name: str) -> Figure:
    """The module of a figure, by name or import path."""
    found: Figure = registry.load(registry.FIGURES, name)
    lacking = [part for part in ("ALT", "COLUMNS", "table", "draw") if not hasattr(found, part)]
    rule = "must have ALT, COLUMNS, table and draw"
    check(not lacking, f"figure {name}", rule, f"no {lacking}")
    return found


KINDS = (".pdf", ".png")
"""What figures are drawn as."""


def table(name: str, sources: Sequence[Path]) -> pd.DataFrame:
    """The numbers behind a figure; `InputError` where it is made from more or fewer files."""
    compute = module(name).table
    wanted = list(inspect.signature(compute).parameters)
    given = [str(source) for source in sources]
    check(len(given) == len(wanted), f"figure {name}", f"must be made from {wanted}", given)
    return compute(*sources)


def draw(name: str, source: Path, outputs: Sequence[Path]) -> tuple[str, str, str]:
    """Draw a figure from its CSV into each of the output files, byte for byte repeatable.

    What the CSV was made from (see `records.whence`) goes into the files, too. Returns the figure's
    headline, which says what to conclude, its caption, and what it was made from in a line; a
    figure without a headline has the question of its study as one. Raises `InputError` for a file
    that is no such CSV, or not the one that its record (`X.json`) was written for, and for an
    output of another kind.
    """
    from matplotlib import pyplot as plt

    from batchf1.figures import _read_csv, _style, _words

    plot = module(name)
    for output in outputs:
        check(output.suffix in KINDS, str(output), f"must end in one of {KINDS}", output.name)
    files.read(source)  # one that cannot be read is refused as such
    numbers = _read_csv.read(source, plot.COLUMNS, f"figure {name}")
    record = provenance_of_file.of_csv(source)
    with _style.apply_style():
        figure = _words.completed(plot.draw(numbers), record, plot.ALT)
        for output in outputs:
            _style.save(figure, output, provenance_of_file.embedded(record))
        words = _style.words(figure)
        plt.close(figure)
    return *words, provenance_of_file.summary(record)
