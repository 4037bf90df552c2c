"""The law of all counts of a batch, and what a function of them consists of, degree by degree.

Everything is for several pools at once: axis p runs over pools, u over the batches of a pool that
are looked at. Derivations: `docs/theory.md`, sections 1, 3 and 10.
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
"""Whether to stop after this degree, with this mean square (p, u) left of the function."""


class NestedDistribution(NamedTuple):
    """How many relevant samples a batch has, and how they fall on the groups given that number.

    `first`: the law of that number for each batch, (p, u, n); its points are `number` (p, n0), each
    once, at `place`. `inner[i]` is the law of the count of group i given the axes before it, of
    shape (p, n0, ..., ni); the last group takes what is left.
    """

    first: Axis
    number: Floats
    place: NDArray[np.intp]
    inner: tuple[Axis, ...]

    def counts(self) -> list[Floats]:
        """The count of each group, shaped to broadcast to (p, n0, n1, ...)."""
        parts, left = [], self.number
        for axis in self.inner:
            parts.append(axis.points)
            left = left[..., None] - axis.points
        parts.append(left)
        return [part.reshape(part.shape + (1,) * (left.ndim - part.ndim)) for part in parts]

    def given_number(self, values: Floats) -> Floats:
        """Mean over the groups of `values` (p, n0, n1, ...), given the number: shape (p, n0)."""
        for axis in reversed(self.inner):
            values = inner_product(values, axis.weights)
        return values

    def over_number(self, given: Floats) -> Floats:
        """Mean over the number of what is `given` it, (p, n0): shape (p, u)."""
        return inner_product(self._placed(given), self.first.weights)

    def mean(self, values: Floats) -> Floats:
        """Mean of `values` (p, n0, n1, ...) for each batch: shape (p, u)."""
        return self.over_number(self.given_number(values))

    def coefficients(self, values: Floats, degree: int, enough: Enough) -> tuple[Floats, Floats]:
        """Coefficients of `values` in the orthonormal polynomials of the counts, for each batch.

        Shape (i, j, ..., p, u): the entry belongs to total degree i + j + ..., up to `degree` or as
        far as there are points, and is 0 beyond. Then the mean square of what lies beyond, (p, u).
        Innermost axis first, by Stieltjes' procedure on what is multiplied by roots of weights.
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
        values, root = self._placed(values) * weight, self._placed(root) * weight

        def left_of_number(values: Floats) -> Floats:
            return _total(inner_product(values, values), 2)

        parts, _, left = _project(values, root, self.first.points, degree, enough, left_of_number)
        return parts, rest + left

    def _placed(self, given: Floats) -> Floats:
        """What is given the number, (..., p, n0), at each point of `first`: (..., p, u, n)."""
        return np.asarray(given[..., np.arange(len(self.place))[:, None, None], self.place])


def nested_distribution(first: Axis, groups: Sequence[Floats], finite: bool) -> NestedDistribution:
    """The law of a batch from that of its number of relevant samples and the groups of these.

    `groups`: (p, 1) each. `finite`: they are numbers of samples, drawn without replacement;
    otherwise they are shares.
    """
    number, place = _merged(first.points)
    inner, left, pool = [], number, sum(groups[1:], groups[0])
    for size in groups[:-1]:
        size = size.reshape(pool.shape)
        axis = (
            hypergeometric_vectorized(pool, size, left) if finite else binomial(size / pool, left)
        )
        inner.append(axis)
        left, pool = left[..., None] - axis.points, (pool - size)[..., None]
    return NestedDistribution(first, number, place, tuple(inner))


def inner_product(one: Floats, two: Floats) -> Floats:
    """Sum of products along the last axis."""
    return np.asarray(np.vecdot(one, two))


def degrees(parts: Floats) -> NDArray[np.intp]:
    """The total degree of each entry of a spectrum, shaped to go with it."""
    found: Any = sum(np.indices(parts.shape[:-2]))
    return np.asarray(found[..., None, None])


def _total(parts: Floats, kept: int) -> Floats:
    """Summed over all axes but the last `kept`."""
    return np.asarray(parts.sum(axis=tuple(range(parts.ndim - kept))))


def _merged(points: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The points of each pool in order and each once, the last repeated, and where each one is."""
    flat = points.reshape(len(points), -1)
    order = np.argsort(flat, axis=-1, kind="stable")
    ordered = np.take_along_axis(flat, order, axis=-1)
    rank = np.zeros(order.shape, np.intp)
    rank[:, 1:] = np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=-1)
    place = np.empty_like(rank)
    np.put_along_axis(place, order, rank, axis=-1)
    number = np.repeat(ordered[:, -1:], int(rank.max(initial=0)) + 1, axis=1)
    np.put_along_axis(number, rank, ordered, axis=-1)
    return number, place.reshape(points.shape)


def _project(
    values: Floats,
    root: Floats,
    x: Floats,
    degree: int,
    enough: Enough,
    left_over: Callable[[Floats], Floats],
) -> tuple[Floats, Floats, Floats]:
    """Coefficients in the orthonormal polynomials along the last axis, and what is left over.

    `root`: square roots of the weights; `values` are multiplied by those of the axis' own law. Any
    axes before that of the pools are degrees already taken. Second come the norms of the monic
    polynomials, for the axis further out, to a scale of the pool's own. Both arrays are used up.
    """
    taken = values.ndim - x.ndim
    x = x - (x[..., :1] + x[..., -1:]) / 2
    reach = x[..., -1].reshape(len(x), -1).max(axis=1)
    x /= np.maximum(reach, 1.0).reshape(-1, *[1] * (x.ndim - 1))
    support = np.count_nonzero(root, axis=-1)
    now, before, last = root, np.zeros_like(root), np.ones(support.shape)
    after, spare = np.empty_like(root), np.empty_like(root)
    found, norms = [], []
    for power in range(min(degree + 1, values.shape[-1])):
        square = np.where(power < support, inner_product(now, now), 0.0)
        share = safe_divide(1.0, square)
        # of those with more degrees taken already none is asked for any more
        few = (slice(degree + 1 - power),) * taken
        part = np.zeros_like(square)
        part[few] = inner_product(now[few], values[few]) * share[few]
        values -= np.multiply(now, part[..., None], out=spare)
        norms.append(np.sqrt(square))
        found.append(part * norms[-1])
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
    return np.stack(found), np.stack(norms), left
