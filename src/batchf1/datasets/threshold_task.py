"""Base class of data sets whose positives are the samples above a threshold of a quantity.

There are two ways to another prevalence: move the threshold, so that the task changes, or hold it
and leave out samples of one class.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from batchf1.datasets.base import Dataset, Features, sample_rows
from batchf1.errors import check, raise_input_error

MAX_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass
class ThresholdTask(Dataset):
    """Prediction of `quantity > cut` from features, subsampled to a prevalence.

    Without a `cut` the threshold is, of those that leave enough samples on both sides, the one
    whose natural prevalence is nearest to `prevalence`. With a `cut` the task is the same at every
    prevalence: so are the distributions of the positives and of the negatives.
    """

    quantity: ClassVar[str]
    """Name of the quantity in messages."""

    cut: float | None = None
    """Threshold above which a sample is positive, in float32; None chooses it by prevalence."""

    def __post_init__(self) -> None:
        super().__post_init__()
        good = self.cut is None or abs(self.cut) <= MAX_FLOAT32
        check(good, "dataset.cut", "must be finite in float32", self.cut)

    @abstractmethod
    def table(self) -> tuple[Features, Features]:
        """Return quantity and features of all samples.

        Returns
        -------
        quantity : ndarray of float32, shape (n,)
            Compared with the threshold; without NaN.
        features : ndarray of float32, shape (n, d)
            Without NaN.
        """

    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """Draw positives and negatives, see `Dataset.draw`."""
        quantity, x = self.table()
        cut = self.cut
        if cut is None:
            cut = self._threshold(quantity, n_positive, n_negative)
        above = quantity > cut
        what = f"dataset {self.name}, {self.quantity}"
        positives = sample_rows(rng, x[above], n_positive, f"{what} above {cut}")
        return positives, sample_rows(rng, x[~above], n_negative, f"{what} at most {cut}")

    def _threshold(self, quantity: Features, n_positive: int, n_negative: int) -> float:
        thresholds = np.unique(quantity)
        above = len(quantity) - np.searchsorted(np.sort(quantity), thresholds, side="right")
        enough = (above >= n_positive) & (len(quantity) - above >= n_negative)
        if not enough.any():
            raise_input_error(
                f"dataset {self.name}",
                f"cannot have enough of its {len(quantity)} samples on both sides "
                f"of any cut of {self.quantity}",
                f"a request for {n_positive} positives and {n_negative} negatives",
            )
        distance = np.abs(above / len(quantity) - self.prevalence)
        return float(thresholds[enough][np.argmin(distance[enough])])
