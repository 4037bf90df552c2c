"""Schema of the table of measurements."""

from __future__ import annotations

import pandera.pandas as pa

from batchf1.studies.cost.config import DEVICES, ENGINES


def _count(minimum: int, **options: object) -> pa.Column:
    return pa.Column("int64", pa.Check.ge(minimum), **options)


def _seconds(**options: object) -> pa.Column:
    return pa.Column("float64", pa.Check.gt(0), **options)


COST = pa.DataFrameSchema(
    {
        "cell_id": pa.Column(str, description="digest of the cell's settings"),
        "study": pa.Column(str),
        "device": pa.Column(str, pa.Check.isin(DEVICES)),
        "model": pa.Column(str),
        "engine": pa.Column(str, pa.Check.isin(list(ENGINES))),
        "batch_size": _count(1),
        "n_samples": _count(1, description="rows asked for, of training and of validation each"),
        "n_rows": _count(1, description="rows that passed: n_samples in whole batches"),
        "strategy": pa.Column(str),
        "repetition": _count(0),
        "n_epochs": _count(1, description="measured epochs; seconds are their median"),
        "train_seconds": _seconds(description="first batch begun to last batch ended"),
        "validation_seconds": _seconds(
            description="validation begun to the epoch's callbacks done"
        ),
        "none_train_seconds": _seconds(
            description="the same without a strategy; the epochs of the two in turns"
        ),
        "none_validation_seconds": _seconds(),
        "start_bytes": _count(1, description="peak memory of the process before its first epoch"),
        "peak_bytes": _count(1, description="peak memory of the process after it"),
        "device_peak_bytes": pa.Column(
            "float64", pa.Check.ge(0), nullable=True, description="peak of the GPU; NaN for a CPU"
        ),
        "f1": pa.Column(
            "float64", pa.Check.in_range(0, 1), nullable=True, description="validation F1 logged"
        ),
    },
    checks=[
        pa.Check(
            lambda t: t["start_bytes"] <= t["peak_bytes"], error="a peak must not fall in a process"
        ),
        pa.Check(
            lambda t: t["f1"].isna() == (t["strategy"] == "none"),
            error="f1 is missing without a strategy, and there alone",
        ),
    ],
    unique=["cell_id"],
    strict=True,
    ordered=True,
)
"""A row per measurement: a strategy (or none) in a fresh process."""
