"""Probability distributions of the counts in a batch, and sums over many batches.

Nothing here subtracts logarithms of factorials: at a billion samples that alone costs ten digits.
Input is taken to be checked; arrays are float64. Derivations: `docs/theory.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, xlog1py, xlogy

from batchf1.metrics.counts import Floats

MAX_NEGATIVE_LOG = 41.0  # probabilities below exp(-41) do not change a sum in double precision
NEGLIGIBLE = 1e-18  # share of the probability of other counts than 0 that is neglected
SMOOTH = 4.5  # standard deviations from which on a sum may leave points out; exp(-2 SMOOTH^2)
MAX_TABLE_LENGTH = 4096  # of a table of probabilities that is made for speed
TINY = 1e-300
ZERO = np.zeros(())

Cell = tuple[Floats, int, Floats]


class Axis(NamedTuple):
    """Distribution of a count: values and probabilities on the last axis, conditions before it."""

    points: Floats
    weights: Floats


class Support(NamedTuple):
    """Points of a distribution: `start`, `start` + `step`, and so on up to `stop`."""

    start: Floats
    stop: Floats
    step: Floats

    @property
    def points(self) -> Floats:
        """Number of points."""
        return np.asarray(np.floor((self.stop - self.start) / self.step) + 1)


def hypergeometric(total: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Axis:
    """Return the distribution of marked samples among `draws` of `total`, not replaced."""
    total, marked, draws = np.broadcast_arrays(*map(as_floats, (total, marked, draws)))
    others, left, safe = total - marked, total - draws, np.maximum(total, 1.0)
    mean = (draws * marked / safe)[..., None]
    cells = [
        (ZERO, 1, mean),
        (marked[..., None], -1, (marked * left / safe)[..., None]),
        (draws[..., None], -1, (draws * others / safe)[..., None]),
        ((others - draws)[..., None], 1, (others * left / safe)[..., None]),
    ]
    return _axis(support(total, marked, draws), lambda points: _log_product(points, mean, cells))


def hypergeometric_vectorized(total: Floats, marked: Floats, draws: Floats) -> Axis:
    """Compute `hypergeometric` faster for `total` and `marked` constant on all axes but the first.

    Of two binomial counts of one rate the first, given their sum, has this distribution whatever
    the rate. So it is a product of two factors, of one variable each, that can be looked up.
    """
    bounds = support(total, marked, draws)
    most = int(bounds.stop.max(initial=0.0)), int((draws - bounds.start).max(initial=0.0))
    if max(most) > MAX_TABLE_LENGTH:
        return hypergeometric(total, marked, draws)
    rate = draws.reshape(len(draws), -1).mean(axis=-1)[:, None] / total.reshape(-1, 1)
    of_marked, of_others = (
        _log_binomials(part.reshape(-1, 1), rate, longest)
        for part, longest in zip((marked, total - marked), most, strict=True)
    )
    row = np.arange(len(draws)).reshape(-1, *[1] * draws.ndim)
    here, all_drawn = (
        row * of_marked.shape[1],
        row * of_others.shape[1] + _indices(draws[..., None]),
    )

    def logs(points: Floats) -> Floats:
        drawn = _indices(points)
        return np.asarray(of_marked.take(drawn + here) + of_others.take(all_drawn - drawn))

    return _axis(bounds, logs)


def support(total: Floats, marked: Floats, draws: Floats) -> Support:
    """Return the points of `hypergeometric` whose probability matters."""
    others, safe = total - marked, np.maximum(total, 1.0)
    mean = draws * marked / safe
    variance = mean * (others / safe) * ((total - draws) / np.maximum(total - 1, 1.0))
    low, high = np.maximum(0.0, draws - others), np.minimum(draws, marked)
    return _support(mean, variance, low, high)


def binomial(share: ArrayLike, draws: ArrayLike) -> Axis:
    """Return the distribution of marked among `draws`, each with probability `share`."""
    share, draws = np.broadcast_arrays(as_floats(share), as_floats(draws))
    mean = draws * share
    bounds = _support(mean, mean * (1 - share), 0 * mean, draws)
    return _axis(bounds, partial(_log_binomial, share[..., None], draws[..., None]))


def poisson(mean: ArrayLike) -> Axis:
    """Return the Poisson distribution with this mean."""
    mean = as_floats(mean)
    bounds, mean = _support(mean, mean, 0 * mean, mean + np.inf), mean[..., None]
    return _axis(bounds, lambda points: _log_product(points, mean, [(ZERO, 1, mean)]))


def log_prob_zero(total: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Floats:
    """Return the log of the probability of no marked sample in `draws` of `total`; -inf for 0."""
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
    """Return log(x!) - (x log x - x) for x >= 0, the remainder of Stirling's formula."""
    x = as_floats(x)
    few, large = x < 16, np.maximum(x, 16.0)
    y = 1 / (large * large)
    series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / large
    result = np.asarray(0.5 * np.log(2 * np.pi * large) + series)
    small = x[few]
    result[few] = gammaln(small + 1) - xlogy(small, small) + small
    return result


def digamma_gap(x: ArrayLike, gap: ArrayLike) -> Floats:
    """Return digamma(x + gap) - digamma(x), x > 0; for whole gaps 1/x + ... + 1/(x + gap - 1)."""
    x, gap = np.broadcast_arrays(as_floats(x), as_floats(gap))
    large = np.maximum(x, 32.0)

    def tail(z: Floats) -> Floats:
        y = 1 / (z * z)
        return y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)))

    series = np.log1p(gap / large) + gap / (2 * large * (large + gap))
    series = series + tail(large) - tail(large + gap)
    return np.asarray(np.where(x < 32, digamma(x + gap) - digamma(x), series), np.float64)


def sum_rule(terms: int, nodes: int = 16) -> tuple[Floats, Floats]:
    """Return nodes and weights that sum a smooth function over 0, 1, ..., `terms` - 1.

    Up to 128 terms one by one. Beyond, Gauss' rule for equally spaced points on panels that shrink
    towards the end, where the function may behave as a power of what is left.
    """
    if terms <= 128:
        return np.arange(float(terms)), np.ones(terms)
    inside = np.concatenate([np.arange(6) / 6, 1 - 0.5 ** np.arange(1, 11) / 6, [1.0]])
    edges = np.unique(np.rint(terms * inside))
    parts = [_gauss(a, b - a, nodes) for a, b in pairwise(edges)]
    return np.concatenate([p for p, _ in parts]), np.concatenate([w for _, w in parts])


def sum_rules(terms: Floats) -> tuple[Floats, Floats]:
    """Return the sum rule of each row of `terms`, (p, 1): (p, t) each, padded with weights 0."""
    rules = [sum_rule(int(count)) for count in terms[:, 0]]
    longest = max(len(weights) for _, weights in rules)
    nodes, weights = (np.zeros((len(rules), longest)) for _ in range(2))
    for row, (node, weight) in enumerate(rules):
        nodes[row, : len(node)], weights[row, : len(weight)] = node, weight
    return nodes, weights


def as_floats(values: ArrayLike) -> Floats:
    """Convert to an array of float64."""
    return np.asarray(values, np.float64)


def _support(mean: Floats, variance: Floats, low: Floats, high: Floats) -> Support:
    """Return the points up to where Bernstein's inequality leaves exp(-MAX_NEGATIVE_LOG)."""
    reach = MAX_NEGATIVE_LOG / 3 + np.sqrt(
        (MAX_NEGATIVE_LOG / 3) ** 2 + 2 * MAX_NEGATIVE_LOG * variance
    )
    start = np.ceil(np.maximum(low, mean - reach))
    stop = np.floor(np.minimum(high, mean + reach))
    return Support(start, stop, _stride(mean, np.sqrt(variance)))


def _axis(bounds: Support, logs: Callable[[Floats], Floats]) -> Axis:
    """Return the points that matter and their probabilities, from logs up to a constant."""
    start, stop, step = bounds
    size = int(np.max(bounds.points, initial=1.0))
    lattice = start[..., None] + step[..., None] * np.arange(size)
    points = np.minimum(lattice, stop[..., None])
    weights = np.where(lattice == points, logs(points), -np.inf)
    weights -= weights.max(axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    others = weights[..., 1:].sum(axis=-1) + np.where(start > 0, weights[..., 0], 0.0)
    likely = weights > NEGLIGIBLE * np.maximum(others, NEGLIGIBLE)[..., None]
    used = np.flatnonzero(likely.reshape(-1, size).any(axis=0))
    used_slice = slice(used[0], used[-1] + 1)
    return Axis(points[..., used_slice], weights[..., used_slice])


def _stride(mean: Floats, spread: Floats) -> Floats:
    """Return the distance at which lattice points can stand for those between them.

    The distributions are sums of independent indicators, so |characteristic function(t)| is at most
    exp(-2 spread^2 sin^2(t/2)); by Poisson summation the mean of a function that is smooth on this
    scale changes by exp(-2 SMOOTH^2). Ratios are not smooth near 0: the mean must be far from it.
    """
    wide = np.maximum(spread, SMOOTH)
    far = (mean > MAX_NEGATIVE_LOG) & (spread > SMOOTH)
    return np.where(far, np.floor(np.pi / np.arcsin(SMOOTH / wide)), 1.0)


def _log_binomial(share: Floats, draws: Floats, points: Floats) -> Floats:
    mean = draws * share
    return _log_product(points, mean, [(ZERO, 1, mean), (draws, -1, draws * (1 - share))])


def _log_product(points: Floats, mean: Floats, cells: Iterable[Cell]) -> Floats:
    """Return the log of a distribution that is a product over cells.

    A cell is (a, s, its mean): it holds a + s x samples when the count is x, and brings the factor
    mean^(a + s x) / (a + s x)!.
    """
    total = np.zeros(np.broadcast_shapes(points.shape, mean.shape))
    for origin, sign, expected in cells:
        moved = sign * (points - mean)
        held = np.maximum(origin + sign * points, 0.0)
        relative = np.maximum(moved / np.maximum(expected, TINY), -1.0)
        total += moved - xlog1py(held, relative) - stirling_remainder(held)
    return total


def _indices(counts: Floats) -> NDArray[np.intp]:
    return counts.astype(np.intp)


def _log_binomials(draws: Floats, share: Floats, longest: int) -> Floats:
    """Return logs of the probabilities of 0 .. `longest`, for columns `draws` and `share`."""
    points = np.arange(longest + 1.0)[None]
    return np.where(points <= draws, _log_binomial(share, draws, points), -np.inf)


def _gauss(start: float, length: float, nodes: int) -> tuple[Floats, Floats]:
    """Return Gauss' rule for the points start, start + 1, ... `length` in number.

    Exact up to degree 2 `nodes` - 1; its polynomials are those of Gram (Hahn).
    """
    if length <= nodes:
        return start + np.arange(length), np.ones(int(length))
    k = np.arange(1.0, nodes)
    off_diagonal = np.sqrt(k * k * (length - k) * (length + k) / (4 * (4 * k * k - 1)))
    shifts, vectors = np.linalg.eigh(np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1))
    return start + (length - 1) / 2 + shifts, length * vectors[0] ** 2
