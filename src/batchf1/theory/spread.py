"""Standard deviation of the mean over the batches of one epoch.

Computed by degree in the counts of a batch: parts of different degree are uncorrelated. Derivation:
`docs/theory.md`, section 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.metrics.counts import Floats
from batchf1.theory.distributions import as_floats, digamma_gap, sum_rules
from batchf1.theory.expected_error import (
    Epoch,
    empty_terms,
    prob_short_batch_after,
    prob_short_batch_next,
)
from batchf1.theory.linear_value import LinearPool
from batchf1.theory.nested import NestedDistribution, degrees, inner_product
from batchf1.theory.pool import Batching, expand_dims

MAX_DEGREE = 50  # of the polynomials, less where full batches have no correlation beyond
REL_TOL = 1e-17  # share of a batch's mean square that the spread of the mean neglects


def standard_deviation(epoch: Epoch, error: Floats) -> Floats:
    """Compute the standard deviation of the mean over the batches of one epoch, (p, 1).

    `error` is the expected one, (p, 1).
    """
    batching = epoch.batching
    if np.all(batching.batches == 1):
        return np.zeros_like(error)
    moments = _Moments(epoch, error)
    if np.isnan(batching.zero_division):
        square = _square_without_empty(epoch, moments)
        if isinstance(epoch.pool, LinearPool):
            square = square + _square_within(epoch, epoch.pool)
    else:
        square = batching.weight**2 * _square_of_sum(batching, moments, epoch.distribution)
    return np.sqrt(np.where(batching.batches == 1, 0.0, np.maximum(square, 0.0)))


def correlations(total: ArrayLike, one: ArrayLike, two: ArrayLike, degree: int) -> Floats:
    """Return the correlation by degree, 0 .. `degree`, of two batches of sizes `one` and `two`.

    (-1)^n sqrt([b]_n [c]_n / ([N-b]_n [N-c]_n)) with [x]_n = x (x-1) ... (x-n+1), shape
    (degree + 1, ...) with that of the three: eigenvalues of the Johnson scheme (Delsarte 1973).
    """
    total, one, two = np.broadcast_arrays(*map(as_floats, (total, one, two)))
    n = np.arange(float(degree)).reshape(-1, *[1] * total.ndim)
    below = np.maximum((total - one - n) * (total - two - n), 1.0)
    ratios = np.maximum(one - n, 0.0) * np.maximum(two - n, 0.0) / below
    ratios = np.minimum(ratios, 1.0)  # beyond 1 there is no room for two batches
    start = np.ones((1, *total.shape))
    return np.concatenate([start, np.cumprod(-np.sqrt(ratios), axis=0)])


def _square_of_sum(
    batching: Batching, moments: _Moments, distribution: NestedDistribution
) -> Floats:
    """Return the mean square of the sum over all batches, the short one times its rate: (p, 1)."""
    both = moments.decompose(distribution, np.zeros_like(batching.full))
    full = both.batch(0)
    square = batching.full * moments.among(full, batching.full)
    if batching.ragged:
        short = both.batch(1)
        square = square + batching.rate**2 * _square(short)
        square = square + 2 * batching.full * batching.rate * moments.between(full, short)
    return np.asarray(square)


def _square_without_empty(epoch: Epoch, moments: _Moments) -> Floats:
    """Return the mean square of the mean over the batches that are not empty, (p, 1).

    1 / n^2 is the integral of -log(s) s^(n-1) over (0, 1); it weighs the event that `empty` full
    batches are empty, whatever the others, with a difference of two digammas.
    """
    pool, batching = epoch.pool, epoch.batching
    full, size, rate = batching.full, batching.size, batching.rate
    empty, weight = sum_rules(empty_terms(pool, batching))
    used, number = empty * size, full - empty
    gap, rival = digamma_gap(number, empty + 1), moments.full(used)
    here = weight * pool.none(used)
    if not batching.ragged:
        return inner_product(here, gap * moments.among(rival, number))[:, None]
    late = prob_short_batch_after(batching, empty + 1) * digamma_gap(number + rate, empty + 1)
    products = moments.among(rival, number)
    products = products + 2 * rate * moments.between(rival, moments.short(used))
    square = inner_product(here, late * products)
    used = used + batching.rest
    here = weight * pool.none(used)
    square += inner_product(here, (gap - late) * moments.among(moments.full(used), number))
    empty, weight = sum_rules(empty_terms(pool, batching) + 1)
    used = empty * size
    here = weight * pool.none(used) * rate * prob_short_batch_next(batching, empty)
    own = digamma_gap(full - empty + rate, empty + 1) * _square(moments.short(used))
    return np.asarray(square + inner_product(here, own))[:, None]


def _square_within(epoch: Epoch, pool: LinearPool) -> Floats:
    """Return the mean variance of a linear value given the defining samples of all batches.

    Of n samples with a share q in the margin the batches draw y each: given these the variance of
    a sum with weights w is q (1 - q) / (n - 1) times n sum w^2 y - (sum w y)^2.
    """
    total = np.zeros_like(pool.total)
    for part, (share, number) in enumerate(pool.margins):
        own = number * _square_without_empty(epoch, _Own(epoch, pool, part))
        both = _square_without_empty(epoch, _Drawn(epoch, pool, part))
        total += share * (1 - share) / np.maximum(number - 1, 1.0) * (own - both)
    return total


class _Decomposition(NamedTuple):
    """Deviations of batches, decomposed by degree in their counts.

    `parts`: coefficients in orthonormal polynomials, (i, j, ..., p, u); `rest`: mean square
    beyond the last degree, (p, u); `left`: samples in each pool, (p, u).
    """

    parts: Floats
    rest: Floats
    left: Floats

    def batch(self, index: int) -> _Decomposition:
        """Select one batch of each pool."""
        one = slice(index, index + 1)
        return _Decomposition(self.parts[..., one], self.rest[..., one], self.left)


class _Moments:
    """Second moments of the deviations of batches, in pools that have lost irrelevant samples.

    Parts of different degree are uncorrelated, in one batch and between two; those of one degree
    have the correlation of `correlations`, and beyond the last that matters none. `error` is
    subtracted from each deviation; a batch that is left out has 0.
    """

    def __init__(self, epoch: Epoch, error: Floats) -> None:
        self.pool, self.batching, self.error = epoch.pool, epoch.batching, error
        skip = np.isnan(self.batching.zero_division)
        self.when_empty = error if skip else self.batching.zero_division - self.pool.true
        full, size = self.batching.full, self.batching.size
        correlated = full * np.abs(correlations(full * size, size, size, MAX_DEGREE))
        negligible = np.all((correlated < 1e-14) | (self.batching.batches == 1), axis=(1, 2))
        self.degree = 2 + int(np.argmax(np.append(negligible[2:-2], True)))
        self.influence = np.broadcast_to(full, correlated.shape) if skip else correlated

    def decompose(self, distribution: NestedDistribution, used: Floats) -> _Decomposition:
        """Decompose by degree for batches of this distribution, without the `used` samples."""
        values = self.values(distribution)
        square = distribution.mean(values**2)

        def enough(power: int, left: Floats) -> bool:
            return bool(np.all(left * self.influence[power + 1] <= REL_TOL * square))

        parts, rest = distribution.coefficients(values, self.degree, enough)
        return _Decomposition(parts, rest, self.pool.total - used)

    def values(self, distribution: NestedDistribution) -> Floats:
        """Return the deviation of each outcome from the expectation, (p, n0, ...)."""
        values = self.pool.deviations(distribution, self.when_empty)
        values -= expand_dims(self.error, values)
        return values

    def full(self, used: Floats) -> _Decomposition:
        """Decompose a full batch."""
        return self.decompose(self.pool.distribution(self.batching.size, used), used)

    def short(self, used: Floats) -> _Decomposition:
        """Decompose the short batch."""
        return self.decompose(self.pool.distribution(self.batching.rest, used), used)

    def among(self, full: _Decomposition, number: ArrayLike) -> Floats:
        """Return the mean product of a full batch and the sum of all `number` full ones, (p, u)."""
        size, left, number = self.batching.size, full.left, as_floats(number)
        degree = degrees(full.parts)
        factor = 1 + (number - 1) * correlations(left, size, size, max(int(degree.max()), 1))
        # Where there are full batches only, their counts have a fixed sum: nothing linear moves.
        factor[1] = np.maximum(left - number * size, 0.0) / np.maximum(left - size, 1.0)
        return _total(_by_degree(factor, degree) * full.parts**2) + full.rest

    def between(self, full: _Decomposition, short: _Decomposition) -> Floats:
        """Return the mean product of a full batch and the short one, (p, u)."""
        sizes = zip(full.parts.shape[:-2], short.parts.shape[:-2], strict=True)
        common = tuple(slice(min(pair)) for pair in sizes)
        both = full.parts[common] * short.parts[common]
        degree = degrees(both)
        correlation = correlations(
            full.left, self.batching.size, self.batching.rest, int(degree.max())
        )
        return _total(_by_degree(correlation, degree) * both)


class _Drawn(_Moments):
    """Second moments of the samples that a batch draws, times what each adds to its value."""

    def __init__(self, epoch: Epoch, pool: LinearPool, part: int) -> None:
        super().__init__(epoch, np.zeros_like(pool.total))
        self.linear, self.part = pool, part

    def values(self, distribution: NestedDistribution) -> Floats:
        """Return the gain of all samples drawn."""
        return self.linear.gain(distribution) * self.linear.drawn(distribution, self.part)


class _Own(_Drawn):
    """Gain of each sample drawn, for its mean square, without products of two batches."""

    def values(self, distribution: NestedDistribution) -> Floats:
        """Return a number whose square is the sum of the squared gains."""
        drawn = self.linear.drawn(distribution, self.part)
        return self.linear.gain(distribution) * np.sqrt(drawn)

    def among(self, full: _Decomposition, number: ArrayLike) -> Floats:
        """Return the mean square of a full batch, (p, u)."""
        return _square(full)

    def between(self, full: _Decomposition, short: _Decomposition) -> Floats:
        """Return 0, (p, u)."""
        return np.zeros_like(full.rest)


def _by_degree(values: Floats, degree: NDArray[np.intp]) -> Floats:
    """Return the value (p, u) of each part's degree."""
    return np.asarray(values[degree[..., 0, 0]])


def _total(parts: Floats) -> Floats:
    return np.asarray(parts.sum(axis=tuple(range(parts.ndim - 2))))


def _square(batch: _Decomposition) -> Floats:
    return _total(batch.parts**2) + batch.rest
