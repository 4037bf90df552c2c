"""The plain engine: Keras' ordinary `fit`, a batch a step. The reference for the other."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from batchf1.config import Run
from batchf1.datasets import Data, Split
from batchf1.training.order import Order, Shuffle

model_class = keras.Sequential
compile_options: dict[str, Any] = {}


def fit(model: Any, data: Data, run: Run, order: Order, callbacks: list[Any], verbose: int) -> None:
    """Train the compiled model; validation runs in fixed order in batches of the same size."""
    current = tf.Variable(tf.range(run.dataset.n_samples, dtype=tf.int64))
    model.fit(
        _batches(data.train, run.training.batch_size, current),
        epochs=run.training.epochs,
        shuffle=False,  # the order is ours
        validation_data=_batches(
            data.validation, run.training.batch_size, tf.range(run.dataset.n_validation)
        ),
        callbacks=[Shuffle(order, current), *callbacks],
        verbose=verbose,
    )


def _batches(split: Split, batch_size: int, order: Any) -> Any:
    """The batches (x, y) of a split, in an order that is looked up as they are drawn."""
    places = tf.data.Dataset.range(len(split.y)).batch(batch_size)

    def batch(place: Any) -> Any:
        chosen = tf.gather(order, place)
        return tf.gather(split.x, chosen), tf.gather(split.y, chosen)

    return places.map(batch)
