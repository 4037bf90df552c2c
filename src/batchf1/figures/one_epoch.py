"""Figure for a lecture: the F1 of each batch of one epoch, their mean, and the true F1."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.figures import style
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.ratios import F1
from batchf1.records.columns import Schema, count, share
from batchf1.studies.simulated_epoch import SimulatedEpoch
from batchf1.sweep.grid import load_study

ALT = (
    "A bar for the F1 of each batch of an epoch, sorted: more than half have the height zero. A "
    "line at the mean of the bars, which is logged, lies far below a line at the true F1."
)
SCHEMA = Schema(
    "A row is a batch of the simulated epoch.",
    {
        "batch": count("number of the batch, from 1", 1),
        **{cell: count(f"{cell} of the batch", unit="samples") for cell in Counts._fields},
        "f1": share("F1 of the batch; 0 for one without positives, real or predicted"),
    },
    key=("batch",),
)
COLUMNS = SCHEMA.columns
STUB = 0.012
"""Height at which a bar of 0 is drawn, to be seen."""
SIZE = 11
"""Points of the words among the bars."""


class Words(NamedTuple):
    """Texts of the figure in a language."""

    headline: str
    logged: str
    true: str
    zero: str
    across: str
    up: str
    caption: str


ENGLISH = Words(
    headline="Most batches score 0, so Keras logs an F1 of {logged:.2f} where {true:.2f} is true",
    logged="logged: {logged:.2f}, the mean of the bars",
    true="true: {true:.2f}, the F1 of all {n_samples:,} samples together",
    zero="{n_zero} of {n_batches} batches score 0:\n{n_empty} of them hold no positive",
    across="batches, sorted by F1",
    up="F1 of the batch",
    caption=(
        "A bar is a batch of {batch_size} samples. Data: simulated, one epoch of {n_batches} "
        "batches cut at random; {percent:.0f} % of the samples are positive."
    ),
)


def table(source: Path) -> pd.DataFrame:
    """Return a row per batch of a simulated epoch: its counts and its F1."""
    counts = load_study(source, SimulatedEpoch).batches()
    numbers = {"batch": np.arange(1, counts.tp.size + 1), **counts._asdict(), "f1": F1(counts)}
    return pd.DataFrame(numbers)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure in English; see `draw_in`."""
    return draw_in(ENGLISH, table)


def draw_in(words: Words, table: pd.DataFrame) -> Figure:
    """Draw a bar per batch, sorted, and lines at their mean and at the true F1."""
    if table.empty:
        return style.empty_figure("no batches to show")
    facts = _facts(table)
    figure, ax = plt.subplots(figsize=(7.6, 3.9), layout="constrained")
    values = np.sort(table["f1"])
    colours = [style.PLAIN if value == 0 else style.colour("batch_mean") for value in values]
    ax.bar(np.arange(len(values)), values.clip(STUB), color=colours, width=0.8, alpha=0.5)
    _line(ax, facts["logged"], style.colour("batch_mean"), words.logged.format(**facts))
    _line(ax, facts["true"], style.TRUTH, words.true.format(**facts))
    if facts["n_zero"]:
        ax.text(0.5, 0.04, words.zero.format(**facts), fontsize=SIZE, color="#555555")
    ax.set(xlabel=words.across, ylabel=words.up, ylim=(0, 1.05), xlim=(-1, len(values)))
    ax.set_xticks([])
    ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, words.headline.format(**facts))
    style.caption(figure, words.caption.format(**facts))
    return figure


def _facts(table: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of the texts."""
    counts = as_counts(*(table[cell] for cell in Counts._fields))
    total = counts.pooled()
    return {
        "logged": float(batch_mean(counts)),
        "true": float(pooled(counts)),
        "n_samples": int(total.n),
        "n_batches": len(table),
        "n_zero": int((table["f1"] == 0).sum()),
        "n_empty": int((counts.positives == 0).sum()),
        "batch_size": style.format_range(pd.Series(counts.n)),
        "percent": 100 * float(total.positives / total.n),
    }


def _line(ax: Any, value: float, colour: str, label: str) -> None:
    """Draw a line across the bars, and its name above its left end, where bars are low."""
    ax.axhline(value, color=colour, linewidth=2.5)
    ax.annotate(
        label,
        (0.02, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, 5),
        textcoords="offset points",
        fontsize=SIZE,
        fontweight="bold",
        color=colour,
    )
