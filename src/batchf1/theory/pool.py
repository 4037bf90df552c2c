"""The samples of an epoch, how they are cut, and the expected error of the mean over the batches.

What users hand in is checked here. Derivations: `docs/theory.md`, sections 1, 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlog1py

from batchf1.errors import require
from batchf1.metrics import checks
from batchf1.metrics.averaging import check_averaging
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import Ratio, check_metric, dot, safe_divide
from batchf1.theory.laws import (
    NOTHING,
    TINY,
    Law,
    as_floats,
    hypergeometric,
    log_none,
    nest,
    stirling_remainder,
    sum_rule,
)


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
        left = self.total - np.minimum(as_floats(used), most)
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


def checked_pool(counts: Counts, metric: Ratio) -> Pool:
    """The pool of four single counts.

    Raises `InputError` unless they are whole numbers >= 0 that add up to 1 .. 2**53, and for
    another metric.
    """
    whole = checked(counts)
    for name, given in zip(Counts._fields, counts, strict=True):
        checks.must(np.ndim(given) == 0, name, "is a single number", given)
    cells = [int(part) for part in whole]
    total = sum(cells)
    require(1 <= total <= checks.LARGEST, "tp + fp + fn + tn", "lies in 1 .. 2**53", total)
    check_metric(metric)
    return grouped(total, cells, metric)


def checked_cut(total: float, batch_size: int, averaging: str, zero_division: float) -> Cut:
    """The cut of `total` samples; raises `InputError` for a size outside 1 .. N or another rule."""
    size = checks.whole("batch_size", batch_size)
    require(size <= total, "batch_size", f"is at most the number of samples, {total:.0f}", size)
    check_averaging(averaging)
    undefined = checks.zero_division(zero_division)
    full, rest = divmod(int(total), size)
    return Cut(size, full, rest, averaging == "size_weighted", undefined)


def grouped(total: float, counts: Sequence[float], metric: Ratio) -> Pool:
    """The pool of these counts: those of the same weights become one group, idle ones none."""
    groups: dict[tuple[float, float], float] = {}
    for count, top, bottom in zip(counts, metric.top, metric.bottom, strict=True):
        if bottom > 0 and count > 0:
            groups[top, bottom] = groups.get((top, bottom), 0.0) + count
    weights = list(groups)
    tops, bottoms = tuple(top for top, _ in weights), tuple(bottom for _, bottom in weights)
    return Pool(float(total), tuple(groups.values()), tops, bottoms)


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


def lone_batch(pool: Pool, size: int, zero_division: float) -> tuple[float, float]:
    """Expected error of one batch: what it owes to being empty, and the rest."""
    curved = float(pool.mean_curvature(pool.law(size)))
    return float(pool.none(size)) * (zero_division - pool.true) + 0.0, curved  # no -0.0


def empty_terms(pool: Pool, cut: Cut, extra: int = 0) -> int:
    """How many full batches can be empty before a non-empty one, with any probability."""
    log_empty = float(log_none(pool.total, pool.relevant, cut.size))
    return int(min(cut.full - 1, NOTHING // max(-log_empty, 1e-15))) + 1 + extra


def short_comes_later(cut: Cut, passed: Floats) -> Floats:
    """Probability that the short batch comes after `passed` full ones in the random order.

    The order is that of a race in which the short batch has `cut.rate` times the speed of the
    others, which makes each the first of any set with probability proportional to its weight.
    """
    rate = cut.rate

    def log_rise(x: ArrayLike) -> Floats:  # log of Gamma(x + 1 + rate) / Gamma(x + 1)
        x = as_floats(x)
        grown = xlog1py(x, rate / np.maximum(x, TINY)) + rate * np.log(x + rate) - rate
        return grown + stirling_remainder(x + rate) - stirling_remainder(x)

    return np.exp(log_rise(cut.full - passed) - log_rise(cut.full))


def short_comes_next(cut: Cut, passed: Floats) -> Floats:
    """Probability that the short batch comes right after `passed` full ones."""
    return short_comes_later(cut, passed) * cut.rate / (cut.full - passed + cut.rate)


def _first_non_empty(pool: Pool, cut: Cut) -> float:
    """Expected error of the mean over the batches that are not empty.

    Given which these are, it is that of one of them, chosen with probability proportional to its
    weight; so put all batches in random order and take the first that is not empty.
    """

    def leads(batch: int, used: Floats) -> Floats:
        return pool.none(used) * pool.mean_curvature(pool.law(batch, used))

    empty, weight = sum_rule(empty_terms(pool, cut))
    ahead = leads(cut.size, empty * cut.size)
    if not cut.rest:
        return float((weight * ahead).sum())
    waits = short_comes_later(cut, empty + 1)
    behind = leads(cut.size, empty * cut.size + cut.rest)
    total = (weight * (waits * ahead + (1 - waits) * behind)).sum()
    empty, weight = sum_rule(empty_terms(pool, cut, extra=1))
    return float(
        total + (weight * short_comes_next(cut, empty) * leads(cut.rest, empty * cut.size)).sum()
    )
