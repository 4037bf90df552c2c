"""Figure of labels of shape (n,): what is logged against the true F1, by the predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchf1.figures import style
from batchf1.studies.flat_labels.predictions import HALF, PERMUTED, RANDOM, TRAINED
from batchf1.studies.flat_labels.schema import SUMMARY
from batchf1.studies.flat_labels.summary import LOG, summary

ALT = (
    "Two panels of logged values against the true F1, for predictions of a trained network and for "
    "the same ones shuffled. With labels of shape (n,) each line is flat; with labels (n, 1) it "
    "rises."
)
SCHEMA, COLUMNS = SUMMARY, SUMMARY.columns
PREVALENCE = 0.05
"""The prevalence that is shown, or the one nearest to it."""
N_SIZES = 3
"""Number of batch sizes that are shown, the smallest."""
MARKERS = {TRAINED: "o", HALF: "s", PERMUTED: "v", RANDOM: "x"}
WORDS = {
    TRAINED: "the network's predictions",
    HALF: "shuffled in every second batch",
    PERMUTED: "shuffled in each batch",
    RANDOM: "random, as many positives in each batch",
}
PANELS = {
    "flat_margins": "Labels (n,): the same number for all",
    "batch_mean": "Labels (n, 1): the mean over batches",
}
INK = {"flat_margins": style.COLOURS["batch_mean"], "batch_mean": style.COLOURS["reconstructed"]}


def table(logs: Path, choices: Path) -> pd.DataFrame:
    """Return means over seeds of a study of labels of shape (n,), a row per log or choice."""
    return summary(logs, choices)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the log of labels (n,) against the true F1, and beside it the mean over batches."""
    shown = _shown(table)
    if shown.empty:
        return style.empty_figure("no logs to show")
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.9), sharey=True, layout="constrained")
    top = 1.12 * max(1.0, shown[list(PANELS)].to_numpy().max())
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, shown, column)
        ax.set(title=title, xlabel="true F1 of the predictions", xlim=(0, 1), ylim=(0, top))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("F1 in the log")
    style.headline(figure, _conclusion(shown), _legend())
    style.caption(figure, _caption(shown))
    return figure


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to draw: evaluations at one prevalence and the smallest batch sizes."""
    rows = table[(table["row"] == LOG) & (table["source"] == "evaluate")]
    rows = rows[rows["predictions"].isin(MARKERS)]
    away = (rows["prevalence"] - PREVALENCE).abs()
    rows = rows[away == away.min()]
    sizes = sorted(rows["batch_size"].unique())[:N_SIZES]
    return pd.DataFrame(rows[rows["batch_size"].isin(sizes)])


def _panel(ax: Any, shown: pd.DataFrame, column: str) -> None:
    ax.plot([0, 1], [0, 1], color=style.TRUTH, linewidth=1, linestyle=":")
    ax.axhline(1, color="#CCCCCC", linewidth=0.8, zorder=0)
    ax.text(0.04, 1.015, "largest possible F1", fontsize=7.5, color="#666666", va="bottom")
    for size, rows in shown.groupby("batch_size"):
        rows = rows.sort_values("true_f1")
        ax.plot(rows["true_f1"], rows[column], color=INK[column], linewidth=1.8)
        for row in rows.to_dict("records"):
            _point(ax, row["true_f1"], row[column], INK[column], MARKERS[row["predictions"]])
        end = rows.iloc[-1]
        place = (end["true_f1"], end[column])
        ax.annotate(
            f"batches of {size:,.0f}",
            place,
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )


def _point(ax: Any, x: float, y: float, colour: str, marker: str) -> None:
    ax.plot(x, y, marker=marker, color=colour, markersize=6, markeredgewidth=1.6)


def _legend() -> list[Any]:
    mark: Any = {
        "color": style.PLAIN,
        "linestyle": "none",
        "markersize": 6,
        "markeredgewidth": 1.6,
    }
    found = [Line2D([], [], marker=MARKERS[key], label=text, **mark) for key, text in WORDS.items()]
    truth = Line2D([], [], color=style.TRUTH, linewidth=1, linestyle=":", label="log = truth")
    return [*found, truth]


def _conclusion(shown: pd.DataFrame) -> str:
    best = shown[shown["predictions"] == TRAINED]["true_f1"].mean()
    worst = shown[shown["predictions"] == PERMUTED]["true_f1"].mean()
    return (
        f"Labels of shape (n,): whether the true F1 is {best:.2f} or {worst:.2f}, "
        "Keras logs the same number"
    )


def _caption(shown: pd.DataFrame) -> str:
    share = f"{100 * shown['prevalence'].iloc[0]:.2g} %"
    return (
        f"A point is the mean of {style.format_range(shown['n_seeds'])} networks, evaluated by "
        f"Keras 3 with a function for F1 in metrics=; {share} positives.\nShuffled: the network's "
        "predictions in random order within each batch, so that each has as many positives and\n"
        "predicted positives as before."
    )
