"""Numbers of one cut: the mean over batches, the true F1, and the expectation of a random cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1, PRECISION, RECALL
from batchf1.theory.cuts import random_cut, stratified_cut

CLASSIFIERS = {"plain": None, "balanced": "balanced"}
"""Logistic regression -> its `class_weight`: few false alarms, and few misses."""
SOLVER = "newton-cholesky"
"""The fastest here, with few features and many samples."""


def fitted(x: np.ndarray, y: np.ndarray, classifier: str) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a logistic regression to standardised features.

    Parameters
    ----------
    x, y
        Features (n, d) and labels (n,), 0 or 1.
    classifier
        A key of `CLASSIFIERS`.

    Returns
    -------
    callable
        Features (n, d) -> predictions (n,), 0 or 1.
    """
    regression = LogisticRegression(class_weight=CLASSIFIERS[classifier], solver=SOLVER)
    model = make_pipeline(StandardScaler(), regression).fit(x, y)
    return partial(_predict, model)


def _predict(model: LogisticRegression, x: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(x))


def grouped_counts(y: np.ndarray, predicted: np.ndarray, group: np.ndarray) -> Counts:
    """Return the counts of each group (g,), ordered by group; labels and predictions are (n,)."""
    _, index = np.unique(group, return_inverse=True)
    cells = (y & predicted, (1 - y) & predicted, y & (1 - predicted), (1 - y) & (1 - predicted))
    return Counts(*(np.bincount(index, weights=cell).astype(np.int64) for cell in cells))


def row(passes: Sequence[Counts], **names: object) -> dict[str, object]:
    """Return a row of the table: means over passes of the numbers of each.

    Parameters
    ----------
    passes
        Counts of the batches of each pass, one per seed.
    names
        Further columns: family, cut, classifier and the like.

    Returns
    -------
    dict
        `error` is the mean over batches minus the true F1, `error_se` its standard error over
        seeds.
    """
    numbers = pd.DataFrame([_of_pass(counts) for counts in passes])
    error = numbers["mean_f1"] - numbers["true_f1"]
    spread = error.sem() if len(numbers) > 1 else np.nan
    about = {"n_seeds": len(passes), "n_batches": passes[0].tp.size}
    return {**names, **about, **numbers.mean(), "error": error.mean(), "error_se": spread}


def _of_pass(counts: Counts) -> dict[str, float]:
    """Return the numbers of one pass; `random` is the expectation of a random cut in these sizes.

    `composition`: a random cut in which each batch keeps its numbers of positives and negatives.
    """
    pool = Counts(*(int(part) for part in counts.pooled()))
    negatives = counts.n - counts.positives
    means = {name: float(batch_mean(counts, zero_division=z)) for name, z in _EMPTY.items()}
    undefined = (counts.positives == 0) | (counts.predicted_positives == 0)
    return {
        **{name: float(part) for name, part in pool._asdict().items()},
        "prevalence": float(pool.positives / pool.n),
        "empty": float(counts.empty.mean()),
        "undefined": float(undefined.mean()),
        "true_f1": float(pooled(counts)),
        **means,
        "mean_defined": _mean(F1(counts)[~undefined]),
        "f1_of_means": _f1_of_means(counts),
        "random": random_cut(pool, counts.n),
        "composition": stratified_cut(pool, counts.positives, negatives),
    }


_EMPTY = {"mean_f1": 0.0, "mean_one": 1.0, "mean_left_out": np.nan}
"""Mean over batches -> what an empty one counts as."""


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else np.nan


def _f1_of_means(counts: Counts) -> float:
    """Return F1 of the mean precision and the mean recall over batches; 0 where they are 0/0."""
    precision, recall = (float(batch_mean(counts, metric=m)) for m in (PRECISION, RECALL))
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0
