"""Joint distribution of the counts of a batch, and expansion of functions in its polynomials.

Arrays are of several pools at once: axis p runs over pools, u over the batch sizes of a pool.
Derivations: `docs/theory.md`, sections 1, 3 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.counts import Floats
from batchf1.theory.distributions import Axis, binomial, hypergeometric_vectorized

Enough = Callable[[int, Floats], bool]
"""Returns True to stop after this degree, given the mean square (p, u) that is left."""


class NestedDistribution(NamedTuple):
    """Distribution of the relevant samples of a batch, and of the groups given their number.

    `first`: the distribution of the number for each batch, (p, u, n). `number`: its distinct points
    (p, n0); `position`: the position of each point of `first` among these. `inner[i]`: the
    distribution of the count of group i given the axes before it, of shape (p, n0, ..., ni); the
    last group has the rest. `batch`: the size of the batch at each number, (p, 1) or (p, n0), where
    the metric depends on it.
    """

    first: Axis
    number: Floats
    position: NDArray[np.intp]
    inner: tuple[Axis, ...]
    batch: Floats | None = None

    def counts(self) -> list[Floats]:
        """Return the count of each group, shaped to broadcast to (p, n0, n1, ...)."""
        parts, left = [], self.number
        for axis in self.inner:
            parts.append(axis.points)
            left = left[..., None] - axis.points
        parts.append(left)
        return [part.reshape(part.shape + (1,) * (left.ndim - part.ndim)) for part in parts]

    def given_number(self, values: Floats) -> Floats:
        """Average `values` (p, n0, n1, ...) over the groups, given the number: shape (p, n0)."""
        for axis in reversed(self.inner):
            values = inner_product(values, axis.weights)
        return values

    def over_number(self, given: Floats) -> Floats:
        """Average over the number what is `given` it, (p, n0): shape (p, u)."""
        return inner_product(self._at_points(given), self.first.weights)

    def mean(self, values: Floats) -> Floats:
        """Average `values` (p, n0, n1, ...) for each batch size: shape (p, u)."""
        return self.over_number(self.given_number(values))

    def coefficients(self, values: Floats, degree: int, enough: Enough) -> tuple[Floats, Floats]:
        """Return the coefficients of `values` in the orthonormal polynomials of the counts.

        First the coefficients, (i, j, ..., p, u): an entry belongs to total degree i + j + ..., up
        to `degree` or as far as there are points, and is 0 beyond. Then the mean square of the
        remainder, (p, u). Innermost axis first, by Stieltjes' procedure on values multiplied by the
        roots of the weights.
        """
        root, rest = np.ones_like(values), np.zeros(self.first.points.shape[:2])
        for depth in reversed(range(len(self.inner))):
            axis = self.inner[depth]

            def left_over(values: Floats, depth: int = depth) -> Floats:
                square = inner_product(values, values)
                for outer in reversed(self.inner[:depth]):
                    square = inner_product(square, outer.weights)
                return self.over_number(_total(square, self.number.ndim))

            weight = np.sqrt(axis.weights)
            root, values = root * weight, values * weight
            values, root, left = _project(values, root, axis.points, degree, enough, left_over)
            rest += left
        weight = np.sqrt(self.first.weights)
        values, root = self._at_points(values) * weight, self._at_points(root) * weight

        def left_of_number(values: Floats) -> Floats:
            return _total(inner_product(values, values), 2)

        parts, _, left = _project(values, root, self.first.points, degree, enough, left_of_number)
        return parts, rest + left

    def _at_points(self, given: Floats) -> Floats:
        """Look up what is given the number, (..., p, n0), at each point of `first`, (p, u, n)."""
        return np.asarray(given[..., np.arange(len(self.position))[:, None, None], self.position])


def nested_distribution(
    first: Axis, groups: Sequence[Floats], finite: bool, batch: Floats | None = None
) -> NestedDistribution:
    """Build the distribution of a batch from that of its relevant samples and their groups.

    `groups`: (p, 1) each. `finite`: they are numbers of samples, drawn without replacement;
    otherwise they are shares. `batch`, (p, u): the size of the batches, where it matters.
    """
    if batch is None:
        number, position = _merged(first.points)
    else:
        number, position, batch = _merged_by_size(first.points, batch)
    inner, left, pool = [], number, sum(groups[1:], groups[0])
    for size in groups[:-1]:
        size = size.reshape(pool.shape)
        axis = (
            hypergeometric_vectorized(pool, size, left) if finite else binomial(size / pool, left)
        )
        inner.append(axis)
        left, pool = left[..., None] - axis.points, (pool - size)[..., None]
    return NestedDistribution(first, number, position, tuple(inner), batch)


def inner_product(one: Floats, two: Floats) -> Floats:
    """Sum the products along the last axis."""
    return np.asarray(np.vecdot(one, two))


def degrees(parts: Floats) -> NDArray[np.intp]:
    """Return the total degree of each coefficient, shaped to broadcast with the coefficients."""
    total: Any = sum(np.indices(parts.shape[:-2]))
    return np.asarray(total[..., None, None])


def _total(parts: Floats, n_axes: int) -> Floats:
    """Sum over all but the last `n_axes` axes."""
    return np.asarray(parts.sum(axis=tuple(range(parts.ndim - n_axes))))


def _merged(points: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct points of each pool, padded with the last, and indices of the points."""
    flat = points.reshape(len(points), -1)
    order = np.argsort(flat, axis=-1, kind="stable")
    ordered = np.take_along_axis(flat, order, axis=-1)
    rank = np.zeros(order.shape, np.intp)
    rank[:, 1:] = np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=-1)
    position = np.empty_like(rank)
    np.put_along_axis(position, order, rank, axis=-1)
    number = np.repeat(ordered[:, -1:], int(rank.max(initial=0)) + 1, axis=1)
    np.put_along_axis(number, rank, ordered, axis=-1)
    return number, position.reshape(points.shape)


def _merged_by_size(points: Floats, batch: Floats) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return as `_merged` points that are distinct for each batch size, and the size at each."""
    if np.all(batch == batch[:, :1]):
        return *_merged(points), batch[:, :1]
    number = points.reshape(len(points), -1)
    position = np.broadcast_to(np.arange(number.shape[1]), number.shape).reshape(points.shape)
    return number, position, np.repeat(batch, points.shape[-1], axis=1)


def _project(
    values: Floats,
    root: Floats,
    x: Floats,
    degree: int,
    enough: Enough,
    left_over: Callable[[Floats], Floats],
) -> tuple[Floats, Floats, Floats]:
    """Return coefficients in the orthonormal polynomials along the last axis, norms, remainder.

    `root`: square roots of the weights; `values` are multiplied by those of the axis' own
    distribution. Any axes before that of the pools are degrees already taken. The norms are those
    of the monic polynomials, for the next outer axis, up to a scale of each pool. Both input arrays
    are overwritten.
    """
    taken = values.ndim - x.ndim
    x = x - (x[..., :1] + x[..., -1:]) / 2
    reach = x[..., -1].reshape(len(x), -1).max(axis=1)
    x /= np.maximum(reach, 1.0).reshape(-1, *[1] * (x.ndim - 1))
    support = np.count_nonzero(root, axis=-1)
    now, before, last = root, np.zeros_like(root), np.ones(support.shape)
    after, spare = np.empty_like(root), np.empty_like(root)
    coefficients, norms = [], []
    for power in range(min(degree + 1, values.shape[-1])):
        square = np.where(power < support, inner_product(now, now), 0.0)
        share = safe_divide(1.0, square)
        # of those with more degrees taken already none is asked for any more
        few = (slice(degree + 1 - power),) * taken
        part = np.zeros_like(square)
        part[few] = inner_product(now[few], values[few]) * share[few]
        values -= np.multiply(now, part[..., None], out=spare)
        norms.append(np.sqrt(square))
        coefficients.append(part * norms[-1])
        left = left_over(values)
        if enough(power, left):
            break
        np.multiply(x, now, out=after)
        centre = inner_product(after, now) * share
        after -= np.multiply(now, centre[..., None], out=spare)
        before, now, after = now, after, before
        after *= safe_divide(square, last)[..., None]
        now -= after
        last = square
    return np.stack(coefficients), np.stack(norms), left
