"""Schema of a study's table: a row per run, epoch, split and strategy."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, get_args

import pandas as pd

from batchf1.config.metric_names import DEFAULT
from batchf1.metrics.averaging import Averaging
from batchf1.records.columns import Column, Schema, count, flag, number, share, text

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

RUNS = Schema(
    "A row is a strategy's result in one epoch and split of one run.",
    {
        "run_id": text("digest of the run's settings"),
        "study": text("name of the study: its file in `experiments/`"),
        "dataset": text("variant of a data set: its file in `conf/dataset`"),
        "n_samples": count("size of the training split", 1, "samples"),
        "prevalence": share("share of positives in each split"),
        "batch_size": count("batch size of training and validation", 1, "samples"),
        "seed": count("number of the repetition"),
        "epoch": count("epoch, the first is 1", 1),
        "split": text("split of the data", ("train", "validation")),
        "strategy": text("how the epoch's F1 is computed, see `docs/strategies.md`"),
        "f1": share("F1 that the strategy logged"),
        "reference_pooled": share("F1 of the predictions that the batches saw, pooled"),
        "reference_full_pass": share("F1 of a pass over the split with the epoch's last weights"),
        "n_batches": count("batches of the epoch", 1),
        "n_empty_batches": count("batches without positives, real or predicted"),
        "tp": count("true positives, pooled over the epoch's batches", unit="samples"),
        "fp": count("false positives, likewise", unit="samples"),
        "fn": count("false negatives, likewise", unit="samples"),
        "tn": count("true negatives, likewise", unit="samples"),
        "device": text("device of the training", ("CPU", "GPU")),
        "engine": text("setting `training.engine`: how runs are trained"),
        "framework": text("framework that trained"),
        "version": text("version of the framework"),
        "averaging": text(
            "rule by which the framework averages a scalar over batches", get_args(Averaging)
        ),
        "program": text("how the framework was fed: a file in `conf/input_pipeline`"),
        "frozen": flag("the weights stayed fixed in the epoch"),
        "loss": number("mean loss that the framework logged", 0),
    },
    key=("run_id", "epoch", "split", "strategy"),
    others={SETTING: Column("any", "other setting that the study varies, named like its key")},
    rules={
        "must have n_empty_batches of at most n_batches": lambda t: (
            t["n_empty_batches"] <= t["n_batches"]
        )
    },
)
"""Table of an ordinary study, and of `batchf1 train --collect`."""


METRIC_COLUMNS = {
    "metric": text("name of the metric, such as f2, or its import path"),
    "value": number("value of the metric that the strategy logged"),
    "reference_pooled": number("the metric of the predictions that the batches saw, pooled"),
    "reference_full_pass": number("the metric of a pass with the epoch's last weights"),
}
"""Columns in place of `f1` and its references where runs have another metric than F1."""


def _columns_of_metrics() -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name, column in RUNS.columns.items():
        columns |= METRIC_COLUMNS if name == "f1" else {name: METRIC_COLUMNS.get(name, column)}
    return columns


RUNS_OF_METRICS = replace(
    RUNS,
    rows="A row is a strategy's result of one metric in one epoch and split of one run.",
    columns=_columns_of_metrics(),
    key=(*RUNS.key, "metric"),
)
"""Table of runs with another metric than F1."""


def runs_schema(metrics: Sequence[str]) -> Schema:
    """Return the schema of the table of runs with these metrics."""
    return RUNS if list(metrics) == [DEFAULT] else RUNS_OF_METRICS


def schema_of(columns: Collection[str]) -> Schema:
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
