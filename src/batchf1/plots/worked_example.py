"""The article's worked example (C1, C2): accuracy may be averaged over batches, F1 may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.averaging import average, batch_mean, pooled
from batchf1.config import WorkedExample, load_study
from batchf1.counts import as_counts, f1
from batchf1.plots import _style

COLUMNS = {"row": "text", "accuracy": "number", "f1": "number"}


def table(source: Path) -> pd.DataFrame:
    """A row per batch, then the mean of the batches and the truth, from pooled counts."""
    example = load_study(source, WorkedExample)
    counts = as_counts(
        **{cell: [b[cell] for b in example.batches] for cell in ("tp", "fp", "fn", "tn")}
    )
    total = counts.pooled()
    accuracy = (counts.tp + counts.tn) / counts.n
    cells = {
        cell: [*getattr(counts, cell), pd.NA, getattr(total, cell)]
        for cell in ("tn", "fn", "fp", "tp")
    }
    return pd.DataFrame(
        {
            "row": [*(f"batch {i + 1}" for i in range(counts.tp.size)), "mean of batches", "all"],
            **{cell: pd.array(values, dtype="Int64") for cell, values in cells.items()},
            "accuracy": [
                *accuracy,
                float(average(accuracy, counts.n, "per_batch")),
                float((total.tp + total.tn) / total.n),
            ],
            "f1": [*f1(counts), float(batch_mean(counts)), float(pooled(counts))],
        }
    )


def draw(table: pd.DataFrame) -> Figure:
    """Bars of accuracy and of F1: each batch, their mean, the truth."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), sharey=True, layout="constrained")
    shown = table.assign(
        row=table["row"].replace(
            {"mean of batches": "mean of\nbatches", "all": "all 300\ntogether"}
        )
    )
    for ax, column, name in zip(axes, ("accuracy", "f1"), ("Accuracy", "F1"), strict=True):
        _bars(ax, shown, column)
        mean, truth = shown[column].iloc[-2:]
        gap = 100 * (mean - truth)
        verdict = (
            "its mean is right" if abs(gap) < 1e-9 else f"its mean is {-gap:.0f} points too low"
        )
        ax.set_title(f"{name}: {verdict}")
    axes[0].set_ylabel("value (0 to 1)")
    _style.caption(figure, "Three batches of 100 samples, from the article (C1). No training.")
    return figure


def _bars(ax: Any, shown: pd.DataFrame, column: str) -> None:
    n = len(shown) - 2
    colours = [_style.PLAIN] * n + [_style.colour("batch_mean"), _style.TRUTH]
    places = np.append(np.arange(n), [n + 0.4, n + 1.4])
    bars = ax.bar(places, shown[column], color=colours, width=0.8)
    ax.bar_label(bars, [f"{value:.4g}" for value in shown[column]], padding=2, fontsize=8)
    ax.axhline(shown[column].iloc[-1], color=_style.TRUTH, linewidth=0.8, linestyle=":", zorder=0)
    ax.set_xticks(places, shown["row"])
    ax.set_ylim(0, 1.1)
    ax.spines[["top", "right"]].set_visible(False)
