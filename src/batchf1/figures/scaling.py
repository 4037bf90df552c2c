"""Figure of scaling: time of runs by engine, and their ratio (`benchmarks/engines.py`)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.errors import check
from batchf1.figures import _read_csv, style
from batchf1.records.columns import Schema, count, number, text

OURS, SLOW = style.COLOURS["reconstructed"], style.COLOURS["batch_mean"]
PLAIN, ENSEMBLE, STEPS = "plain", "ensemble", "ensemble, steps alone"
LOOKS = {
    PLAIN: ("plain Keras fit", SLOW, "o", "-"),
    "bare loop": ("bare compiled loop, no metrics", style.PLAIN, "^", "-"),
    ENSEMBLE: ("this project: an ensemble", OURS, "s", "-"),
    STEPS: ("its training steps alone", OURS, "D", "--"),
    "multiplications": ("their multiplications alone", style.TRUTH, "v", ":"),
}
"""Engine -> its name in the legend, colour, marker and line."""
RATIOS = {"compiled": ("compiled", "o", "-"), "first": ("compiling included", "o", "--")}
"""Ratio -> its name in the legend, marker and line."""
SCHEMA = Schema(
    "A row is a way to train at one data size and batch size, from `benchmarks/engines.py`.",
    {
        "engine": text("way to train", LOOKS),
        "n_samples": count("training samples", 1, "samples"),
        "batch_size": count("batch size", 1, "samples"),
        "steps": count("steps of a run", 1),
        "epochs": count("epochs of a run", 1),
        "n_runs": count("runs that a call trains", 1),
        "first_s": number("the first call, of all its runs; most compile", 0, unit="s"),
        "later_s": number("a later call divided by its runs, median", 0, unit="s"),
        "later_max_s": number("the same, largest", 0, unit="s"),
    },
    key=("engine", "n_samples", "batch_size"),
)
COLUMNS = SCHEMA.columns
ALT = (
    "Two charts on logarithmic axes over the batch size: the seconds that equally many runs take, "
    "a line for each engine, and how many times as long plain Keras takes as an ensemble."
)
LINE = 140
"""Characters in a line of the caption."""


def table(source: Path) -> pd.DataFrame:
    """Return the rows of `benchmarks/engines.csv`."""
    return _read_csv.read(source, COLUMNS, "the engines")


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Compute how many times as long plain Keras takes as an ensemble, for an ensemble's runs.

    Returns
    -------
    pandas.DataFrame
        A row for each data size and batch size at which both were measured, with `n_runs`;
        `compiled`, the ratio of later calls; `first`, that of first calls, plain Keras compiling
        once in all its runs; `compiling_s`, seconds that the ensemble compiles; and `of_steps`,
        its time over that of its training steps alone.

    Notes
    -----
    An ensemble and its steps alone share what is compiled, for all data sizes: it is in the first
    call of either. So their first calls beyond later ones are added, at the data size where
    these take longest.
    """
    cells = ["n_samples", "batch_size"]
    first, later, runs = (
        table.pivot_table(index=cells, columns="engine", values=name).reindex(columns=list(LOOKS))
        for name in ("first_s", "later_s", "n_runs")
    )
    n_runs = runs[ENSEMBLE]
    beyond = (first - runs * later)[[ENSEMBLE, STEPS]].sum(axis=1)
    compiling = beyond.groupby("batch_size").transform("max")
    ours = n_runs * later[ENSEMBLE]
    found = {
        "n_runs": n_runs,
        "compiled": later[PLAIN] / later[ENSEMBLE],
        "first": (first[PLAIN] + (n_runs - runs[PLAIN]) * later[PLAIN]) / (ours + compiling),
        "compiling_s": compiling,
        "of_steps": later[ENSEMBLE] / later[STEPS],
    }
    return pd.DataFrame(found).dropna(subset=["compiled"]).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """Plot seconds of an ensemble's runs in each engine, and plain Keras' over an ensemble's."""
    strange = sorted(set(table["engine"]) - set(LOOKS))
    check(not strange, "figure scaling: engine", f"must be one of {list(LOOKS)}", strange[:1])
    largest = table[table["n_samples"] == table["n_samples"].max()]
    compared = ratios(table)
    compared = compared[compared["n_samples"] == table["n_samples"].max()]
    if compared.empty:
        return style.empty_figure("plain Keras and an ensemble were not measured alike")
    n_runs = compared["n_runs"].max()
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 4.2), layout="constrained")
    _seconds(axes[0], largest, n_runs)
    _ratios(axes[1], compared)
    for ax in axes:
        ax.set(xscale="log", yscale="log", xlabel="batch size (samples)")
        places = sorted(set(largest["batch_size"]))
        ax.set_xticks(places, [f"{place:,.0f}" for place in places])
        ax.set_xticks([], minor=True)
        ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(compared, n_runs), axes[0].get_legend_handles_labels()[0])
    style.caption(figure, _caption(largest, n_runs))
    return figure


def _seconds(ax: Any, rows: pd.DataFrame, n_runs: float) -> None:
    """Plot a line for each engine: the seconds of that many runs."""
    for engine, (label, colour, marker, line) in LOOKS.items():
        of = rows[rows["engine"] == engine].sort_values("batch_size")
        look = {"color": colour, "marker": marker, "linestyle": line, "label": label}
        if len(of):
            ax.plot(of["batch_size"], n_runs * of["later_s"], markersize=4, linewidth=1, **look)
    ax.set(title=f"Seconds of {n_runs:.0f} runs, compiled", ylabel="seconds")
    ax.grid(axis="y", linewidth=0.4)


def _ratios(ax: Any, compared: pd.DataFrame) -> None:
    """Plot the ratio once all is compiled, and with what compiling costs."""
    for name, (label, marker, line) in RATIOS.items():
        look = {"color": style.TRUTH, "marker": marker, "linestyle": line, "label": label}
        ax.plot(compared["batch_size"], compared[name], markersize=4, linewidth=1, **look)
        for size, ratio in zip(compared["batch_size"], compared[name], strict=True):
            place = {"xytext": (4, 4), "textcoords": "offset points", "fontsize": 7.5}
            ax.annotate(f"{_rounded(ratio):,g}", (size, ratio), **place)
    ax.margins(x=0.12)
    ax.set(title="Plain Keras / ensemble", ylabel="times as long")
    ax.legend(fontsize=7.5)


def times(ratios: pd.Series) -> str:
    """Return the range of some ratios as text with two digits, such as `13 to 340`."""
    return style.format_range(ratios.map(_rounded), "{:,g}")


def _rounded(ratio: float) -> float:
    return float(f"{ratio:.2g}")


def _conclusion(compared: pd.DataFrame, n_runs: float) -> str:
    return (
        f"Once compiled, plain Keras takes {times(compared['compiled'])} times as long as an "
        f"ensemble for {n_runs:.0f} runs"
    )


def _caption(rows: pd.DataFrame, n_runs: float) -> str:
    return textwrap.fill(
        f"A point is the median of calls after the first, for {n_runs:.0f} runs: trained at once "
        "in blue and black, else one after the other, as one's time multiplied. Data: diamonds, "
        f"{style.format_range(rows['n_samples'])} samples, {style.format_range(rows['epochs'])} "
        "epochs; one process and thread; all strategies but in the bare loop and the "
        "multiplications. Dashed in the right chart: each compiles once, too. The start of the "
        "process, which both need, is left out.",
        LINE,
    )
