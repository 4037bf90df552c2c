"""Limits on the number of runs that train together in one compiled program."""

from __future__ import annotations

MAX_TOGETHER = 32
"""Runs of an ensemble. It is part of the engine: with another number bits change."""


MAX_WEIGHTS, MAX_FEATURES = 2**15, 2**27
"""Limits for all runs that train together; larger networks and data need fewer runs."""


def group_size(n_weights: int, n_features: int) -> int:
    """Return how many runs train together: a power of 2, from the size of network and data.

    `n_features`: all numbers of a training split.
    """
    room = min(MAX_WEIGHTS // n_weights, MAX_FEATURES // n_features)
    return min(MAX_TOGETHER, 1 << max(room.bit_length() - 1, 0))
