"""Two Gaussian classes of any size and prevalence; the best possible F1 has a closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batchf1.datasets.base import Dataset, Features
from batchf1.errors import check
from batchf1.metrics.ratios import F1


@dataclass
class Synthetic(Dataset):
    """Standard normal classes in `dimensions` dimensions, their means `separation` apart."""

    name = "synthetic"
    dimensions: int = 5
    separation: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.dimensions >= 1, "dataset.dimensions", "must be at least 1", self.dimensions)
        check(
            0 <= self.separation < float("inf"),
            "dataset.separation",
            "must be finite and not negative",
            self.separation,
        )

    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """Draw positives and negatives, see `Dataset.draw`."""
        shift = self.separation / np.sqrt(self.dimensions)
        positives = rng.standard_normal((n_positive, self.dimensions)) + shift
        negatives = rng.standard_normal((n_negative, self.dimensions))
        return positives.astype(np.float32), negatives.astype(np.float32)

    def best_f1(self) -> float:
        """Compute the largest F1 of expected counts that a classifier can reach, in [0, 1].

        The best rule is a threshold on the likelihood ratio (Lipton, Elkan & Naryanaswamy 2014),
        here the projection on the line between the means at some c: F1(c) = 2 p S(c - s) /
        (p + p S(c - s) + (1 - p) S(c)) with S the normal survival function and s the separation.
        """
        # SciPy takes longer to import than a study to plan
        from scipy.optimize import minimize_scalar
        from scipy.stats import norm

        p, s = self.prevalence, self.separation

        def negative_f1(c: float) -> float:
            tp, fp = p * norm.sf(c - s), (1 - p) * norm.sf(c)
            return -float(F1.from_margins(tp, p, tp + fp))

        # F1 rises to its one maximum and falls, but is flat far out: start near it
        grid = np.linspace(-10, s + 10, 401)
        best = grid[np.argmin([negative_f1(c) for c in grid])]
        optimum = minimize_scalar(negative_f1, bounds=(best - 0.1, best + 0.1), method="bounded")
        return float(max(-optimum.fun, -negative_f1(best)))
