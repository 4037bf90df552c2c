"""The article's "From log" minus "Verify" (C7), with each possible cause switched on alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchf1 import remainder, tables
from batchf1.counts import as_counts, ratio
from batchf1.plots import _style

MOVING, DIGITS = "moving_weights", "printed_digits"
CAUSES = {
    "arrays": "none: arrays, float32 rounding",
    DIGITS: "counts as printed, 4 decimals",
    "summed_counts": "counts as sums (the article's)",
    "averaged_counts": "counts as means",
    "array_validation": "sums, arrays in fit_generator",
    "dropped_batch": "last batch dropped (C8)",
    "endless_generators": "generators, a pass an epoch",
    "drifting_validation": "generator never reset",
    "shuffled_validation": "never reset, shuffled",
    "together": "all of these together",
    MOVING: "weights that move (training)",
}
"""Cause -> its words. Files of `conf/program` but for two, which need no program of their own."""
UNREPEATABLE = (
    "dropped_batch",
    "endless_generators",
    "drifting_validation",
    "shuffled_validation",
    "together",
)
"""Causes with a validation generator: each epoch Keras 3 drops the batches that it had fetched in
advance, and how many those are is a matter of timing."""
KEY = ["cause", "keras", "batch_size", "split", "frozen", "seed", "epoch"]
CELL = ["keras", "batch_size"]
ORIGINAL = "2.2.4"
LAWS = {
    ("dropped_batch", True): remainder.dropped,
    ("dropped_batch", False): remainder.dropped,
    ("summed_counts", True): remainder.summed,
    ("averaged_counts", False): remainder.averaged,
}
"""Cause, and whether in Keras 2.2.4 -> the exact law of the difference, for a random cut."""
NOTHING = 1e-6
"""A smaller difference, in % of F1, is drawn here."""
COLUMNS = {
    **dict.fromkeys(("cause", "keras", "split"), "text"),
    **dict.fromkeys(("batch_size", "seed", "epoch", "percent", "limit95"), "number"),
    "frozen": "text",
}


def table(source: Path) -> pd.DataFrame:
    """A row per cause, Keras, batch size, repetition and epoch.

    `from_log` and `verify`: F1 rebuilt from the logs, and of a prediction after the epoch;
    `points` = 100 (from_log - verify); `percent` = that in % of verify, NaN where verify is 0;
    `limit95`: what 95 % of random cuts of the fixed model's counts do not exceed, in % of F1, by
    the exact law, or NaN. Validation, except for `moving_weights`: the training log of `arrays`.
    """
    rows = tables.read(source, tables.RUNS)
    rows = rows[rows["strategy"] == "reconstructed"].rename(
        columns={"f1": "from_log", "reference_full_pass": "verify", "program": "cause"}
    )
    validation, training = (rows[rows["split"] == s] for s in ("validation", "train"))
    clean = validation[validation["cause"] == "arrays"]
    moving = training[(training["cause"] == "arrays") & ~training["frozen"]]
    digits = clean.assign(cause=DIGITS, from_log=_from_digits(clean))
    found = pd.concat([validation, digits, moving.assign(cause=MOVING)])
    difference = found["from_log"] - found["verify"]
    found = found.assign(
        points=100 * difference, percent=100 * ratio(difference, found["verify"], np.nan)
    )
    limits = _limits(clean[clean["frozen"]])
    found = found.merge(limits, how="left", on=["cause", *CELL, "seed"])
    found["order"] = found["cause"].map(list(CAUSES).index)
    found = found.sort_values(["order", *KEY[1:]])
    return found[[*KEY, "from_log", "verify", "points", "percent", "limit95"]].round(10)


def _from_digits(rows: pd.DataFrame) -> Any:
    """F1 rebuilt from the three shares as a progress bar prints them, with 4 decimals."""
    counts = as_counts(*(rows[cell] for cell in ("tp", "fp", "fn", "tn")))
    parts = (counts.tp, counts.positives, counts.predicted_positives)
    tp, possible, predicted = (np.round(part / counts.n, 4) for part in parts)
    return ratio(2 * tp, possible + predicted)


def _limits(fixed: pd.DataFrame) -> pd.DataFrame:
    """What 95 % of cuts do not exceed, for each cause with a law, from a fixed model's counts."""
    models = fixed.drop_duplicates([*CELL, "seed"])
    found = []
    for (cause, original), law in LAWS.items():
        for row in models[(models["keras"] == ORIGINAL) == original].to_dict("records"):
            errors = row["fp"] + row["fn"]
            n_samples, true = (
                row["tp"] + errors + row["tn"],
                2 * row["tp"] / (2 * row["tp"] + errors),
            )
            worst = law(row["tp"], errors, n_samples, row["batch_size"]).quantile(0.95)
            same = {key: row[key] for key in (*CELL, "seed")}
            found.append({"cause": cause, **same, "limit95": 100 * worst / true})
    return pd.DataFrame(found)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row per cause, Keras and batch size: mean and largest |percent|, share at 2 % or more."""
    groups = table.assign(size=table["percent"].abs()).groupby(
        ["cause", "keras", "batch_size"], sort=False
    )
    return groups.agg(
        low=("percent", "min"),
        high=("percent", "max"),
        mean_size=("size", "mean"),
        largest=("size", "max"),
        reaching=("size", lambda s: (s >= 2).mean()),
        limit95=("limit95", "max"),
    ).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """|From log - Verify| of every epoch, by cause, for each batch size."""
    sizes = sorted(table["batch_size"].unique())
    figure, axes = plt.subplots(
        1, len(sizes), figsize=(7.6, 4.9), sharey=True, sharex=True, layout="constrained"
    )
    versions = sorted(table["keras"].unique())
    colours = dict(zip(versions, _style.SPARE, strict=False))
    for ax, size in zip(axes, sizes, strict=True):
        part = table[table["batch_size"] == size]
        ax.axvspan(2, 3, color=_style.PLAIN, alpha=0.35, linewidth=0)
        for place, cause in enumerate(CAUSES):
            for i, keras in enumerate(versions):
                rows = part[(part["cause"] == cause) & (part["keras"] == keras)]
                _points(ax, place + (0.18 if i else -0.18), rows, colours[keras])
        ax.set_title(f"batches of {size}")
        ax.set_xscale("log")
        ax.set_xlim(NOTHING / 2, 30)
        ax.set_xticks([NOTHING, 1e-4, 1e-2, 1, 10], ["0", "0.0001", "0.01", "1", "10"])
        ax.minorticks_off()
        ax.set_xlabel("|From log - Verify|, % of F1")
        ax.grid(axis="y", linewidth=0.3)
        ax.spines[["top", "right", "left"]].set_visible(False)
    axes[0].set_yticks(range(len(CAUSES)), list(CAUSES.values()))
    axes[0].set_ylim(len(CAUSES) - 0.4, -0.6)
    for ax in axes:
        ax.tick_params(axis="y", length=0)
    _style.headline(
        figure,
        "2 to 3 % come from weights that move; a dropped last batch alone makes less",
        _handles(colours),
    )
    _style.caption(figure, _caption(table))
    return figure


def _points(ax: Any, place: float, rows: pd.DataFrame, colour: str) -> None:
    """Triangles up where the log is too high, down where too low; hollow while weights move."""
    size = rows["percent"].abs().clip(lower=NOTHING)
    for frozen in (False, True):
        for up in (False, True):
            kept = (rows["frozen"] == frozen) & ((rows["percent"] >= 0) == up)
            ax.plot(
                size[kept],
                np.full(int(kept.sum()), place),
                color=colour,
                marker="^" if up else "v",
                markersize=4.5,
                fillstyle="full" if frozen else "none",
                linestyle="none",
            )
    limit = rows["limit95"].max()
    if np.isfinite(limit):
        ax.plot(max(limit, NOTHING), place, color=_style.TRUTH, marker="|", markersize=9)


def _handles(colours: dict[str, str]) -> list[Line2D]:
    def handle(label: str, **style: Any) -> Line2D:
        return Line2D([], [], linestyle="none", markersize=4.5, label=label, **style)

    kinds = [
        handle(f"Keras {keras}", color=colour, marker="s") for keras, colour in colours.items()
    ]
    return [
        *kinds,
        handle("log too high", color=_style.TRUTH, marker="^"),
        handle("too low", color=_style.TRUTH, marker="v"),
        handle("hollow: weights move", color=_style.TRUTH, marker="^", fillstyle="none"),
        handle("95 % of cuts, exact", color=_style.TRUTH, marker="|"),
        handle("2 to 3 %", color=_style.PLAIN, marker="s", alpha=0.5),
    ]


def _caption(table: pd.DataFrame) -> str:
    runs = table.groupby(["cause", *CELL])["seed"].nunique().min()
    moving = table[~table["frozen"]]["epoch"].nunique()
    fixed = table[table["frozen"]]["epoch"].nunique()
    return (
        f"A point an epoch: {runs} runs of each cause, Keras and batch size, {moving} epochs that "
        f"learn, then {fixed} with fixed weights.\nValidation (7,117 samples, 1.4 % positives), "
        "but for the last row, which is the training log. 'From log' is F1 rebuilt from\nthe "
        "logged counts, 'Verify' that of a prediction after the epoch. Below 1e-6 % stands at 0."
    )
