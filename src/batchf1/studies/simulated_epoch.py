"""Settings of a simulated epoch: the counts of its predictions, cut into batches at random."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from omegaconf import MISSING

from batchf1.config.rules import check_counts
from batchf1.errors import check
from batchf1.metrics.counts import Counts, as_counts


@dataclass
class SimulatedEpoch:
    """Epoch of a model whose counts are given, with its samples in a random order."""

    question: str = MISSING
    counts: dict[str, int] = MISSING
    """tp, fp, fn and tn of the whole epoch."""
    batch_size: int = MISSING
    seed: int = 0
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_counts("counts", [self.counts], 10**6)
        n_samples = sum(self.counts.values())
        good = self.batch_size >= 1 and n_samples % self.batch_size == 0
        check(good, "batch_size", f"must divide the {n_samples} samples", self.batch_size)
        check(self.seed >= 0, "seed", "must be at least 0", self.seed)

    def batches(self) -> Counts:
        """Return the counts of each batch, arrays of shape (n_batches,)."""
        outcomes = np.repeat(Counts._fields, [self.counts[cell] for cell in Counts._fields])
        shuffled = np.random.default_rng(self.seed).permutation(outcomes)
        of_batches = shuffled.reshape(-1, self.batch_size)
        return as_counts(**{cell: (of_batches == cell).sum(axis=1) for cell in Counts._fields})
