"""Endless batches for generator input, their number per epoch, and counts of predictions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.datasets.base import Features, Split
from batchf1.errors import check
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.training.shuffle import Order

Batch = tuple[Features, Features]


def train_batches(run: Run, split: Split, order: Order) -> Iterator[Batch]:
    """Yield batches of the training split without end; pass p over the data takes `order(p)`."""
    return _batches(run, split, order)


def validation_batches(run: Run, split: Split) -> Iterator[Batch]:
    """Yield batches of the validation split without end, shuffled in each pass if so set."""
    n = len(split.y)

    def order(number: int) -> NDArray[np.int64]:
        if not run.input_pipeline.shuffle_validation:
            return np.arange(n)
        return generator(*run.names, "validation order", number).permutation(n)

    return _batches(run, split, order)


def _batches(run: Run, split: Split, order: Order) -> Iterator[Batch]:
    size, n, number = run.training.batch_size, len(split.y), 0
    last = n if run.input_pipeline.short_batch == "keep" else n - n % size
    while True:
        indices = order(number)
        for start in range(0, last, size):
            selected = indices[start : start + size]
            yield split.x[selected], split.y[selected]
        number += 1


def steps(run: Run, split: Split) -> int:
    """Return the number of batches drawn from a split's generator in an epoch."""
    n_full, rest = divmod(len(split.y), run.training.batch_size)
    return max(1, n_full + (rest > 0 and run.input_pipeline.steps == "ceil"))


def counts_of(run: Run, split: Split, scores: Features) -> Counts:
    """Return the counts of a split as one batch, from a score of each sample.

    Raises `InputError` that names the run whose scores are no numbers any more.
    """
    rule = "must give scores that are numbers: its training diverged"
    check(not np.isnan(scores).any(), run.label, rule, "NaN")
    return batch_counts(split.y.ravel(), scores.ravel(), len(split.y), run.training.threshold)
