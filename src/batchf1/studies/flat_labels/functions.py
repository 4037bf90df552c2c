"""F1 as a function of labels and scores, in the two ways in which it is usually written for Keras.

Neither looks at shapes, as no such function does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from batchf1.metrics.flat_labels import Written


def margins(y_true: Any, y_pred: Any) -> Any:
    """Compute F1 of a batch from precision and recall, as the article does."""
    tp = ops.sum(ops.round(ops.clip(y_true * y_pred, 0, 1)))
    positives = ops.sum(ops.round(ops.clip(y_true, 0, 1)))
    predicted = ops.sum(ops.round(ops.clip(y_pred, 0, 1)))
    epsilon = keras.config.epsilon()
    precision, recall = tp / (predicted + epsilon), tp / (positives + epsilon)
    return 2 * precision * recall / (precision + recall + epsilon)


def cells(y_true: Any, y_pred: Any) -> Any:
    """Compute F1 of a batch from true positives, false positives and misses."""
    decided = ops.round(y_pred)
    tp = ops.sum(y_true * decided)
    fp, fn = ops.sum((1 - y_true) * decided), ops.sum(y_true * (1 - decided))
    return 2 * tp / (2 * tp + fp + fn + keras.config.epsilon())


FUNCTIONS: dict[Written, Callable[[Any, Any], Any]] = {"margins": margins, "cells": cells}
"""How F1 is written -> the function, whose name Keras logs."""
