"""Predicted against measured: the batch mean of every pass of the sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.stats import norm

from batchf1 import tables
from batchf1.plots import _axes, _style
from batchf1.plots._theory import with_expectation

KEY = ["split", "n_samples", "prevalence", "batch_size", "seed", "epoch"]
COLUMNS = {
    "split": "text",
    **dict.fromkeys(("epoch", "f1", "expected_f1", "sd", "residual"), "number"),
}
ROUNDING = 1e-6
"""Below it a predicted deviation is that of the float32 in which Keras adds."""


def table(source: Path) -> pd.DataFrame:
    """A row per run, epoch and split: logged and expected F1, sd, residual in sd (or NaN).

    Nothing is averaged; whatever else the study varies has columns of its own.
    """
    rows = tables.read(source, tables.RUNS)
    key = [*_axes.further(rows, KEY), *KEY]
    rows = with_expectation(rows[rows["strategy"] == "batch_mean"])
    residual = (rows["f1"] - rows["expected_f1"]) / rows["sd"].where(rows["sd"] > ROUNDING)
    kept = rows[[*key, "f1", "expected_f1", "sd"]].assign(residual=residual)
    return kept.sort_values(key).round(6)


def draw(table: pd.DataFrame) -> Figure:
    """Logged over expected F1 of the validation passes, and the residuals beside the normal law."""
    if table["expected_f1"].isna().all():
        return _style.nothing("no batch mean was logged of which an expectation is known")
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.1), layout="constrained")
    passes, colour = table[table["split"] == "validation"], _style.colour("batch_mean")
    left.axline((0, 0), slope=1, color=_style.TRUTH, linewidth=0.8)
    left.scatter(passes["expected_f1"], passes["f1"], s=3, alpha=0.3, color=colour, rasterized=True)
    left.set(xlabel="expected from the counts alone", ylabel="logged by Keras")
    left.set_title("Batch mean of F1")
    _residuals(right, passes["residual"].dropna())
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    _style.headline(
        figure, "What a batch-averaged F1 logs follows from four counts and a batch size"
    )
    _style.caption(figure, _caption(table, passes))
    return figure


def _caption(table: pd.DataFrame, passes: pd.DataFrame) -> str:
    moved = (table["f1"] - table["expected_f1"])[table["split"] == "train"]
    by_epoch = 100 * moved.groupby(table["epoch"]).mean()
    return (
        f"{len(passes):,} validation passes, no free parameter. Right: the "
        f"{passes['residual'].count():,} with a predicted deviation (the others are one batch\n"
        "or found nothing). In training, where "
        "weights move and batches are not alike, the log lies "
        f"{by_epoch.iloc[0]:+.2f} points from the\nexpectation in epoch {by_epoch.index[0]} "
        f"and {by_epoch.iloc[-1]:+.2f} in epoch {by_epoch.index[-1]}, on average."
    )


def _residuals(ax: Any, residual: pd.Series) -> None:
    edges = np.linspace(-4, 4, 41)
    ax.hist(residual.clip(-4, 4), edges, density=True, color=_style.colour("batch_mean"), alpha=0.6)
    ax.plot(edges, norm.pdf(edges), color=_style.TRUTH)
    ax.set(xlabel="(logged - expected) / predicted standard deviation", ylabel="density")
    ax.set_title(f"Residuals: mean {residual.mean():+.2f}, deviation {residual.std():.2f}")
