"""What the engines of Keras 3 do at the beginning of an epoch."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from batchf1.study.frameworks.order import Order


class Shuffle(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts the training samples into the epoch's order, before Keras asks for the first batch."""

    def __init__(self, order: Order, variable: tf.Variable) -> None:
        super().__init__()
        self.order, self.variable = order, variable

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the order."""
        self.variable.assign(self.order(epoch))


class Freeze(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights as they are after the `last` epoch that learns."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate to 0 after the last epoch that learns; 0 for never."""
        if self.last and epoch == self.last:
            self.model.optimizer.learning_rate.assign(0.0)
