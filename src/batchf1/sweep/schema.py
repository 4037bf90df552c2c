"""Schema of a study's table: a row per run, epoch, split and strategy."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pandas as pd

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


def column_of(key: str) -> str:
    """Return the column of a setting of a grid; that of `input_pipeline.x` keeps its old name."""
    return COLUMN_OF.get(key) or re.sub(r"^input_pipeline(?=\.|$)", "program", key)


def axis(value: Any) -> Any:
    """Convert a grid value to a table's number, truth value or text."""
    return json.dumps(value) if isinstance(value, list | dict) or value is None else value


def last_epoch(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each run's last epoch."""
    return table[table["epoch"] == table.groupby("run_id")["epoch"].transform("max")]
