"""Limits of the expected batch mean of F1 for large data, and for rare positives.

Derivations: `docs/theory.md`, section 7.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.counts import Floats
from batchf1.metrics.flat_labels import Labels, Written, check_labels
from batchf1.metrics.ratios import F1, Ratio, check_ratio
from batchf1.theory.distributions import binomial, poisson
from batchf1.theory.flat_labels import check_flat, flat_pool, has_poles
from batchf1.theory.nested import NestedDistribution, nested_distribution
from batchf1.theory.pool import Pool, grouped

MIN_PREVALENCE = 1e-15
"""Smallest rate of positives in the limits: no data set within 2**53 samples has a smaller."""


class Limit(NamedTuple):
    """Result of the limits; `f1` in a name stands for the metric that was asked for.

    Attributes
    ----------
    true_f1, expected_f1, error, error_empty, error_curvature : float
        As in `batchf1.theory.expectation.Expectation`.
    sd_batch : float
        sqrt(m) times the standard deviation of the mean over m batches.
    per_sample : float
        With N samples in whole batches the expectation is
        `expected_f1` + `per_sample` / N + O(1/N^2). NaN from `rare_positives`.
    """

    true_f1: float
    expected_f1: float
    sd_batch: float
    error: float
    error_empty: float
    error_curvature: float
    per_sample: float


def large_data(
    prevalence: float,
    precision: float,
    recall: float,
    batch_size: int,
    zero_division: float = 0.0,
    metric: Ratio = F1,
    labels: Labels = "column",
    written: Written = "margins",
) -> Limit:
    """Compute the limit N -> infinity at fixed prevalence, precision, recall and batch size.

    Parameters
    ----------
    prevalence : float
        In [1e-15, 1].
    precision, recall : float
        In (0, 1].
    batch_size : int
        At least 1.
    zero_division : {0, 1, NaN}
        Value of a batch in which the metric is 0/0; NaN leaves the batch out.
    metric : Ratio
        The metric, F1 by default.
    labels, written
        As in `batchf1.theory.expectation.expect`.

    Returns
    -------
    Limit

    Raises
    ------
    InputError
        For rates outside these ranges, a precision that this prevalence and recall leave no
        negatives for, and another batch size, `zero_division`, metric, `labels` or `written`, as
        `expect` does.

    Notes
    -----
    A batch is then a multinomial draw. Source: `docs/theory.md`, section 7.
    """
    good = MIN_PREVALENCE <= checks.real(prevalence) <= 1
    checks.check_argument(good, "prevalence", f"must lie in [{MIN_PREVALENCE}, 1]", prevalence)
    tp, fp, fn = (prevalence * part for part in _per_positive(precision, recall))
    spare = 1 - prevalence - fp
    check(
        spare > -1e-12,
        "precision",
        "cannot be so low: it needs more negatives than there are",
        precision,
    )
    zero_division = checks.zero_division(zero_division)
    check_ratio(metric)
    batch_size = checks.check_integer("batch_size", batch_size)
    shares = (tp, fp, fn, max(spare, 0.0))
    pool = _pool(1.0, shares, metric, labels, written, zero_division)
    if not any(part for part, weight in zip(shares, metric.bottom, strict=True) if weight > 0):
        none = 0.0 * zero_division  # each batch is 0/0, as the whole is
        return Limit(zero_division, zero_division, none, none, none, none, none)
    share, defining = (min(part.item(), 1.0) for part in (pool.relevant, pool.defining))
    first, size = binomial([[share]], batch_size), np.full((1, 1), float(batch_size))
    distribution = nested_distribution(first, pool.groups, finite=False, batch=size)
    log_empty = batch_size * float(np.log1p(-defining)) if defining < 1 else -np.inf
    limit = _limit(pool, distribution, log_empty, zero_division)
    rate = _rate(pool, distribution, log_empty, batch_size, limit.error, zero_division)
    return limit._replace(per_sample=rate)


def rare_positives(
    positives_per_batch: float,
    precision: float,
    recall: float,
    zero_division: float = 0.0,
    metric: Ratio = F1,
    labels: Labels = "column",
) -> Limit:
    """Compute the limit of large data with rare positives.

    N -> infinity and prevalence -> 0, while batch size x prevalence = `positives_per_batch`.

    Parameters
    ----------
    positives_per_batch : float
        Expected number of positives in a batch, finite and at least 1e-15.
    precision, recall : float
        In (0, 1].
    zero_division : {0, 1, NaN}
        Value of a batch in which the metric is 0/0; NaN leaves the batch out.
    metric : Ratio
        The metric, F1 by default; true negatives must have no weight.
    labels : {"column", "flat"}
        As in `batchf1.theory.expectation.expect`; the function is written by margins, as the value
        by cells is divided by the size of the batch.

    Returns
    -------
    Limit

    Raises
    ------
    InputError
        For rates outside these ranges, a metric that counts true negatives, and another
        `zero_division`, metric or `labels`, as `expect` does.

    Notes
    -----
    The counts of a batch are then independent Poisson numbers. Source: `docs/theory.md`, section 7.
    """
    good = MIN_PREVALENCE <= checks.real(positives_per_batch) < np.inf
    rule = f"must be at least {MIN_PREVALENCE} and finite"
    checks.check_argument(good, "positives_per_batch", rule, positives_per_batch)
    zero_division = checks.zero_division(zero_division)
    check_ratio(metric)
    check(metric.bottom[3] == 0, "metric", "must not count true negatives here", metric[:2])
    counts = [positives_per_batch * part for part in _per_positive(precision, recall)]
    pool = _pool(np.inf, (*counts, 0.0), metric, labels, "margins", zero_division)
    first, size = poisson(pool.relevant), np.full((1, 1), np.inf)
    distribution = nested_distribution(first, pool.groups, finite=False, batch=size)
    return _limit(pool, distribution, -pool.defining.item(), zero_division)


def _pool(
    total: float,
    counts: tuple[float, ...],
    metric: Ratio,
    labels: Labels,
    written: Written,
    zero_division: float,
) -> Pool:
    """Return the pool of shares or expected numbers, without groups that are empty."""
    check_labels(labels)
    if labels == "column":
        return grouped(total, counts, metric)
    check_flat(metric, written, zero_division)
    infinite = has_poles(metric, written)
    check(not infinite, "metric", "must be finite in every batch by margins", metric.name)
    return flat_pool(total, counts, metric, written, zero_division).of(np.zeros(1, np.intp))


def _per_positive(precision: float, recall: float) -> tuple[float, float, float]:
    """Return true positives, false positives and false negatives per positive."""
    precision, recall = (
        checks.check_fraction("precision", precision),
        checks.check_fraction("recall", recall),
    )
    return recall, recall * (1 - precision) / precision, 1 - recall


def _limit(
    pool: Pool, distribution: NestedDistribution, log_empty: float, zero_division: float
) -> Limit:
    """Return the limit; `log_empty` is the log of the probability that a batch is empty."""
    skip, true = np.isnan(zero_division), pool.true.item()
    non_empty = -float(np.expm1(log_empty)) if skip else 1.0
    empty = 0.0 if skip else float(np.exp(log_empty)) * (zero_division - true) + 0.0
    curved = pool.mean_curvature(distribution).item() / non_empty
    error = empty + curved
    # The counts of all batches add up to those of the pool: what is linear in them does not move.
    _, beyond = distribution.coefficients(
        _around(pool, distribution, error, zero_division), 1, lambda *_: False
    )
    sd = np.sqrt(beyond.item()) / non_empty
    return Limit(true, true + error, float(sd), error, empty, curved, np.nan)


def _around(
    pool: Pool, distribution: NestedDistribution, error: float, zero_division: float
) -> Floats:
    """Return the value of a batch minus its expectation; 0 for a batch that is left out."""
    when_empty = error if np.isnan(zero_division) else zero_division - pool.true
    return pool.deviations(distribution, when_empty) - error


def _rate(
    pool: Pool,
    distribution: NestedDistribution,
    log_empty: float,
    batch: int,
    error: float,
    zero_division: float,
) -> float:
    """Return c in: expectation of N samples in whole batches = limit + c / N + O(1/N^2).

    To first order drawing without replacement multiplies the probability of counts k_i with shares
    p_i by 1 + (B (B - 1) - sum k_i (k_i - 1) / p_i) / 2N.
    """
    groups = [group.item() for group in pool.groups]
    others = 1 - pool.relevant.item()  # where all samples have a group it is rounding
    shares = [*groups, others if others > 1e-15 or len(groups) < 4 else 0.0]
    moved = [k - batch * p for k, p in zip(distribution.counts(), groups, strict=True)]
    more = sum(moved[1:], moved[0])
    # in terms of d_i = k_i - B p_i, where nothing of size B^2 has to cancel
    cells = zip([*moved, -more], shares, strict=True)
    fewer = sum(d * (d - 1) / p - batch for d, p in cells if p > 0)
    values = _around(pool, distribution, error, zero_division)
    rate = -distribution.mean(values * (fewer + batch)).item() / 2
    if not np.isnan(zero_division) or log_empty == -np.inf:
        return rate
    # Each empty batch before the first that is not leaves a denser pool.
    empty, non_empty = float(np.exp(log_empty)), -float(np.expm1(log_empty))
    defining = [d for d, weight in zip(moved, pool.bottom, strict=True) if weight > 0]
    slope = distribution.mean(values * sum(defining[1:], defining[0])).item()
    return rate / non_empty + batch * empty * slope / non_empty**2 / (1 - pool.defining.item())
