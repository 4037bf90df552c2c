"""Samples of an epoch and their division into batches.

Arguments of users are checked here. Derivations: `docs/theory.md`, sections 1, 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import dot, safe_divide
from batchf1.metrics.averaging import check_averaging
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import Ratio, check_ratio
from batchf1.theory.distributions import (
    Axis,
    as_floats,
    hypergeometric,
    log_prob_zero,
)
from batchf1.theory.nested import NestedDistribution, nested_distribution


@dataclass(frozen=True, eq=False)
class Pool:
    """Samples of one or several pools, grouped by their weights in the sums of a metric.

    `total` and each of the `groups` are columns (p, 1), a row a pool. Groups are numbers among
    `total` samples or, in the limits, shares or expected numbers; in each pool one is above 0.
    """

    total: Floats
    groups: tuple[Floats, ...]
    top: tuple[float, ...]
    bottom: tuple[float, ...]

    @property
    def relevant(self) -> Floats:
        """Samples with a weight in the denominator, (p, 1)."""
        return np.asarray(sum(self.groups[1:], self.groups[0]))

    @property
    def keys(self) -> tuple[Floats, ...]:
        """Columns that are equal in equal pools."""
        return self.total, *self.groups

    @property
    def defining(self) -> Floats:
        """Samples without which the metric of a batch is 0/0, (p, 1)."""
        return self.relevant

    @property
    def true(self) -> Floats:
        """The metric of the whole pool, (p, 1)."""
        return np.asarray(dot(self.top, self.groups) / dot(self.bottom, self.groups))

    def of(self, rows: NDArray[np.intp]) -> Pool:
        """Select pools; a group that none of them has is left out."""
        used = [i for i, group in enumerate(self.groups) if group[rows].any()]
        top, bottom = (tuple(part[i] for i in used) for part in (self.top, self.bottom))
        return Pool(self.total[rows], tuple(self.groups[i][rows] for i in used), top, bottom)

    def none(self, used: ArrayLike) -> Floats:
        """Return the probability that the metric is 0/0 in `used` samples, (p, u)."""
        return np.exp(log_prob_zero(self.total, self.defining, used))

    def distribution(self, batch: ArrayLike, used: ArrayLike = 0.0) -> NestedDistribution:
        """Return the distribution of batches of these sizes, given `used` irrelevant others.

        Both are single or (p, u).
        """
        return nested_distribution(self.number(batch, used), self.groups, finite=True)

    def number(self, batch: ArrayLike, used: ArrayLike) -> Axis:
        """Return the distribution of the relevant samples of these batches."""
        most = self.total - np.maximum(self.relevant, batch)  # beyond, `none` is 0
        left = self.total - np.minimum(as_floats(used), most)
        return hypergeometric(left, self.relevant, batch)

    def deviations(self, distribution: NestedDistribution, when_empty: ArrayLike) -> Floats:
        """Return the metric of each outcome minus its true value, (p, n0, n1, ...).

        Where the metric is 0/0 it is `when_empty`, single or (p, 1).
        """
        values, _ = self._deviations(distribution)
        empty = expand_dims(distribution.number == 0, values)
        return np.where(empty, expand_dims(np.atleast_2d(when_empty), values), values)

    def curvature(self, distribution: NestedDistribution) -> Floats:
        """Return the mean deviation given the number of relevant samples: (p, n0), 0 for none.

        What is linear in the groups' shares has mean 0 and is left out beforehand; the rest is of
        second order and, for F1, of one sign, so that no digits cancel.
        """
        values, bottom = self._deviations(distribution)
        usual = distribution.number * (dot(self.bottom, self.groups) / self.relevant)
        values *= np.subtract(expand_dims(usual, values), bottom, out=bottom)
        return safe_divide(distribution.given_number(values), usual)

    def _deviations(self, distribution: NestedDistribution) -> tuple[Floats, Floats]:
        """Return metric minus true value, and the denominator; 0 and 1 where it is 0/0."""
        counts = distribution.counts()
        pairs = zip(self.top, self.bottom, strict=True)
        # (metric - true) x denominator: linear, of mean 0
        weights = [expand_dims(top - self.true * bottom, counts[-1]) for top, bottom in pairs]
        excess, bottom = dot(weights, counts), dot(self.bottom, counts)
        bottom += expand_dims(distribution.number == 0, bottom)
        return excess / bottom, bottom

    def mean_curvature(self, distribution: NestedDistribution) -> Floats:
        """Average `curvature` over the distribution of each batch: shape (p, u)."""
        return distribution.over_number(self.curvature(distribution))


class Batching(NamedTuple):
    """Division of an epoch: `full` batches of `size`, and one of `rest` unless that is 0.

    `full` and `rest` are single or (p, 1); in a set of pools none or each has a rest.
    """

    size: int
    full: Any
    rest: Any
    size_weighted: bool
    zero_division: float

    def of(self, rows: NDArray[np.intp]) -> Batching:
        """Select pools."""
        return self._replace(full=self.full[rows], rest=self.rest[rows])

    @property
    def ragged(self) -> bool:
        """True if the last batch is short."""
        return bool(np.any(self.rest))

    @property
    def batches(self) -> Any:
        """Number of batches."""
        return self.full + (self.rest > 0)

    @property
    def weight(self) -> Any:
        """Weight of a full batch in the mean."""
        if self.size_weighted:
            return self.size / (self.full * self.size + self.rest)
        return 1 / self.batches

    @property
    def rate(self) -> Any:
        """Weight of the short batch relative to that of a full one."""
        return self.rest / self.size if self.size_weighted else 1.0

    @property
    def sizes(self) -> Floats:
        """Sizes of batches, (p, u): that of the full ones, then the rest if any."""
        full = np.full_like(self.rest, self.size)
        return np.concatenate([full, self.rest] if self.ragged else [full], axis=-1)

    @property
    def shares(self) -> Floats:
        """Total weight of the batches of each size, (p, u)."""
        share = self.full * self.weight
        return np.concatenate([share, 1 - share], axis=-1) if self.ragged else np.ones_like(share)


def expand_dims(column: NDArray[Any], values: Floats) -> NDArray[Any]:
    """Append axes to (p, k) so that it broadcasts with (p, k, ...) or, for k = 1, (p, n0, ...)."""
    return column.reshape(column.shape + (1,) * (values.ndim - column.ndim))


def checked_counts(counts: Counts) -> Counts:
    """Return the counts of pools as int64 arrays of one shape.

    Raises `InputError` unless they are whole numbers >= 0 that add up to 1 .. 2**53 in each pool.
    """
    counts = checked(counts)
    good = (counts.n >= 1) & (counts.n <= checks.MAX_INTEGER)
    if not good.all():
        raise_input_error("tp + fp + fn + tn", "must lie in 1 .. 2**53", counts.n[~good][0].item())
    return counts


def checked_pool(counts: Counts, metric: Ratio) -> Pool | None:
    """Return the pool of four single counts, None where the metric is 0/0.

    Raises `InputError` as `checked_counts`, and for another metric.
    """
    check_ratio(metric)
    single = checked_counts(counts)
    for name, given in zip(Counts._fields, counts, strict=True):
        checks.check_argument(np.ndim(given) == 0, name, "must be a single number", given)
    pool = grouped(single.n, single, metric)
    return pool if pool.groups else None


def checked_batching(
    total: ArrayLike, batch_size: int, averaging: str, zero_division: float
) -> Batching:
    """Return the division of `total` samples, those of each pool, into batches.

    Raises `InputError` for a size outside 1 .. N or another rule.
    """
    size, total = checks.check_integer("batch_size", batch_size), as_floats(total)
    least = total.min(initial=np.inf)
    check(size <= least, "batch_size", f"must be at most the number of samples, {least:.0f}", size)
    check_averaging(averaging)
    undefined = checks.zero_division(zero_division)
    full, rest = np.divmod(total.reshape(-1, 1), size)
    return Batching(size, full, rest, averaging == "size_weighted", undefined)


def grouped(total: ArrayLike, counts: Sequence[ArrayLike], metric: Ratio) -> Pool:
    """Build pools from counts: counts of the same weights become one group.

    Counts without weight get no group, nor do those that are 0 in every pool.
    """
    groups: dict[tuple[float, float], Floats] = {}
    for count, top, bottom in zip(map(_column, counts), metric.top, metric.bottom, strict=True):
        if bottom > 0 and count.any():
            groups[top, bottom] = groups.get((top, bottom), 0.0) + count
    weights = list(groups)
    tops, bottoms = tuple(top for top, _ in weights), tuple(bottom for _, bottom in weights)
    return Pool(_column(total), tuple(groups.values()), tops, bottoms)


def _column(values: ArrayLike) -> Floats:
    return as_floats(values).reshape(-1, 1)
