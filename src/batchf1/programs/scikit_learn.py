"""scikit-learn: cross-validation, whose folds are batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict, cross_val_score

from batchf1.programs.example import BATCH_SIZE, LABELS, SCORES, batches
from batchf1.programs.protocol import Case, emit, format_batches


def measured(n: int) -> Iterator[Case]:
    """Yield F1 of a cross-validation: the mean over folds, and the pooled value."""
    x, y = SCORES[:n, None], LABELS[:n]
    model = FrozenEstimator(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    folds = PredefinedSplit(np.arange(n) // BATCH_SIZE)
    seen = format_batches(batches(n))
    instead = "`f1_score(y, cross_val_predict(model, x, y))`, or say that it is a mean over folds"
    mean = cross_val_score(model, x, y, cv=folds, scoring="f1").mean()
    yield Case('`cross_val_score(..., scoring="f1").mean()`', mean, seen, instead)
    pooled = f1_score(y, cross_val_predict(model, x, y, cv=folds))
    yield Case("`f1_score(y, cross_val_predict(...))`", pooled, seen)


if __name__ == "__main__":
    emit("scikit-learn", sklearn.__version__, measured)
