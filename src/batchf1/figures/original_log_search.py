"""Figure of the search for data and a network whose runs print the article's log (C3)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import t as student

from batchf1.figures import _facets, study_rows, style
from batchf1.figures.original_log import QUANTITIES, READ, half_width, of_article, printed_by
from batchf1.records.columns import Schema, count, number, optional, text
from batchf1.sweep.schema import RUNS

ALT = (
    "A panel for each data set: how likely the article's log is over the epochs, with a line for "
    "each network and learning rate, and a ring around the best."
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
SHOWN = 40
"""How far below the best the figure goes, in natural logarithms."""
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
    """Plot the likelihood of the log's numbers over the epochs; a panel per data set.

    Raises `InputError` for more than `_facets.MOST` data sets or settings.
    """
    cells = table[table[SCORE].notna()]
    if cells.empty:
        return style.empty_figure("no setting has two runs to hold against the article's log")
    cells = worse(cells)
    panels = _facets.panels(cells, ["dataset"], "original_log_search")
    n_columns = min(len(panels), 4)
    n_rows = -(-len(panels) // n_columns)
    figure, axes = plt.subplots(
        n_rows,
        n_columns,
        figsize=(7.6, 1.4 + 1.9 * n_rows),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    colours = _colours(cells)
    for ax, (name, part) in zip(axes.flat, panels, strict=False):
        _panel(ax, part, colours)
        ax.set_title(_plain(name))
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    best = cells[SCORE].max()
    axes[0, 0].set_ylim(best - SHOWN, best + SHOWN / 20)
    figure.supylabel("log-likelihood of the article's log", fontsize=9)
    style.headline(figure, _conclusion(cells), _handles(colours))
    style.caption(figure, _caption(cells))
    return figure


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _colours(cells: pd.DataFrame) -> dict[str, Any]:
    """Return setting, as text -> colour."""
    names = [name for name, _ in _settings(cells)]
    return dict(zip(names, colormaps["viridis"](np.linspace(0, 0.9, len(names))), strict=True))


def _settings(cells: pd.DataFrame) -> list[tuple[str, Any]]:
    others = [column for column in study_rows.settings(cells) if column != "dataset"]
    return _facets.panels(cells, others, "original_log_search")


def _panel(ax: Any, part: pd.DataFrame, colours: dict[str, Any]) -> None:
    """Plot the settings of a data set; dots where all numbers fit, a ring around the best."""
    for name, rows in _settings(part):
        ax.plot(rows["epoch"], rows[SCORE], color=colours[name], linewidth=0.9)
        all_of_them = rows[rows["compatible"] == len(QUANTITIES)]
        dots = {"marker": "o", "markersize": 3, "linestyle": "none", "color": colours[name]}
        ax.plot(all_of_them["epoch"], all_of_them[SCORE], **dots)
    best = chosen(part)
    ring = {"marker": "o", "markersize": 8, "fillstyle": "none", "color": style.TRUTH}
    ax.plot(best["epoch"], best[SCORE], **ring)
    ax.set_xlabel("epoch")
    ax.spines[["top", "right"]].set_visible(False)


def _handles(colours: dict[str, Any]) -> list[Any]:
    named = [(name, colour) for name, colour in colours.items() if name]
    return [Line2D([], [], color=colour, label=name) for name, colour in named]


def _conclusion(cells: pd.DataFrame) -> str:
    """Return the headline: the best setting, and how many of its numbers fit."""
    best = chosen(cells)
    n = best["compatible"]
    number = "all" if n == len(QUANTITIES) else f"{n:.0f}"
    where = _plain(best["dataset"])
    return f"The article's log comes out best on {where}: {number} of its numbers"


def _caption(cells: pd.DataFrame) -> str:
    n_runs = style.format_range(cells["n_runs"])
    return textwrap.fill(
        f"Natural logarithm of the density of the article's numbers as one more run after {n_runs} "
        "would print them (Student's t), in the Keras in which they are less likely. Dots: in each "
        "Keras all eight lie where that run would with 95 %. Rings: of those with the most such "
        "numbers, the likeliest.",
        LINE,
    )
