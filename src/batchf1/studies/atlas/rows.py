"""Schema of the table of a study of metrics."""

from __future__ import annotations

import pandera.pandas as pa

from batchf1.studies.atlas.config import TASKS

GIVES = ("", "0", "NaN", "a value")
"""What scikit-learn or SciPy give for an undefined batch; empty where there was none."""


def _count(minimum: int, **options: object) -> pa.Column:
    return pa.Column("int64", pa.Check.ge(minimum), **options)


ATLAS = pa.DataFrameSchema(
    {
        "cell_id": pa.Column(str, description="digest of the network's settings"),
        "study": pa.Column(str),
        "task": pa.Column(str, pa.Check.isin(TASKS)),
        "seed": _count(0),
        "metric": pa.Column(str),
        "batch_size": _count(2),
        "cut": _count(0, description="number of the random cut into batches"),
        "n_batches": _count(1, description="each of batch_size samples"),
        "n_undefined": _count(0, description="batches that the metric is not defined for"),
        "n_left_out": _count(0, description="those that give no number: not in the mean"),
        "gives": pa.Column(str, pa.Check.isin(GIVES), description="what the first of them gives"),
        "value": pa.Column("float64", description="of all samples"),
        "batch_mean": pa.Column("float64", nullable=True, description="NaN: all are left out"),
    },
    checks=[
        pa.Check(
            lambda t: (t["n_left_out"] <= t["n_undefined"]) & (t["n_undefined"] <= t["n_batches"]),
            error="what is left out is undefined",
        ),
        pa.Check(
            lambda t: (t["gives"] == "") == (t["n_undefined"] == 0),
            error="gives says what undefined batches give",
        ),
        pa.Check(
            lambda t: t["batch_mean"].isna() == (t["n_left_out"] == t["n_batches"]),
            error="batch_mean is missing where every batch is left out, and there alone",
        ),
    ],
    unique=["cell_id", "metric", "batch_size", "cut"],
    strict=True,
    ordered=True,
)
"""A row per network, metric, batch size and cut."""
