"""Figure of theory: expected and logged batch mean of every pass of the sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.stats import norm

from batchf1.config.metric_names import DEFAULT
from batchf1.figures import _facets, study_rows, style
from batchf1.records.columns import Schema, number, optional, share
from batchf1.sweep.expected import residuals, with_expectation
from batchf1.sweep.schema import RUNS

KEY = ["split", "n_samples", "prevalence", "batch_size", "seed", "epoch"]
ALT = (
    "Left, the F1 logged by Keras over the F1 expected from the counts, points along the "
    "diagonal. Right, a histogram of the residuals beside the normal curve."
)
SCHEMA = Schema(
    "A row is an epoch and split of a run: the batch mean that Keras logged, and its expectation.",
    {
        **RUNS.of(*KEY),
        "f1": share("batch mean of F1 that Keras logged"),
        **optional(
            "other batches than the batch size says",
            {
                "expected_f1": share("its expectation, from the pooled counts and the batch size"),
                "sd": number("its standard deviation over random cuts", 0, 1),
                "residual": number("(f1 - expected_f1) / sd", missing="no sd, or 0"),
            },
        ),
    },
    key=tuple(KEY),
    others=RUNS.others,
)
COLUMNS = SCHEMA.columns
READ = ["split", "epoch", "strategy", "f1", "n_batches", "averaging", *_facets.COUNTS]
"""Columns of a study\'s table that are read, apart from the settings."""
NUMBERS = ["f1", "expected_f1", "sd"]


def table(source: Path, metric: str = DEFAULT) -> pd.DataFrame:
    """Return a row per run, epoch and split: logged and expected F1, sd, residual in sd (or NaN).

    Nothing is averaged; whatever else the study varies has columns of its own.
    """
    key = [*_facets.further(study_rows.combinations(source), KEY), *KEY]
    rows = study_rows.read(source, READ, lambda piece: piece["strategy"] == "batch_mean", metric)
    rows = with_expectation(rows, metric)
    residual_table = rows[[*key, *NUMBERS]].assign(residual=residuals(rows))
    # the settings stay as they are
    return residual_table.sort_values(key).round(dict.fromkeys([*NUMBERS, "residual"], 6))


def draw(table: pd.DataFrame) -> Figure:
    """Plot logged over expected F1 of the validation passes, and the distribution of residuals."""
    predicted = table[table["expected_f1"].notna()]
    passes = predicted[predicted["split"] == "validation"]
    if passes.empty:
        return style.empty_figure("no validation pass has a batch mean whose expectation is known")
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.1), layout="constrained")
    colour = style.colour("batch_mean")
    left.axline((0, 0), slope=1, color=style.TRUTH, linewidth=0.8)
    left.scatter(passes["expected_f1"], passes["f1"], s=3, alpha=0.3, color=colour, rasterized=True)
    name = study_rows.label(table)
    left.set(xlabel=f"{name} expected from the counts alone", ylabel=f"{name} logged by Keras")
    left.set_title("Each point is an epoch's validation")
    _residuals(right, passes["residual"].dropna())
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(passes["residual"], name))
    style.caption(figure, _caption(predicted[predicted["split"] == "train"], passes))
    return figure


def _conclusion(residual: pd.Series, name: str) -> str:
    """Return the headline: whether mean and deviation of the residuals are those of chance."""
    if abs(residual.mean()) < 0.1 and abs(residual.std() - 1) < 0.1:
        return f"The logged {name} follows from four counts and the batch size, up to chance"
    return f"The logged {name} differs from what its counts and batch size let expect"


def _caption(training: pd.DataFrame, passes: pd.DataFrame) -> str:
    return (
        f"A point is one of {len(passes):,} validation passes; the line is logged = expected, with "
        "no parameter fitted. Right: how far the\npoints lie from the line, for the "
        f"{passes['residual'].count():,} with a predicted deviation (the others are one batch or "
        f"found nothing), beside\nthe normal curve that chance alone makes.{_moving(training)}"
    )


def _moving(training: pd.DataFrame) -> str:
    """Describe the deviation of training logs from the expectation in the first and last epoch."""
    moved = 100 * (training["f1"] - training["expected_f1"]).groupby(training["epoch"]).mean()
    if moved.empty:
        return ""
    first, last = moved.index[0], moved.index[-1]
    then = f" and {style.signed(moved[last], 2)} in epoch {last}" if last > first else ""
    return (
        " In training, where weights move and batches are not alike, the log\nlies "
        f"{style.signed(moved[first], 2)} points from the expectation in epoch {first}{then}, on "
        "average."
    )


def _residuals(ax: Any, residual: pd.Series) -> None:
    edges = np.linspace(-4, 4, 41)
    if len(residual):
        shown = residual.clip(-4, 4)
        ax.hist(shown, edges, density=True, color=style.colour("batch_mean"), alpha=0.6)
    ax.plot(edges, norm.pdf(edges), color=style.TRUTH)
    ax.set(xlabel="(logged \N{MINUS SIGN} expected) / predicted deviation", ylabel="density")
    text = f"mean {style.signed(residual.mean(), 2)}, deviation {residual.std():.2f}"
    ax.set_title(f"Distances: {text}" if len(residual) > 1 else f"Distances: {len(residual)}")
