"""Figure of the article's worked example (C1, C2): mean accuracy and mean F1 over batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.figures import style
from batchf1.metrics.averaging import average, batch_mean, pooled
from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.ratios import F1
from batchf1.records.columns import Schema, count, optional, share, text
from batchf1.studies.worked_example import WorkedExample
from batchf1.sweep.grid import load_study
from batchf1.theory.expectation import expect

CELLS = ("tn", "fn", "fp", "tp")
ALT = (
    "Bars of accuracy and of F1 for each batch, for the mean of the batches and for all samples "
    "together, with a dotted line at the true value."
)
SCHEMA = Schema(
    "A row is a batch; then the mean of the batches, and all samples together.",
    {
        "row": text("`batch 1` and so on, `mean of batches`, or `all`"),
        **optional(
            "the mean of batches",
            {
                "tn": count("true negatives", unit="samples"),
                "fn": count("false negatives", unit="samples"),
                "fp": count("false positives", unit="samples"),
                "tp": count("true positives", unit="samples"),
            },
        ),
        "accuracy": share("share of right predictions"),
        "f1": share("F1; 0 for a batch without positives, real or predicted"),
    },
    key=("row",),
)
COLUMNS = SCHEMA.columns
ARTICLE = [[50, 10, 10, 30], [90, 9, 0, 1], [70, 0, 0, 30]]
"""The article's batches, in the order of `CELLS`."""
FEW = 4
"""More batches than these have no numbers on their bars."""
EXACT = 1e-11
"""A smaller difference is rounding."""
UNUSUAL = 4
"""Standard deviations from what a random cut logs, beyond which batches are called no such cut."""
LOW = 0.12
"""A lower bar has its number above it."""
WORDS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def table(source: Path) -> pd.DataFrame:
    """Return a row per batch, then the mean of the batches and the truth, from pooled counts."""
    example = load_study(source, WorkedExample)
    counts = as_counts(
        **{cell: [b[cell] for b in example.batches] for cell in ("tp", "fp", "fn", "tn")}
    )
    total = counts.pooled()
    accuracy = (counts.tp + counts.tn) / counts.n
    cells = {cell: [*getattr(counts, cell), pd.NA, getattr(total, cell)] for cell in CELLS}
    return pd.DataFrame(
        {
            "row": [*(f"batch {i + 1}" for i in range(counts.tp.size)), "mean of batches", "all"],
            **{cell: pd.array(values, dtype="Int64") for cell, values in cells.items()},
            "accuracy": [
                *accuracy,
                float(average(accuracy, counts.n, "per_batch")),
                float((total.tp + total.tn) / total.n),
            ],
            "f1": [*F1(counts), float(batch_mean(counts)), float(pooled(counts))],
        }
    )


def draw(table: pd.DataFrame) -> Figure:
    """Draw bars of accuracy and of F1: each batch, their mean, the truth."""
    if table.empty:
        return style.empty_figure("no batches to show")
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), sharey=True, layout="constrained")
    for ax, column, name in zip(axes, ("accuracy", "f1"), ("Accuracy", "F1"), strict=True):
        _bars(ax, table, column)
        mean, truth = table[column].iloc[-2:]
        right = abs(mean - truth) < EXACT
        verdict = "right" if right else style.format_points(mean - truth)
        ax.set_title(f"{name}: its mean is {verdict}")
    axes[0].set_ylabel("value (0 to 1)")
    style.headline(figure, _conclusion(table))
    style.caption(figure, _caption(table))
    return figure


def _conclusion(table: pd.DataFrame) -> str:
    """Return the headline: which of the two may be averaged over these batches."""
    gaps = table[["accuracy", "f1"]].iloc[-2] - table[["accuracy", "f1"]].iloc[-1]
    right = gaps.abs() < EXACT
    if right["accuracy"] and not right["f1"]:
        points = style.format_points(gaps["f1"])
        return f"Accuracy survives averaging over batches, F1 comes out {points}"
    if right.all():
        return "Accuracy and F1 both survive averaging over these batches"
    return "Averaging over these batches changes accuracy and F1"


def _caption(table: pd.DataFrame) -> str:
    batches = table[list(CELLS)].iloc[:-2]
    n = len(batches)
    number = WORDS[n - 1] if n <= len(WORDS) else str(n)
    sizes = style.format_range(batches.sum(axis=1))
    samples = "sample" if sizes == "1" else "samples"
    source = ", from the article (C1)" if batches.to_numpy().tolist() == ARTICLE else ""
    caption = (
        f"A bar is a batch, the mean of the bars, or all samples. Data: {number.lower()} "
        f"batch{'es' if n > 1 else ''} of {sizes} {samples}{source}; no training."
    )
    return caption + _at_random(batches, float(table["f1"].iloc[-2]))


def _at_random(batches: pd.DataFrame, logged: float) -> str:
    """Describe the expected log of the shuffled samples, if the batches are unlikely by chance.

    Empty where the sizes, equal but for a smaller last one, are those of no cut.
    """
    sizes = batches.sum(axis=1).to_numpy(dtype=int)
    if (sizes[:-1] != sizes[0]).any() or sizes[-1] > sizes[0]:
        return ""
    random = expect(Counts(**batches.sum().astype(int)), int(sizes[0]))
    if abs(logged - random.expected_f1) <= max(UNUSUAL * random.sd, 1e-9):
        return ""
    return (
        f" They are no\nrandom cut: the same {sizes.sum():,} samples, shuffled, would log "
        f"{random.expected_f1:.3f}, give or take {random.sd:.3f}, where {random.true_f1:.3f} is "
        "true."
    )


def _bars(ax: Any, table: pd.DataFrame, column: str) -> None:
    n, values = len(table) - 2, table[column]
    colours = [style.PLAIN] * n + [style.colour("batch_mean"), style.TRUTH]
    places = np.append(np.arange(n), [n + 0.4, n + 1.4])
    ax.bar(places, values, color=colours, width=0.8)
    mean, truth = values.iloc[-2:]
    if n <= FEW:
        ends = ["mean of\nbatches", f"all {table[list(CELLS)].iloc[-1].sum():,.0f}\ntogether"]
        for x, value, colour in zip(places, values, colours, strict=True):
            _number(ax, x, value, colour)
        ax.set_xticks(places, [*table["row"].iloc[:-2], *ends], fontsize=8)
    else:
        ax.set_xticks([])
        ax.set_xlabel(
            f"{n} batches; their mean {mean:.4g} (orange),\nall together {truth:.4g} (black)"
        )
    ax.axhline(truth, color=style.TRUTH, linewidth=0.8, linestyle=":", zorder=0)
    ax.set_ylim(0, 1.1)
    ax.spines[["top", "right"]].set_visible(False)


def _number(ax: Any, x: float, value: float, colour: str) -> None:
    """Write a bar's value at its foot, clear of the line of the truth; of a low bar above it."""
    high = value >= LOW
    ink = "white" if high and colour == style.TRUTH else style.TRUTH
    y = 0.04 if high else value + 0.02
    ax.text(x, y, f"{value:.4g}", ha="center", va="bottom", color=ink, fontsize=8.5)
