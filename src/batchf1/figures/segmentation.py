"""Figure of segmentation: Dice of two models by the number of images in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from batchf1.figures import style
from batchf1.studies.segmentation.config import LARGE, SMALL
from batchf1.studies.segmentation.schema import EMPTY_0, EMPTY_1, SOFT
from batchf1.studies.segmentation.summary import SUMMARY, summary

ALT = (
    "Three panels of Dice over the number of images in a batch, for a model of large and a model "
    "of small objects: expected values as lines, logs of Keras as points. The lines cross."
)
SCHEMA, COLUMNS = SUMMARY, SUMMARY.columns
PANELS = {
    EMPTY_0: "An empty batch counts 0",
    EMPTY_1: "An empty batch counts 1",
    SOFT: "Soft Dice, as in a loss",
}
INK = {LARGE: style.COLOURS["reconstructed"], SMALL: style.COLOURS["batch_mean"]}
MARKERS = {LARGE: "s", SMALL: "o"}
WORDS = {LARGE: "model trained on large objects", SMALL: "model trained on small objects"}


def table(source: Path) -> pd.DataFrame:
    """Return means over the seeds, a row for each kind of Dice, model and batch size."""
    return summary(source)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the mean over batches of both models over the batch size: expected, and logged."""
    shown = table[table["dice"].isin(PANELS)]
    if shown.empty:
        return style.empty_figure("no logs to show")
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 3.6), sharey=True, layout="constrained")
    for ax, (kind, title) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, shown[shown["dice"] == kind])
        ax.set_title(title, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set(ylabel="Dice, mean over batches", ylim=_limits(shown))
    axes[1].set_xlabel("images in a batch")
    style.headline(figure, _conclusion(shown), _legend())
    style.caption(figure, _caption(shown))
    return figure


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the limits of the y axis, in tenths around all that is shown."""
    values = 10 * rows[["low", "high", "logged"]]
    return float(np.floor(values.min().min()) / 10), float(np.ceil(values.max().max()) / 10)


def _panel(ax: Any, rows: pd.DataFrame) -> None:
    for model, part in rows.sort_values("batch_size").groupby("model"):
        ink, sizes = INK[str(model)], part["batch_size"]
        ax.fill_between(sizes, part["low"], part["high"], color=ink, alpha=0.25, linewidth=0)
        ax.plot(sizes, part["expected"], color=ink)
        ax.plot(sizes, part["logged"], MARKERS[str(model)], color=ink, markersize=3.5)
    least, most = rows["batch_size"].min(), rows["batch_size"].max()
    ax.set_xscale("log")
    ax.set_xticks([], minor=True)
    ticks = sorted({least, *(size for size in (4, 16, 64) if least < size < most), most})
    ends = {most: "\npooled"} | ({1: "\nmean over\nimages"} if least == 1 else {})
    ax.set_xticks(ticks, [f"{size:,}{ends.get(size, '')}" for size in ticks], fontsize=7.5)


def _legend() -> list[Any]:
    mark: Any = {"color": style.PLAIN, "linestyle": "none", "markersize": 3.5}
    models = [Line2D([], [], color=INK[key], label=text) for key, text in WORDS.items()]
    return [
        *models,
        Patch(color=style.PLAIN, alpha=0.5, label="expected, 95 % interval"),
        Line2D([], [], marker="o", label="logged by Keras", **mark),
    ]


def _conclusion(shown: pd.DataFrame) -> str:
    """Return the headline: the batch sizes up to which and from which each model is ahead."""
    rows = shown[shown["dice"] == EMPTY_0]
    expected = rows.pivot_table("expected", "batch_size", "model")
    small = expected[SMALL] > expected[LARGE]
    if not (small.iloc[0] and not small.iloc[-1] and small.is_monotonic_decreasing):
        return "Dice of two models, by the number of images in a batch"
    last, first = small[small].index[-1], small[~small].index[0]
    batch = "image a batch" if last == 1 else "images a batch"
    return f"With up to {last} {batch} one model has the higher Dice, from {first} on the other"


def _caption(shown: pd.DataFrame) -> str:
    n_seeds = style.format_range(shown["n_seeds"])
    return (
        f"A point is the mean of the logs of {n_seeds} U-Nets in Keras 3; the interval "
        "is its own, for random batches. Empty: no positive pixel in the batch,\n"
        "labelled or predicted. Data: drawn images, the same for both models."
    )
