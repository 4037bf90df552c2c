"""Figure of the backends of Keras 3: what each logs, and how far apart they train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
LOG_TOL = 1e-6
ALT = (
    "Two panels over the batch size. On the left the logged F1 of each strategy, in which the marks "
    "of the three backends lie on each other; on the right the difference of single runs between "
    "backends."
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
