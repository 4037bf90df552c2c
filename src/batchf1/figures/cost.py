"""Figure of cost: time of each strategy relative to no strategy, and memory over the rows."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
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
PLAIN, BLOCKS = "plain", "blocks"
LINE = 140
"""Characters in a line of the caption."""
ALT = (
    "Two charts with a bar for each strategy: how many times longer an epoch takes than without "
    "one, and the memory that a million rows of data add, which is large for one strategy alone."
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
    """Draw bars: time of an epoch relative to no strategy, and memory for a million rows."""
    shown = table[table["device"] == "cpu"]
    if "cell" not in set(shown["row"]):
        return style.empty_figure("nothing was measured on a CPU")
    shown = shown[shown["model"] == _plain_model(shown)]
    cells = _timed(shown[(shown["row"] == "cell") & (shown["strategy"] != NONE)])
    growth = _growth(shown)
    present = set(cells["strategy"]) | set(growth.index) - {NONE}
    order = [name for name in (*style.COLOURS, ARRAYS) if name in present]
    order += sorted(present - set(order))
    size = (8.4, 1.7 + 0.34 * len(order))
    figure, axes = plt.subplots(1, 2, figsize=size, sharey=True, layout="constrained")
    ratios = cells.set_index("strategy")
    _bars(axes[0], order, ratios["epoch_ratio"], "{:.2f}")
    for name, row in ratios.iterrows():
        ends = [row["epoch_ratio_min"], row["epoch_ratio_max"]]
        axes[0].plot(ends, [order.index(str(name))] * 2, color=style.TRUTH, linewidth=1.2)
    axes[0].axvline(1, color=style.TRUTH, linewidth=0.8)
    axes[0].set(title="Time", xlabel="seconds of an epoch / without a strategy")
    _bars(axes[1], order, growth.clip(lower=0), "{:,.0f}")
    axes[1].set(title="Memory", xlabel="MB that a million rows add")
    axes[0].set_yticks(range(len(order)), [LABELS.get(n, style.label(n)) for n in order])
    axes[0].set_ylim(len(order) - 0.4, -0.6)
    style.headline(figure, _conclusion(growth))
    style.caption(figure, _caption(cells, shown))
    return figure


def _plain_model(table: pd.DataFrame) -> str:
    """Return the model with the most cells, of equals the alphabetically last: `small`."""
    counts = table[table["row"] == "cell"]["model"].value_counts()
    return str(max(counts.index[counts == counts.max()]))


def _timed(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cell of each strategy whose time is shown: plain fits, the largest batches.

    Of several data sizes that with the most measurements, of equals the largest.
    """
    plain = cells[cells["engine"] == PLAIN]
    cells = plain if len(plain) else cells
    cells = cells[cells["batch_size"] == cells["batch_size"].max()]
    cells = cells.sort_values(["n_runs", "n_samples"], ascending=False)
    return cells.drop_duplicates("strategy")


def _growth(table: pd.DataFrame) -> pd.Series:
    """Return megabytes for a million rows, by strategy, from the slopes in the largest batches.

    Of two engines `blocks`, which reaches far more rows.
    """
    lines = table[table["row"] == "slope"]
    lines = lines.assign(far=lines["engine"] == BLOCKS)
    lines = lines.sort_values(["far", "batch_size"], ascending=False, kind="stable")
    return lines.drop_duplicates("strategy").set_index("strategy")["grown_bytes_per_row"]


def _bars(ax: Any, order: list[str], values: pd.Series, form: str) -> None:
    """Draw a bar for each strategy that was measured, with its number."""
    for place, name in enumerate(order):
        value = values.get(name, np.nan)
        base = plugin_of(name) or name
        ax.barh(place, value, height=0.7, color=style.colour(base))
        text = "not measured" if np.isnan(value) else form.format(value)
        at = (0 if np.isnan(value) else value, place)
        ax.annotate(text, at, (10, 0), textcoords="offset points", va="center", fontsize=8)
    ax.margins(x=0.2)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)


def _conclusion(growth: pd.Series) -> str:
    """Return the headline, from the memory on the right."""
    if not {ARRAYS, "reconstructed"} <= set(growth.index):
        return "A strategy costs time and memory, beside an epoch without one"
    return (
        f"Predicting arrays at the end of an epoch takes {growth[ARRAYS]:,.0f} MB per million rows,"
        f" counts take {max(0.0, growth['reconstructed']):,.0f}"
    )


def _caption(cells: pd.DataFrame, shown: pd.DataFrame) -> str:
    sizes = f"batches of {cells['batch_size'].max():,.0f}"
    blocks = BLOCKS in set(shown[shown["row"] == "slope"]["engine"])
    far = f" (of fits in blocks of {ENGINES[BLOCKS]} batches where there are)" if blocks else ""
    return textwrap.fill(
        f"A bar is the mean of {style.format_range(cells['n_runs'])} processes, whose epochs take "
        "turns with epochs without a strategy; a dark line is their range. Keras' own fit, "
        f"{sizes}. Right: slope of the peak memory that epochs add over the rows{far}. "
        "Data: random rows.",
        LINE,
    )
