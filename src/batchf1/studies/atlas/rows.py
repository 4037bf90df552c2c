"""Schema of the table of a study of metrics."""

from __future__ import annotations

from batchf1.records.columns import Schema, count, number, text
from batchf1.studies.atlas.config import TASKS

GIVES = ("0", "NaN", "a value")
"""What scikit-learn or SciPy give for an undefined batch."""

ATLAS = Schema(
    "A row is a metric of one network's predictions, at one batch size, for one random cut.",
    {
        "cell_id": text("digest of the network's settings"),
        "study": text("name of the study"),
        "task": text("what the network predicts of a diamond", TASKS),
        "seed": count("number of the repetition"),
        "metric": text("name of the metric"),
        "batch_size": count("batch size", 2, "samples"),
        "cut": count("number of the random cut into batches"),
        "n_batches": count("batches, each of batch_size samples", 1),
        "n_undefined": count("batches that the metric is not defined for"),
        "n_left_out": count("those that give no number, which are not in the mean"),
        "gives": text("what the first undefined batch gives", GIVES, "no batch is undefined"),
        "value": number("metric of all samples"),
        "batch_mean": number("mean of the metric over the batches", missing="all are left out"),
    },
    key=("cell_id", "metric", "batch_size", "cut"),
    rules={
        "must have n_left_out <= n_undefined <= n_batches": lambda t: (
            (t["n_left_out"] <= t["n_undefined"]) & (t["n_undefined"] <= t["n_batches"])
        ),
        "must have an empty gives where no batch is undefined, and there alone": lambda t: (
            (t["gives"] == "") == (t["n_undefined"] == 0)
        ),
        "must have a missing batch_mean where every batch is left out, and there alone": lambda t: (
            t["batch_mean"].isna() == (t["n_left_out"] == t["n_batches"])
        ),
    },
)
