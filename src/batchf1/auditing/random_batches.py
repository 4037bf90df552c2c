"""What the mean over batches is on random cuts of the same samples."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from batchf1.auditing.averages import ROUNDING, mean
from batchf1.auditing.counted import CountedLabels, CountMetric, PerBatch
from batchf1.auditing.samples import FunctionMetric, Measure
from batchf1.metrics.counts import Floats
from batchf1.theory.expectation import expect

CUT_ROWS, CUT_CALLS, LEAST = 50_000_000, 20_000, 5
"""At most so many rows, and calls of a function, are cut anew, but so many cuts are made."""
FEW = 3
"""Random cuts on which a metric has to be additive, too."""
Verdict = bool | None
"""Whether a metric is additive; None where it cannot be decided."""


class RandomCuts(NamedTuple):
    """Mean and standard deviation of the mean over batches on random cuts, each batch once.

    `additive`: whether the mean weighted by size is the metric of all samples, on this cut and on
    random ones; None where that holds for any metric, since each cut has one value in all batches,
    and where the metric of all samples is not finite. `cuts`: how many were tried for `expected` or
    `sd`; 0 where both are exact.
    """

    expected: float
    sd: float
    additive: Verdict
    cuts: int


def on_random_cuts(
    measure: Measure, each: PerBatch, pooled: float, cuts: int, seed: int
) -> RandomCuts:
    """The same samples in batches of the same sizes; NaN values are left out of the means."""
    rng = np.random.default_rng(seed)
    first = _verdict(measure, each, pooled)
    expected, sd = _exact(measure)
    if len(measure.sizes) == 1:
        return RandomCuts(pooled, 0.0, _additive(_halved(measure), pooled, rng, first), 0)
    if not math.isnan(sd):
        return RandomCuts(expected, sd, _additive(measure, pooled, rng, first), 0)
    means, verdicts, number = [], [first], min(cuts, _affordable(measure))
    for _ in range(number):
        other = measure.shuffled(rng)
        tried = other.per_batch()
        means.append(mean(tried.values))
        verdicts.append(_verdict(other, tried, pooled))
    known = np.array(means)[~np.isnan(means)]
    estimate = mean(known) if math.isnan(expected) else expected
    return RandomCuts(estimate, _sd(known), _together(verdicts), number)


def _affordable(measure: Measure) -> int:
    rows, batches = len(measure.true), len(measure.sizes)
    by_calls = CUT_CALLS // batches if isinstance(measure, FunctionMetric) else CUT_ROWS
    return max(LEAST, min(CUT_ROWS // rows, by_calls))


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else math.nan


def _exact(measure: Measure) -> tuple[float, float]:
    """Expectation and standard deviation, NaN as far as no theory knows them."""
    sizes = measure.sizes
    regular = bool((sizes[:-1] == sizes[0]).all() and sizes[-1] <= sizes[0])
    if not isinstance(measure, CountMetric) or not regular or len(sizes) == 1:
        return math.nan, math.nan
    if isinstance(measure, CountedLabels) and getattr(measure.metric, "average", "") != "macro":
        return math.nan, math.nan  # counts do not tell how the classes of a sample go together
    found = expect(measure.counts(), int(sizes[0]), metric=measure.metric)
    return float(found.expected_f1), float(found.sd)


def _additive(measure: Measure, pooled: float, rng: np.random.Generator, first: Verdict) -> Verdict:
    """The verdict of this cut, `first`, and of a few random ones."""
    if first is False:
        return False
    others = (measure.shuffled(rng) for _ in range(FEW))
    return _together([first, *(_verdict(other, other.per_batch(), pooled) for other in others)])


def _verdict(measure: Measure, each: PerBatch, pooled: float) -> Verdict:
    """Whether the mean by size is the metric of all samples on a cut, within rounding."""
    if not math.isfinite(pooled):
        return None
    weighted = float(np.average(each.values, weights=measure.sizes))
    rounding = ROUNDING * max(abs(pooled), float(np.abs(each.values).mean()))
    if not (math.isfinite(weighted) and abs(weighted - pooled) <= rounding):
        return False
    return None if np.ptp(each.values) <= rounding else True


def _together(verdicts: list[Verdict]) -> Verdict:
    """False if one cut shows that a metric is not additive, True if the others show that it is."""
    if False in verdicts:
        return False
    return True if True in verdicts else None


def _halved(measure: Measure) -> Measure:
    """In two batches, where one says nothing."""
    n = int(measure.sizes.sum())
    return replace(measure, sizes=np.array([n - n // 2, n // 2])) if n > 1 else measure
