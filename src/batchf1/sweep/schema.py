"""Schema of a study's table: a row per run, epoch, split and strategy."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, get_args

import pandas as pd
import pandera.pandas as pa

from batchf1.config.metric_names import DEFAULT
from batchf1.metrics.averaging import Averaging


def _share(**options: Any) -> pa.Column:
    return pa.Column("float64", pa.Check.in_range(0, 1), **options)


def _count(minimum: int = 0, **options: Any) -> pa.Column:
    return pa.Column("int64", pa.Check.ge(minimum), **options)


SETTING = r"^(dataset|model|training|program)\.\w+$|^(model|training|strategies)$"
"""Columns of a study's table beside the named ones, after them: keys of its grid."""
COLUMN_OF = {
    "dataset": "dataset",
    "dataset.n_samples": "n_samples",
    "dataset.prevalence": "prevalence",
    "training.batch_size": "batch_size",
    "training.engine": "engine",
    "input_pipeline": "program",
    "seed": "seed",
}
"""Key of a grid -> the column of `RUNS` that every table has for it; another's is named like it."""

RUNS = pa.DataFrameSchema(
    {
        "run_id": pa.Column(str, description="digest of the run's settings"),
        "study": pa.Column(str),
        "dataset": pa.Column(str, description="variant of a data set: the file of conf/dataset"),
        "n_samples": _count(1, description="size of the training split"),
        "prevalence": _share(description="share of positives, each split"),
        "batch_size": _count(1),
        "seed": _count(description="number of the repetition"),
        "epoch": _count(1),
        "split": pa.Column(str, pa.Check.isin(["train", "validation"])),
        "strategy": pa.Column(str),
        "f1": _share(description="what the strategy logged"),
        "reference_pooled": _share(description="F1 of the predictions that the batches saw"),
        "reference_full_pass": _share(description="F1 of a pass with the epoch's last weights"),
        "n_batches": _count(1),
        "n_empty_batches": _count(description="batches with no positive, real or predicted"),
        "tp": _count(description="pooled over the epoch's batches, as the next three"),
        "fp": _count(),
        "fn": _count(),
        "tn": _count(),
        "device": pa.Column(str, pa.Check.isin(["CPU", "GPU"])),
        "engine": pa.Column(str, description="setting training.engine"),
        "framework": pa.Column(str, description="what trained"),
        "version": pa.Column(str, description="of the framework"),
        "averaging": pa.Column(
            str,
            pa.Check.isin(get_args(Averaging)),
            description="rule by which the framework averages a scalar over batches",
        ),
        "program": pa.Column(
            str, description="file of conf/input_pipeline: how the framework was fed"
        ),
        "frozen": pa.Column(bool, description="whether the weights stayed fixed in the epoch"),
        "loss": pa.Column("float64", pa.Check.ge(0), description="mean loss that was logged"),
        SETTING: pa.Column(
            regex=True, required=False, description="any other setting that the study varies"
        ),
    },
    checks=[
        pa.Check(
            lambda t: t["n_empty_batches"] <= t["n_batches"],
            error="n_empty_batches must not exceed n_batches",
        ),
    ],
    unique=["run_id", "epoch", "split", "strategy"],
    strict=True,
    ordered=True,
)
"""A row per run, epoch, split and strategy; F1 in [0, 1], counts in samples."""


METRIC_COLUMNS = {
    "metric": pa.Column(str, description="its name, such as f2, or its import path"),
    "value": pa.Column("float64", description="what the strategy logged"),
    "reference_pooled": pa.Column(
        "float64", description="the metric of the predictions that the batches saw"
    ),
    "reference_full_pass": pa.Column(
        "float64", description="the metric of a pass with the epoch's last weights"
    ),
}
"""Columns in place of `f1` and its references where runs have another metric than F1."""


def _with_metrics() -> pa.DataFrameSchema:
    columns: dict[str, pa.Column] = {}
    for name, column in RUNS.columns.items():
        columns |= METRIC_COLUMNS if name == "f1" else {name: METRIC_COLUMNS.get(name, column)}
    unique = [*RUNS.unique, "metric"]
    return pa.DataFrameSchema(columns, RUNS.checks, unique=unique, strict=True, ordered=True)


RUNS_OF_METRICS = _with_metrics()
"""A row per run, epoch, split, strategy and metric, of runs with another metric than F1."""


def runs_schema(metrics: Sequence[str]) -> pa.DataFrameSchema:
    """Return the schema of the table of runs with these metrics."""
    return RUNS if list(metrics) == [DEFAULT] else RUNS_OF_METRICS


def schema_of(columns: Collection[str]) -> pa.DataFrameSchema:
    """Return the schema of a table of runs that has these columns."""
    return RUNS_OF_METRICS if "metric" in columns else RUNS


def with_metric(table: pd.DataFrame, metric: str = DEFAULT) -> pd.DataFrame:
    """Return a table with the columns of `RUNS` as one of `RUNS_OF_METRICS`, which it may be."""
    if "metric" in table:
        return table
    named = table.rename(columns={"f1": "value"})
    named.insert(list(named).index("value"), "metric", metric)
    return named


def of_metric(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows of one metric with the columns of `RUNS`, in which `f1` stands for it."""
    if "metric" not in table:
        return table
    rows = table[table["metric"] == metric].drop(columns="metric")
    return rows.rename(columns={"value": "f1"})


def column_of(key: str) -> str:
    """Return the column of a setting of a grid; that of `input_pipeline.x` keeps its old name."""
    return COLUMN_OF.get(key) or re.sub(r"^input_pipeline(?=\.|$)", "program", key)


def axis(value: Any) -> Any:
    """Convert a grid value to a table's number, truth value or text."""
    return json.dumps(value) if isinstance(value, list | dict) or value is None else value


def last_epoch(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each run's last epoch."""
    return table[table["epoch"] == table.groupby("run_id")["epoch"].transform("max")]
