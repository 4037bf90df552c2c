"""The plain engine: Keras' ordinary `fit`, a batch a step."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from batchf1.datasets import Data, Split
from batchf1.training.order import Order

model_class = keras.Sequential


class Shuffle(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts the training samples into the epoch's order."""

    def __init__(self, order: Order, n: int) -> None:
        super().__init__()
        self.order = order
        self.current = tf.Variable(tf.range(n, dtype=tf.int64))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the order before Keras asks for the first batch."""
        self.current.assign(self.order(epoch))


def _batches(split: Split, batch_size: int, order: Any) -> Any:
    """The batches (x, y) of a split in an order that is looked up as they are drawn."""
    places = tf.data.Dataset.range(len(split.y)).batch(batch_size)

    def batch(place: Any) -> Any:
        chosen = tf.gather(order, place)
        return tf.gather(split.x, chosen), tf.gather(split.y, chosen)

    return places.map(batch)


def fit(
    model: Any,
    data: Data,
    batch_size: int,
    epochs: int,
    order: Order,
    callbacks: list[Any],
    verbose: int,
) -> None:
    """Train the compiled model; validation runs in fixed order in batches of the same size."""
    shuffle = Shuffle(order, len(data.train.y))
    fixed = tf.range(len(data.validation.y), dtype=tf.int64)
    model.fit(
        _batches(data.train, batch_size, shuffle.current),
        epochs=epochs,
        validation_data=_batches(data.validation, batch_size, fixed),
        callbacks=[shuffle, *callbacks],
        verbose=verbose,
    )
