"""Probability laws of the counts in a batch, and sums over many batches.

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
    total, marked, draws = np.broadcast_arrays(*map(as_floats, (total, marked, draws)))
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
    share, draws = np.broadcast_arrays(as_floats(share), as_floats(draws))
    mean = draws * share
    cells = [(0 * mean, 1, mean), (draws, -1, draws * (1 - share))]
    return _axis(mean, mean * (1 - share), 0 * mean, draws, cells)


def poisson(mean: ArrayLike) -> Axis:
    """A Poisson count."""
    mean = as_floats(mean)
    return _axis(mean, mean, 0 * mean, mean + np.inf, [(0 * mean, 1, mean)])


def log_none(total: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Floats:
    """Log of the probability that `draws` of `total` hold no marked sample; -inf if some must."""
    total, marked, draws = np.broadcast_arrays(*map(as_floats, (total, marked, draws)))
    spare = total - marked - draws
    others, left = np.maximum(total - marked, 0.0), np.maximum(total - draws, 0.0)
    by_marked = draws / np.maximum(left, 1.0)
    by_draws = marked / np.maximum(others, 1.0)
    both = np.maximum(-by_marked * by_draws, -1.0)
    logs = -xlog1py(marked, by_marked) - xlog1py(draws, by_draws)
    logs = (
        logs
        - xlog1py(np.maximum(spare, 0.0), both)
        + stirling_remainder(others)
        + stirling_remainder(left)
    )
    logs = logs - stirling_remainder(total) - stirling_remainder(np.maximum(spare, 0.0))
    return np.where(spare < 0, -np.inf, np.minimum(logs, 0.0))


def stirling_remainder(x: ArrayLike) -> Floats:
    """log(x!) - (x log x - x) for x >= 0, the part of Stirling's formula that stays small."""
    x = as_floats(x)
    small, large = np.minimum(x, 16.0), np.maximum(x, 16.0)
    y = 1 / (large * large)
    series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / large
    exact = gammaln(small + 1) - xlogy(small, small) + small
    return np.where(x < 16, exact, 0.5 * np.log(2 * np.pi * large) + series)


def digamma_gap(x: ArrayLike, gap: ArrayLike) -> Floats:
    """digamma(x + gap) - digamma(x) for x > 0; 1/x + ... + 1/(x + gap - 1) for whole gaps."""
    x, gap = np.broadcast_arrays(as_floats(x), as_floats(gap))
    large = np.maximum(x, 32.0)

    def tail(z: Floats) -> Floats:
        y = 1 / (z * z)
        return y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)))

    series = np.log1p(gap / large) + gap / (2 * large * (large + gap))
    series = series + tail(large) - tail(large + gap)
    return np.asarray(np.where(x < 32, digamma(x + gap) - digamma(x), series), np.float64)


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


def as_floats(values: ArrayLike) -> Floats:
    """As an array of float64."""
    return np.asarray(values, np.float64)


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
    return np.asarray(moved - xlog1py(held, relative) - stirling_remainder(held))


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


def _gauss(start: float, length: float, nodes: int) -> tuple[Floats, Floats]:
    """Exact on start, start + 1, ..., `length` points, up to degree 2 nodes - 1 (Gram, Hahn)."""
    if length <= nodes:
        return start + np.arange(length), np.ones(int(length))
    k = np.arange(1.0, nodes)
    beside = np.sqrt(k * k * (length - k) * (length + k) / (4 * (4 * k * k - 1)))
    places, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    return start + (length - 1) / 2 + places, length * vectors[0] ** 2
