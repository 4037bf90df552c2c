"""Expected error of the mean over the batches of a random batching.

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
from batchf1.theory.pool import Batching, Pool


class Epoch:
    """Pools and their division into batches."""

    def __init__(self, pool: Pool, batching: Batching) -> None:
        self.pool, self.batching = pool, batching

    @cached_property
    def distribution(self) -> NestedDistribution:
        """Distribution of the batches of `batching.sizes`."""
        return self.pool.distribution(self.batching.sizes)


def parts_of_error(epoch: Epoch) -> tuple[Floats, Floats]:
    """Return the two parts of the expected error of the mean over batches, (p, 1) each."""
    pool, batching = epoch.pool, epoch.batching
    if np.isnan(batching.zero_division):
        return np.zeros_like(pool.total), _first_non_empty(pool, batching)
    empty = empty_batch_error(pool, batching.sizes, batching.zero_division)
    curved = pool.mean_curvature(epoch.distribution)
    both = (np.asarray((batching.shares * part).sum(-1, keepdims=True)) for part in (empty, curved))
    return next(both), next(both)


def empty_batch_error(pool: Pool, size: ArrayLike, zero_division: float) -> Floats:
    """Return the part of the expected error of one batch that empty batches cause, (p, u)."""
    return np.asarray(pool.none(size) * (zero_division - pool.true) + 0.0)  # no -0.0


def empty_terms(pool: Pool, batching: Batching) -> Floats:
    """Return how many full batches may be empty before one that is not, with any probability.

    Shape (p, 1).
    """
    log_empty = log_prob_zero(pool.total, pool.relevant, batching.size)
    return np.asarray(
        np.minimum(batching.full - 1, MAX_NEGATIVE_LOG // np.maximum(-log_empty, 1e-15)) + 1
    )


def prob_short_batch_after(batching: Batching, passed: Floats) -> Floats:
    """Return the probability that the short batch comes after `passed` full ones at random.

    The order is that of a race in which the short batch has `batching.rate` times the speed of the
    others, which makes each the first of any set with probability proportional to its weight.
    """
    rate = batching.rate

    def log_rise(x: ArrayLike) -> Floats:  # log of Gamma(x + 1 + rate) / Gamma(x + 1)
        x = as_floats(x)
        grown = xlog1py(x, rate / np.maximum(x, TINY)) + rate * np.log(x + rate) - rate
        return np.asarray(grown + stirling_remainder(x + rate) - stirling_remainder(x))

    return np.asarray(np.exp(log_rise(batching.full - passed) - log_rise(batching.full)))


def prob_short_batch_next(batching: Batching, passed: Floats) -> Floats:
    """Return the probability that the short batch comes right after `passed` full ones."""
    return np.asarray(
        prob_short_batch_after(batching, passed)
        * batching.rate
        / (batching.full - passed + batching.rate)
    )


def _first_non_empty(pool: Pool, batching: Batching) -> Floats:
    """Return the expected error of the mean over the batches that are not empty, (p, 1).

    Given which these are, it is that of one of them, chosen with probability proportional to its
    weight; so put all batches in random order and take the first that is not empty.
    """

    def leads(batch: Any, used: Floats) -> Floats:
        return pool.none(used) * pool.mean_curvature(pool.distribution(batch, used))

    empty, weight = sum_rules(empty_terms(pool, batching))
    ahead = leads(batching.size, empty * batching.size)
    if not batching.ragged:
        return inner_product(weight, ahead)[:, None]
    waits = prob_short_batch_after(batching, empty + 1)
    behind = leads(batching.size, empty * batching.size + batching.rest)
    total = inner_product(weight, waits * ahead + (1 - waits) * behind)
    empty, weight = sum_rules(empty_terms(pool, batching) + 1)
    last = prob_short_batch_next(batching, empty) * leads(batching.rest, empty * batching.size)
    return np.asarray(total + inner_product(weight, last))[:, None]
