"""Predictions that have as many positives in each batch as a network's, and other samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

TRAINED, HALF, PERMUTED, RANDOM, SAME_SHARE = "trained", "half", "permuted", "random", "same_share"
SAME_NUMBERS = (TRAINED, HALF, PERMUTED, RANDOM)
"""Predictions with the same number of predicted positives in each batch."""
PREDICTIONS = (*SAME_NUMBERS, SAME_SHARE)


def variants(scores: Scores, size: int, rng: np.random.Generator) -> dict[str, Scores]:
    """Return a network's scores and others made from them, for batches of `size`.

    Parameters
    ----------
    scores : float32 array, shape (n,)
        Those of the network; n is a multiple of `size`.
    size : int
        Samples in a batch.
    rng : numpy.random.Generator

    Returns
    -------
    dict, float32 arrays of shape (n,)
        `trained`: the scores. `permuted`: in random order within each batch. `half`: likewise in
        every second batch alone. `random`: 1 for random samples, as many in each batch as the
        network predicts to be positive there. `same_share`: 1 for random samples of all, as many as
        the network predicts to be positive altogether.
    """
    batches = scores.reshape(-1, size)
    permuted = rng.permuted(batches, axis=1)
    every_second = np.arange(len(batches))[:, None] % 2 == 0
    positive = batches > 0.5
    found = {
        TRAINED: batches,
        HALF: np.where(every_second, permuted, batches),
        PERMUTED: permuted,
        RANDOM: rng.permuted(positive, axis=1),
        SAME_SHARE: rng.permutation(positive.ravel()),
    }
    return {name: np.asarray(each.reshape(-1), np.float32) for name, each in found.items()}
