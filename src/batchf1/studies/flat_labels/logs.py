"""Logs of Keras for labels of both shapes, held against the arithmetic of their batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.errors import TraceError
from batchf1.metrics.averaging import pooled
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.metrics.flat_labels import Labels, Written, flat_value
from batchf1.metrics.ratios import F1
from batchf1.studies.flat_labels.functions import FUNCTIONS
from batchf1.studies.flat_labels.predictions import PREDICTIONS, SAME_NUMBERS, TRAINED, variants
from batchf1.studies.flat_labels.train import PREFIX, STEPS, Fit
from batchf1.training.base import Predictions

LABELS: tuple[Labels, ...] = ("flat", "column")
TOLERANCE = 1e-6
"""Largest difference of a log from its arithmetic, relative above 1: Keras adds in float32."""
SAME = 1e-7
"""Relative difference of logs that must be the same number."""


class Evaluator:
    """Model that hands scores through to metric functions, for labels of both shapes.

    It has an output for each kind of predictions and shape of the labels.
    """

    def __init__(self) -> None:
        scores = keras.Input((len(PREDICTIONS),))
        columns = {name: scores[:, i : i + 1] for i, name in enumerate(PREDICTIONS)}
        keys = {f"{name}_{labels}": name for name, labels in product(PREDICTIONS, LABELS)}
        self.model = keras.Model(scores, {key: columns[name] for key, name in keys.items()})
        self.model.compile(
            # Keras evaluates nothing without a loss
            loss={key: "mse" if key == f"{TRAINED}_column" else None for key in keys},
            metrics={key: [*FUNCTIONS.values()] for key in keys},
            jit_compile=False,
            steps_per_execution=STEPS,
        )

    def evaluate(self, y: Any, scores: dict[str, Any], size: int) -> dict[str, float]:
        """Return the logs of `evaluate` in batches of `size`; labels and scores are (n,)."""
        shaped = {"flat": y, "column": y[:, None]}
        labels = {f"{name}_{of}": shaped[of] for name, of in product(PREDICTIONS, LABELS)}
        stacked = np.stack([scores[name] for name in PREDICTIONS], axis=1)
        batches = tf.data.Dataset.from_tensor_slices((stacked, labels)).batch(size)
        logs = self.model.evaluate(batches, verbose=0, return_dict=True)
        return {name: float(value) for name, value in logs.items()}


def exact(batches: Counts, labels: Labels, written: Written) -> float:
    """Return the mean over the batches of what a function for F1 gives."""
    if labels == "flat":
        return float(np.mean(flat_value(batches, written=written)))
    return float(np.mean(F1(batches)))


def fit_rows(run: Run, fit: Fit) -> Iterator[dict[str, Any]]:
    """Yield the rows of a training: each epoch, split and function, with labels (n,)."""
    for epoch, (logs, of_split) in enumerate(zip(fit.logs, fit.batches, strict=True), 1):
        for (split, prefix), written in product(PREFIX.items(), FUNCTIONS):
            about = _about(run, "fit", split, epoch, run.training.batch_size)
            log = logs[f"{prefix}{written}"]
            yield about | _row(of_split[split], TRAINED, "flat", written, log)


def evaluate_rows(
    evaluator: Evaluator, run: Run, of: Predictions, sizes: Iterable[int]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of `evaluate` with a network's predictions and the others made from them."""
    for size in sizes:
        scores = variants(of.scores, size, generator(*run.names, "predictions", size))
        logs = evaluator.evaluate(of.labels, scores, size)
        about = _about(run, "evaluate", "validation", run.training.epochs, size)
        for name in PREDICTIONS:
            batches = batch_counts(of.labels, scores[name], size, run.training.threshold)
            for labels, written in product(LABELS, FUNCTIONS):
                log = logs[f"{name}_{labels}_{written}"]
                yield about | _row(batches, name, labels, written, log)


def _about(run: Run, source: str, split: str, epoch: int, size: int) -> dict[str, Any]:
    where = {"source": source, "split": split, "epoch": epoch, "batch_size": size}
    return {"prevalence": run.dataset.prevalence, "seed": run.seed} | where


def _row(
    batches: Counts, predictions: str, labels: Labels, written: Written, logged: float
) -> dict[str, Any]:
    names = {"predictions": predictions, "labels": labels, "written": written}
    total = {cell: int(part) for cell, part in batches.pooled()._asdict().items()}
    numbers = {"true_f1": float(pooled(batches)), "logged": logged}
    return {
        **names,
        "n_batches": len(batches.tp),
        **total,
        **numbers,
        "exact": exact(batches, labels, written),
    }


def check_logs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows; raise `TraceError` for a log that is not the arithmetic of its batches.

    So also for labels (n,) where predictions with the same number of positives in each batch do not
    log the same number.
    """
    off = (rows["logged"] - rows["exact"]).abs() / rows["exact"].clip(lower=1)
    _refuse(rows[~(off <= TOLERANCE)], "is not the mean over its batches")
    flat = rows[(rows["source"] == "evaluate") & (rows["labels"] == "flat")]
    same = flat[flat["predictions"].isin(SAME_NUMBERS)]
    logs = same.groupby(["prevalence", "seed", "batch_size", "written"])["logged"]
    trained = same["logged"].where(same["predictions"] == TRAINED)
    reference = trained.groupby([same[key] for key in logs.keys]).transform("max")
    change = (same["logged"] - reference).abs() / reference.clip(lower=1e-9)
    _refuse(same[~(change <= SAME)], "is not the log of the trained network")
    return rows


def _refuse(rows: pd.DataFrame, why: str) -> None:
    for row in rows.head(1).to_dict("records"):
        raise TraceError(f"{row['logged']!r} {why}: {row}")
