"""The order of samples: the project's own, the same in every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchf1.config import Run
from batchf1.seeds import generator

Order = Callable[[int], NDArray[np.int64]]


def shuffled(run: Run) -> Order:
    """Epoch (from 0) -> a random permutation of the training samples.

    It does not depend on the batch size, nor on the epochs drawn before.
    """

    def order(epoch: int) -> NDArray[np.int64]:
        return generator(*run.names, "order", epoch).permutation(run.dataset.n_samples)

    return order


class Shuffle(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts the training samples into the epoch's order, before Keras asks for the first batch."""

    def __init__(self, order: Order, variable: tf.Variable) -> None:
        super().__init__()
        self.order, self.variable = order, variable

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the order."""
        self.variable.assign(self.order(epoch))
