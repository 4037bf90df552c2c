"""What a run costs, by engine, and a study, by pipeline; measured by `make benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.figures import _numbers, _style

LOOKS = {
    "plain": ("plain Keras fit", _style.COLOURS["batch_mean"], "o"),
    "fused": ("this project: an epoch a call", _style.COLOURS["reconstructed"], "s"),
    "bare loop": ("bare compiled loop, no metrics", _style.PLAIN, "^"),
    "plain pipeline": ("plain Keras", _style.COLOURS["batch_mean"], "o"),
    "this project": ("this project, two shards", _style.COLOURS["reconstructed"], "s"),
}
ENGINES = {
    "engine": "text",
    **dict.fromkeys(("n_samples", "batch_size", "epochs", "later_s"), "number"),
}
PIPELINES = {"pipeline": "text", **dict.fromkeys(("n_runs", "cores", "seconds"), "number")}
COLUMNS = ENGINES | PIPELINES
SLOW, FAST = "plain pipeline", "this project"


def table(engines: Path, pipelines: Path) -> pd.DataFrame:
    """The rows of both tables of `benchmarks/`, one below the other."""
    parts = [
        _numbers.read(engines, ENGINES, "the engines"),
        _numbers.read(pipelines, PIPELINES, "the pipelines"),
    ]
    return pd.concat(parts, ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Seconds of a run over data size and batch size, and of a study over its number of runs."""
    runs, studies = table.dropna(subset=["engine"]), table.dropna(subset=["pipeline"])
    if runs.empty or studies.empty:
        return _style.nothing("no engine, or no pipeline, was measured")
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 4.0), layout="constrained")
    small, large = runs["batch_size"].min(), runs["n_samples"].max()
    cells = (("n_samples", "batch_size", small), ("batch_size", "n_samples", large))
    for ax, (x, fixed, value) in zip(axes, cells, strict=False):
        for name, rows in runs[runs[fixed] == value].groupby("engine"):
            _line(ax, rows.set_index(x)["later_s"], str(name))
        ax.set_xscale("log")
    axes[0].set(xlabel="training samples", ylabel="seconds a run, once compiled")
    axes[1].set(xlabel="batch size")
    axes[0].set_title(f"Batches of {small:,.0f}")
    axes[1].set_title(f"{large:,.0f} samples")
    for name, rows in studies.groupby("pipeline"):
        _line(axes[2], rows.set_index("n_runs")["seconds"], str(name))
    axes[2].set(xlabel="runs in the study", ylabel="seconds, start to table")
    axes[2].set_xlim(0, 1.15 * studies["n_runs"].max())
    axes[2].set_title("A whole study")
    for ax in axes:
        ax.set_yscale("log")
        ax.grid(axis="y", linewidth=0.4)
        ax.spines[["top", "right"]].set_visible(False)
    _style.headline(figure, _conclusion(studies), axes[0].get_legend_handles_labels()[0])
    _style.caption(figure, _caption(runs, studies))
    return figure


def _line(ax: Any, values: pd.Series, name: str) -> None:
    label, colour, marker = LOOKS[name]
    ax.plot(
        values.index, values, color=colour, marker=marker, markersize=4, linewidth=1, label=label
    )


def _conclusion(studies: pd.DataFrame) -> str:
    """By the largest study that both pipelines have made."""
    seconds = studies.pivot_table(
        index="n_runs", columns="pipeline", values="seconds", aggfunc="median"
    )
    if not {SLOW, FAST} <= set(seconds) or seconds[[SLOW, FAST]].dropna().empty:
        return "What a run costs, and a whole study"
    both = seconds[[SLOW, FAST]].dropna().iloc[-1]
    said = f"{both[SLOW] / both[FAST]:.3g} times faster than a process for each"
    return f"{both.name:.0f} trainings with all strategies: {said}"


def _caption(runs: pd.DataFrame, studies: pd.DataFrame) -> str:
    return (
        f"Left, middle: one process, all strategies in each run, {_style.span(runs['epochs'])} "
        f"epochs; median of repeated runs. Right: wall time on\n{_style.span(studies['cores'])} "
        "cores; orange there is a process of plain Keras per run and strategy."
    )
