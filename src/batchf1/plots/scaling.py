"""What a run costs, by engine, and a study, by pipeline; measured by `make benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.plots import _style

LOOKS = {
    "plain": ("plain Keras fit", _style.COLOURS["batch_mean"], "o"),
    "fused": ("this project: an epoch a call", _style.COLOURS["reconstructed"], "s"),
    "bare loop": ("bare compiled loop, no metrics", _style.PLAIN, "^"),
    "plain pipeline": ("plain Keras", _style.COLOURS["batch_mean"], "o"),
    "this project": ("this project, two shards", _style.COLOURS["reconstructed"], "s"),
}
COLUMNS = {
    **dict.fromkeys(("engine", "pipeline"), "text"),
    **dict.fromkeys(("n_samples", "batch_size", "later_s", "n_runs", "seconds"), "number"),
}


def table(engines: Path, pipelines: Path) -> pd.DataFrame:
    """The rows of both tables of `benchmarks/`, one below the other."""
    return pd.concat(map(pd.read_csv, (engines, pipelines)), ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Seconds of a run over data size and batch size, and of a study over its number of runs."""
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 4.0), layout="constrained")
    small, large = table["batch_size"].min(), table["n_samples"].max()
    cells = (("n_samples", "batch_size", small), ("batch_size", "n_samples", large))
    for ax, (x, fixed, value) in zip(axes, cells, strict=False):
        for name, rows in table[table[fixed] == value].groupby("engine"):
            _line(ax, rows.set_index(x)["later_s"], str(name))
        ax.set_xscale("log")
    axes[0].set(xlabel="training samples", ylabel="seconds a run, once compiled")
    axes[1].set(xlabel="batch size")
    axes[0].set_title(f"Batches of {small:.0f}")
    axes[1].set_title(f"{large:,.0f} samples")
    for name, rows in table.groupby("pipeline"):
        _line(axes[2], rows.set_index("n_runs")["seconds"], str(name))
    axes[2].set(xlabel="runs in the study", ylabel="seconds, start to table")
    axes[2].set_xlim(0, 1.15 * table["n_runs"].max())
    axes[2].set_title("A whole study")
    for ax in axes:
        ax.set_yscale("log")
        ax.grid(axis="y", linewidth=0.4)
        ax.spines[["top", "right"]].set_visible(False)
    _style.headline(figure, _conclusion(table), axes[0].get_legend_handles_labels()[0])
    _style.caption(
        figure,
        "Left, middle: one process, one thread, all four strategies, 5 epochs; median of repeated "
        "runs. Right: 40,000 and 44,000\nsamples, batches of 8, two cores, wall time; orange there "
        "is a process of plain Keras per run and strategy.",
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
