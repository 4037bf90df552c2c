"""Figure of metrics: the error of each when averaged over batches, and its spread over seeds."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle

from batchf1.figures import style
from batchf1.studies.atlas.summary import EITHER, HIGH, LOW, RIGHT, SAFE, SUMMARY, summary

ALT = (
    "A table of metrics by batch size: how far the mean over batches lies from the value of all "
    "samples, in percent, shaded by size and sign, with a verdict on each metric."
)
SCHEMA, COLUMNS = SUMMARY, SUMMARY.columns
BLOCKS = {
    "May be averaged: it is a mean over samples": (SAFE,),
    "Right on average, where it is defined": (RIGHT,),
    "Not to be averaged: the mean over batches is another number": (LOW, HIGH, EITHER),
}
STEPS = (1, 5)
"""Seed-to-seed deviations at which an error is drawn darker."""
SHADES = {
    LOW: ("#FBE6DB", "#F2AE83", style.COLOURS["batch_mean"]),
    HIGH: ("#DEEBF5", "#8DBFE2", style.COLOURS["reconstructed"]),
}
FINE = "#DDF1EA"
"""A tint of green, where there is no error that one could see."""
SEEN = 0.05
"""Percent; a smaller error is shown as 0 in a cell."""
OFTEN = 0.01
"""Share of undefined batches above which a cell is marked."""
GIVEN = {"0": "count 0", "NaN": "left out"}
"""What undefined batches give -> what that does to the mean."""
NAMES = {"R2": "R²"}
TASKS = {"heavy": "heavy?", "grade": "cut", "price": "price"}
WORDS = {RIGHT: "on average"}
LINE = 150
"""Characters in a line of the caption."""
LEFT, RIGHT_SIDE = 2.6, 3.4
"""Width of the texts at the sides, in cells."""
GAP = 1.15
"""Rows for the title of a block."""


def table(source: Path) -> pd.DataFrame:
    """Return a row per metric and batch size, from the networks of a study of metrics."""
    return summary(source)


def draw(table: pd.DataFrame) -> Figure:
    """Draw a row for each metric and a cell for each batch size, from the safe to the worst."""
    if table.empty:
        return style.empty_figure("no metric was measured")
    places, titles, bottom = _places(table)
    figure, ax = plt.subplots(figsize=(8.4, 1.75 + 0.235 * bottom), layout="constrained")
    sizes = sorted(table["batch_size"].unique())
    for _, row in table.iterrows():
        _draw_cell(ax, sizes.index(row["batch_size"]), places[row["metric"]], row)
    for metric, rows in table.groupby("metric"):
        _draw_words(ax, places[str(metric)], len(sizes), rows)
    for title, position in titles.items():
        ax.text(0.05 - LEFT, position + 0.5, title, fontweight="bold", va="center", fontsize=8.5)
    undefined = f"undefined in\nbatches of {sizes[0]:,.0f}"
    ax.text(len(sizes) + 2, -0.55, undefined, fontsize=7.5, va="bottom", linespacing=1.1)
    ax.set(xlim=(-LEFT, len(sizes) + RIGHT_SIDE), ylim=(bottom, -0.2))
    ax.set_xticks(np.arange(len(sizes)) + 0.5, [f"{size:,.0f}" for size in sizes])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    what = "error of the mean over batches, in % of the true value, by samples in a batch"
    ax.set_xlabel(what, x=(LEFT + len(sizes) / 2) / (LEFT + len(sizes) + RIGHT_SIDE))
    ax.tick_params(length=0)
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    style.headline(figure, _conclusion(table), _legend())
    style.caption(figure, _caption(table))
    return figure


def _places(table: pd.DataFrame) -> tuple[dict[str, float], dict[str, float], float]:
    """Return metric -> row, title of a block -> row, and the end of the last row."""
    worst = table["error_in_sds"].abs().groupby([table["verdict"], table["metric"]], sort=False)
    ranked = worst.max().reset_index().sort_values("error_in_sds", kind="stable")
    places, titles, position = {}, {}, 0.0
    for title, verdicts in BLOCKS.items():
        mine = ranked[ranked["verdict"].isin(verdicts)]["metric"]
        if len(mine):
            titles[title] = position
            position += GAP
        for metric in mine:
            places[str(metric)] = position
            position += 1
        position += 0.25 * bool(len(mine))
    return places, titles, position


def _draw_cell(ax: Any, x: float, y: float, row: pd.Series) -> None:
    colour, ink = _shade(row)
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    ax.text(x + 0.5, y + 0.52, _said(row), color=ink, ha="center", va="center", fontsize=7.5)
    if row["undefined"] > OFTEN:
        corner = [(x + 0.78, y + 0.05), (x + 0.97, y + 0.05), (x + 0.97, y + 0.45)]
        ax.add_patch(Polygon(corner, facecolor=ink, linewidth=0))


def _shade(row: pd.Series) -> tuple[str, str]:
    """Return the colour of a cell, and that of its text."""
    if np.isnan(row["error"]):
        return "white", style.TRUTH
    step = int(np.searchsorted(STEPS, abs(row["error_in_sds"])))
    unseen = step == 0 and abs(row["percent"]) < SEEN
    if row["verdict"] in (SAFE, RIGHT) or unseen:
        return FINE, style.TRUTH
    shades = SHADES[LOW if row["error"] < 0 else HIGH]
    return shades[step], "white" if step == len(STEPS) else style.TRUTH


def _said(row: pd.Series) -> str:
    """Return an error in percent of the value, with its sign."""
    size = abs(row["percent"])
    if row["error"] == 0:
        return "0"
    if not size >= SEEN:  # NaN too: no batch gave a number
        return "≈ 0" if size < SEEN else "none"
    sign = "\N{MINUS SIGN}" if row["percent"] < 0 else "+"
    return f"{sign}{size:.0f}" if size >= 9.95 else f"{sign}{size:.1f}"


def _draw_words(ax: Any, y: float, n_sizes: int, rows: pd.DataFrame) -> None:
    """Write name and task on the left; verdict and undefined batches on the right."""
    first = rows.sort_values("batch_size").iloc[0]
    name = NAMES.get(first["metric"], first["metric"])
    ax.text(-0.95, y + 0.52, name, ha="right", va="center", fontsize=8.5)
    task = TASKS.get(first["task"], first["task"])
    ax.text(-0.12, y + 0.52, task, ha="right", va="center", fontsize=7, color="#666666")
    verdict = first["verdict"]
    inks = {LOW: SHADES[LOW][2], HIGH: SHADES[HIGH][2], SAFE: "#007A59"}
    ax.text(
        n_sizes + 0.15,
        y + 0.52,
        WORDS.get(verdict, verdict),
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=inks.get(verdict, style.TRUTH),
    )
    if first["undefined"] > OFTEN:
        what = GIVEN.get(first["gives"], "count in part")
        share = f"{100 * first['undefined']:.0f} %, {what}"
        ax.text(n_sizes + 2, y + 0.52, share, va="center", fontsize=7)


def _legend() -> list[Any]:
    """Return a legend with errors of the same size, too low and too high, below each other."""
    one, five = STEPS
    sizes = (
        f"by less than {one} sd over seeds",
        f"by {one} to {five} sd",
        f"by more than {five} sd",
    )
    handles: list[Any] = []
    for step, size in enumerate(sizes):
        handles += [Patch(color=SHADES[v][step], label=f"{v} {size}") for v in (LOW, HIGH)]
    corner: Any = {"linestyle": "none", "marker": (3, 0, -45), "color": style.TRUTH}
    last = Line2D([], [], label="some batches undefined", **corner)
    return [*handles, Patch(color=FINE, label="no error to be seen"), last]


def _conclusion(table: pd.DataFrame) -> str:
    """Return the headline: how many metrics have which verdict."""
    verdicts = table.drop_duplicates("metric")["verdict"].value_counts()
    words = {LOW: "come out too low", HIGH: "too high", EITHER: "either way"}
    words |= {RIGHT: "right if defined"}
    verdict_counts = [
        f"{verdicts[name]} {what}" for name, what in words.items() if name in verdicts
    ]
    n_safe = int(verdicts.get(SAFE, 0))
    return "; ".join(
        [
            f"{n_safe} of {verdicts.sum()} metrics may be averaged over batches",
            ", ".join(verdict_counts),
        ]
    )


def _caption(table: pd.DataFrame) -> str:
    return textwrap.fill(
        f"A cell is the mean of {style.format_range(table['n_seeds'])} networks a task, each with "
        f"{style.format_range(table['n_samples'])} validation samples in "
        f"{style.format_range(table['n_cuts'])} random cuts into whole batches. "
        "Data: diamonds. heavy?: is a diamond heavy, a rare yes; cut: which of "
        "five grades has its cut; price. sd over seeds: by how much the metric of all samples "
        f"differs between networks. Corner: more than {100 * OFTEN:g} % of the batches give 0/0, "
        "have one class only or are constant; on the right, what scikit-learn or SciPy then give.",
        LINE,
    )
