"""The fused engine: all steps of an epoch inside one XLA-compiled call, under Keras' own `fit`.

Keras sees one step an epoch. Inside it the batches are drawn, learned and measured one by one, as
plain `fit` does, with Keras' own loss, optimiser and metric objects.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from batchf1.datasets.base import Data, Split
from batchf1.study.frameworks.keras3.callbacks import Shuffle
from batchf1.study.frameworks.order import Order
from batchf1.study.settings import Run


class FusedSequential(keras.Sequential):  # type: ignore[misc]
    """A model whose one step takes a whole split (x, y), of shapes (n, d) and (n, 1).

    Set `batch_size`, and `order`, a variable with the places of the training samples, before it
    is used.
    """

    batch_size: int
    order: tf.Variable

    def fit(self, *args: Any, **options: Any) -> Any:
        """Train; the compiled steps can only reset metrics that exist when they are traced."""
        if self._compile_metrics is not None and not self._compile_metrics.built:
            shapes = ((1, *self.input_shape[1:]), (1, 1))
            self._symbolic_build(data_batch=tuple(np.zeros(s, np.float32) for s in shapes))
        return super().fit(*args, **options)

    def train_step(self, data: Any) -> Any:
        """Learn from every batch of an epoch, in the order of `order`."""

        def learn(places: Any) -> None:
            x, y = self._batch(data, places, training=True)
            with tf.GradientTape() as tape:
                loss = self._measure(x, y, training=True)
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)

        super().reset_metrics()
        self._each_batch(data, learn)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> Any:
        """Measure every batch of a split, in its own order."""

        def measure(places: Any) -> None:
            self._measure(*self._batch(data, places, training=False), training=False)

        super().reset_metrics()
        self._each_batch(data, measure)
        return self.get_metrics_result()

    def reset_metrics(self) -> None:
        """Leave it to the compiled steps: a variable at a time costs as much as a small epoch."""

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        """Take the results that the compiled step returned; Keras would compute them once more."""
        return logs

    def _batch(self, data: Any, places: Any, training: bool) -> tuple[Any, Any]:
        """The samples at some places of a split, or of its order; a subclass may make them."""
        x, y = data
        chosen = tf.gather(self.order, places) if training else places
        return tf.gather(x, chosen), tf.gather(y, chosen)

    def _each_batch(self, data: Any, body: Any) -> None:
        """Call `body` with the places of each batch: the full ones in a loop, then the short."""
        n_full, rest = divmod(data[0].shape[0], self.batch_size)

        def step(i: Any) -> Any:
            body(i * self.batch_size + tf.range(self.batch_size))
            return i + 1

        if n_full:
            tf.while_loop(lambda i: i < n_full, step, [0])
        if rest:
            body(n_full * self.batch_size + tf.range(rest))

    def _measure(self, x: Any, y: Any, training: bool) -> Any:
        """The loss of a batch, after every metric has seen it, as in `keras.Model.train_step`."""
        y_pred = self(x, training=training)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, training=training)
        self._loss_tracker.update_state(loss, sample_weight=x.shape[0])
        for metric in self.metrics:
            if metric is not self._loss_tracker:
                metric.update_state(y, y_pred)
        return loss


model_class = FusedSequential
compile_options: dict[str, Any] = {"jit_compile": True}


def fit(model: Any, data: Data, run: Run, order: Order, callbacks: list[Any], verbose: int) -> None:
    """Train the compiled model; validation runs in fixed order in batches of the same size.

    A model that has been fitted before is not compiled anew for data of the same shapes.
    """
    if not hasattr(model, "order"):
        model.batch_size = run.training.batch_size
        model.order = tf.Variable(tf.range(run.dataset.n_samples, dtype=tf.int64), trainable=False)
    model.fit(
        _whole(data.train),
        epochs=run.training.epochs,
        shuffle=False,  # the order is ours
        validation_data=_whole(data.validation),
        callbacks=[Shuffle(order, model.order), *callbacks],
        verbose=verbose,
    )


def _whole(split: Split) -> Any:
    """A data set of one element, the split."""
    return tf.data.Dataset.from_tensors(tuple(split))
