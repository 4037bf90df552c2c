"""How far the mean over the batches of one epoch strays from its expectation.

By degree in the counts of a batch: parts of different degree are uncorrelated. Derivation:
`docs/theory.md`, section 3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from batchf1.metrics.counts import Floats
from batchf1.theory.laws import as_floats, digamma_gap, sum_rule
from batchf1.theory.pool import Cut, Pool, empty_terms, short_comes_later, short_comes_next


def standard_deviation(pool: Pool, cut: Cut, error: float) -> float:
    """Standard deviation of the mean over the batches of one epoch; `error` is its expected one."""
    if cut.batches == 1:
        return 0.0
    moments = _Moments(pool, cut, error)
    if np.isnan(cut.zero_division):
        return float(np.sqrt(max(_square_without_empty(pool, cut, moments), 0.0)))
    full = moments.full(np.zeros(1))
    square = cut.full * moments.among(full, cut.full)
    if cut.rest:
        short = moments.short(np.zeros(1))
        square += cut.rate**2 * _square(short)
        square += 2 * cut.full * cut.rate * moments.between(full, short)
    return cut.weight * float(np.sqrt(max(square[0], 0.0)))


def correlations(total: ArrayLike, one: float, two: float, degree: int) -> Floats:
    """Correlation of the parts of degree 0 .. `degree` of two batches of sizes `one` and `two`.

    (-1)^n sqrt([b]_n [c]_n / ([N-b]_n [N-c]_n)) with [x]_n = x (x-1) ... (x-n+1), shape
    (degree + 1, pools): eigenvalues of the Johnson scheme (Delsarte 1973).
    """
    total = np.atleast_1d(as_floats(total))
    n = np.arange(float(degree))[:, None]
    below = np.maximum((total - one - n) * (total - two - n), 1.0)
    ratios = np.maximum(one - n, 0.0) * np.maximum(two - n, 0.0) / below
    ratios = np.minimum(ratios, 1.0)  # beyond 1 there is no room for two batches
    start = np.ones((1, total.size))
    return np.concatenate([start, np.cumprod(-np.sqrt(ratios), axis=0)])


def _square_without_empty(pool: Pool, cut: Cut, moments: _Moments) -> float:
    """Mean square of the mean over the batches that are not empty.

    1 / n^2 is the integral of -log(s) s^(n-1) over (0, 1); it weighs the event that `empty` full
    batches are empty, whatever the others, with a difference of two digammas.
    """
    full, size, rate = cut.full, cut.size, cut.rate
    empty, weight = sum_rule(empty_terms(pool, cut))
    used, number = empty * size, full - empty
    gap, rival = digamma_gap(number, empty + 1), moments.full(used)
    here = weight * pool.none(used)
    if not cut.rest:
        return float((here * gap * moments.among(rival, number)).sum())
    late = short_comes_later(cut, empty + 1) * digamma_gap(number + rate, empty + 1)
    products = moments.among(rival, number)
    products = products + 2 * rate * moments.between(rival, moments.short(used))
    square = (here * late * products).sum()
    used = used + cut.rest
    here = weight * pool.none(used)
    square += (here * (gap - late) * moments.among(moments.full(used), number)).sum()
    empty, weight = sum_rule(empty_terms(pool, cut, extra=1))
    used = empty * size
    here = weight * pool.none(used) * rate * short_comes_next(cut, empty)
    own = digamma_gap(full - empty + rate, empty + 1) * _square(moments.short(used))
    return float(square + (here * own).sum())


class _Decomposition(NamedTuple):
    """A batch's deviation, split by degree in its counts.

    `parts`: coefficients in orthonormal polynomials, (i, j, ..., pools); `rest`: mean square of
    what lies beyond the last degree, (pools,); `left`: samples in each pool, (pools,).
    """

    parts: Floats
    rest: Floats
    left: Floats


class _Moments:
    """Second moments of the deviations of batches, in pools that have lost irrelevant samples.

    Parts of different degree are uncorrelated, in one batch and between two; those of one degree
    have the correlation of `correlations`, and beyond `degree` none. `error` is subtracted from
    each deviation; a batch that is left out has 0.
    """

    def __init__(self, pool: Pool, cut: Cut, error: float) -> None:
        self.pool, self.cut, self.error = pool, cut, error
        skip = np.isnan(cut.zero_division)
        self.when_empty = error if skip else cut.zero_division - pool.true
        alike = np.abs(correlations(cut.full * cut.size, cut.size, cut.size, 48))[2:, 0]
        self.degree = 2 + int(np.argmax(np.append(cut.full * alike < 1e-14, True)))

    def decompose(self, batch: int, used: Floats) -> _Decomposition:
        """By degree, for a batch of this size when `used` samples are gone."""
        law = self.pool.law(batch, used)
        values = self.pool.deviations(law.counts(), self.when_empty) - self.error
        parts = law.spectrum(values, self.degree)
        parts = np.where(_degrees(parts) <= self.degree, parts, 0.0)
        rest = law.mean(values**2) - _total(parts**2)
        return _Decomposition(parts, np.maximum(rest, 0.0), self.pool.total - used)

    def full(self, used: Floats) -> _Decomposition:
        """Of a full batch."""
        return self.decompose(self.cut.size, used)

    def short(self, used: Floats) -> _Decomposition:
        """Of the short batch."""
        return self.decompose(self.cut.rest, used)

    def among(self, full: _Decomposition, number: ArrayLike) -> Floats:
        """Mean product of a full batch with the sum of all `number` full ones."""
        size, left, number = self.cut.size, full.left, as_floats(number)
        factor = 1 + (number - 1) * correlations(left, size, size, self.degree)
        # Where there are full batches only, their counts have a fixed sum: nothing linear moves.
        factor[1] = np.maximum(left - number * size, 0.0) / np.maximum(left - size, 1.0)
        return _total(self._by_degree(factor, full.parts) * full.parts**2) + full.rest

    def between(self, full: _Decomposition, short: _Decomposition) -> Floats:
        """Mean product of a full batch and the short one."""
        sizes = zip(full.parts.shape, short.parts.shape, strict=True)
        common = tuple(slice(min(pair)) for pair in sizes)
        both = full.parts[common] * short.parts[common]
        alike = correlations(full.left, self.cut.size, self.cut.rest, self.degree)
        return _total(self._by_degree(alike, both) * both)

    def _by_degree(self, values: Floats, parts: Floats) -> Floats:
        return np.asarray(values[np.minimum(_degrees(parts)[..., 0], self.degree)])


def _degrees(parts: Floats) -> Any:
    degrees: Any = sum(np.indices(parts.shape[:-1]))
    return degrees[..., None]


def _total(parts: Floats) -> Floats:
    return np.asarray(parts.sum(axis=tuple(range(parts.ndim - 1))))


def _square(batch: _Decomposition) -> Floats:
    return _total(batch.parts**2) + batch.rest
