"""Which metric may be averaged over batches: each one's error, beside what another seed changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon, Rectangle

from batchf1.figures import _style
from batchf1.figures._atlas import EITHER, HIGH, LOW, RIGHT, SAFE, summary

COLUMNS = {
    **dict.fromkeys(("task", "metric", "gives", "verdict"), "text"),
    **dict.fromkeys(("batch_size", "n_seeds", "n_cuts", "error", "error_in_sds"), "number"),
    **dict.fromkeys(("percent", "undefined"), "number"),
}
BLOCKS = {
    "May be averaged: it is a mean over samples": (SAFE,),
    "Right on average, where it is defined": (RIGHT,),
    "Not to be averaged: the mean over batches is another number": (LOW, HIGH, EITHER),
}
STEPS = (1, 5)
"""Seed-to-seed deviations at which an error is drawn darker."""
SHADES = {
    LOW: ("#FBE6DB", "#F2AE83", _style.COLOURS["batch_mean"]),
    HIGH: ("#DEEBF5", "#8DBFE2", _style.COLOURS["reconstructed"]),
}
FINE = "#DDF1EA"
"""A tint of green, where there is no error that one could see."""
SEEN = 0.05
"""Percent; an error below is not told from 0 in a cell."""
OFTEN = 0.01
"""Share of undefined batches above which a cell is marked."""
NAMES = {"R2": "R²"}
TASKS = {"heavy": "heavy?", "grade": "cut", "price": "price"}
WORDS = {RIGHT: "right on average", EITHER: "either way"}
GAP = 1.15
"""Rows for the title of a block."""


def table(source: Path) -> pd.DataFrame:
    """A row per metric and batch size, from the networks of a study of metrics.

    `error`: mean over batches less the value of all samples, in the metric's own unit (prices are
    in thousand dollars), averaged over cuts and networks, with a standard error that takes the
    network as the unit; 0 within rounding is 0. Batches that give no number are left out.
    `error_in_sds`: in standard deviations of the value over networks; `percent`: of the value.
    `undefined` and `left_out`: shares of batches. `gives`: what scikit-learn or SciPy give for an
    undefined one. `too_low` and `too_high`: shares of cuts. `verdict`, `exponent` of |error| over
    batch size with its standard error, and the number of batch sizes in that fit are the metric's.
    """
    return summary(source)


def draw(table: pd.DataFrame) -> Figure:
    """A row for each metric, a cell for each batch size, from the safe ones to the worst."""
    if table.empty:
        return _style.nothing("no metric was measured")
    places, titles, bottom = _places(table)
    figure, ax = plt.subplots(figsize=(8.4, 1.75 + 0.235 * bottom), layout="constrained")
    sizes = sorted(table["batch_size"].unique())
    for row in table.to_dict("records"):
        _draw_cell(ax, sizes.index(row["batch_size"]), places[row["metric"]], row)
    for metric, rows in table.groupby("metric"):
        _draw_words(ax, places[str(metric)], len(sizes), rows)
    for title, place in titles.items():
        ax.text(-2.55, place + 0.5, title, fontweight="bold", va="center", fontsize=8.5)
    ax.set(xlim=(-2.6, len(sizes) + 3.5), ylim=(bottom, -0.2))
    ax.set_xticks(np.arange(len(sizes)) + 0.5, [f"{size:,.0f}" for size in sizes])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("samples in a batch", x=0.46)
    ax.tick_params(length=0)
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    _style.headline(figure, _conclusion(table), _legend())
    _style.caption(figure, _caption(table))
    return figure


def _places(table: pd.DataFrame) -> tuple[dict[str, float], dict[str, float], float]:
    """Metric -> its row, title -> that of its block, and where the last one ends."""
    worst = table["error_in_sds"].abs().groupby([table["verdict"], table["metric"]], sort=False)
    ranked = worst.max().reset_index().sort_values("error_in_sds", kind="stable")
    places, titles, place = {}, {}, 0.0
    for title, verdicts in BLOCKS.items():
        mine = ranked[ranked["verdict"].isin(verdicts)]["metric"]
        if len(mine):
            titles[title] = place
            place += GAP
        for metric in mine:
            places[str(metric)] = place
            place += 1
        place += 0.25 * bool(len(mine))
    return places, titles, place


def _draw_cell(ax: Any, x: float, y: float, row: dict[str, Any]) -> None:
    colour, ink = _shade(row)
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    ax.text(x + 0.5, y + 0.52, _said(row), color=ink, ha="center", va="center", fontsize=7.5)
    if row["undefined"] > OFTEN:
        corner = [(x + 0.78, y + 0.05), (x + 0.97, y + 0.05), (x + 0.97, y + 0.45)]
        ax.add_patch(Polygon(corner, facecolor=ink, linewidth=0))


def _shade(row: dict[str, Any]) -> tuple[str, str]:
    """The colour of a cell, and of what stands in it."""
    if row["verdict"] in (SAFE, RIGHT) or row["error"] == 0:
        return FINE, _style.TRUTH
    shades = SHADES[LOW if row["error"] < 0 else HIGH]
    step = int(np.searchsorted(STEPS, abs(row["error_in_sds"])))
    return shades[step], "white" if step == len(STEPS) else _style.TRUTH


def _said(row: dict[str, Any]) -> str:
    """An error in percent of the value, with its sign."""
    size = abs(row["percent"])
    if row["error"] == 0:
        return "0"
    if not size >= SEEN:  # NaN too: no batch gave a number
        return "≈ 0" if size < SEEN else "none"
    sign = "−" if row["percent"] < 0 else "+"
    return f"{sign}{size:.0f}" if size >= 9.95 else f"{sign}{size:.1f}"


def _draw_words(ax: Any, y: float, n_sizes: int, rows: pd.DataFrame) -> None:
    """Name and task on the left; on the right the verdict, and what undefined batches do."""
    first = rows.sort_values("batch_size").iloc[0]
    name = NAMES.get(first["metric"], first["metric"])
    ax.text(-0.95, y + 0.52, name, ha="right", va="center", fontsize=8.5)
    task = TASKS.get(first["task"], first["task"])
    ax.text(-0.12, y + 0.52, task, ha="right", va="center", fontsize=6.5, color="#666666")
    verdict = first["verdict"]
    inks = {LOW: SHADES[LOW][2], HIGH: SHADES[HIGH][2], SAFE: "#007A59"}
    ax.text(
        n_sizes + 0.15,
        y + 0.52,
        WORDS.get(verdict, verdict),
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=inks.get(verdict, _style.TRUTH),
    )
    if first["undefined"] > OFTEN:
        share = f"{100 * first['undefined']:.0f} % undefined"
        ax.text(n_sizes + 3.45, y + 0.52, share, va="center", ha="right", fontsize=6.5)


def _legend() -> list[Any]:
    names = ("little", "more than a seed", f"more than {STEPS[1]} seeds")
    lows = [Patch(color=c, label=f"too low: {n}") for c, n in zip(SHADES[LOW], names, strict=True)]
    highs = [
        Patch(color=c, label=f"too high: {n}") for c, n in zip(SHADES[HIGH], names, strict=True)
    ]
    return [*lows, *highs]


def _conclusion(table: pd.DataFrame) -> str:
    """How many metrics have which verdict."""
    verdicts = table.drop_duplicates("metric")["verdict"].value_counts()
    said = [
        f"{verdicts[verdict]} {words}"
        for verdict, words in (
            (LOW, "come out too low"),
            (HIGH, "too high"),
            (EITHER, "either way"),
            (RIGHT, "right where it is defined"),
        )
        if verdict in verdicts
    ]
    n_safe = int(verdicts.get(SAFE, 0))
    return f"Of {verdicts.sum()} metrics {n_safe} may be averaged over batches; {', '.join(said)}"


def _caption(table: pd.DataFrame) -> str:
    return (
        "In a cell: mean over batches less the value of all samples, in % of that value."
    )
