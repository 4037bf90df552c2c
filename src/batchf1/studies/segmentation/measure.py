"""The four numbers of a network: logged by Keras, expected, and held against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from batchf1.errors import TraceError
from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import batch_counts
from batchf1.studies.segmentation.config import Cell
from batchf1.studies.segmentation.logs import Evaluator
from batchf1.studies.segmentation.schema import EMPTY_0, EMPTY_1, LEFT_OUT, LOGS, SOFT
from batchf1.studies.segmentation.train import predictions
from batchf1.theory.clusters import (
    Clusters,
    batch_mean_of,
    checked_clusters,
    clusters_of,
    expected_batch_mean,
    simulated_batch_mean,
)

UNDEFINED = {EMPTY_0: 0.0, EMPTY_1: 1.0, LEFT_OUT: np.nan, SOFT: 0.0}
"""Kind of Dice -> value of an empty batch."""
TOLERANCE, KERAS_TOLERANCE = 1e-9, 1e-6
"""Largest difference from scikit-learn, and of a log, as Keras adds in float32."""


def measure(cell: Cell) -> pd.DataFrame:
    """Train a network and return the rows of its cell; raises `TraceError` as `rows` does."""
    return pd.DataFrame(rows(cell, *predictions(cell)))[list(LOGS.columns)]


def rows(
    cell: Cell, y: NDArray[np.float32], scores: NDArray[np.float32]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each batch size and kind of Dice.

    Raises `TraceError` where a number differs from that of scikit-learn, or a log from the mean
    over its batches.
    """
    evaluator, sums, n = _evaluator(cell.side), _sums(y, scores), len(y)
    reference = {size: _of_scikit_learn(y, scores, size) for size in {1, n, *cell.batch_sizes}}
    about = {"cell_id": cell.cell_id, "study": cell.study, "seed": cell.seed, "model": cell.model}
    about |= {"n_images": n, **_by_size(cell, y, sums[EMPTY_0])}
    for size in cell.batch_sizes:
        logs = evaluator.evaluate(y, scores, size)
        for kind, images in sums.items():
            numbers = _numbers(images, size, kind, cell)
            logged = logs.get(kind, np.nan)
            if kind in logs:
                _check(f"log of {kind} at {size}", logged, numbers["exact"], KERAS_TOLERANCE)
            if kind != SOFT:
                for name, of_size in (("exact", size), ("pooled", n), ("image_mean", 1)):
                    theirs = _average(reference[of_size], UNDEFINED[kind])
                    _check(f"{name} of {kind} at {size}", numbers[name], theirs, TOLERANCE)
            row = {"dice": kind, "batch_size": size, "n_batches": -(-n // size)}
            yield about | row | numbers | {"logged": logged}


@cache
def _evaluator(side: int) -> Evaluator:
    return Evaluator(side)


def _sums(y: NDArray[np.float32], scores: NDArray[np.float32]) -> dict[str, Clusters]:
    """Return for each kind of Dice what the images add above and below the line."""
    hard = clusters_of(batch_counts(y.ravel(), scores.ravel(), y[0].size))
    masks, found = (part.reshape(len(y), -1).astype(np.float64) for part in (y, scores))
    soft = checked_clusters(2 * (masks * found).sum(axis=1), (masks + found).sum(axis=1))
    return {EMPTY_0: hard, EMPTY_1: hard, LEFT_OUT: hard, SOFT: soft}


def _by_size(cell: Cell, y: NDArray[np.float32], images: Clusters) -> dict[str, Any]:
    """Return the number of images without an object, and the Dice of small and of large ones.

    A small object is not larger than a circle of the greatest radius that the model for small ones
    was trained on.
    """
    area = y.sum(axis=(1, 2, 3))
    small = (area > 0) & (area <= np.pi * cell.radius_small[1] ** 2)
    value = safe_divide(*images)
    return {
        "n_empty": int((area == 0).sum()),
        "of_small": _average(value[small], np.nan),
        "of_large": _average(value[(area > 0) & ~small], np.nan),
    }


def _numbers(images: Clusters, size: int, kind: str, cell: Cell) -> dict[str, float]:
    """Return the numbers of a row; Keras weights a loss by the size of the batch."""
    averaging: Averaging = "size_weighted" if kind == SOFT else "per_batch"
    options: dict[str, Any] = {"averaging": averaging, "zero_division": UNDEFINED[kind]}
    spread = simulated_batch_mean(images, size, **options, cuts=cell.cuts, seed=cell.seed)
    return {
        "pooled": batch_mean_of(images, len(images.top), **options),
        "image_mean": batch_mean_of(images, 1, **options),
        "expected": expected_batch_mean(images, size, **options),
        "sd": spread.sd,
        "exact": batch_mean_of(images, size, **options),
    }


def _of_scikit_learn(y: Any, scores: Any, size: int) -> NDArray[np.float64]:
    """Return `f1_score` of each batch of so many images; NaN where it is 0/0."""
    masks, found = y > 0.5, scores > 0.5
    batches = (slice(start, start + size) for start in range(0, len(y), size))
    return np.array(
        [f1_score(masks[at].ravel(), found[at].ravel(), zero_division=np.nan) for at in batches]
    )


def _average(values: NDArray[np.float64], undefined: float) -> float:
    """Return the mean with a value for NaN; NaN leaves them out, and is the mean of none."""
    filled = np.where(np.isnan(values), undefined, values)
    kept = filled[~np.isnan(filled)]
    return float(kept.mean()) if kept.size else np.nan


def _check(name: str, value: float, expected: float, tolerance: float) -> None:
    if not abs(value - expected) <= tolerance:
        raise TraceError(f"{name}: {value!r} where {expected!r} is expected")
