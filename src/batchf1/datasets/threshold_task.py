"""Base class of data sets whose positives are the samples above a threshold of a quantity.

There are two ways to another prevalence: move the threshold, so that the task changes, or hold it
and leave out samples of one class.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.base import Dataset, Features, sample_rows
from batchf1.errors import check, raise_input_error

MAX_FLOAT32 = float(np.finfo(np.float32).max)
Counts = tuple[Features, NDArray[np.int64]]
"""Distinct values of a quantity, ascending, and the number of samples with each."""


@dataclass
class ThresholdTask(Dataset):
    """Prediction of `quantity > cut` from features, subsampled to a prevalence.

    Without a `cut` the threshold is, of those that leave enough samples on both sides, the one
    whose natural prevalence is nearest to `prevalence`. With a `cut` the task is the same at every
    prevalence: so are the distributions of the positives and of the negatives.
    """

    quantity: ClassVar[str]
    """Name of the quantity in messages."""
    value_counts: ClassVar[Path | None] = None
    """CSV file of the quantity's distinct values and the number of samples with each, by which a
    plan is checked; None where they are not counted."""

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
        cut = self._threshold(self._value_counts(quantity), n_positive, n_negative)
        above = quantity > cut
        names = (f"dataset {self.name}, {name}" for name in self._classes(cut))
        parts = zip((above, ~above), (n_positive, n_negative), names, strict=True)
        # rows are copied once: a mask of all of them takes five times as long as their indices
        chosen = [sample_rows(rng, np.flatnonzero(of), n, name) for of, n, name in parts]
        return x.take(chosen[0], axis=0), x.take(chosen[1], axis=0)

    def _value_counts(self, quantity: NDArray[np.float32]) -> Counts:
        """Return the distinct values of the quantity, and the number of samples with each."""
        if self.value_counts is None:
            return np.unique(quantity, return_counts=True)
        return _read(self.value_counts)

    def class_sizes(self) -> Mapping[str, int] | None:
        """Return the sizes of both classes, see `Dataset.class_sizes`."""
        if self.value_counts is None:
            return None
        values, counts = _read(self.value_counts)
        cut = self._threshold((values, counts), *self.n_drawn)
        n_above = int(counts[values > cut].sum())
        return dict(zip(self._classes(cut), (n_above, int(counts.sum()) - n_above), strict=True))

    def _classes(self, cut: float) -> tuple[str, str]:
        """Return the names of the positives and of the negatives, for messages."""
        return f"{self.quantity} above {cut}", f"{self.quantity} at most {cut}"

    def _threshold(self, value_counts: Counts, n_positive: int, n_negative: int) -> float:
        if self.cut is not None:
            return self.cut
        thresholds, counts = value_counts
        n = int(counts.sum())
        above = n - np.cumsum(counts)
        enough = (above >= n_positive) & (n - above >= n_negative)
        if not enough.any():
            raise_input_error(
                f"dataset {self.name}",
                f"cannot have enough of its {n} samples on both sides "
                f"of any cut of {self.quantity}",
                f"a request for {n_positive} positives and {n_negative} negatives",
            )
        distance = np.abs(above / n - self.prevalence)
        return float(thresholds[enough][np.argmin(distance[enough])])


@cache
def _read(path: Path) -> Counts:
    values, counts = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    return values.astype(np.float32), counts.astype(np.int64)
