"""The expected batch mean over classes, against every order of small pools and many cuts of one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.factories import f_beta, jaccard, precision, recall
from batchf1.metrics.ratios import ACCURACY, ClassAveraged, Ratio
from batchf1.theory.classes import parts
from batchf1.theory.expectation import covariance_identity, expect, expected_f1
from batchf1.theory.limits import large_data
from batchf1.theory.pool import checked_batching
from batchf1.theory.preference import compare as preference_compare
from batchf1.theory.search import smallest_batch
from helpers.brute_force import CONVENTIONS, RULES
from helpers.classes import counts_of, every_mean, kind
from helpers.invalid_inputs import refused
from helpers.slow import one_in

RATIOS = {"f1": f_beta, "f2": f_beta, "precision": precision, "recall": recall, "jaccard": jaccard}
SPECIFICITY = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")
MARKEDNESS = Ratio((3, 0, 1, 0), (3, 1, 2, 1), "odd")


def metric_of(name, over):
    more = {"f1": (1,), "f2": (2,)}.get(name, ())
    return RATIOS[name](*more, average=over)


def confused(classes, **numbers):
    """A pool of samples by label and prediction: `_02=3` are three of class 0 taken for 2."""
    return {kind(int(k[1]), int(k[2]), classes): number for k, number in numbers.items()}


POOLS = {
    "three": confused(3, _00=2, _01=1, _11=1, _12=1, _22=1, _20=1),
    "rare": confused(3, _00=5, _11=1, _02=1),
    "two": confused(2, _00=3, _01=2, _10=1, _11=1),
    "an absent one": confused(4, _00=3, _02=2, _12=1, _22=1),
    "all wrong": confused(3, _01=3, _12=2),
    "one alone": confused(2, _00=4),
}
LABELS = {
    "many": {(0, 1, 3): 2, (0, 0, 2): 1, (3, 3, 3): 2, (2, 3, 3): 1},
    "nested": {(0, 0): 2, (1, 0): 1, (3, 2): 1, (3, 3): 2},
}
"""Samples of any number of classes."""


OVER = ["micro", "macro", "weighted"]


@pytest.mark.parametrize(("pool", "over", "name"), one_in(7, POOLS, OVER, RATIOS))
def test_the_expectation_is_the_mean_over_all_orders(pool, over, name):
    samples, metric = POOLS[pool], metric_of(name, over)
    counts, n = counts_of(samples), sum(samples.values())
    for zero_division in CONVENTIONS:
        if math.isnan(zero_division) and (over == "macro" or metric.name == "precision_weighted"):
            continue
        for size, averaging in zip((1, 2, 3, n), RULES * 2, strict=True):
            found = expect(counts, size, averaging, zero_division, metric)
            every = every_mean(samples, size, averaging, zero_division, metric)
            compare(found, every, counts, metric, zero_division)
            again = expected_f1(counts, size, averaging, zero_division, metric)
            assert again == pytest.approx(found.expected_f1, abs=1e-15)


def compare(found, every, counts, metric, zero_division):
    assert found.expected_f1 == pytest.approx(every.mean(), abs=1e-12)
    assert found.true_f1 == pytest.approx(float(metric(counts, zero_division)), abs=1e-15)
    assert found.error == pytest.approx(found.expected_f1 - found.true_f1, abs=1e-15)
    assert found.error == pytest.approx(found.error_empty + found.error_curvature, abs=1e-15)
    if metric.average == "micro" or metric.name == "recall_weighted" or found.n_batches == 1:
        assert found.sd == pytest.approx(every.std(), abs=1e-7)
    else:
        assert math.isnan(found.sd)
        assert np.isnan(found.interval95).all()


OTHERS = [SPECIFICITY, MARKEDNESS, ACCURACY]


@pytest.mark.parametrize(
    ("pool", "over", "ratio"), one_in(4, ["three", "two", "an absent one"], OVER, OTHERS)
)
def test_any_ratio_may_be_averaged(pool, over, ratio):
    samples, metric = POOLS[pool], ClassAveraged(ratio, over)
    for size in (2, 3):
        found = expect(counts_of(samples), size, metric=metric)
        every = every_mean(samples, size, "per_batch", 0.0, metric)
        compare(found, every, counts_of(samples), metric, 0.0)


@pytest.mark.parametrize("pool", LABELS)
@pytest.mark.parametrize("name", RATIOS)
@pytest.mark.parametrize("zero_division", [0.0, 1.0])
def test_macro_needs_no_joint_law_of_the_labels(pool, name, zero_division):
    samples, metric = LABELS[pool], metric_of(name, "macro")
    for size in (2, 4):
        found = expect(counts_of(samples), size, "size_weighted", zero_division, metric)
        every = every_mean(samples, size, "size_weighted", zero_division, metric)
        assert found.expected_f1 == pytest.approx(every.mean(), abs=1e-12)


CONFUSION = np.array([[700, 60, 20, 10], [40, 200, 10, 0], [5, 9, 20, 2], [3, 0, 4, 14]])


def counts_of_confusion(table):
    tp, labels, decided = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    return as_counts(tp, decided - tp, labels - tp, table.sum() - labels - decided + tp)


def test_weighted_f1_is_unbiased_where_every_class_is_called_as_often_as_it_is_there():
    table = np.array([[50, 7, 3], [6, 20, 4], [4, 3, 5]])
    assert (table.sum(axis=0) == table.sum(axis=1)).all()
    counts = counts_of_confusion(table)
    for size in (2, 7, 50):
        assert expect(counts, size, metric=f_beta(1, "weighted")).error == pytest.approx(
            0, abs=1e-15
        )
        assert expect(counts, size, metric=f_beta(1, "macro")).error < -1e-3


@given(st.tuples(*[st.integers(0, 12)] * 4).filter(any), st.integers(1, 12))
def test_which_way_a_class_moves_a_weighted_mean(cells, size):
    counts = as_counts(*([cell] for cell in cells))
    cut = checked_batching(counts.n, min(size, sum(cells)), "per_batch", 0.0)
    _, empty, f1 = parts(counts, cut, f_beta(1, "weighted"))
    assert empty == 0
    assert f1 * np.sign(cells[1] - cells[2]) >= -1e-15
    assert f1 == pytest.approx(0, abs=1e-15) or cells[1] != cells[2]
    assert parts(counts, cut, jaccard("weighted"))[2] >= -1e-15
    _, empty, curvature = parts(counts, cut, precision("weighted"))
    assert empty <= 0
    assert curvature >= -1e-15


@pytest.mark.parametrize("over", ["micro", "macro", "weighted"])
def test_many_pools_in_one_call_are_each_by_itself(over):
    tables = [CONFUSION, CONFUSION.T, CONFUSION + 3]
    total = max(int(table.sum()) for table in tables)
    tables = [table + np.diag([total - table.sum(), 0, 0, 0]) for table in tables]
    each = [counts_of_confusion(table) for table in tables]
    several = Counts(*np.stack(each, axis=-1))
    metric = f_beta(2, over, 4)
    found = expect(several, 24, metric=metric)
    for at, counts in enumerate(each):
        alone = expect(counts, 24, metric=metric)
        for field, value in alone._asdict().items():
            if field != "interval95":
                assert getattr(found, field)[at] == pytest.approx(value, rel=1e-12, nan_ok=True)
    assert found.n_batches.dtype == np.int64
    assert isinstance(expect(each[0], 24, metric=metric).expected_f1, float)


def test_the_mean_over_a_single_class_is_that_class():
    cells = (5, 2, 3, 11)
    one, alone = (
        expect(Counts(*np.array(cells)[:, None]), 6, metric=MACRO),
        expect(Counts(*cells), 6),
    )
    for field in ("true_f1", "expected_f1", "error", "error_empty", "error_curvature", "n_batches"):
        assert getattr(one, field) == pytest.approx(getattr(alone, field), rel=1e-13)


def test_a_class_that_never_occurs_counts_as_what_0_of_0_is():
    counts = counts_of(POOLS["an absent one"] | {})
    absent = Counts(
        *(np.append(part, more) for part, more in zip(counts, (0, 0, 0, 7), strict=True))
    )
    four, five = (expect(c, 3, metric=f_beta(1, "macro")) for c in (counts, absent))
    assert five.expected_f1 == pytest.approx(0.8 * four.expected_f1)
    one = expect(absent, 3, zero_division=1.0, metric=f_beta(1, "macro"))
    without = expect(counts, 3, zero_division=1.0, metric=f_beta(1, "macro"))
    assert one.expected_f1 == pytest.approx((4 * without.expected_f1 + 1) / 5)


COUNTS = counts_of(POOLS["three"])
MANY = as_counts([2, 2], [1, 0], [0, 1], [3, 3])
NAN = (
    "zero_division must be 0 or 1 for {}: classes that are left out need their joint "
    "distribution; got nan"
)
EACH = (
    "counts must be of samples that have and get one class each for {}, so that "
    "TP + FN and TP + FP of the classes add up to the samples; got {}"
)
ONE = "metric must be a Ratio, of one class, here; got f1_macro, over classes"
MACRO = f_beta(1, "macro")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: expect(COUNTS, 2, zero_division=math.nan, metric=MACRO), NAN.format("f1_macro")),
        (lambda: expect(MANY, 2, metric=f_beta(1, "micro")), EACH.format("f1_micro", "5 of 6")),
        (lambda: smallest_batch(COUNTS, 0.1, metric=MACRO), ONE),
        (lambda: large_data(0.1, 0.9, 0.9, 8, metric=MACRO), ONE),
        (lambda: covariance_identity(COUNTS, metric=MACRO), ONE),
        (lambda: preference_compare((0.9, 0.6), (0.3, 0.9), 0.01, 32, metric=MACRO), ONE),
    ],
)
def test_what_counts_of_classes_do_not_tell_is_refused(call, said):
    refused(said, call)
