"""Figure of the backends of Keras 3: what each logs, and how far apart they train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchf1.config.settings import BACKENDS
from batchf1.figures import _facets, study_rows, style
from batchf1.records.columns import Schema, count, number, share, text
from batchf1.sweep.schema import RUNS

BACKEND = "training.backend"
CELL = [BACKEND, "program", "batch_size", "split", "strategy"]
ALONE = ["program", "batch_size", "split", "strategy", "seed"]
"""Columns of what the backends are compared in."""
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
MARKERS = {"tensorflow": "o", "jax": "s", "torch": "x"}
SIZES = {"tensorflow": 9.0, "jax": 5.5, "torch": 4.5}
"""Marks that are seen through each other where the values agree."""
RIGHT = ("epoch_end", "reconstructed", "streaming")
"""Strategies that log their reference; the batch mean has its batches' values alone."""
TRUE = ("reconstructed", "streaming")
"""Strategies whose log is the true F1 of the epoch's predictions."""
LOG_TOL = 1e-6
LOSS_TOL = 1e-8
"""A smaller relative difference of the loss is drawn here: it is logged in float32."""
ALT = (
    "Two panels over the batch size. On the left the logged F1 of each strategy, in which the "
    "marks of the three backends lie on each other; on the right how far the loss of single runs "
    "is from that on TensorFlow, on a logarithmic axis."
)
SCHEMA = Schema(
    "A row is a backend, labels' shape, batch size, split and strategy, in the last epoch: over "
    "the runs of all seeds.",
    {
        BACKEND: text("backend of Keras", BACKENDS),
        **RUNS.of("program", "batch_size", "split", "strategy"),
        "n_runs": count("runs in the means", 1),
        "f1": share("F1 that the strategy logged, mean"),
        "true_f1": share("its reference, mean: of `epoch_end` the full pass, of others pooled"),
        "worst_error": share("largest difference of the log from the reference, without its sign"),
        "difference": share("difference of the log from the first backend's run, mean size"),
        "worst_difference": share("largest difference from the first backend's run of the seed"),
        "equal_runs": count("runs whose log is within 1e-6 of the first backend's"),
        "loss_difference": number("largest relative difference of the loss from that run", 0),
    },
    key=tuple(CELL),
)
COLUMNS = SCHEMA.columns
READ = [
    *("split", "strategy", "f1", "reference_pooled", "reference_full_pass"),
    *("framework", "version", "loss"),
]


def table(source: Path) -> pd.DataFrame:
    """Return a row per backend, shape of labels, batch size, split and strategy."""
    rows = study_rows.last_epoch(source, READ)
    _facets.no_others(rows, [BACKEND, "program", "batch_size"], "backends")
    order = {name: i for i, name in enumerate(BACKENDS)}
    rows = rows.sort_values(
        [BACKEND, *ALONE], key=lambda c: c.map(order) if c.name == BACKEND else c
    )
    own = rows["strategy"] == "epoch_end"
    true = rows["reference_full_pass"].where(own, rows["reference_pooled"])
    first = rows.groupby(ALONE)[["f1", "loss"]].transform("first")
    gap = (rows["f1"] - first["f1"]).abs()
    rows = rows.assign(
        true_f1=true,
        worst_error=(rows["f1"] - true).abs(),
        difference=gap,
        worst_difference=gap,
        equal_runs=gap <= LOG_TOL,
        loss_difference=(rows["loss"] - first["loss"]).abs() / first["loss"],
    )
    cells = rows.groupby(CELL, sort=False)
    return cells.agg(
        n_runs=("seed", "nunique"),
        f1=("f1", "mean"),
        true_f1=("true_f1", "mean"),
        worst_error=("worst_error", "max"),
        difference=("difference", "mean"),
        worst_difference=("worst_difference", "max"),
        equal_runs=("equal_runs", "sum"),
        loss_difference=("loss_difference", "max"),
    ).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """Plot the mean logged F1 of each backend, and beside it how far apart single runs are."""
    shown = table[table["split"] == "validation"]
    if shown.empty:
        return style.empty_figure("no validation to show")
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.9), layout="constrained")
    _logged(axes[0], shown)
    _differences(axes[1], table)
    sizes = sorted(shown["batch_size"].unique())
    for ax in axes:
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
        ax.minorticks_off()
        ax.set_xlabel("batch size")
        ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(table), _handles(shown))
    style.caption(figure, _caption(table))
    return figure


def _logged(ax: Any, shown: pd.DataFrame) -> None:
    """Plot the mean log of each strategy; the marks of backends and labels' shapes coincide."""
    for key, rows in shown.groupby(["strategy", BACKEND, "program"], sort=False):
        strategy, backend, _ = map(str, key)
        ax.plot(rows["batch_size"], rows["f1"], color=style.colour(strategy), **_mark(backend))
    ax.set_title("Mean of the logged F1, validation")
    ax.set_ylabel("F1 in the log")
    ax.set_ylim(0, 1)


def _differences(ax: Any, table: pd.DataFrame) -> None:
    """Plot the largest difference of the loss of one seed's runs, in either split."""
    first = table[BACKEND].iloc[0]
    others = table[table[BACKEND] != first]
    cells = others.groupby([BACKEND, "batch_size"], sort=False)["loss_difference"].max()
    for backend, rows in cells.clip(lower=LOSS_TOL).groupby(level=0, sort=False):
        sizes = rows.index.get_level_values(1)
        ax.plot(sizes, rows, color=style.PLAIN, **_mark(str(backend)))
    ax.set_yscale("log")
    ax.set_ylim(LOSS_TOL / 2, max(1e-3, 2 * others["loss_difference"].max()))
    ax.set_title(f"Loss against {NAMES[first]}, same seed")
    ax.set_ylabel("largest relative difference")


def _mark(backend: str) -> dict[str, Any]:
    look = {"marker": MARKERS[backend], "markersize": SIZES[backend], "fillstyle": "none"}
    return look | {"linewidth": 1, "markeredgewidth": 1.3}


def _handles(shown: pd.DataFrame) -> list[Line2D]:
    strategies = [
        Line2D([], [], color=style.colour(name), label=style.label(name))
        for name in shown["strategy"].unique()
    ]
    marks = [
        Line2D(
            [], [], color=style.TRUTH, label=NAMES[name], **(_mark(name) | {"linestyle": "none"})
        )
        for name in shown[BACKEND].unique()
    ]
    return [*strategies, *marks]


def _conclusion(table: pd.DataFrame) -> str:
    n = table[BACKEND].nunique()
    right = table[table["strategy"].isin(RIGHT)]["worst_error"].max()
    if n == 1 or not right <= LOG_TOL:
        return "What each backend of Keras logs"
    gap = table[table["strategy"].isin(TRUE)]["worst_difference"].max()
    same = "and train to the same F1 from the same start"
    apart = f"and train to F1s that differ by at most {gap:.2g}"
    number = {2: "two", 3: "three"}[n]
    return f"The {number} backends log by the same rules, {same if gap <= LOG_TOL else apart}"


def _caption(table: pd.DataFrame) -> str:
    n_runs = style.format_range(table["n_runs"])
    programs = table.pivot_table("f1", [c for c in CELL if c != "program"], "program")
    alike = programs.shape[1] > 1 and bool((np.ptp(programs, axis=1) <= LOG_TOL).all())
    shapes = "\nLabels of shapes (n, 1) and (n,) give the same." * alike
    return (
        f"A point is the mean of {n_runs} runs of a backend in ordinary fit of Keras 3, last "
        f"epoch; data, first weights and order are\nthe same on each. {_together(table)}"
        f"Each log is within 1e-6 of what the counts of its batches give.{shapes}"
    )


def _together(table: pd.DataFrame) -> str:
    """Return a sentence on the lines that hide each other, or an empty string."""
    exact = table[(table["split"] == "validation") & (table["strategy"] != "batch_mean")]
    apart = exact.groupby([BACKEND, "program", "batch_size"])["f1"].agg(np.ptp)
    hidden = len(set(exact["strategy"])) > 1 and apart.max() <= LOG_TOL
    return "All strategies but the batch mean lie on one line. " if hidden else ""
