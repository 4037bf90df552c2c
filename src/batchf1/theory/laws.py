"""Laws of the counts in batches drawn without replacement, and two moments of a mean over batches.

Nothing here subtracts logarithms of factorials: at a billion samples that alone costs ten digits.
Input is taken to be checked; arrays are float64. Derivations: `docs/theory.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, xlog1py, xlogy

from batchf1.metrics.counts import Floats
from batchf1.metrics.ratios import dot, safe_divide

NOTHING = 41.0  # exp(-NOTHING) is a probability that no sum in double precision can feel
NEVER = 1e-24  # a probability that even a mean over non-empty batches cannot feel
SMOOTH = 4.5  # standard deviations from which on a sum may leave points out; exp(-2 SMOOTH^2)
TINY = 1e-300


class Axis(NamedTuple):
    """One count: its values and their probabilities along the last axis; axes before are givens."""

    points: Floats
    weights: Floats


class Law(NamedTuple):
    """How many relevant samples a batch has, and how they fall on the groups given that number.

    `first` has shape (..., n), any leading axes being pools that differ in their irrelevant samples
    only. Its points are `number[place]`, `number` of shape (n0,) without repetition. `inner[i]` is
    the law of the count of group i given the axes before it, of shape (n0, ..., ni); the last group
    takes what is left.
    """

    first: Axis
    number: Floats
    place: NDArray[np.intp]
    inner: tuple[Axis, ...]

    def counts(self) -> list[Floats]:
        """The count of each group, shaped to broadcast to (n0, n1, ...)."""
        parts, left = [], self.number
        for axis in self.inner:
            parts.append(axis.points)
            left = left[..., None] - axis.points
        parts.append(left)
        return [part.reshape(part.shape + (1,) * (left.ndim - part.ndim)) for part in parts]

    def given_number(self, values: Floats) -> Floats:
        """Mean over the groups of `values` (n0, n1, ...), given the number: shape (n0,)."""
        for axis in reversed(self.inner):
            values = np.asarray((values * axis.weights).sum(axis=-1))
        return values

    def mean(self, values: Floats) -> Floats:
        """Mean of `values` (n0, n1, ...) for each pool: shape (...)."""
        given = self.given_number(values)[self.place]
        return np.asarray((given * self.first.weights).sum(axis=-1))

    def spectrum(self, values: Floats, degree: int) -> Floats:
        """Coefficients of `values` in the orthonormal polynomials of the counts, for each pool.

        Shape (i, j, ..., pools): the entry belongs to total degree i + j + ..., and each index goes
        up to `degree` or as far as there are points. Stieltjes' procedure, innermost axis first.
        """
        norm = np.ones_like(values)
        for axis in reversed(self.inner):
            values, norm = _project(values, norm * axis.weights, axis.points, degree)
        values, norm = values[..., self.place], norm[..., self.place]
        values, norm = _project(values, norm * self.first.weights, self.first.points, degree)
        return values * np.sqrt(norm)


def nest(first: Axis, groups: Sequence[float], finite: bool) -> Law:
    """The law of a batch from that of its number of relevant samples and the groups of these.

    `finite`: groups are numbers of samples, drawn without replacement; otherwise they are shares.
    """
    number, place = np.unique(first.points, return_inverse=True)
    inner, left, pool = [], number, float(sum(groups))
    for size in groups[:-1]:
        axis = hypergeometric(pool, size, left) if finite else binomial(size / pool, left)
        inner.append(axis)
        left, pool = left[..., None] - axis.points, pool - size
    return Law(first, number, place.reshape(first.points.shape), tuple(inner))


def hypergeometric(total: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Axis:
    """How many marked samples there are among `draws` of `total`, without replacement."""
    total, marked, draws = np.broadcast_arrays(*map(_floats, (total, marked, draws)))
    others, left = total - marked, total - draws
    safe = np.maximum(total, 1.0)
    mean = draws * marked / safe
    variance = mean * (others / safe) * (left / np.maximum(total - 1, 1.0))
    cells = [
        (0 * mean, 1, mean),
        (marked, -1, marked * left / safe),
        (draws, -1, draws * others / safe),
        (others - draws, 1, others * left / safe),
    ]
    low, high = np.maximum(0.0, draws - others), np.minimum(draws, marked)
    return _axis(mean, variance, low, high, cells)


def binomial(share: ArrayLike, draws: ArrayLike) -> Axis:
    """How many of `draws` are marked when each is with probability `share`, independently."""
    share, draws = np.broadcast_arrays(_floats(share), _floats(draws))
    mean = draws * share
    cells = [(0 * mean, 1, mean), (draws, -1, draws * (1 - share))]
    return _axis(mean, mean * (1 - share), 0 * mean, draws, cells)


def poisson(mean: ArrayLike) -> Axis:
    """A Poisson count."""
    mean = _floats(mean)
    return _axis(mean, mean, 0 * mean, mean + np.inf, [(0 * mean, 1, mean)])


def _axis(
    mean: Floats,
    variance: Floats,
    low: Floats,
    high: Floats,
    cells: Iterable[tuple[Floats, int, Floats]],
) -> Axis:
    """The points that matter, and their probabilities, of a law that is a product over cells.

    A cell is (a, s, its mean): it holds a + s x samples when the count is x, and brings the factor
    mean^(a + s x) / (a + s x)!. The points end where Bernstein's inequality leaves exp(-NOTHING).
    """
    spread = np.sqrt(variance)
    reach = NOTHING / 3 + np.sqrt((NOTHING / 3) ** 2 + 2 * NOTHING * variance)
    start = np.ceil(np.maximum(low, mean - reach))
    stop = np.floor(np.minimum(high, mean + reach))
    step = _stride(mean, spread)
    size = int(np.max(np.floor((stop - start) / step), initial=0.0)) + 1
    lattice = start[..., None] + step[..., None] * np.arange(size)
    points = np.minimum(lattice, stop[..., None])
    logs = sum(
        _log_cell(points, mean[..., None], a[..., None], s, m[..., None]) for a, s, m in cells
    )
    logs = np.where(lattice == points, logs, -np.inf)
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    used = np.flatnonzero((weights > NEVER).reshape(-1, size).any(axis=0))
    kept = slice(used[0], used[-1] + 1)
    return Axis(points[..., kept], weights[..., kept])


def _stride(mean: Floats, spread: Floats) -> Floats:
    """The distance at which lattice points can stand for those between them.

    The laws are sums of independent indicators, so |characteristic function(t)| is at most
    exp(-2 spread^2 sin^2(t/2)); by Poisson summation the mean of a function that is smooth on this
    scale changes by exp(-2 SMOOTH^2). Ratios are not smooth near 0: the mean must be far from it.
    """
    wide = np.maximum(spread, SMOOTH)
    far = (mean > NOTHING) & (spread > SMOOTH)
    return np.where(far, np.floor(np.pi / np.arcsin(SMOOTH / wide)), 1.0)


def _log_cell(points: Floats, mean: Floats, origin: Floats, sign: int, expected: Floats) -> Floats:
    moved = sign * (points - mean)
    held = np.maximum(origin + sign * points, 0.0)
    relative = np.maximum(moved / np.maximum(expected, TINY), -1.0)
    return np.asarray(moved - xlog1py(held, relative) - remainder(held))


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, np.float64)


def remainder(x: ArrayLike) -> Floats:
    """log(x!) - (x log x - x) for x >= 0, the part of Stirling's formula that stays small."""
    x = _floats(x)
    small, large = np.minimum(x, 16.0), np.maximum(x, 16.0)
    y = 1 / (large * large)
    series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / large
    exact = gammaln(small + 1) - xlogy(small, small) + small
    return np.where(x < 16, exact, 0.5 * np.log(2 * np.pi * large) + series)


def digamma_gap(x: ArrayLike, gap: ArrayLike) -> Floats:
    """digamma(x + gap) - digamma(x) for x > 0; 1/x + ... + 1/(x + gap - 1) for whole gaps."""
    x, gap = np.broadcast_arrays(_floats(x), _floats(gap))
    large = np.maximum(x, 32.0)

    def tail(z: Floats) -> Floats:
        y = 1 / (z * z)
        return y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)))

    series = np.log1p(gap / large) + gap / (2 * large * (large + gap))
    series = series + tail(large) - tail(large + gap)
    return np.asarray(np.where(x < 32, digamma(x + gap) - digamma(x), series), np.float64)


def log_none(total: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Floats:
    """Log of the probability that `draws` of `total` hold no marked sample; -inf if some must."""
    total, marked, draws = np.broadcast_arrays(*map(_floats, (total, marked, draws)))
    spare = total - marked - draws
    others, left = np.maximum(total - marked, 0.0), np.maximum(total - draws, 0.0)
    by_marked = draws / np.maximum(left, 1.0)
    by_draws = marked / np.maximum(others, 1.0)
    both = np.maximum(-by_marked * by_draws, -1.0)
    logs = -xlog1py(marked, by_marked) - xlog1py(draws, by_draws)
    logs = logs - xlog1py(np.maximum(spare, 0.0), both) + remainder(others) + remainder(left)
    logs = logs - remainder(total) - remainder(np.maximum(spare, 0.0))
    return np.where(spare < 0, -np.inf, np.minimum(logs, 0.0))


def _project(values: Floats, weights: Floats, x: Floats, degree: int) -> tuple[Floats, Floats]:
    """Coefficients in the monic orthogonal polynomials along the last axis, and squared norms.

    A new first axis runs over the degrees. Both are 0 where there are too few points.
    """
    x = (x - x.mean()) / max(float(x.std()), 1.0)
    support = np.count_nonzero(weights > 0, axis=-1)
    before, now, last = np.zeros_like(weights), np.ones_like(weights), np.ones(support.shape)
    found, norms = [], []
    for power in range(min(degree + 1, weights.shape[-1])):
        mass = weights * now
        norm = np.where(power < support, (mass * now).sum(axis=-1), 0.0)
        coefficient = _over((mass * values).sum(axis=-1), norm)
        centre = _over((mass * now * x).sum(axis=-1), norm)
        values = values - coefficient[..., None] * now
        growth = _over(norm, last)
        before, now = now, (x - centre[..., None]) * now - growth[..., None] * before
        last = norm
        found.append(coefficient)
        norms.append(norm)
    return np.stack(found), np.stack(norms)


def _over(top: Floats, bottom: Floats) -> Floats:
    filled: Any = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
    return np.asarray(filled)


def correlations(total: ArrayLike, one: float, two: float, degree: int) -> Floats:
    """Correlation of the parts of degree 0 .. `degree` of two batches of sizes `one` and `two`.

    (-1)^n sqrt([b]_n [c]_n / ([N-b]_n [N-c]_n)) with [x]_n = x (x-1) ... (x-n+1), shape
    (degree + 1, pools): eigenvalues of the Johnson scheme (Delsarte 1973).
    """
    total = np.atleast_1d(_floats(total))
    n = np.arange(float(degree))[:, None]
    below = np.maximum((total - one - n) * (total - two - n), 1.0)
    ratios = np.maximum(one - n, 0.0) * np.maximum(two - n, 0.0) / below
    ratios = np.minimum(ratios, 1.0)  # beyond 1 there is no room for two batches
    start = np.ones((1, total.size))
    return np.concatenate([start, np.cumprod(-np.sqrt(ratios), axis=0)])


def sum_rule(terms: int, nodes: int = 16) -> tuple[Floats, Floats]:
    """Places and weights that sum a smooth function over 0, 1, ..., `terms` - 1.

    Up to 128 terms one by one. Beyond, Gauss' rule for equally spaced points on panels that shrink
    towards the end, where the function may behave as a power of what is left.
    """
    if terms <= 128:
        return np.arange(float(terms)), np.ones(terms)
    inside = np.concatenate([np.arange(6) / 6, 1 - 0.5 ** np.arange(1, 11) / 6, [1.0]])
    edges = np.unique(np.rint(terms * inside))
    parts = [_gauss(a, b - a, nodes) for a, b in pairwise(edges)]
    return np.concatenate([p for p, _ in parts]), np.concatenate([w for _, w in parts])


def _gauss(start: float, length: float, nodes: int) -> tuple[Floats, Floats]:
    """Exact on start, start + 1, ..., `length` points, up to degree 2 nodes - 1 (Gram, Hahn)."""
    if length <= nodes:
        return start + np.arange(length), np.ones(int(length))
    k = np.arange(1.0, nodes)
    beside = np.sqrt(k * k * (length - k) * (length + k) / (4 * (4 * k * k - 1)))
    places, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    return start + (length - 1) / 2 + places, length * vectors[0] ** 2


class Pool(NamedTuple):
    """The samples that count in a metric, grouped by their weights in its sums.

    `groups` are numbers among `total` samples or, in the limits, shares or expected numbers.
    """

    total: float
    groups: tuple[float, ...]
    top: tuple[float, ...]
    bottom: tuple[float, ...]

    @property
    def relevant(self) -> float:
        """Samples with a weight in the denominator."""
        return float(sum(self.groups))

    @property
    def true(self) -> float:
        """The metric of the whole pool."""
        return float(dot(self.top, self.groups) / dot(self.bottom, self.groups))

    def none(self, used: ArrayLike) -> Floats:
        """Probability that there is nothing relevant among `used` samples."""
        return np.exp(log_none(self.total, self.relevant, used))

    def law(self, batch: int, used: ArrayLike = 0.0) -> Law:
        """The law of a batch, given that `used` other samples hold nothing relevant."""
        most = self.total - max(self.relevant, batch)  # beyond, `none` is 0
        left = self.total - np.minimum(_floats(used), most)
        return nest(hypergeometric(left, self.relevant, batch), self.groups, finite=True)

    def excess(self, counts: Sequence[Floats]) -> Floats:
        """(Metric of these counts - its true value) x denominator: linear, of mean 0."""
        return np.asarray(dot(self.top, counts) - self.true * dot(self.bottom, counts))

    def deviations(self, counts: Sequence[Floats], when_empty: float) -> Floats:
        """Metric of these counts minus its true value; `when_empty` where it is 0/0."""
        return safe_divide(self.excess(counts), dot(self.bottom, counts), when_empty)

    def curvature(self, law: Law) -> Floats:
        """Mean deviation given the number of relevant samples: (n0,), and 0 where there are none.

        What is linear in the groups' shares has mean 0 and is left out beforehand; the rest is of
        second order and, for F1, of one sign, so that no digits cancel.
        """
        counts = law.counts()
        number, bottom = sum(counts[1:], counts[0]), dot(self.bottom, counts)
        usual = dot(self.bottom, self.groups) / self.relevant
        return law.given_number(
            safe_divide(-self.excess(counts) * (bottom - number * usual), number * bottom * usual)
        )

    def mean_curvature(self, law: Law) -> Floats:
        """Mean of `curvature` over the batch's law, for each pool: shape (...)."""
        return np.asarray((law.first.weights * self.curvature(law)[law.place]).sum(axis=-1))


class Cut(NamedTuple):
    """How an epoch is cut: `full` batches of `size`, and one of `rest` unless that is 0."""

    size: int
    full: int
    rest: int
    size_weighted: bool
    zero_division: float

    @property
    def batches(self) -> int:
        """Number of batches."""
        return self.full + (self.rest > 0)

    @property
    def weight(self) -> float:
        """Weight of a full batch in the mean."""
        if self.size_weighted:
            return self.size / (self.full * self.size + self.rest)
        return 1 / self.batches

    @property
    def rate(self) -> float:
        """Weight of the short batch in terms of a full one's."""
        return self.rest / self.size if self.size_weighted else 1.0


def lone_batch(pool: Pool, size: int, zero_division: float) -> tuple[float, float]:
    """Expected error of one batch: what it owes to being empty, and the rest."""
    curved = float(pool.mean_curvature(pool.law(size)))
    return float(pool.none(size)) * (zero_division - pool.true) + 0.0, curved  # no -0.0


def parts_of_error(pool: Pool, cut: Cut) -> tuple[float, float]:
    """The two parts of the expected error of the mean over batches."""
    if np.isnan(cut.zero_division):
        return 0.0, _first_non_empty(pool, cut)
    empty, curved = lone_batch(pool, cut.size, cut.zero_division)
    share = cut.full * cut.weight
    if not cut.rest:
        return empty, curved
    short_empty, short_curved = lone_batch(pool, cut.rest, cut.zero_division)
    return (
        share * empty + (1 - share) * short_empty,
        share * curved + (1 - share) * short_curved,
    )


def _first_non_empty(pool: Pool, cut: Cut) -> float:
    """Expected error of the mean over the batches that are not empty.

    Given which these are, it is that of one of them, chosen with probability proportional to its
    weight; so put all batches in random order and take the first that is not empty.
    """

    def leads(batch: int, used: Floats) -> Floats:
        return pool.none(used) * pool.mean_curvature(pool.law(batch, used))

    empty, weight = sum_rule(_terms(pool, cut))
    ahead = leads(cut.size, empty * cut.size)
    if not cut.rest:
        return float((weight * ahead).sum())
    waits = _not_yet(cut, empty + 1)
    behind = leads(cut.size, empty * cut.size + cut.rest)
    total = (weight * (waits * ahead + (1 - waits) * behind)).sum()
    empty, weight = sum_rule(_terms(pool, cut, extra=1))
    return float(total + (weight * _now(cut, empty) * leads(cut.rest, empty * cut.size)).sum())


def _terms(pool: Pool, cut: Cut, extra: int = 0) -> int:
    """How many full batches can be empty before a non-empty one, with any probability."""
    log_empty = float(log_none(pool.total, pool.relevant, cut.size))
    return int(min(cut.full - 1, NOTHING // max(-log_empty, 1e-15))) + 1 + extra


def _not_yet(cut: Cut, passed: Floats) -> Floats:
    """Probability that the short batch comes after `passed` full ones in the random order.

    The order is that of a race in which the short batch has `cut.rate` times the speed of the
    others, which makes each the first of any set with probability proportional to its weight.
    """
    rate = cut.rate

    def log_rise(x: ArrayLike) -> Floats:  # log of Gamma(x + 1 + rate) / Gamma(x + 1)
        x = _floats(x)
        grown = xlog1py(x, rate / np.maximum(x, TINY)) + rate * np.log(x + rate) - rate
        return grown + remainder(x + rate) - remainder(x)

    return np.exp(log_rise(cut.full - passed) - log_rise(cut.full))


def _now(cut: Cut, passed: Floats) -> Floats:
    """Probability that the short batch comes right after `passed` full ones."""
    return _not_yet(cut, passed) * cut.rate / (cut.full - passed + cut.rate)


class _Split(NamedTuple):
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

    def split(self, batch: int, used: Floats) -> _Split:
        """By degree, for a batch of this size when `used` samples are gone."""
        law = self.pool.law(batch, used)
        values = self.pool.deviations(law.counts(), self.when_empty) - self.error
        parts = law.spectrum(values, self.degree)
        parts = np.where(_degrees(parts) <= self.degree, parts, 0.0)
        rest = law.mean(values**2) - _total(parts**2)
        return _Split(parts, np.maximum(rest, 0.0), self.pool.total - used)

    def full(self, used: Floats) -> _Split:
        """Of a full batch."""
        return self.split(self.cut.size, used)

    def short(self, used: Floats) -> _Split:
        """Of the short batch."""
        return self.split(self.cut.rest, used)

    def among(self, full: _Split, number: ArrayLike) -> Floats:
        """Mean product of a full batch with the sum of all `number` full ones."""
        size, left, number = self.cut.size, full.left, _floats(number)
        factor = 1 + (number - 1) * correlations(left, size, size, self.degree)
        # Where there are full batches only, their counts have a fixed sum: nothing linear moves.
        factor[1] = np.maximum(left - number * size, 0.0) / np.maximum(left - size, 1.0)
        return _total(self._by_degree(factor, full.parts) * full.parts**2) + full.rest

    def between(self, full: _Split, short: _Split) -> Floats:
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


def _square(split: _Split) -> Floats:
    return _total(split.parts**2) + split.rest


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


def _square_without_empty(pool: Pool, cut: Cut, moments: _Moments) -> float:
    """Mean square of the mean over the batches that are not empty.

    1 / n^2 is the integral of -log(s) s^(n-1) over (0, 1); it weighs the event that `empty` full
    batches are empty, whatever the others, with a difference of two digammas.
    """
    full, size, rate = cut.full, cut.size, cut.rate
    empty, weight = sum_rule(_terms(pool, cut))
    used, number = empty * size, full - empty
    gap, rival = digamma_gap(number, empty + 1), moments.full(used)
    here = weight * pool.none(used)
    if not cut.rest:
        return float((here * gap * moments.among(rival, number)).sum())
    late = _not_yet(cut, empty + 1) * digamma_gap(number + rate, empty + 1)
    products = moments.among(rival, number)
    products = products + 2 * rate * moments.between(rival, moments.short(used))
    square = (here * late * products).sum()
    used = used + cut.rest
    here = weight * pool.none(used)
    square += (here * (gap - late) * moments.among(moments.full(used), number)).sum()
    empty, weight = sum_rule(_terms(pool, cut, extra=1))
    used = empty * size
    here = weight * pool.none(used) * rate * _now(cut, empty)
    own = digamma_gap(full - empty + rate, empty + 1) * _square(moments.short(used))
    return float(square + (here * own).sum())
