"""Expected naive F1 in the limit of large data, as a function of the density of positives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from batchf1.metrics.counts import Floats
from batchf1.metrics.ratios import F1
from batchf1.theory.distributions import binomial


class Curve(NamedTuple):
    """Expected naive F1 and `sd_batch` by log(true positives per batch), at one F1 and size."""

    log_density: Floats
    expected: Floats
    sd_batch: Floats

    def at(self, density: Floats) -> tuple[Floats, Floats]:
        """Return both at a density >= 0, of its shape; beyond its ends the curve is flat."""
        logs = np.log(np.maximum(density, 1e-300))
        return (
            np.interp(logs, self.log_density, self.expected),
            np.interp(logs, self.log_density, self.sd_batch),
        )

    def where(self, value: float) -> float:
        """Return the density whose expectation is nearest to the value; the curve rises."""
        rising = np.maximum.accumulate(self.expected)
        return float(np.exp(np.interp(value, rising, self.log_density)))


def limit_curves(true_f1: float, sizes: Sequence[int]) -> dict[int, Curve]:
    """Compute the curves of one true F1 in the limit of large data, by batch size.

    Each of M ~ Binomial(size, r) relevant samples of a batch is a true positive with the same
    probability, so that F1's moments given M are the same at every size.
    """
    share = true_f1 / (2 - true_f1)  # of true positives among relevant samples
    given = _Given(share, max(sizes))
    return {size: _curve(given, share, size) for size in sizes}


class _Given:
    """Means of F, F^2 and T F given the number M of relevant samples; F = 2T / (T + M)."""

    def __init__(self, share: float, most: int) -> None:
        few = np.arange(257.0)
        many = np.unique(np.rint(np.geomspace(257, max(most, 257), 80)))
        parts = [self._moments(share, relevant) for relevant in (few, many)]
        self.node = -1 / np.maximum(np.concatenate([few, many]), 0.5)
        self.values = np.concatenate(parts, axis=1)

    @staticmethod
    def _moments(share: float, relevant: Floats) -> Floats:
        distribution = binomial(share, relevant)
        value = F1.from_counts(distribution.points, relevant[:, None] - distribution.points, 0)
        moments = value, value**2, distribution.points * value / np.maximum(relevant, 1)[:, None]
        return np.array([(distribution.weights * part).sum(axis=1) for part in moments])

    def __call__(self, relevant: Floats) -> Floats:
        """Interpolate the three means, the last divided by M: (3, *relevant.shape)."""
        node = -1 / np.maximum(relevant, 0.5)  # in 1/M they are smooth
        return np.array([np.interp(node, self.node, values) for values in self.values])


def _curve(given: _Given, share: float, size: int) -> Curve:
    """Compute mean and standard deviation, the latter without the part linear in the counts.

    See `large_data`.
    """
    rate = -np.expm1(-np.geomspace(min(1e-5 / (share * size), 1e-3), 7, 100))
    density = rate * share * size
    distribution = binomial(rate, float(size))
    relevant, mean = distribution.points, size * rate
    value, square, top = given(relevant)
    # Counts of all batches add up to those of the data: what is linear in them does not move.
    f, ff = ((distribution.weights * part).sum(axis=1) for part in (value, square))
    with_m = (distribution.weights * (relevant - mean[:, None]) * value).sum(axis=1)
    with_t = (distribution.weights * relevant * (top - share * value)).sum(axis=1)
    linear = with_m**2 / (mean * (1 - rate)) + with_t**2 / (mean * share * max(1 - share, 1e-12))
    sd = np.sqrt(np.maximum(ff - f**2 - linear, 0))
    log_density = np.log(density)
    fine = np.linspace(log_density[0], log_density[-1], 600)
    expected, spread = CubicSpline(log_density, np.array([f, sd]).T)(fine).T
    return Curve(fine, expected, np.maximum(spread, 0))
