"""Rows that are made as they are read, and never held."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

SPLITS = ("train", "validation")


class Source(NamedTuple):
    """A kind of rows: x of shape (n, n_features), y of shape (n, 1), both float32.

    Features are uniform in [0, 1); the first decides the label. A batch depends on its size, its
    number and its split alone.
    """

    n_features: int
    prevalence: float

    def batches(self, n_batches: int, batch_size: int, split: str) -> tf.data.Dataset:
        """A data set of (x, y) batches that holds no more than the next two."""
        stream, shape = SPLITS.index(split), (batch_size, self.n_features)

        def batch(i: Any) -> tuple[Any, Any]:
            x = tf.random.stateless_uniform(shape, (stream, i), alg="philox")
            return x, tf.cast(x[:, :1] < self.prevalence, tf.float32)

        return _steady(tf.data.Dataset.range(n_batches).map(batch).prefetch(2))

    def arrays(
        self, n_batches: int, batch_size: int, split: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The rows of `batches`, all of them in memory, and nothing beside them."""
        n = n_batches * batch_size
        x, y = np.empty((n, self.n_features), np.float32), np.empty((n, 1), np.float32)
        for i, batch in enumerate(self.batches(n_batches, batch_size, split)):
            here = slice(i * batch_size, (i + 1) * batch_size)
            x[here], y[here] = batch
        return x, y


def _steady(data: tf.data.Dataset) -> tf.data.Dataset:
    """The data set without TensorFlow's tuner.

    At the end of a pass that waits for its next look, as long again as the pass took.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
