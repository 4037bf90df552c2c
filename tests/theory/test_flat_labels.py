"""Expectation and spread with labels of shape (n,): every order of few samples, and random ones."""

import math
from operator import mul

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchf1.metrics.averaging import average
from batchf1.metrics.counts import Counts
from batchf1.metrics.flat_labels import flat_value
from batchf1.metrics.ratios import F1, ClassAveraged
from batchf1.theory.expectation import expect, expected_f1
from helpers.brute_force import CONVENTIONS, METRICS, RULES, arrangements
from helpers.invalid_inputs import refused

POOLS = [(2, 1, 1, 2), (0, 2, 2, 3), (3, 1, 0, 3), (1, 2, 1, 0), (0, 0, 2, 5)]
WAYS = [
    *((name, "margins") for name in ("f1", "f2", "f0.5", "precision", "recall")),
    *((name, "cells") for name in ("f1", "f2", "precision", "recall", "jaccard", "accuracy")),
    ("specificity", "cells"),
]


def logged(order, size, averaging, metric, written, undefined):
    """The log of an epoch, from the sums of each batch over its pairs or of its margins."""
    total = weights = 0.0
    for start in range(0, len(order), size):
        kinds = order[start : start + size]
        n, positives = len(kinds), sum(kind in (0, 2) for kind in kinds)
        predicted = sum(kind in (0, 1) for kind in kinds)
        tp = positives * predicted
        if written == "cells":
            rest = (n - positives) * (n - predicted)
            parts = (tp, n * predicted - tp, n * positives - tp, rest)
        else:
            parts = (tp, predicted - tp, positives - tp, 0)
        top, bottom = (sum(map(mul, part, parts)) for part in (metric.top, metric.bottom))
        value = top / bottom if bottom else undefined
        if not math.isnan(value):
            weight = n if averaging == "size_weighted" else 1
            total, weights = total + weight * value, weights + weight
    return total / weights if weights else math.nan


@pytest.mark.parametrize("undefined", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize(("name", "written"), WAYS)
def test_every_order_of_few_samples(name, written, averaging, undefined):
    metric = METRICS[name]
    if math.isnan(undefined) and name in ("precision", "recall", "specificity"):
        pytest.skip("refused")
    for counts in POOLS:
        for size in (1, 3, 4, sum(counts)):
            if size > sum(counts):
                continue
            logs = [
                logged(order, size, averaging, metric, written, undefined)
                for order in arrangements(counts)
            ]
            answer = expect(Counts(*counts), size, averaging, undefined, metric, "flat", written)
            case = (counts, size)
            assert answer.expected_f1 == pytest.approx(np.mean(logs), abs=1e-12), case
            # a variance is a difference of squares, in the reference too
            assert answer.sd**2 == pytest.approx(np.var(logs), abs=1e-12), case
            assert answer.error_empty + answer.error_curvature == pytest.approx(answer.error)


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any), st.sampled_from(["margins", "cells"]))
def test_one_batch_has_the_value_of_its_margins(counts, written):
    counts = Counts(*counts)
    answer = expect(counts, counts.n, labels="flat", written=written)
    assert answer.expected_f1 == pytest.approx(float(flat_value(counts, F1, written)))
    assert answer.sd == 0


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any), st.integers(1, 40))
@settings(max_examples=20)
def test_the_expectation_alone_is_that_of_expect(counts, size):
    counts = Counts(*counts)
    size = min(size, counts.n)
    alone = expected_f1(counts, size, labels="flat")
    assert alone == pytest.approx(expect(counts, size, labels="flat").expected_f1, abs=1e-15)


@pytest.mark.parametrize("written", ["margins", "cells"])
@pytest.mark.parametrize("size", [32, 300])
def test_random_batches_of_many_samples(size, written):
    counts, rng = Counts(80, 60, 40, 1020), np.random.default_rng(0)
    kinds, logs = np.repeat(np.arange(4), counts), []
    edges = np.arange(0, counts.n, size)
    sizes = np.diff([*edges, counts.n])
    for _ in range(4000):
        mixed = rng.permutation(kinds)
        of_batches = Counts(*(np.add.reduceat((mixed == k).astype(int), edges) for k in range(4)))
        logs.append(float(average(flat_value(of_batches, F1, written), sizes, "per_batch")))
    answer = expect(counts, size, labels="flat", written=written)
    assert abs(np.mean(logs) - answer.expected_f1) < 4.5 * answer.sd / math.sqrt(len(logs))
    assert np.std(logs) == pytest.approx(answer.sd, rel=0.05)


def test_several_pools_and_the_interval():
    pools = Counts(tp=[160, 0, 3], fp=[40, 200, 0], fn=[40, 200, 0], tn=[9760, 9600, 0])
    together = expect(pools, 3, labels="flat")
    for i, one in enumerate(zip(*pools, strict=True)):
        alone = expect(Counts(*one), 3, labels="flat")
        assert together.expected_f1[i] == pytest.approx(alone.expected_f1)
        assert together.sd[i] == pytest.approx(alone.sd)
    assert together.expected_f1[2] == together.interval95[1][2] == 3.0  # above 1, and not cut off
    assert expect(Counts(0, 0, 0, 9), 4, zero_division=1, labels="flat").expected_f1 == 1
    assert (
        expect(
            Counts(0, 0, 0, 9), 4, labels="flat", metric=METRICS["accuracy"], written="cells"
        ).true_f1
        == 1
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": "row"}, "labels must be one of ('column', 'flat'); got row"),
        ({"written": "x"}, "written must be one of ('margins', 'cells'); got x"),
        (
            {"metric": METRICS["jaccard"]},
            "written must be cells for jaccard: by margins its denominator is 0 in some batches; "
            "got margins",
        ),
        (
            {"metric": METRICS["recall"], "zero_division": math.nan},
            "zero_division must be 0 or 1 for recall and labels of shape (n,); got nan",
        ),
        (
            {"metric": ClassAveraged(F1, "micro")},
            "metric must be a Ratio, of one class, here; got f1_micro, over classes",
        ),
    ],
)
def test_what_has_no_expectation_is_refused(options, said):
    counts = Counts(1, 1, 1, 1)
    if isinstance(options.get("metric"), ClassAveraged):
        counts = Counts([1, 1], [1, 2], [1, 2], [2, 0])
    refused(said, expect, counts, 2, **({"labels": "flat"} | options))
