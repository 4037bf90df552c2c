"""Expected error of the mean over the batches of a random cut.

Derivations: `docs/theory.md`, sections 2 and 4.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlog1py

from batchf1.metrics.counts import Floats
from batchf1.theory.distributions import (
    MAX_NEGATIVE_LOG,
    TINY,
    as_floats,
    log_prob_zero,
    stirling_remainder,
    sum_rules,
)
from batchf1.theory.nested import NestedDistribution, inner_product
from batchf1.theory.pool import Cut, Pool


class Epoch:
    """Pools and how they are cut."""

    def __init__(self, pool: Pool, cut: Cut) -> None:
        self.pool, self.cut = pool, cut

    @cached_property
    def distribution(self) -> NestedDistribution:
        """The law of the batches of `cut.sizes`."""
        return self.pool.distribution(self.cut.sizes)


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
