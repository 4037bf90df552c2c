"""Contract of a figure: a module with `table(source, ...)` and `draw(table)`.

The first makes the numbers, the second the picture. Neither trains: `source` is the table of a
study or an experiment file, and `draw` sees nothing but the numbers of `table`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from batchf1.config import metric_names, registry
from batchf1.config.metric_names import DEFAULT
from batchf1.errors import check
from batchf1.figures import _read_csv, study_rows
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
        """Return the numbers behind the figure, with the columns of `COLUMNS` at least.

        With a last parameter `metric` it shows any metric of the runs, F1 by default, and names its
        columns as for F1.
        """

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


def table(name: str, sources: Sequence[Path], metric: str | None = None) -> pd.DataFrame:
    """Return the numbers behind a figure.

    Of another metric than F1 they have its name in place of `f1` in those of their columns, and a
    column `metric`.

    Parameters
    ----------
    name : str
        Name or import path of the figure.
    sources : sequence of Path
        Files that it is made from, as many as its `table` has parameters.
    metric : str, optional
        Metric to show; by default the only one of the runs.

    Returns
    -------
    pandas.DataFrame
        Table that is written as `figures/X.csv`.

    Raises
    ------
    InputError
        If there are more or fewer files, for a metric that the runs lack or the figure cannot show,
        and for several without a choice.
    """
    compute: Any = module(name).table
    parameters = list(inspect.signature(compute).parameters)
    of_files = [parameter for parameter in parameters if parameter != "metric"]
    given = [str(source) for source in sources]
    check(len(given) == len(of_files), f"figure {name}", f"must be made from {of_files}", given)
    shown = _chosen(name, study_rows.metrics(sources[0]), metric)
    if shown == DEFAULT:
        numbers: pd.DataFrame = compute(*sources)
        return numbers
    good = "metric" in parameters
    check(good, f"figure {name}", "cannot show another metric than f1", shown)
    numbers = compute(*sources, metric=shown).assign(metric=shown)
    names = _read_csv.columns_of(metric_names.label(shown)) if len(numbers) else {}
    taken = sorted(set(names.values()) & set(numbers) - names.keys())
    check(not taken, f"figure {name}", "cannot show a metric named as a column of it", taken)
    return numbers.rename(columns=names)


def _chosen(name: str, present: list[str], metric: str | None) -> str:
    """Return the metric that a figure shows, of those of its runs."""
    several = ", ".join(present)
    if metric is None:
        rule = "must show one metric: choose by figure_metrics of the study, or --metric"
        check(len(present) == 1, f"figure {name}", rule, several)
        return present[0]
    (shown,) = metric_names.canonical([metric])
    check(shown in present, f"figure {name}", f"must show a metric of its runs, {several}", shown)
    return shown


def draw(name: str, source: Path, outputs: Sequence[Path]) -> tuple[str, str, str, str]:
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
    headline, caption, provenance, alt : str
        A line each; a figure without a headline has the question of its study as one. `alt`: the
        module's `ALT`, of the metric that is shown.

    Raises
    ------
    InputError
        If the CSV is not of this figure, or not the one that its record (`X.json`) was written
        for, or if an output has another suffix.
    """
    from matplotlib import pyplot as plt

    from batchf1.figures import _words, style

    plot = module(name)
    for output in outputs:
        check(output.suffix in KINDS, str(output), f"must end in one of {KINDS}", output.name)
    files.read(source)  # one that cannot be read is refused as such
    numbers = _read_csv.read(source, plot.COLUMNS, f"figure {name}")
    record = provenance_of_file.of_csv(source)
    any_metric = "metric" in inspect.signature(plot.table).parameters
    alt = re.sub("(?<!true )F1", study_rows.label(numbers), plot.ALT) if any_metric else plot.ALT
    with style.apply_style():
        figure = _words.completed(plot.draw(numbers), record, alt)
        for output in outputs:
            style.save(figure, output, provenance_of_file.embedded(record))
        words = style.words(figure)
        plt.close(figure)
    return *words, provenance_of_file.summary(record), alt
