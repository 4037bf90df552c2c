"""The plain engine: Keras' ordinary `fit`, a batch a step. The reference for the other."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from batchf1.datasets.base import Data, Split
from batchf1.study.frameworks import feed
from batchf1.study.frameworks.keras3.callbacks import Shuffle
from batchf1.study.frameworks.order import Order
from batchf1.study.settings import Run

model_class = keras.Sequential
compile_options: dict[str, Any] = {}
VALIDATION_BATCH = 32
"""The size in which Keras validates arrays if `fit` is told none."""


def fit(model: Any, data: Data, run: Run, order: Order, callbacks: list[Any], verbose: int) -> None:
    """Train the compiled model, fed as the run's program says.

    Arrays are validated in fixed order in batches of the same size, except beside a training
    generator, where Keras knows no size and takes its own.
    """
    of_splits = zip(("train", "validation"), data, strict=True)
    steps = {name: feed.steps(run, split) for name, split in of_splits}
    from_generator = run.program.train == "generator"
    if from_generator:
        train: Any = feed.train_batches(run, data.train, order)
    else:
        current = tf.Variable(tf.range(run.dataset.n_samples, dtype=tf.int64))
        train = _batches(data.train, run.training.batch_size, current)
        callbacks = [Shuffle(order, current), *callbacks]
    if run.program.validation == "generator":
        validation: Any = feed.validation_batches(run, data.validation)
    elif from_generator:
        validation = tuple(data.validation)
    else:
        places = tf.range(run.dataset.n_validation)
        validation = _batches(data.validation, run.training.batch_size, places)
    model.fit(
        train,
        epochs=run.training.epochs,
        steps_per_epoch=steps["train"] if from_generator else None,
        shuffle=False,  # the order is ours
        validation_data=validation,
        validation_steps=steps["validation"] if run.program.validation == "generator" else None,
        callbacks=callbacks,
        verbose=verbose,
    )


def _batches(split: Split, batch_size: int, order: Any) -> Any:
    """The batches (x, y) of a split, in an order that is looked up as they are drawn."""
    places = tf.data.Dataset.range(len(split.y)).batch(batch_size)

    def batch(place: Any) -> Any:
        chosen = tf.gather(order, place)
        return tf.gather(split.x, chosen), tf.gather(split.y, chosen)

    return places.map(batch)
