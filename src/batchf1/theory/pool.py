"""The samples of an epoch, how they are cut, and the expected error of the mean over the batches.

What users hand in is checked here. Derivations: `docs/theory.md`, sections 1, 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlog1py

from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.averaging import check_averaging
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import Ratio, check_ratio, dot, safe_divide
from batchf1.theory.distributions import (
    MAX_NEGATIVE_LOG,
    TINY,
    as_floats,
    hypergeometric,
    log_prob_zero,
    stirling_remainder,
    sum_rules,
)
from batchf1.theory.nested import NestedDistribution, inner_product, nested_distribution


class Pool(NamedTuple):
    """Samples that count in a metric, grouped by their weights in its sums, of one pool or several.

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
    def true(self) -> Floats:
        """The metric of the whole pool, (p, 1)."""
        return np.asarray(dot(self.top, self.groups) / dot(self.bottom, self.groups))

    def of(self, rows: NDArray[np.intp]) -> Pool:
        """Some of the pools; a group that none of them has is left out."""
        kept = [i for i, group in enumerate(self.groups) if group[rows].any()]
        top, bottom = (tuple(part[i] for i in kept) for part in (self.top, self.bottom))
        return Pool(self.total[rows], tuple(self.groups[i][rows] for i in kept), top, bottom)

    def none(self, used: ArrayLike) -> Floats:
        """Probability that there is nothing relevant among `used` samples, (p, u)."""
        return np.exp(log_prob_zero(self.total, self.relevant, used))

    def distribution(self, batch: ArrayLike, used: ArrayLike = 0.0) -> NestedDistribution:
        """The law of batches of these sizes, given that `used` others hold nothing relevant.

        Both are single or (p, u).
        """
        most = self.total - np.maximum(self.relevant, batch)  # beyond, `none` is 0
        left = self.total - np.minimum(as_floats(used), most)
        return nested_distribution(
            hypergeometric(left, self.relevant, batch), self.groups, finite=True
        )

    def deviations(self, law: NestedDistribution, when_empty: ArrayLike) -> Floats:
        """Metric of each outcome minus its true value, (p, n0, n1, ...).

        `when_empty`, single or (p, 1), where it is 0/0.
        """
        values, _ = self._deviations(law)
        empty = expand_dims(law.number == 0, values)
        return np.where(empty, expand_dims(np.atleast_2d(when_empty), values), values)

    def curvature(self, law: NestedDistribution) -> Floats:
        """Mean deviation given the number of relevant samples: (p, n0), 0 where there are none.

        What is linear in the groups' shares has mean 0 and is left out beforehand; the rest is of
        second order and, for F1, of one sign, so that no digits cancel.
        """
        values, bottom = self._deviations(law)
        usual = law.number * (dot(self.bottom, self.groups) / self.relevant)
        values *= np.subtract(expand_dims(usual, values), bottom, out=bottom)
        return safe_divide(law.given_number(values), usual)

    def _deviations(self, law: NestedDistribution) -> tuple[Floats, Floats]:
        """Metric minus its true value, and its denominator; 0 and 1 where it is 0/0."""
        counts = law.counts()
        pairs = zip(self.top, self.bottom, strict=True)
        # (metric - true) x denominator: linear, of mean 0
        weights = [expand_dims(top - self.true * bottom, counts[-1]) for top, bottom in pairs]
        excess, bottom = dot(weights, counts), dot(self.bottom, counts)
        bottom += expand_dims(law.number == 0, bottom)
        return excess / bottom, bottom

    def mean_curvature(self, law: NestedDistribution) -> Floats:
        """Mean of `curvature` over the law of each batch: shape (p, u)."""
        return law.over_number(self.curvature(law))


class Cut(NamedTuple):
    """How an epoch is cut: `full` batches of `size`, and one of `rest` unless that is 0.

    `full` and `rest` are single or (p, 1); in a set of pools none or each has a rest.
    """

    size: int
    full: Any
    rest: Any
    size_weighted: bool
    zero_division: float

    def of(self, rows: NDArray[np.intp]) -> Cut:
        """That of some of the pools."""
        return self._replace(full=self.full[rows], rest=self.rest[rows])

    @property
    def ragged(self) -> bool:
        """Whether the last batch is short."""
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
        """Weight of the short batch in terms of a full one's."""
        return self.rest / self.size if self.size_weighted else 1.0

    @property
    def sizes(self) -> Floats:
        """The sizes of batches there are, (p, u): that of the full ones, then the rest if any."""
        full = np.full_like(self.rest, self.size)
        return np.concatenate([full, self.rest] if self.ragged else [full], axis=-1)

    @property
    def shares(self) -> Floats:
        """How much the batches of these sizes weigh together, (p, u)."""
        share = self.full * self.weight
        return np.concatenate([share, 1 - share], axis=-1) if self.ragged else np.ones_like(share)


class Epoch:
    """Pools and how they are cut."""

    def __init__(self, pool: Pool, cut: Cut) -> None:
        self.pool, self.cut = pool, cut

    @cached_property
    def distribution(self) -> NestedDistribution:
        """The law of the batches of `cut.sizes`."""
        return self.pool.distribution(self.cut.sizes)


def expand_dims(column: NDArray[Any], values: Floats) -> NDArray[Any]:
    """What is (p, k), shaped to go with values (p, k, ...) or, for k = 1, (p, n0, ...)."""
    return column.reshape(column.shape + (1,) * (values.ndim - column.ndim))


def checked_counts(counts: Counts) -> Counts:
    """The counts of pools as int64 arrays of one shape.

    Raises `InputError` unless they are whole numbers >= 0 that add up to 1 .. 2**53 in each pool.
    """
    whole = checked(counts)
    good = (whole.n >= 1) & (whole.n <= checks.MAX_INTEGER)
    if not good.all():
        raise_input_error("tp + fp + fn + tn", "must lie in 1 .. 2**53", whole.n[~good][0].item())
    return whole


def checked_pool(counts: Counts, metric: Ratio) -> Pool | None:
    """The pool of four single counts, None where the metric is 0/0.

    Raises `InputError` as `checked_counts`, and for another metric.
    """
    check_ratio(metric)
    whole = checked(counts)
    for name, given in zip(Counts._fields, counts, strict=True):
        checks.check_argument(np.ndim(given) == 0, name, "must be a single number", given)
    whole = checked_counts(whole)
    pool = grouped(whole.n, whole, metric)
    return pool if pool.groups else None


def checked_cut(total: ArrayLike, batch_size: int, averaging: str, zero_division: float) -> Cut:
    """The cut of `total` samples, those of each pool.

    Raises `InputError` for a size outside 1 .. N or another rule.
    """
    size, total = checks.check_integer("batch_size", batch_size), as_floats(total)
    least = total.min(initial=np.inf)
    check(size <= least, "batch_size", f"must be at most the number of samples, {least:.0f}", size)
    check_averaging(averaging)
    undefined = checks.zero_division(zero_division)
    full, rest = np.divmod(total.reshape(-1, 1), size)
    return Cut(size, full, rest, averaging == "size_weighted", undefined)


def grouped(total: ArrayLike, counts: Sequence[ArrayLike], metric: Ratio) -> Pool:
    """The pools of these counts: those of the same weights become one group.

    Idle counts get none, nor do those that are 0 in every pool.
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


def parts_of_error(epoch: Epoch) -> tuple[Floats, Floats]:
    """The two parts of the expected error of the mean over batches, (p, 1) each."""
    pool, cut = epoch.pool, epoch.cut
    if np.isnan(cut.zero_division):
        return np.zeros_like(pool.total), _first_non_empty(pool, cut)
    empty = empty_batch_error(pool, cut.sizes, cut.zero_division)
    curved = pool.mean_curvature(epoch.distribution)
    both = (np.asarray((cut.shares * part).sum(-1, keepdims=True)) for part in (empty, curved))
    return next(both), next(both)


def empty_batch_error(pool: Pool, size: ArrayLike, zero_division: float) -> Floats:
    """The part of the expected error of one batch that it owes to being empty, (p, u)."""
    return np.asarray(pool.none(size) * (zero_division - pool.true) + 0.0)  # no -0.0


def empty_terms(pool: Pool, cut: Cut) -> Floats:
    """How many full batches can be empty before a non-empty one, with any probability: (p, 1)."""
    log_empty = log_prob_zero(pool.total, pool.relevant, cut.size)
    return np.asarray(
        np.minimum(cut.full - 1, MAX_NEGATIVE_LOG // np.maximum(-log_empty, 1e-15)) + 1
    )


def prob_short_batch_after(cut: Cut, passed: Floats) -> Floats:
    """Probability that the short batch comes after `passed` full ones in the random order.

    The order is that of a race in which the short batch has `cut.rate` times the speed of the
    others, which makes each the first of any set with probability proportional to its weight.
    """
    rate = cut.rate

    def log_rise(x: ArrayLike) -> Floats:  # log of Gamma(x + 1 + rate) / Gamma(x + 1)
        x = as_floats(x)
        grown = xlog1py(x, rate / np.maximum(x, TINY)) + rate * np.log(x + rate) - rate
        return np.asarray(grown + stirling_remainder(x + rate) - stirling_remainder(x))

    return np.asarray(np.exp(log_rise(cut.full - passed) - log_rise(cut.full)))


def prob_short_batch_next(cut: Cut, passed: Floats) -> Floats:
    """Probability that the short batch comes right after `passed` full ones."""
    return np.asarray(
        prob_short_batch_after(cut, passed) * cut.rate / (cut.full - passed + cut.rate)
    )


def _first_non_empty(pool: Pool, cut: Cut) -> Floats:
    """Expected error of the mean over the batches that are not empty, (p, 1).

    Given which these are, it is that of one of them, chosen with probability proportional to its
    weight; so put all batches in random order and take the first that is not empty.
    """

    def leads(batch: Any, used: Floats) -> Floats:
        return pool.none(used) * pool.mean_curvature(pool.distribution(batch, used))

    empty, weight = sum_rules(empty_terms(pool, cut))
    ahead = leads(cut.size, empty * cut.size)
    if not cut.ragged:
        return inner_product(weight, ahead)[:, None]
    waits = prob_short_batch_after(cut, empty + 1)
    behind = leads(cut.size, empty * cut.size + cut.rest)
    total = inner_product(weight, waits * ahead + (1 - waits) * behind)
    empty, weight = sum_rules(empty_terms(pool, cut) + 1)
    last = prob_short_batch_next(cut, empty) * leads(cut.rest, empty * cut.size)
    return np.asarray(total + inner_product(weight, last))[:, None]
