"""What the three error figures of the sweep share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from batchf1 import tables
from batchf1.plots import _style

FLOOR = 1e-17
"""Where an error of exactly 0 is drawn on the logarithmic scale."""
LEARNED = 0.5
"""Cells with a mean true F1 below it are not drawn: where nothing is found, no mean is wrong."""
CELL = ["n_samples", "batch_size", "prevalence"]


def last_epoch(source: Path) -> pd.DataFrame:
    """The last epoch's rows, with `error` (against the pooled reference) and `error_full_pass`."""
    rows = tables.read(source, tables.RUNS)
    rows = rows[rows["epoch"] == rows.groupby("run_id")["epoch"].transform("max")]
    return rows.assign(
        error=rows["f1"] - rows["reference_pooled"],
        error_full_pass=rows["f1"] - rows["reference_full_pass"],
    )


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per cell, split and strategy: mean over repetitions, standard error, worst."""
    groups = rows.groupby([*CELL, "split", "strategy"], sort=True)
    return groups.agg(
        n_runs=("run_id", "nunique"),
        true_f1=("reference_pooled", "mean"),
        f1=("f1", "mean"),
        error=("error", "mean"),
        error_se=("error", "sem"),
        worst_error=("error", lambda e: e.abs().max()),
        error_full_pass=("error_full_pass", "mean"),
    ).reset_index()


def draw(table: pd.DataFrame, x: str, lines: str, words: tuple[str, str], note: str) -> Figure:
    """Error over `x` for both splits; the naive mean has a line for each value of `lines`.

    Above, signed errors on a linear scale; below, the size of the errors of the strategies that
    are nearly exact, each the worst of all drawn cells. `words`: the labels of x and of the lines.
    """
    drawn = table[table["true_f1"] >= LEARNED]
    figure, axes = plt.subplots(
        2, 2, figsize=(7.2, 5.4), sharex=True, sharey="row", height_ratios=(3, 1.5), layout="constrained"
    )
    for column, split in enumerate(("train", "validation")):
        part = drawn[drawn["split"] == split]
        _signed(axes[0, column], part, x, lines)
        _sizes(axes[1, column], part, x)
        axes[0, column].set_title({"train": "Training log", "validation": "Validation log"}[split])
        axes[1, column].set_xlabel(words[0])
    axes[0, 0].set_ylabel("logged F1 - true F1\n(1 = 100 points)")
    axes[1, 0].set_ylabel("largest |error|\n(log scale)")
    _legend(figure, sorted(table["strategy"].unique()))
    repetitions = sorted(drawn["n_runs"].unique())
    count = " to ".join(map(str, {min(repetitions): 0, max(repetitions): 0})) if repetitions else "0"
    _style.caption(
        figure,
        f"{note}; mean and standard error of {count} runs a point, last epoch. {words[1]} beside each line.\n"
        f"True: F1 of the very predictions that the batches saw. Not drawn: cells with true F1 < {LEARNED}.",
    )
    return figure


def _signed(ax: Any, part: pd.DataFrame, x: str, lines: str) -> None:
    ax.axhline(0, color=_style.TRUTH, linewidth=0.8)
    naive = part[part["strategy"] == "batch_mean"]
    for value, line in naive.groupby(lines):
        ax.errorbar(
            line[x],
            line["error"],
            line["error_se"],
            color=_style.colour("batch_mean"),
            marker=_style.marker("batch_mean"),
            markersize=3.5,
            linewidth=0.8,
        )
        worst = line.loc[line["error"].idxmin()]
        ax.annotate(
            _value(lines, value),
            (worst[x], worst["error"]),
            xytext=(-5, -1),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7,
            color=_style.colour("batch_mean"),
        )
    for strategy, rows in part[part["strategy"] != "batch_mean"].groupby("strategy"):
        _points(ax, rows.groupby(x)["error"].mean(), str(strategy))
    ax.spines[["top", "right"]].set_visible(False)


def _sizes(ax: Any, part: pd.DataFrame, x: str) -> None:
    for strategy, rows in part.groupby("strategy"):
        _points(ax, rows.groupby(x)["worst_error"].max().clip(lower=FLOOR), str(strategy))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(FLOOR / 10, 10)
    ax.set_yticks([FLOOR, 1e-12, 1e-6, 1], ["0", r"$10^{-12}$", r"$10^{-6}$", "1"])
    ax.minorticks_off()
    values = sorted(part[x].unique())
    ax.set_xticks(values, [_value(x, v) for v in values], rotation=0 if len(values) < 6 else 45)
    ax.grid(axis="y", linewidth=0.4)
    ax.spines[["top", "right"]].set_visible(False)


def _points(ax: Any, values: pd.Series, strategy: str) -> None:
    ax.plot(
        values.index,
        values,
        color=_style.colour(strategy),
        marker=_style.marker(strategy),
        markersize=5,
        fillstyle="full" if strategy == "batch_mean" else "none",
        linestyle="none",
    )


def _value(column: str, value: Any) -> str:
    return f"{100 * value:g} %" if column == "prevalence" else f"{value:,}"


def _legend(figure: Figure, strategies: Sequence[str]) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=_style.colour(s),
            marker=_style.marker(s),
            fillstyle="full" if s == "batch_mean" else "none",
            linestyle="-" if s == "batch_mean" else "none",
            label=_style.label(s),
        )
        for s in strategies
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=8)
