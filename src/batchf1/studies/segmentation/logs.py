"""Logs of Keras for given masks and probabilities: metric functions for Dice, and a soft loss."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from batchf1.studies.segmentation.schema import EMPTY_0, EMPTY_1, SOFT
from batchf1.studies.segmentation.train import STEPS


def empty_0(y_true: Any, y_pred: Any) -> Any:
    """Compute Dice of a batch; with epsilon below the line alone an empty batch counts 0."""
    top, bottom = _sums(y_true, y_pred)
    return top / (bottom + keras.config.epsilon())


def empty_1(y_true: Any, y_pred: Any) -> Any:
    """Compute Dice of a batch; with epsilon above and below the line an empty batch counts 1."""
    top, bottom = _sums(y_true, y_pred)
    return (top + keras.config.epsilon()) / (bottom + keras.config.epsilon())


def _sums(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    mask = ops.cast(y_pred > 0.5, y_pred.dtype)
    return 2 * ops.sum(y_true * mask), ops.sum(y_true) + ops.sum(mask)


class Evaluator:
    """Model that hands probabilities through to Keras' Dice loss and to metric functions.

    So all batch sizes see the same probabilities, which a convolution would change in the last
    digit.
    """

    def __init__(self, side: int) -> None:
        scores = keras.Input((side, side, 1))
        self.model = keras.Model(scores, layers.Identity()(scores))
        self.model.compile(
            loss=keras.losses.Dice(),
            metrics=[empty_0, empty_1],
            jit_compile=False,
            steps_per_execution=STEPS,
        )

    def evaluate(self, y: Any, scores: Any, size: int) -> dict[str, float]:
        """Return what `evaluate` logs in batches of so many images: kind of Dice -> value."""
        logs = self.model.evaluate(scores, y, batch_size=size, verbose=0, return_dict=True)
        named = {EMPTY_0: logs["empty_0"], EMPTY_1: logs["empty_1"], SOFT: 1 - logs["loss"]}
        return {kind: float(value) for kind, value in named.items()}
