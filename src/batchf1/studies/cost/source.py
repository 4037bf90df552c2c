"""Rows that are generated as they are read, and never held in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

SPLITS = ("train", "validation")


class Source(NamedTuple):
    """Generator of rows: x of shape (n, n_features), y of shape (n, 1), both float32.

    Features are uniform in [0, 1); the first decides the label. A batch depends on its size, its
    number and its split alone.
    """

    n_features: int
    prevalence: float

    def batches(self, n_batches: int, batch_size: int, split: str) -> tf.data.Dataset:
        """Return a data set of (x, y) batches that holds at most the next two."""
        stream, shape = SPLITS.index(split), (batch_size, self.n_features)

        def batch(i: Any) -> tuple[Any, Any]:
            x = tf.random.stateless_uniform(shape, (stream, i), alg="philox")
            return x, tf.cast(x[:, :1] < self.prevalence, tf.float32)

        return _steady(tf.data.Dataset.range(n_batches).map(batch).prefetch(2))

    def arrays(
        self, n_batches: int, batch_size: int, split: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the rows of `batches` as arrays, and hold nothing else in memory."""
        n = n_batches * batch_size
        x, y = np.empty((n, self.n_features), np.float32), np.empty((n, 1), np.float32)
        for i, batch in enumerate(self.batches(n_batches, batch_size, split)):
            here = slice(i * batch_size, (i + 1) * batch_size)
            x[here], y[here] = batch
        return x, y


def _steady(data: tf.data.Dataset) -> tf.data.Dataset:
    """Return the data set without TensorFlow's autotuning.

    At the end of a pass that waits for its next look, as long again as the pass took.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
