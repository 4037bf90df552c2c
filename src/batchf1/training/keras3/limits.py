"""How many runs train together in one compiled program."""

from __future__ import annotations

MOST_TOGETHER = 32
"""Runs of an ensemble. It is part of the engine: with another number bits change."""


MOST_WEIGHTS, MOST_FEATURES = 2**15, 2**27
"""Of all runs that train together; larger networks and data keep a processor busy with fewer."""


def n_together(n_weights: int, n_features: int) -> int:
    """How many runs train together: a power of 2, from the size of a run's network and data alone.

    `n_features`: all numbers of a training split.
    """
    room = min(MOST_WEIGHTS // n_weights, MOST_FEATURES // n_features)
    return min(MOST_TOGETHER, 1 << max(room.bit_length() - 1, 0))
