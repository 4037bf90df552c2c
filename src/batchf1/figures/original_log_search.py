"""The search for data and a network whose runs print the article's log (C3), epoch by epoch."""

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

from batchf1.figures import _axes, _style
from batchf1.figures.original_log import QUANTITIES, READ, half_width, of_article, printed_by

KEY = ["dataset", "epoch"]
"""What has a panel of its own, and what is drawn over; lines are of whatever else varies."""
NUMBERS = ["n_runs", "compatible", "furthest", *QUANTITIES]
COLUMNS = {"dataset": "text", **dict.fromkeys(("epoch", *NUMBERS), "number")}
LINE = 128
"""Characters in a line of the caption."""


def table(source: Path, log: Path) -> pd.DataFrame:
    """A row per data set, setting and epoch: the mean of each number that the log prints.

    `compatible`: how many of the article's lie where one more run would lie with 95 %, as in
    `original_log`; `furthest`: the largest of their distances from the mean, in units of half that
    interval, so that all are compatible up to 1. Both are empty for a single run.
    """
    rows = _axes.rows(source, [*READ, "epoch", "run_id"])
    _axes.needs(rows, ["batch_mean", "epoch_end"], "original_log_search")
    key = ["dataset", *_axes.further(rows, ["dataset"]), "epoch"]
    printed = of_article(log).set_index("quantity")["value"]
    values = printed_by(rows).groupby([*key, "quantity"], sort=False)["value"]
    found = values.agg(["mean", "std", "size"]).reset_index()
    distance = (found["mean"] - found["quantity"].map(printed)).abs()
    # eight decimals, as in `original_log`: equal numbers lie no distance apart
    half = half_width(found["std"], found["size"])
    found["share"] = (distance.round(8) / half).where(distance.round(8) > 0, half * 0)
    return _wide(found, key, printed.index).round(8)


def _wide(found: pd.DataFrame, key: list[str], told: pd.Index) -> pd.DataFrame:
    """A row for each of the keys, from one for each of their quantities."""
    shares = found[found["quantity"].isin(told)].groupby(key, sort=False)["share"]
    furthest = shares.max()
    inside = shares.agg(lambda part: int((part <= 1).sum()))
    numbers = {
        "n_runs": found.groupby(key, sort=False)["size"].first(),
        "compatible": inside.where(furthest.notna()).astype(float),
        "furthest": furthest,
    }
    means = found.pivot_table("mean", key, "quantity", sort=False)[list(QUANTITIES)]
    return pd.DataFrame(numbers).join(means).reset_index()


def chosen(table: pd.DataFrame) -> pd.Series:
    """The row of most compatible numbers and, among those, the one whose furthest is nearest."""
    order = table.sort_values(["compatible", "furthest"], ascending=[False, True], kind="stable")
    return order.iloc[0]


def draw(table: pd.DataFrame) -> Figure:
    """How far the furthest of the log's numbers lies, over the epochs; a panel per data set.

    Raises `InputError` for more than `_axes.MOST` data sets or settings.
    """
    cells = table[table["furthest"].notna()]
    if cells.empty:
        return _style.nothing("no setting has two runs to hold against the article's log")
    panels = _axes.panels(cells, ["dataset"], "original_log_search")
    n_columns = min(len(panels), 3)
    n_rows = -(-len(panels) // n_columns)
    figure, axes = plt.subplots(
        n_rows,
        n_columns,
        figsize=(7.6, 1.3 + 2.4 * n_rows),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    colours = _colours(cells)
    for ax, (name, part) in zip(axes.flat, panels, strict=False):
        _panel(ax, part, colours)
        ax.set_title(name.replace("_", " "))
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    axes[0, 0].set_yscale("log")
    figure.supylabel("distance of the furthest of eight\n(half intervals)", fontsize=9)
    _style.headline(figure, _conclusion(cells), _handles(colours))
    _style.caption(figure, _caption(cells))
    return figure


def _colours(cells: pd.DataFrame) -> dict[str, Any]:
    """Setting in words -> its colour."""
    names = [name for name, _ in _settings(cells)]
    return dict(zip(names, colormaps["viridis"](np.linspace(0, 0.9, len(names))), strict=True))


def _settings(cells: pd.DataFrame) -> list[tuple[str, Any]]:
    others = [column for column in _axes.settings(cells) if column != "dataset"]
    return _axes.panels(cells, others, "original_log_search")


def _panel(ax: Any, part: pd.DataFrame, colours: dict[str, Any]) -> None:
    """The settings of a data set, and a ring around the one to choose."""
    ax.axhline(1, color=_style.TRUTH, linewidth=0.8)
    for name, rows in _settings(part):
        ax.plot(rows["epoch"], rows["furthest"], color=colours[name], linewidth=1)
    best = chosen(part)
    ring = {"marker": "o", "markersize": 8, "fillstyle": "none", "color": _style.TRUTH}
    ax.plot(best["epoch"], best["furthest"], **ring)
    ax.set_xlabel("epoch")
    ax.spines[["top", "right"]].set_visible(False)


def _handles(colours: dict[str, Any]) -> list[Any]:
    named = [(name, colour) for name, colour in colours.items() if name]
    return [Line2D([], [], color=colour, label=name) for name, colour in named]


def _conclusion(cells: pd.DataFrame) -> str:
    """How many of the log's numbers come out at best, on each data set."""
    most = cells.groupby("dataset", sort=False)["compatible"].max().astype(int)
    said = [f"{most[name]} on {name.replace('_', ' ')}" for name in most.index]
    return f"Of the article's eight numbers come out at best: {', '.join(said)}"


def _caption(cells: pd.DataFrame) -> str:
    return textwrap.fill(
        "How far the article's number that lies furthest is from the mean of "
        f"{_style.span(cells['n_runs'])} runs, in units of half the interval in which one more run "
        "lies with 95 %; below the line all of them lie within. Ring: the most numbers within, and "
        "of those settings the one whose furthest is nearest.",
        LINE,
    )
