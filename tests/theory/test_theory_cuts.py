"""Random and stratified cuts: against enumeration, and the sign of what stratification does."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.ratios import F1
from batchf1.theory import cuts
from batchf1.theory.cuts import random_cut, stratified_cut
from batchf1.theory.expectation import covariance_identity, expect
from helpers.brute_force import arrangements

POOLS = [(2, 1, 1, 3), (1, 2, 1, 2), (0, 1, 2, 3), (3, 0, 0, 4), (1, 3, 0, 2)]


def f1(cells, zero_division):
    tp, fp, fn = (cells.count(cell) for cell in range(3))
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else zero_division


def batches(order, sizes):
    ends = np.cumsum(sizes)
    return [order[end - size : end] for size, end in zip(sizes, ends, strict=True)]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("zero_division", [0, 1])
def test_a_random_cut_into_any_sizes_is_the_mean_over_all_orders(pool, zero_division):
    n = sum(pool)
    for sizes in ([1, 2, n - 3], [n], [2, 2, n - 4]):
        means = [
            np.mean([f1(part, zero_division) for part in batches(order, sizes)])
            for order in arrangements(pool)
        ]
        found = random_cut(Counts(*pool), sizes, zero_division)
        assert found == pytest.approx(np.mean(means), abs=1e-12)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("zero_division", [0, 1])
def test_a_stratified_cut_is_the_mean_over_the_orders_that_have_such_batches(pool, zero_division):
    n_positive, n_negative = pool[0] + pool[2], pool[1] + pool[3]
    positives = [n_positive // 2, n_positive - n_positive // 2, 0]
    negatives = [n_negative - 2, 1, 1]
    sizes = np.add(positives, negatives)
    means = []
    for order in arrangements(pool):
        parts = batches(order, sizes)
        if [part.count(0) + part.count(2) for part in parts] == positives:
            means.append(np.mean([f1(part, zero_division) for part in parts]))
    found = stratified_cut(Counts(*pool), positives, negatives, zero_division)
    assert found == pytest.approx(np.mean(means), abs=1e-12)


def test_a_random_cut_into_equal_batches_is_that_of_expect():
    counts = Counts(160, 40, 60, 9740)
    for size in (8, 100, 2500):
        sizes = [size] * (10_000 // size)
        expected = expect(counts, size, zero_division=1).expected_f1
        assert random_cut(counts, sizes, 1) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize(
    ("tp", "fp", "fn", "tn"),
    [(99, 20, 1, 1880), (70, 60, 30, 1840), (80, 10, 20, 1890), (60, 5, 40, 1895)],
)
def test_the_sign_turns_where_recall_times_false_positives_are_the_misses(tp, fp, fn, tn):
    counts, k = Counts(tp, fp, fn, tn), 5
    error = stratified_cut(counts, [20] * k, [380] * k) - float(F1(counts))
    excess = tp / (tp + fn) * fp - fn
    assert np.sign(error) == np.sign(excess)
    second_order = 2 * (k - 1) * tp * excess / (2 * tp + fp + fn) ** 3
    assert error == pytest.approx(second_order, rel=0.2, abs=2e-4)
    assert random_cut(counts, [400] * k) < float(F1(counts))


def test_crowded_false_alarms_explain_the_published_folds():
    tp, fp, fn = np.array([3, 4, 4, 3]), np.array([0, 1, 13, 5]), np.array([0, 0, 0, 1])
    k, positives, alarms = 4, 15, fp.sum()
    crowding = fp.var() / (alarms / k * (1 - 1 / k))
    recall, bottom = tp.sum() / positives, 2 * tp.sum() + alarms + fn.sum()
    excess = crowding * alarms - (1 - recall) * (alarms + positives)
    second_order = 2 * (k - 1) * tp.sum() * excess / bottom**3
    folds = as_counts(tp, fp, fn, 373)
    assert crowding > 7
    assert second_order == pytest.approx(float(batch_mean(folds) - pooled(folds)), abs=0.006)


@given(st.integers(1, 9), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_without_misses_the_mean_over_stratified_folds_is_never_below(positives, alarms):
    folds = as_counts(positives, alarms, 0, 50)
    assert batch_mean(folds) >= pooled(folds) - 1e-12
    assert covariance_identity(folds) >= -1e-12


@given(st.integers(1, 9), st.data())
def test_without_false_alarms_the_mean_over_stratified_folds_is_never_above(positives, data):
    hits = data.draw(st.lists(st.integers(0, positives), min_size=1, max_size=8))
    folds = as_counts(hits, 0, positives - np.array(hits), 50)
    assert batch_mean(folds) <= pooled(folds) + 1e-12


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(cuts)[:2] == (0, 2)


def test_an_empty_pool_is_what_an_empty_batch_counts():
    for z in (0.0, 1.0):
        assert random_cut(Counts(0, 0, 0, 5), [2, 3], z) == z
        assert stratified_cut(Counts(0, 0, 0, 5), [0, 0], [2, 3], z) == z


GOOD = Counts(1, 1, 1, 3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: random_cut(GOOD, [2, 3]), r"^sizes must add up to the 6 of .*; got 5$"),
        (
            lambda: random_cut(GOOD, []),
            r"^sizes must have a number for each batch, shape \(b,\); got \(0,\)$",
        ),
        (lambda: random_cut(GOOD, [6], np.nan), "^zero_division must be 0 or 1 here; got nan$"),
        (lambda: random_cut(Counts([1], 0, 0, 0), [1]), "^tp must be a single number; got "),
        (lambda: stratified_cut(GOOD, [1], [4]), "^positives must add up to the 2 of .*; got 1$"),
        (lambda: stratified_cut(GOOD, [1, 1], [4, 0, 0]), "^positives and negatives must have"),
        (
            lambda: stratified_cut(GOOD, [2], [4], 0.5),
            "^zero_division must be 0, 1 or NaN; got 0.5$",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(call, said):
    with pytest.raises(InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
