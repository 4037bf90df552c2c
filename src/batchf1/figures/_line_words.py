"""Words of the three figures of the sweep that plot errors: headline, caption and numbers."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd

from batchf1.figures import study_rows, style
from batchf1.figures._facets import LEARNED

NAIVE = "batch_mean"
EXACT = 1e-6
"""A strategy whose largest error is no larger is called exact."""
HELPED = 0.8
"""Share of the error that more data must leave, to be called no help."""
LINE = 128
"""Characters in a line of the caption."""
RISING = {
    "batch_size": "Small batches make the logged {name} up to {points}",
    "prevalence": "The rarer the positives, the more the logged {name} is off: up to {points}",
}
"""Headline by what is across the figure, where the error falls along it."""
FLAT = {"n_samples": "More data does not help: the logged {name} stays up to {points}"}
"""Headline by what is across the figure, where the error does not fall along it."""


def conclusion(drawn: pd.DataFrame, x: str) -> str:
    """Return the headline: how the naive mean's error goes along `x`, and how large it gets."""
    worst = drawn.groupby("strategy")["worst_error"].max()
    rebuilt = worst.get("reconstructed", np.nan)
    name = study_rows.label(drawn)
    if NAIVE not in worst:
        return (
            f"Rebuilt from counts {name} is exact"
            if rebuilt <= EXACT
            else "No strategy averages over batches"
        )
    naive = drawn[drawn["strategy"] == NAIVE]
    sizes = naive["error"].abs().groupby(naive[x]).max()
    points = style.format_points(_worst(naive["error"]))
    sentence = f"Averaged over batches, {name} comes out up to {points}"
    if x in RISING and sizes.iloc[-1] < sizes.iloc[0]:
        sentence = RISING[x].format(name=name, points=points)
    if x in FLAT and len(sizes) > 1 and sizes.iloc[-1] >= HELPED * sizes.iloc[0]:
        last = naive[naive[x] == sizes.index[-1]]
        points = style.format_points(_worst(last["error"]))
        return FLAT[x].format(name=name, points=points)
    exact = rebuilt <= EXACT and x == "batch_size"
    return f"{sentence}; rebuilt from counts it is exact" if exact else sentence


def _worst(errors: pd.Series) -> float:
    """Return the error that is furthest from 0, with its sign."""
    return float(errors.iloc[int(np.abs(errors.to_numpy()).argmax())])


def caption(drawn: pd.DataFrame, x: str, lines: str, n_panels: int) -> str:
    """Return the caption: what a point is, of how many runs, and what is left out."""
    n_runs, name = style.format_range(drawn["n_runs"]), study_rows.label(drawn)
    data = f"{style.format_range(drawn['n_samples'])} samples"
    if x == "n_samples":
        data = f"data with {style.format_range(100 * drawn['prevalence'], '{:g}')} % positives"
    above = f" The numbers below the panels are of all {n_panels} rows." if n_panels > 1 else ""
    return textwrap.fill(
        f"A point is the mean of {n_runs} trainings on {data}, last epoch, with its standard "
        f"error; beside the lines: {lines.replace('_', ' ')}. True {name}: of the very "
        "predictions that the batches saw; epoch end predicts the training data again, with other "
        f"weights. Not drawn: cells with a true F1 below {LEARNED}, where nothing was learned."
        f"{above}",
        LINE,
    )


def size(error: float) -> str:
    """Return the size of an error as text: such as 0.74 or 0."""
    if error == 0 or error >= 0.005 or not np.isfinite(error):
        return f"{error:.2f}" if error else "0"
    digits, power = f"{error:.0e}".split("e")
    return rf"${digits}\times10^{{{int(power)}}}$"
