"""Rows that are made as they are read: the same in each engine and batch size, and never held.

A feature is a hash of its row's number and its own, a uniform number in [0, 1); the first decides
the label. TensorFlow's own stateless generators give other numbers inside XLA than outside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchf1.study.frameworks.keras3.fused import FusedSequential

KEYS = {"train": 0x243F6A88, "validation": 0x85A308D3}
"""Split -> a number that its hashes start from (digits of pi)."""
CHUNK = 4096
"""Rows that are made at a time where they are to be held; small, to leave peak memory alone."""


class Source(NamedTuple):
    """A kind of rows: x of shape (n, n_features), y of shape (n, 1), both float32."""

    n_features: int
    prevalence: float

    def batch(self, places: Any, key: Any) -> tuple[Any, Any]:
        """The rows with the numbers `places`, an integer tensor of shape (n,), as tensors."""
        numbers = tf.cast(places, tf.uint32)[:, None] * tf.constant(self.n_features, tf.uint32)
        hashed = _mix((numbers + self._offsets()) ^ key, tf.bitwise.right_shift)
        x = tf.cast(tf.bitwise.right_shift(hashed, _number(8)), tf.float32) * np.float32(2**-24)
        return x, tf.cast(x[:, :1] < self.prevalence, tf.float32)

    def batches(self, n_batches: int, batch_size: int, split: str) -> tf.data.Dataset:
        """A data set of (x, y) batches that holds no more than the next two."""

        def batch(i: Any) -> tuple[Any, Any]:
            places = i * batch_size + tf.range(batch_size, dtype=tf.int64)
            return self.batch(places, _number(KEYS[split]))

        return _steady(tf.data.Dataset.range(n_batches).map(batch).prefetch(2))

    def arrays(self, n: int, split: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The first n rows, all of them in memory."""
        x = np.empty((n, self.n_features), np.float32)
        for start in range(0, n, CHUNK):
            numbers = np.arange(start, min(start + CHUNK, n), dtype=np.uint32)[:, None]
            numbers = numbers * _number(self.n_features) + self._offsets()
            hashed = _mix(numbers ^ _number(KEYS[split]), np.right_shift)
            x[start : start + CHUNK] = (hashed >> _number(8)) * np.float32(2**-24)
        return x, (x[:, :1] < np.float32(self.prevalence)).astype(np.float32)

    def _offsets(self) -> NDArray[np.uint32]:
        return np.arange(self.n_features, dtype=np.uint32)


def _number(value: int) -> np.uint32:
    return np.uint32(value)


def _mix(numbers: Any, shift: Any) -> Any:
    """Chris Wellons' `lowbias32`, a hash of 32 bits, for arrays of NumPy and TensorFlow."""
    numbers = (numbers ^ shift(numbers, _number(16))) * _number(0x7FEB352D)
    numbers = (numbers ^ shift(numbers, _number(15))) * _number(0x846CA68B)
    return numbers ^ shift(numbers, _number(16))


class SourceSequential(FusedSequential):
    """A fused model that makes its batches inside the compiled loop.

    Its one step takes the number of batches and the split's key, each of shape (1,). Set
    `batch_size` and `source` before it is used.
    """

    source: Source

    def _batch(self, data: Any, places: Any, training: bool) -> tuple[Any, Any]:
        return self.source.batch(places, data[1][0])

    def _each_batch(self, data: Any, body: Any) -> None:
        """Call `body` with the places of each batch; the number of batches is no constant.

        So a few batches compile what an epoch of any length runs.
        """
        n_batches = data[0][0]

        def step(i: Any) -> Any:
            body(i * self.batch_size + tf.range(self.batch_size))
            return i + 1

        tf.while_loop(lambda i: i < n_batches, step, [0])


def split_of(n_batches: int, split: str) -> tf.data.Dataset:
    """What the one step of `SourceSequential` takes for a split."""
    key = tf.constant([KEYS[split]], tf.uint32)
    return _steady(tf.data.Dataset.from_tensors((tf.constant([n_batches], tf.int32), key)))


def _steady(data: tf.data.Dataset) -> tf.data.Dataset:
    """The data set without TensorFlow's tuner.

    At the end of a pass that waits for its next look, as long again as the pass took.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
