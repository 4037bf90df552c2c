"""Rows of `schema.RUNS` made by hand, for the tests of tables and figures."""

import pandas as pd

from batchf1.records import tables
from batchf1.sweep import schema

ROW = {
    "run_id": "a",
    "study": "s",
    "dataset": "d",
    "n_samples": 10,
    "prevalence": 0.5,
    "batch_size": 4,
    "seed": 0,
    "epoch": 1,
    "split": "train",
    "strategy": "streaming",
    "f1": 0.5,
    "reference_pooled": 0.5,
    "reference_full_pass": 0.5,
    "n_batches": 3,
    "n_empty_batches": 0,
    "tp": 2,
    "fp": 2,
    "fn": 2,
    "tn": 4,
    "device": "CPU",
    "engine": "ensemble",
    "framework": "keras",
    "version": "3.0.0",
    "averaging": "per_batch",
    "program": "arrays",
    "frozen": False,
    "loss": 0.1,
}


def rows(**changes):
    """A training row with these changes and a validation row without, one run's."""
    return pd.DataFrame([ROW | changes, ROW | {"split": "validation"}])


def table(*changes, **common):
    """A row for each of the dictionaries: `ROW` with what all have in common and its changes."""
    return pd.DataFrame([ROW | common | change for change in changes])


def written(folder, table):
    """The table as a valid file of a study."""
    path = folder / "runs.parquet"
    tables.write(table, path, schema.RUNS, {})
    return path
