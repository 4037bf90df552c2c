"""Figure of scaling: time of a run by engine, and of a study by pipeline (`make benchmark`)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.errors import check
from batchf1.figures import _read_csv, style
from batchf1.records.columns import Schema, count, number, optional, text

OURS, PLAIN = style.COLOURS["reconstructed"], style.COLOURS["batch_mean"]
LOOKS = {
    "plain": ("plain Keras fit", PLAIN, "o", "-"),
    "bare loop": ("bare compiled loop, no metrics", style.PLAIN, "^", "-"),
    "ensemble": ("this project: an ensemble", OURS, "s", "-"),
    "ensemble, steps alone": ("its training steps alone", OURS, "D", "--"),
    "multiplications": ("their multiplications alone", style.TRUTH, "v", ":"),
}
"""Engine -> its name in the legend, colour, marker and line."""
SLOW, FAST = "plain pipeline", "this project"
STUDIES = {SLOW: LOOKS["plain"], FAST: LOOKS["ensemble"]}
ENGINES = Schema(
    "A row is a way to train at one data size and batch size, from `benchmarks/engines.py`.",
    {
        "engine": text("way to train", LOOKS),
        "n_samples": count("training samples", 1, "samples"),
        "batch_size": count("batch size", 1, "samples"),
        "steps": count("steps of a run", 1),
        "epochs": count("epochs of a run", 1),
        "first_s": number("the first call, which compiles, of all runs at once", 0, unit="s"),
        "later_s": number("a later call divided by its runs, median", 0, unit="s"),
        "later_max_s": number("the same, largest", 0, unit="s"),
    },
    key=("engine", "n_samples", "batch_size"),
)
PIPELINES = Schema(
    "A row is a study of so many runs, from start to table, from `benchmarks/pipelines.py`.",
    {
        "pipeline": text("what ran the study", STUDIES),
        "n_runs": count("runs of the study", 1),
        "cores": count("cores that were used", 1),
        "seconds": number("wall time", 0, unit="s"),
        "cpu_seconds": number("processor time", 0, unit="s"),
        "peak_mb": count("peak memory of all processes", 0, "MB"),
        "seconds_a_run": number("seconds divided by n_runs", 0, unit="s"),
    },
    key=("pipeline", "n_runs"),
)
ALT = (
    "Three charts on logarithmic axes: the seconds of a run over the training samples and over "
    "the batch size, a line for each engine, and the seconds of a study over its number of runs."
)
SCHEMA = Schema(
    "A row is one of `benchmarks/engines.csv` or of `benchmarks/pipelines.csv`.",
    {
        name: column._replace(type="number" if column.type == "integer" else column.type)
        for name, column in {
            **optional("a row of the pipelines", ENGINES.columns),
            **optional("a row of the engines", PIPELINES.columns),
        }.items()
    },
)
COLUMNS = SCHEMA.columns


LINE = 140
"""Characters in a line of the caption."""


def table(engines: Path, pipelines: Path) -> pd.DataFrame:
    """Return the rows of both tables of `benchmarks/`, concatenated."""
    parts = [
        _read_csv.read(engines, ENGINES.columns, "the engines"),
        _read_csv.read(pipelines, PIPELINES.columns, "the pipelines"),
    ]
    return pd.concat(parts, ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Plot seconds of a run over data and batch size, and of a study over its number of runs."""
    runs, studies = table.dropna(subset=["engine"]), table.dropna(subset=["pipeline"])
    if runs.empty or studies.empty:
        return style.empty_figure("no engine, or no pipeline, was measured")
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 4.2), layout="constrained")
    _engines(axes[:2], runs)
    _studies(axes[2], studies)
    for ax in axes:
        ax.grid(axis="y", linewidth=0.4)
        ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(studies), axes[0].get_legend_handles_labels()[0])
    style.caption(figure, _caption(runs, studies))
    return figure


def _engines(axes: Any, runs: pd.DataFrame) -> None:
    """Plot seconds a run over data size, and over batch size at the largest data size."""
    small, large = runs["batch_size"].min(), runs["n_samples"].max()
    cells = (("n_samples", "batch_size", small), ("batch_size", "n_samples", large))
    axes[1].sharey(axes[0])
    for ax, (x, fixed, value) in zip(axes, cells, strict=True):
        _lines(ax, runs[runs[fixed] == value], ("engine", x, "later_s"), LOOKS)
    axes[0].set(xlabel="training samples", ylabel="seconds a run, once compiled")
    axes[1].set(xlabel="batch size (samples)")
    axes[0].set_title(f"Batches of {small:,.0f}")
    axes[1].set_title(f"{large:,.0f} samples")


def _studies(ax: Any, studies: pd.DataFrame) -> None:
    """Plot seconds over the number of runs, with names, and an extrapolation of plain runs."""
    _lines(ax, studies, ("pipeline", "n_runs", "seconds"), STUDIES)
    last = _largest(studies)
    for name, row in last.iterrows():
        place = {"xy": (row["n_runs"], row["seconds"]), "textcoords": "offset points"}
        right = row["n_runs"] < studies["n_runs"].max()
        where = {"xytext": (7, -2)} if right else {"xytext": (0, 8), "ha": "right"}
        ax.annotate(str(name), **place, **where, fontsize=7.5, color=STUDIES[str(name)][1])
    if SLOW in last.index:
        ends = pd.Series([last["n_runs"][SLOW], studies["n_runs"].max()])
        seconds = ends * last["a_run"][SLOW]
        ax.plot(ends, seconds, color=PLAIN, linewidth=1, linestyle=":")
    ax.set(xlabel="runs in the study", ylabel="seconds, start to table", title="A whole study")


def _lines(
    ax: Any, rows: pd.DataFrame, columns: tuple[str, str, str], looks: dict[str, Any]
) -> None:
    """Plot a line for each name on logarithmic axes, with ticks at the measured x."""
    name, x, y = columns
    strange = sorted(set(rows[name]) - set(looks))
    check(not strange, f"figure scaling: {name}", f"must be one of {list(looks)}", strange[:1])
    for key, (label, colour, marker, line) in looks.items():
        of = rows[rows[name] == key].sort_values(x)
        style = {"color": colour, "marker": marker, "linestyle": line, "label": label}
        if len(of):
            ax.plot(of[x], of[y], markersize=4, linewidth=1, **style)
    ax.set(xscale="log", yscale="log")
    places = sorted(set(rows[x]))
    ax.set_xticks(places, [f"{place:,.0f}" for place in places])
    ax.set_xticks([], minor=True)


def _largest(studies: pd.DataFrame) -> pd.DataFrame:
    """Return runs, seconds and seconds a run of each pipeline's largest study, as medians."""
    most = studies.groupby("pipeline")["n_runs"].transform("max")
    largest = studies[studies["n_runs"] == most]
    medians = largest.groupby("pipeline")[["n_runs", "seconds"]].median()
    return medians.assign(a_run=medians["seconds"] / medians["n_runs"])


def _conclusion(studies: pd.DataFrame) -> str:
    """Return the headline, from the largest study of each pipeline."""
    last = _largest(studies)
    if not {SLOW, FAST} <= set(last.index):
        return "A study takes so long"
    slow, fast = last.loc[SLOW], last.loc[FAST]
    return (
        f"A run takes {fast['a_run']:.2g} s in a study of {fast['n_runs']:,.0f} here, "
        f"and {slow['a_run']:.3g} s in one of {slow['n_runs']:,.0f} in plain Keras"
    )


def _caption(runs: pd.DataFrame, studies: pd.DataFrame) -> str:
    return textwrap.fill(
        "A point is a measurement, left and middle the median of several. Data: diamonds. Left, "
        f"middle: one process and thread, {style.format_range(runs['epochs'])} epochs; all "
        "strategies but in the bare loop and the multiplications; blue and black: of 32 runs at "
        f"once, divided by 32. Right: wall time on {style.format_range(studies['cores'])} cores, "
        "start and compiling included; plain is a process per run and strategy, dotted: in "
        "proportion to the runs. The title has a run of the largest study of each.",
        LINE,
    )
