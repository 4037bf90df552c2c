"""Shuffling of training samples, the same in every engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.config.settings import Run

Order = Callable[[int], NDArray[np.int64]]


def shuffled(run: Run) -> Order:
    """Return a function from the epoch (from 0) to a permutation of the training samples.

    It does not depend on the batch size, nor on the epochs drawn before.
    """

    def order(epoch: int) -> NDArray[np.int64]:
        return generator(*run.names, "order", epoch).permutation(run.dataset.n_samples)

    return order
