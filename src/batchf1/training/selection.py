"""Choices by logged values: the best option, the checkpoint, early stopping.

Values are compared in float32, in which Keras logs a metric and in which its callbacks compare:
what differs by the rounding of a sum alone is tied.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check

Mode = Literal["max", "min"]
"""Whether the largest value is the best, or the smallest."""
Places = NDArray[np.intp]


def best(values: ArrayLike, mode: Mode = "max") -> Places:
    """Return the index of the best value along the last axis: of ties the middle, of two the lower.

    `values`: of any shape, NaN where an option has none. Places have the shape of the axes before
    the last. Raises `InputError` for no value, NaN alone included, and another mode.
    """
    ranked = _ranked(values, mode)
    has_value = bool(np.all(~np.isnan(ranked).all(axis=-1)))
    check(has_value, "values", "must have at least one that is not NaN", "NaN only")
    ranked = np.where(np.isnan(ranked), -np.inf, ranked)
    tied = np.cumsum(ranked == ranked.max(axis=-1, keepdims=True), axis=-1)
    return np.asarray(np.argmax(tied == (tied[..., -1:] + 1) // 2, axis=-1))


def checkpoint(values: ArrayLike, mode: Mode = "max") -> Places:
    """Return the epoch, from 0, that Keras' `ModelCheckpoint(save_best_only=True)` keeps.

    `values`: epochs along the last axis, in the order of training. The first of tied ones. As in
    Keras a NaN is no improvement, but in the first epoch it is the best, and stays it. Raises
    `InputError` for no epoch and another mode. Source: Keras 3, `callbacks/model_checkpoint.py`.
    """
    return np.asarray(_best_so_far(values, mode)[..., -1])


def early_stopping(
    values: ArrayLike, patience: int, restore_best: bool, mode: Mode = "max"
) -> Places:
    """Return the epoch, from 0, whose weights remain after Keras' `EarlyStopping(min_delta=0)`.

    `values` as for `checkpoint`. `restore_best`: its `restore_best_weights`; Keras 3 restores the
    best at the end of training, too, where nothing stopped it. Without it the weights are the last
    ones, those of the epoch in which it stopped. Raises `InputError` for a patience below 0, no
    epoch and another mode. Source: Keras 3, `callbacks/early_stopping.py`.
    """
    check(patience >= 0, "patience", "must be at least 0", patience)
    so_far = _best_so_far(values, mode)
    waited = np.arange(so_far.shape[-1]) - so_far
    stopping = waited >= max(patience, 1)
    stopping[..., -1] = True
    last = np.argmax(stopping, axis=-1)
    if not restore_best:
        return np.asarray(last)
    return np.asarray(np.take_along_axis(so_far, last[..., None], axis=-1)[..., 0])


def _best_so_far(values: ArrayLike, mode: Mode) -> Places:
    """Return, for each epoch, the first epoch of the best value until then."""
    ranked = _ranked(values, mode)
    first = np.where(np.isnan(ranked[..., :1]), np.inf, ranked[..., :1])  # nothing improves on NaN
    later = np.where(np.isnan(ranked[..., 1:]), -np.inf, ranked[..., 1:])
    ranked = np.concatenate([first, later], axis=-1)
    better = ranked[..., 1:] > np.maximum.accumulate(ranked, axis=-1)[..., :-1]
    epochs = np.zeros(ranked.shape, np.intp)
    epochs[..., 1:] = np.where(better, np.arange(1, ranked.shape[-1]), 0)
    return np.asarray(np.maximum.accumulate(epochs, axis=-1))


def _ranked(values: ArrayLike, mode: Mode) -> NDArray[np.float32]:
    """Return the values with the sign at which larger is better."""
    check(mode in get_args(Mode), "mode", f"must be one of {get_args(Mode)}", mode)
    array = np.asarray(values, np.float32)
    check(
        array.ndim > 0 and array.shape[-1] > 0,
        "values",
        "must have at least one value",
        array.shape,
    )
    return array if mode == "max" else -array
