"""What a run costs, by engine, and a study, by pipeline; measured by `make benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.plots import _style

LOOKS = {
    "plain": ("plain `fit`, a step a call", _style.COLOURS["batch_mean"], "o"),
    "fused": ("this project: an epoch a call", _style.COLOURS["reconstructed"], "s"),
    "bare loop": ("bare loop: no metrics, no validation", _style.PLAIN, "^"),
    "plain pipeline": ("a process per run and strategy", _style.COLOURS["batch_mean"], "o"),
    "this project": ("this project, two shards", _style.COLOURS["reconstructed"], "s"),
}


def table(source: Path) -> pd.DataFrame:
    """The rows of `engines.csv` and, beside it, `pipelines.csv`, one below the other."""
    return pd.concat(
        [pd.read_csv(source), pd.read_csv(source.with_name("pipelines.csv"))], ignore_index=True
    )


def draw(table: pd.DataFrame) -> Figure:
    """Seconds of a run over its steps, and of a study over its number of runs."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.2), layout="constrained")
    for name, rows in table.groupby("engine"):
        _line(left, rows.groupby("steps")["later_s"].median(), str(name))
    left.set(xlabel="optimiser steps in a run of 5 epochs", ylabel="seconds a run, once compiled")
    left.set_title("A run")
    for name, rows in table.groupby("pipeline"):
        _line(right, rows.groupby("n_runs")["seconds"].median(), str(name))
    right.set(xlabel="runs in the study", ylabel="seconds, start to table")
    right.set_title("A study")
    right.set_xlim(0, 1.15 * table["n_runs"].max())
    for ax in (left, right):
        ax.set_yscale("log")
        ax.legend(fontsize=7.5)
        ax.grid(axis="y", linewidth=0.4)
        ax.spines[["top", "right"]].set_visible(False)
    left.set_xscale("log")
    _style.headline(figure, _conclusion(table))
    _style.caption(
        figure,
        "Left: one process, one thread, all four strategies; 1,000 to 44,000 samples, batches of 8 "
        "to 1,024, median of repeated runs.\nRight: 40,000 and 44,000 samples, batches of 8, two "
        "cores; wall time, measured one after the other.",
    )
    return figure


def _line(ax: Any, values: pd.Series, name: str) -> None:
    label, colour, marker = LOOKS[name]
    ax.plot(
        values.index, values, color=colour, marker=marker, markersize=4, linewidth=1, label=label
    )


def _conclusion(table: pd.DataFrame) -> str:
    study = table.dropna(subset=["pipeline"]).groupby(["pipeline", "n_runs"])["seconds"].median()
    most = int(table["n_runs"].max())
    ratio = study["plain pipeline", most] / study["this project", most]
    return f"{most} trainings with all strategies: {ratio:.0f} times faster than a process for each"
