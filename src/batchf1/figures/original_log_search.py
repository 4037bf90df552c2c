"""Figure of the search for data and a network whose runs print the article's log (C3)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.stats import t as student

from batchf1.figures import _facets, study_rows, style
from batchf1.figures.original_log import QUANTITIES, READ, half_width, of_article, printed_by
from batchf1.records.columns import Schema, count, number, optional, text
from batchf1.sweep.schema import RUNS

ALT = (
    "A table of epochs: each cell has the number of the article's printed numbers that fit there, "
    "darker for more, in a row for each data set or Keras; a frame marks the best."
)
SCORE = "log_likelihood"
SCHEMA = Schema(
    "A row is an epoch of a data set and setting in one Keras: means over the runs.",
    {
        **RUNS.of("dataset", "epoch"),
        "keras": text("version of Keras"),
        "n_runs": count("runs in the means", 1),
        **optional(
            "one run",
            {
                "compatible": number(
                    "numbers of the article's log that lie where one more run would with 95 %",
                    0,
                    len(QUANTITIES),
                ),
                SCORE: number("log-likelihood of the article's numbers as one more run's"),
            },
        ),
        **{
            name: number(f"mean of the `{name}` of a log", 0, None if "loss" in name else 1)
            for name in QUANTITIES
        },
    },
    key=("dataset", "epoch", "keras"),
    others=RUNS.others,
)
COLUMNS = SCHEMA.columns
ROUNDING = 1e-4 / 12**0.5
"""Standard deviation of what is cut off a number with four decimals."""
ALL = len(QUANTITIES)
LINE = 128
"""Characters in a line of the caption."""


def table(source: Path, log: Path) -> pd.DataFrame:
    """Return a row per data set, setting, epoch and Keras: the mean of each printed number.

    `log_likelihood` is of Student's t density about the runs' mean, with their deviation and that
    of rounding to four decimals, all numbers multiplied as if they were independent.
    """
    rows = study_rows.read(source, [*READ, "epoch", "run_id"])
    _facets.require_strategies(rows, ["batch_mean", "epoch_end"], "original_log_search")
    rows = rows.rename(columns={"version": "keras"})
    key = ["dataset", *_facets.further(rows, ["dataset", "engine"]), "epoch", "keras"]
    printed = of_article(log).set_index("quantity")["value"]
    values = printed_by(rows).groupby([*key, "quantity"], sort=False)["value"]
    statistics = _held_against(values.agg(["mean", "std", "size"]).reset_index(), printed)
    cells = statistics.groupby(key, sort=False)
    means = statistics.pivot_table("mean", key, "quantity", sort=False)[list(QUANTITIES)]
    numbers = {
        "n_runs": cells["size"].first(),
        "compatible": cells["inside"].sum(min_count=1),
        SCORE: cells["density"].sum(min_count=1),
    }
    return pd.DataFrame(numbers).join(means).reset_index().round(8)


def _held_against(statistics: pd.DataFrame, printed: pd.Series) -> pd.DataFrame:
    """Compare each printed number with the prediction interval, and return its log density."""
    n, gap = statistics["size"], (statistics["mean"] - statistics["quantity"].map(printed)).abs()
    scale = np.hypot(statistics["std"], ROUNDING) * np.sqrt(1 + 1 / n)
    density = student.logpdf(gap / scale, n - 1) - np.log(scale)
    inside = (gap <= half_width(statistics["std"], n)).astype(float)
    defined = gap.notna() & (n > 1)
    return statistics.assign(inside=inside.where(defined), density=density.where(defined))


def worse(table: pd.DataFrame) -> pd.DataFrame:
    """Return, per data set, setting and epoch, the row of the Keras that fits the log worse.

    `compatible` is the fewest of all Keras.
    """
    groups = table.groupby([*study_rows.settings(table), "epoch"], sort=False)
    fewest = groups["compatible"].transform("min")
    return table.assign(compatible=fewest).loc[groups[SCORE].idxmin()]


def chosen(table: pd.DataFrame) -> pd.Series:
    """Return the row of `worse` with most compatible numbers; of equals, the likeliest."""
    rows = worse(table).sort_values(["compatible", SCORE], ascending=False, kind="stable")
    return rows.iloc[0]


def draw(table: pd.DataFrame) -> Figure:
    """Draw how many of the log's numbers fit, a cell for each epoch and data set.

    Of several settings the best, in the Keras in which fewer fit; of a single data set a row for
    each Keras. Raises `InputError` for more than `_facets.MOST` data sets.
    """
    cells = table[table[SCORE].notna()]
    if cells.empty:
        return style.empty_figure("no setting has two runs to hold against the article's log")
    best = chosen(cells)
    several = len(cells["dataset"].unique()) > 1
    by = "dataset" if several else "keras"
    _facets.panels(cells, [by], "original_log_search")  # not too many
    rows = worse(cells) if several else cells
    fits = rows.pivot_table("compatible", by, "epoch", "max").astype(float)
    fits = fits.loc[fits.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    figure, ax = plt.subplots(figsize=(7.6, 1.5 + 0.34 * len(fits)), layout="constrained")
    _cells(ax, fits)
    row = list(fits.index).index(best[by]) if several else 0
    column = list(fits.columns).index(best["epoch"])
    _frame(ax, column, row, 1 if several else len(fits))
    style.headline(figure, _conclusion(cells, best))
    style.caption(figure, _caption(cells, several))
    return figure


def _cells(ax: Any, fits: pd.DataFrame) -> None:
    """Draw the cells, darker for more numbers, and the number in each."""
    ax.imshow(fits, cmap="Blues", vmin=0, vmax=1.4 * ALL, aspect="auto")
    for y, (_, row) in enumerate(fits.iterrows()):
        for x, value in enumerate(row):
            weight = "bold" if value == ALL else "normal"
            text = "" if np.isnan(value) else f"{value:.0f}"
            ax.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight)
    ax.set_xticks(range(fits.shape[1]), [f"{epoch:g}" for epoch in fits.columns])
    named = fits.index.name == "keras"
    ax.set_yticks(range(len(fits)), [f"Keras {n}" if named else _plain(n) for n in fits.index])
    ax.set_xlabel("epoch")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _frame(ax: Any, x: int, y: int, height: int) -> None:
    """Draw a frame around a cell, or several below one another."""
    corner = (x - 0.5, y - 0.5)
    ax.add_patch(
        Rectangle(corner, 1, height, fill=False, edgecolor=style.TRUTH, linewidth=2, clip_on=False)
    )


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _conclusion(cells: pd.DataFrame, best: pd.Series) -> str:
    """Return the headline: the best setting, and how many of its numbers fit."""
    fitting, n_sets = best["compatible"], cells["dataset"].nunique()
    number = f"all {ALL}" if fitting == ALL else f"{fitting:.0f} of the {ALL}"
    name = _plain(best["dataset"])
    if n_sets > 1:
        return f"Of {n_sets} data sets {name} fits the article's log best: {number} numbers"
    return f"After {best['epoch']:g} epochs {name} gives {number} numbers of the article's log"


def _caption(cells: pd.DataFrame, several: bool) -> str:
    n_runs, others = style.format_range(cells["n_runs"]), [*study_rows.settings(cells)]
    n_settings = len(cells[others].drop_duplicates()) // cells["dataset"].nunique()
    best = f", for the best of {n_settings} networks" if n_settings > 1 else ""
    fewer = " in the Keras in which fewer do" if several else ""
    rows = (
        " A row is a data set: stones by their weight, or the flights of one carrier."
        if several
        else ""
    )
    return textwrap.fill(
        f"A cell is an epoch: how many of the {ALL} numbers that the article prints lie where one "
        f"more run after {n_runs} would lie with 95 % (Student's t){fewer}{best}. Frame: of the "
        f"most, where they are likeliest.{rows}",
        LINE,
    )
