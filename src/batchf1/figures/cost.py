"""Figure of cost: time of each strategy relative to no strategy, and memory over the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import ArrayLike

from batchf1.errors import check
from batchf1.figures import style
from batchf1.records import tables
from batchf1.studies.cost.config import ENGINES, NONE, plugin_of
from batchf1.studies.cost.rows import COST, SUMMARY

KEY = ["device", "model", "engine", "batch_size"]
SERIES = [*KEY, "n_samples", "repetition"]
TIMES = ("train", "validation", "epoch")
MEMORY = ("peak_bytes", "extra_bytes", "grown_bytes")
"""Of the process; beyond the process without a strategy; and what the epochs added to it."""
SLOPES = {
    "bytes_per_row": ("peak_bytes", 1.0),
    "extra_bytes_per_row": ("extra_bytes", 1.0),
    "grown_bytes_per_row": ("grown_bytes", 1.0),
    "seconds_per_million_rows": ("epoch_seconds", 1e6),
    "extra_seconds_per_million_rows": ("extra_seconds", 1e6),
}
"""Column -> what is fitted against the rows, and in which unit."""
ARRAYS = "epoch_end_arrays"
LABELS = {"epoch_end": "epoch end, streamed", ARRAYS: "epoch end, arrays"}
FITS = {"plain": "plain fit", "blocks": "fit in blocks"}
FLOOR = 0.1
"""Megabytes; less is drawn here, since a logarithm has no zero."""
APART = 1.13
"""Factor between the points of two strategies, which else would hide each other."""
ALT = (
    "Two charts: how many times longer an epoch takes with each strategy than without one, and "
    "the memory that each adds over the number of rows."
)
SCHEMA, COLUMNS = SUMMARY, SUMMARY.columns


def table(source: Path) -> pd.DataFrame:
    """Return a row per cell (`row` is `cell`) and one with the slopes of its line (`slope`).

    Ratios are to epochs without a strategy, which take turns with the measured ones in the same
    process. Grown bytes are less noisy than extra ones, but miss what fits into memory that tracing
    had freed. Slopes are by least squares, against the rows of training (validation has as many).
    Raises `InputError` where a series has no run without a strategy.
    """
    rows = paired(tables.read(source, COST))
    both = pd.concat([_cells(rows).assign(row="cell"), _slopes(rows).assign(row="slope")])
    passes = [int(plugin_of(name) == "epoch_end") for name in both["strategy"]]
    both = both.assign(extra_passes=passes)
    first = ["row", *KEY, "strategy", "n_samples", "n_rows", "n_runs", "extra_passes"]
    return both[[*first, *(name for name in both if name not in first)]]


def paired(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements of `COST` with the additional cost of each strategy.

    Time beside the epochs without one that took turns with it, memory beside the measurement
    without one of the same series.
    """
    for prefix in ("", "none_"):
        parts = rows[f"{prefix}train_seconds"] + rows[f"{prefix}validation_seconds"]
        rows = rows.assign(**{f"{prefix}epoch_seconds": parts})
    for time in TIMES:
        ratio = rows[f"{time}_seconds"] / rows[f"none_{time}_seconds"]
        rows = rows.assign(**{f"{time}_ratio": ratio})
    none = rows[rows["strategy"] == NONE][[*SERIES, "peak_bytes"]]
    both = rows.merge(none, on=SERIES, how="left", suffixes=("", "_none"))
    lacking = both[both["peak_bytes_none"].isna()]
    rule = f"must have a run with strategy {NONE}"
    check(lacking.empty, "series", rule, lacking[SERIES].to_dict("records")[:1])
    return both.assign(
        extra_seconds=both["epoch_seconds"] - both["none_epoch_seconds"],
        extra_bytes=both["peak_bytes"] - both["peak_bytes_none"],
        grown_bytes=both["peak_bytes"] - both["start_bytes"],
    )


def _cells(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.groupby([*KEY, "strategy", "n_samples", "n_rows"])
    columns: dict[str, Any] = {"n_runs": ("repetition", "nunique")}
    for name in [f"{time}_seconds" for time in TIMES] + list(MEMORY):
        columns |= {name: (name, "mean"), f"{name}_sd": (name, "std")}
    for name in [f"{time}_ratio" for time in TIMES]:
        columns |= {name: (name, "mean"), f"{name}_sd": (name, "std")}
        columns |= {f"{name}_min": (name, "min"), f"{name}_max": (name, "max")}
    columns["device_peak_bytes"] = ("device_peak_bytes", "mean")
    cells: pd.DataFrame = groups.agg(**columns).reset_index()
    return cells


def _slopes(rows: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for key, group in rows.groupby([*KEY, "strategy"]):
        if group["n_rows"].nunique() < 2:
            continue
        line: dict[str, Any] = dict(zip([*KEY, "strategy"], key, strict=True))
        line["n_runs"] = len(group)
        for name, (column, unit) in SLOPES.items():
            value, error = slope(group["n_rows"], group[column])
            line |= {name: unit * value, f"{name}_se": unit * error}
        lines.append(line)
    names = [part for name in SLOPES for part in (name, f"{name}_se")]
    return pd.DataFrame(lines, columns=[*KEY, "strategy", "n_runs", *names])


def slope(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Return the least-squares slope of y over x, two vectors, and its standard error.

    The error is NaN for fewer than three points; x needs two different values.
    """
    across, up = (np.asarray(v, np.float64) - np.mean(np.asarray(v)) for v in (x, y))
    value = float((across @ up) / (across @ across))
    if len(across) < 3:
        return value, float("nan")
    rest = up - value * across
    return value, float(np.sqrt((rest @ rest) / (len(across) - 2) / (across @ across)))


def draw(table: pd.DataFrame) -> Figure:
    """Plot time of an epoch relative to no strategy (left), and extra peak memory (right)."""
    shown = table[table["device"] == "cpu"]
    if "cell" not in set(shown["row"]):
        return style.empty_figure("nothing was measured on a CPU")
    shown = shown[shown["model"] == _plain_model(shown)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.2), layout="constrained")
    cells = shown[shown["row"] == "cell"]
    present = set(cells["strategy"]) - {NONE}
    order = [name for name in (*style.COLOURS, ARRAYS) if name in present]
    order += sorted(present - set(order))
    _times(left, cells[cells["strategy"] != NONE], order)
    _memory(right, cells, order)
    for ax in (left, right):
        ax.grid(axis="y", linewidth=0.4)
        ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(shown), [_handle(name) for name in (NONE, *order)])
    style.caption(figure, _caption(cells))
    return figure


def _plain_model(table: pd.DataFrame) -> str:
    """Return the model with the most cells, of equals the alphabetically last: `small`."""
    counts = table[table["row"] == "cell"]["model"].value_counts()
    return str(max(counts.index[counts == counts.max()]))


def _times(ax: Any, cells: pd.DataFrame, order: list[str]) -> None:
    columns = cells[["engine", "batch_size"]].drop_duplicates()
    columns = columns.sort_values(["engine", "batch_size"], ascending=[False, True])
    for position, (engine, batch_size) in enumerate(columns.itertuples(index=False)):
        mine = cells[(cells["engine"] == engine) & (cells["batch_size"] == batch_size)]
        for name, rows in mine.groupby("strategy"):
            row = rows.sort_values(["n_runs", "n_samples"]).iloc[-1]
            x = position + 0.13 * (order.index(str(name)) - (len(order) - 1) / 2)
            ends = [[row["epoch_ratio"] - row["epoch_ratio_min"]]]
            ends += [[row["epoch_ratio_max"] - row["epoch_ratio"]]]
            ax.errorbar(x, row["epoch_ratio"], yerr=ends, **_look(str(name)))
    ax.axhline(1, color=style.PLAIN, linewidth=0.8)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(FixedLocator([0.5, 1, 2, 5, 10, 20, 50, 100]))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    names = [
        f"{FITS.get(engine, engine)},\nbatches of {size}"
        for engine, size in columns.itertuples(index=False)
    ]
    ax.set_xticks(range(len(names)), names)
    ax.set(ylabel="seconds of an epoch / without a strategy", xlim=(-0.6, len(names) - 0.4))
    ax.set_title("Time")


def _memory(ax: Any, cells: pd.DataFrame, order: list[str]) -> None:
    largest = cells[cells["batch_size"] == cells["batch_size"].max()]
    names = (NONE, *order)
    for engine, dashes in zip(FITS, ("-", ":"), strict=True):
        for name in names:
            rows = largest[(largest["engine"] == engine) & (largest["strategy"] == name)]
            rows = rows.sort_values("n_rows")
            megabytes = (rows["grown_bytes"] / 1e6).clip(lower=FLOOR)
            offset = APART ** (names.index(name) - (len(names) - 1) / 2)
            ax.plot(rows["n_rows"] * offset, megabytes, **_look(name) | {"linestyle": dashes})
    ax.set(xscale="log", yscale="log", xlabel="rows of training, and of validation")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set(ylabel="peak memory that the epoch adds, MB")
    ax.set_title(f"Memory, batches of {cells['batch_size'].max():,}")


def _look(name: str) -> dict[str, Any]:
    """Return the look of a strategy; arrays have the strategy's colour and a hollow marker."""
    if name == NONE:
        return {"color": style.PLAIN, "marker": ".", "linewidth": 1.1, "label": "no strategy"}
    base = plugin_of(name) or name
    colour = style.colour(base)
    face = "white" if name == ARRAYS else colour
    options = {"markersize": 5, "linewidth": 1.1, "markerfacecolor": face}
    return {"color": colour, "marker": style.marker(base), **options}


def _handle(name: str) -> Any:
    return Line2D([], [], **{"label": LABELS.get(name, style.label(name))} | _look(name))


def _conclusion(table: pd.DataFrame) -> str:
    """Return the headline, from the slopes on the right."""
    lines = table[table["row"] == "slope"]
    # of two engines `blocks`, alphabetically the first, reaches far more rows
    lines = lines.sort_values(["engine", "batch_size"], ascending=[True, False])
    growth = lines.drop_duplicates("strategy").set_index("strategy")["grown_bytes_per_row"]
    if not {ARRAYS, "reconstructed"} <= set(growth.index):
        return "What a strategy costs, beside an epoch without one"
    return (
        f"Predicting arrays at the end of an epoch takes {growth[ARRAYS]:,.0f} MB per million rows,"
        f" counts take {max(0.0, growth['reconstructed']):,.0f}"
    )


def _caption(cells: pd.DataFrame) -> str:
    low = (cells["grown_bytes"] < 1e6 * FLOOR).any()
    floor = f" Less than {FLOOR:g} MB is drawn at {FLOOR:g}." if low else ""
    return (
        f"A fresh process for each measurement, {style.format_range(cells['n_runs'])} per cell. "
        "Left: "
        "mean and range of the ratio to epochs without a strategy, in turns with them,\n"
        "at the size with the most of them. Right: solid plain fit, dotted fit in blocks of "
        f"{ENGINES['blocks']} batches a call; strategies stand side by side. Data: random rows."
        f"{floor}"
    )
