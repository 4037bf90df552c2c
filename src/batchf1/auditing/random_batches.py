"""Mean over batches on random partitions of the same samples, exact or estimated."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from batchf1.auditing.averages import ROUNDING, mean
from batchf1.auditing.counted import CountMetric, MultilabelCountMetric, PerBatch
from batchf1.auditing.samples import Measure
from batchf1.metrics.counts import Floats
from batchf1.theory.expectation import expect

CUT_ROWS, CUT_CALLS, LEAST = 50_000_000, 20_000, 5
"""Limits of rows and of function calls over all random partitions, and their least number."""
FEW = 3
"""Random partitions on which a metric must be additive, too."""
Additive = bool | None
"""Whether a metric is additive; None if undecided."""


class RandomBatches(NamedTuple):
    """Mean and standard deviation, over random partitions, of the mean over batches.

    `additive`: whether the mean weighted by size is the metric of all samples, on these batches and
    on random ones; None where that holds for any metric, since all batches of each partition have
    one value, and where the metric of all samples is not finite. `cuts`: number of random
    partitions tried for `expected` or `sd`; 0 where both are exact.
    """

    expected: float
    sd: float
    additive: Additive
    cuts: int


def on_random_batches(
    measure: Measure, each: PerBatch, pooled: float, cuts: int, seed: int
) -> RandomBatches:
    """Partition the samples at random into batches of the same sizes; means leave out NaN."""
    rng = np.random.default_rng(seed)
    first = _is_additive(measure, each, pooled)
    expected, sd = _exact(measure)
    if len(measure.sizes) == 1:
        return RandomBatches(pooled, 0.0, _additive(_halved(measure), pooled, rng, first), 0)
    if not math.isnan(sd):
        return RandomBatches(expected, sd, _additive(measure, pooled, rng, first), 0)
    means, answers, n_cuts = [], [first], min(cuts, _affordable(measure))
    for _ in range(n_cuts):
        other = measure.shuffled(rng)
        values = other.per_batch()
        means.append(mean(values.values))
        answers.append(_is_additive(other, values, pooled))
    defined = np.array(means)[~np.isnan(means)]
    estimate = mean(defined) if math.isnan(expected) else expected
    return RandomBatches(estimate, _sd(defined), _combined(answers), n_cuts)


def _affordable(measure: Measure) -> int:
    rows, batches = len(measure.true), len(measure.sizes)
    by_calls = CUT_ROWS if isinstance(measure, CountMetric) else CUT_CALLS // batches
    return max(LEAST, min(CUT_ROWS // rows, by_calls))


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else math.nan


def _exact(measure: Measure) -> tuple[float, float]:
    """Compute the exact expectation and standard deviation; NaN where there is no formula."""
    sizes = measure.sizes
    regular = bool((sizes[:-1] == sizes[0]).all() and sizes[-1] <= sizes[0])
    if not isinstance(measure, CountMetric) or not regular or len(sizes) == 1:
        return math.nan, math.nan
    if (
        isinstance(measure, MultilabelCountMetric)
        and getattr(measure.metric, "average", "") != "macro"
    ):
        return (
            math.nan,
            math.nan,
        )  # needs how often classes occur together, which counts do not hold
    exact = expect(measure.counts(), int(sizes[0]), metric=measure.metric)
    return float(exact.expected_f1), float(exact.sd)


def _additive(
    measure: Measure, pooled: float, rng: np.random.Generator, first: Additive
) -> Additive:
    """Combine the answer of these batches, `first`, with those of a few random partitions."""
    if first is False:
        return False
    others = (measure.shuffled(rng) for _ in range(FEW))
    return _combined([first, *(_is_additive(other, other.per_batch(), pooled) for other in others)])


def _is_additive(measure: Measure, each: PerBatch, pooled: float) -> Additive:
    """Return True if the mean weighted by size is the metric of all samples, within rounding."""
    if not math.isfinite(pooled):
        return None
    weighted = float(np.average(each.values, weights=measure.sizes))
    rounding = ROUNDING * max(abs(pooled), float(np.abs(each.values).mean()))
    if not (math.isfinite(weighted) and abs(weighted - pooled) <= rounding):
        return False
    return None if np.ptp(each.values) <= rounding else True


def _combined(answers: list[Additive]) -> Additive:
    """Return False if any answer is False, else True if any is True, else None."""
    if False in answers:
        return False
    return True if True in answers else None


def _halved(measure: Measure) -> Measure:
    """Split the samples in two batches: a single batch shows nothing about additivity."""
    n = int(measure.sizes.sum())
    return replace(measure, sizes=np.array([n - n // 2, n // 2])) if n > 1 else measure
