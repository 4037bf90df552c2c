"""Every cell of the sweep on one curve: what matters is the number of positives in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.expectation import rare_positives
from batchf1.plots import _axes, _style

CELL = ["n_samples", "prevalence", "batch_size"]
LEARNED = 0.5
"""Runs with a true F1 below it are left out: 0/0 is no share."""
NUMBERS = (*CELL, "n_runs", "true_f1", "share", "share_se", "positives_per_batch")
COLUMNS = {"split": "text", **dict.fromkeys(NUMBERS, "number")}
SKILLS = (0.95, 0.8, 0.6)
"""Precision and recall of the lines."""


def table(source: Path) -> pd.DataFrame:
    """A row per cell and split at the last epoch: true F1, and naive / true F1 over repetitions.

    Whatever else the study varies has columns of its own, and is a cell's too.
    """
    rows = _axes.last_epoch(source)
    cell = [*_axes.further(rows, CELL), *CELL, "split"]
    learned = rows["reference_pooled"] >= LEARNED
    rows = rows[(rows["strategy"] == "batch_mean") & learned]
    rows = rows.assign(share=rows["f1"] / rows["reference_pooled"])
    cells = rows.groupby(cell).agg(
        n_runs=("run_id", "nunique"),
        true_f1=("reference_pooled", "mean"),
        share=("share", "mean"),
        share_se=("share", "sem"),
    )
    cells = cells.reset_index()
    return cells.assign(positives_per_batch=cells["prevalence"] * cells["batch_size"])


def draw(table: pd.DataFrame) -> Figure:
    """Naive / true F1 over the expected positives per batch, with the limit law as lines."""
    if table.empty:
        return _style.nothing(f"no run logged a batch mean of a true F1 of {LEARNED} or more")
    figure, ax = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    range_ = np.geomspace(
        table["positives_per_batch"].min(), table["positives_per_batch"].max(), 80
    )
    for skill, dashes in zip(SKILLS, ("-", "--", ":"), strict=True):
        law = [rare_positives(k, skill, skill) for k in range_]
        share = [limit.expected_f1 / limit.true_f1 for limit in law]
        label = f"limit law, precision = recall = {skill:g}"
        ax.plot(range_, share, color=_style.TRUTH, linestyle=dashes, linewidth=1, label=label)
    for split, marker in (("train", "v"), ("validation", _style.marker("batch_mean"))):
        part = table[table["split"] == split]
        points = ax.scatter(
            part["positives_per_batch"],
            part["share"],
            c=part["true_f1"],
            cmap="cividis",
            vmin=LEARNED,
            vmax=1,
            s=14,
            marker=marker,
            linewidths=0,
            label=f"measured, {split}",
        )
    figure.colorbar(points, ax=ax, label="true F1", pad=0.01)
    ax.axhline(1, color=_style.PLAIN, linewidth=0.8)
    ax.set_xscale("log")
    ax.set(
        xlabel="expected positives per batch = batch size x prevalence", ylabel="naive / true F1"
    )
    ax.set_ylim(0, 1.1)
    ax.legend(loc="lower right", fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    _style.headline(
        figure, "With few positives in a batch, most of F1 is lost, whatever the data's size"
    )
    _style.caption(figure, _caption(table))
    return figure


def _caption(table: pd.DataFrame) -> str:
    others = [c for c in map(str, table) if c not in COLUMNS]
    further = "".join(f", by {c}" for c in others)
    low, high = table.min(numeric_only=True), table.max(numeric_only=True)
    return (
        f"A point a cell{further}: {low['n_samples']:,.0f} to {high['n_samples']:,.0f} samples, "
        f"prevalence {100 * low['prevalence']:g} to {100 * high['prevalence']:g} %, batches of "
        f"{low['batch_size']:.0f} to {high['batch_size']:,.0f};\nmean of {low['n_runs']:.0f} to "
        f"{high['n_runs']:.0f} runs with a true F1 of {LEARNED} or more. The law is for rare "
        "positives: common ones lie above it."
    )
