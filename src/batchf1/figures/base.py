"""Contract of a figure: a module with `table(source, ...)` and `draw(table)`.

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
from batchf1.records.columns import Column


class Figure(Protocol):
    """Attributes of a module of this package."""

    ALT: str
    """What the picture shows, for those who do not see it; no numbers of its table."""

    COLUMNS: Mapping[str, Column | str]
    """Column of its table that `draw` needs -> `number`, `text` or `flag`, or a description.

    A description, of `batchf1.records.columns`, states the allowed values too. The figures of this
    package have `SCHEMA`, a description of the whole table, and `COLUMNS` from it.
    """

    def table(self, *sources: Path) -> pd.DataFrame:
        """Return the numbers behind the figure, with the columns of `COLUMNS` at least."""

    def draw(self, table: pd.DataFrame) -> Any:
        """Draw the figure, a `matplotlib.figure.Figure`."""


def module(name: str) -> Figure:
    """Return the module of a figure.

    Parameters
    ----------
    name : str
        Name of a registered figure, or import path of a module.

    Raises
    ------
    InputError
        If there is no such module, or it lacks a part of `Figure`.
    """
    figure_module: Figure = registry.load(registry.FIGURES, name)
    lacking = [
        part for part in ("ALT", "COLUMNS", "table", "draw") if not hasattr(figure_module, part)
    ]
    rule = "must have ALT, COLUMNS, table and draw"
    check(not lacking, f"figure {name}", rule, f"no {lacking}")
    return figure_module


KINDS = (".pdf", ".png")
"""Suffixes of the files that figures are drawn to."""


def table(name: str, sources: Sequence[Path]) -> pd.DataFrame:
    """Return the numbers behind a figure.

    Parameters
    ----------
    name : str
        Name or import path of the figure.
    sources : sequence of Path
        Files that it is made from, as many as its `table` has parameters.

    Returns
    -------
    pandas.DataFrame
        Table that is written as `figures/X.csv`.

    Raises
    ------
    InputError
        If there are more or fewer files.
    """
    compute = module(name).table
    parameters = list(inspect.signature(compute).parameters)
    given = [str(source) for source in sources]
    check(len(given) == len(parameters), f"figure {name}", f"must be made from {parameters}", given)
    return compute(*sources)


def draw(name: str, source: Path, outputs: Sequence[Path]) -> tuple[str, str, str]:
    """Draw a figure from its CSV into each of the output files, reproducible byte for byte.

    The files contain the provenance of the CSV (see `records.provenance_of_file`), too.

    Parameters
    ----------
    name : str
        Name or import path of the figure.
    source : Path
        CSV that `table` made.
    outputs : sequence of Path
        Files to draw to, each with a suffix of `KINDS`.

    Returns
    -------
    headline, caption, provenance : str
        A line each; a figure without a headline has the question of its study as one.

    Raises
    ------
    InputError
        If the CSV is not of this figure, or not the one that its record (`X.json`) was written
        for, or if an output has another suffix.
    """
    from matplotlib import pyplot as plt

    from batchf1.figures import _read_csv, _words, style

    plot = module(name)
    for output in outputs:
        check(output.suffix in KINDS, str(output), f"must end in one of {KINDS}", output.name)
    files.read(source)  # one that cannot be read is refused as such
    numbers = _read_csv.read(source, plot.COLUMNS, f"figure {name}")
    record = provenance_of_file.of_csv(source)
    with style.apply_style():
        figure = _words.completed(plot.draw(numbers), record, plot.ALT)
        for output in outputs:
            style.save(figure, output, provenance_of_file.embedded(record))
        words = style.words(figure)
        plt.close(figure)
    return *words, provenance_of_file.summary(record)
