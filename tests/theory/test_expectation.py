"""The expected batch mean against enumeration, exact fractions and known cases."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from batchf1.metrics.counts import Counts, as_counts
from batchf1.theory.expectation import covariance_identity, expect, expected_f1
from helpers.brute_force import (
    BY_HAND,
    CONVENTIONS,
    METRICS,
    RULES,
    every_log,
    ratio_of,
)
from helpers.invalid_inputs import AVERAGING, RATIO, refused


def check_against_enumeration(counts, size, averaging, zero_division, name):
    values = every_log(counts, size, averaging, zero_division, ratio_of(name))
    found = expect(Counts(*counts), size, averaging, zero_division, METRICS[name])
    np.testing.assert_allclose(found.expected_f1, np.mean(values), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sd**2, np.var(values), rtol=0, atol=1e-12)


SMALL = [  # TP, FP, FN, TN, batch size
    (2, 1, 1, 4, 4),
    (2, 1, 1, 4, 2),
    (1, 1, 1, 6, 3),
    (2, 1, 1, 4, 3),
    (1, 2, 1, 4, 5),
    (1, 2, 0, 5, 7),
    (3, 1, 1, 2, 2),
    (1, 1, 0, 5, 1),
    (0, 1, 2, 4, 3),
    (3, 0, 0, 4, 3),
    (1, 0, 0, 7, 3),
    (2, 2, 2, 0, 4),
    (2, 1, 2, 1, 6),
    (0, 0, 0, 5, 2),
    (4, 0, 0, 0, 3),
    (1, 1, 0, 5, 5),  # all relevant samples fit the short batch
    (1, 0, 0, 5, 4),
    (2, 0, 1, 5, 5),
    (1, 1, 1, 3, 4),
    (2, 1, 2, 2, 3),
]


@pytest.mark.parametrize(
    ("case", "averaging", "zero_division"),
    list(zip(SMALL, itertools.cycle(RULES), itertools.cycle(CONVENTIONS), strict=False)),
)
def test_small_pools_against_full_enumeration(case, averaging, zero_division):
    check_against_enumeration(case[:4], case[4], averaging, zero_division, "f1")


@given(
    st.tuples(*[st.integers(0, 2)] * 3, st.integers(0, 3)).filter(any),
    st.integers(1, 9),
    st.sampled_from(RULES),
    st.sampled_from(CONVENTIONS),
    st.sampled_from(sorted(METRICS)),
)
def test_any_small_pool_against_full_enumeration(counts, size, averaging, zero_division, name):
    size = min(size, sum(counts))
    check_against_enumeration(counts, size, averaging, zero_division, name)


def test_the_interval_is_1_96_deviations_each_way_within_0_and_1():
    for zero_division in (0.0, 1.0):
        inside = expect(Counts(60, 20, 20, 900), 50, "per_batch", zero_division)
        low, high = inside.interval95
        reach = stats.norm.ppf(0.975) * inside.sd
        assert low == pytest.approx(inside.expected_f1 - reach, abs=1e-15)
        assert high == pytest.approx(inside.expected_f1 + reach, abs=1e-15)
    assert expect(Counts(1, 0, 0, 9), 5).interval95 == pytest.approx((0.5, 0.5), abs=1e-13)
    # a batch of two and one of one, of two TP and one FP: 5/6 with chance 2/3, else 1/2
    low, high = expect(Counts(2, 1, 0, 0), 2).interval95
    assert low == pytest.approx(13 / 18 - stats.norm.ppf(0.975) * math.sqrt(2) / 9, abs=1e-14)
    assert high == 1
    low, high = expect(Counts(0, 0, 3, 5), 4, "per_batch", 1).interval95
    assert low == 0 < high < 1


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
def test_a_pool_without_anything_relevant(averaging, zero_division):
    found = expect(Counts(0, 0, 0, 9), 4, averaging, zero_division)
    alone = expected_f1(Counts(0, 0, 0, 9), 4, averaging, zero_division)
    np.testing.assert_array_equal([*found[:2], alone, *found.interval95], [zero_division] * 5)
    np.testing.assert_array_equal(found[2:6], [0 * zero_division] * 4)
    assert found.n_batches == 3


def lone_f1(tp, errors, others, size):
    """Expected F1 of one batch (0/0 as 0), and the probability that it is empty, in fractions."""
    total, mean = math.comb(tp + errors + others, size), Fraction(0)
    for k, e in itertools.product(range(tp + 1), range(errors + 1)):
        if 0 < k + e <= size:
            ways = math.comb(tp, k) * math.comb(errors, e) * math.comb(others, size - k - e)
            mean += Fraction(2 * k * ways, (2 * k + e) * total)
    return mean, Fraction(math.comb(others, size), total)


def test_the_articles_batches_as_one_pool():
    found = expect(Counts(61, 10, 19, 210), 100)
    mean, empty = lone_f1(61, 29, 210, 100)
    true = Fraction(122, 151)
    assert found.n_batches == 3
    assert found.true_f1 == float(true)
    np.testing.assert_allclose(found.expected_f1, float(mean), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.error, float(mean - true), rtol=1e-12)
    np.testing.assert_allclose(found.error_empty, float(-empty * true), rtol=1e-12)
    np.testing.assert_allclose(found.error_curvature, float(mean - true + empty * true), rtol=1e-12)


def test_a_billion_samples_in_fractions():
    # 1000 positives, prevalence 1e-6; batches of 100,000
    tp, errors, total, size = 900, 200, 10**9, 10**5
    relevant, mean = tp + errors, Fraction(0)
    for d in range(1, 40):
        ways = math.comb(size, d) * math.comb(total - size, relevant - d)
        given = Fraction(0)
        for k in range(1, d + 1):
            given += Fraction(math.comb(tp, k) * math.comb(errors, d - k) * 2 * k, k + d)
        mean += given / math.comb(relevant, d) * ways
    exact = float(mean / math.comb(total, relevant))
    found = expect(Counts(tp, 100, 100, total - relevant), size)
    np.testing.assert_allclose(found.expected_f1, exact, rtol=1e-13)
    np.testing.assert_allclose(found.error, exact - 0.9, rtol=1e-13)


@given(
    st.tuples(st.integers(0, 60), st.integers(0, 25), st.integers(0, 25), st.integers(1, 2000)),
    st.floats(0, 1),
    st.sampled_from(RULES),
    st.sampled_from(CONVENTIONS),
    st.sampled_from(sorted(set(METRICS) - {"specificity"})),
)
def test_the_split_and_the_sign_of_the_error(counts, share, averaging, zero_division, name):
    total = sum(counts)
    size = max(1, round(share * total))
    found = expect(Counts(*counts), size, averaging, zero_division, METRICS[name])
    alone = expected_f1(Counts(*counts), size, averaging, zero_division, METRICS[name])
    assert alone == pytest.approx(found.expected_f1, abs=1e-15, nan_ok=True)
    if math.isnan(found.true_f1):
        return
    assert found.error == found.error_empty + found.error_curvature
    assert found.expected_f1 == pytest.approx(found.true_f1 + found.error, abs=1e-15)
    assert found.error_curvature <= 1e-16
    assert found.error_curvature >= -(3 - 2 * math.sqrt(2)) or name.startswith("f")
    if name in ("precision", "recall", "jaccard", "accuracy"):
        assert found.error_curvature == 0
    if math.isnan(zero_division):
        assert found.error_empty == 0
    elif name == "f1" and found.true_f1 > 0:
        sizes = np.minimum(size, total - size * np.arange(found.n_batches)).astype(int)
        relevant = sum(counts[:3])
        empty = np.array(
            [math.comb(total - relevant, s) / math.comb(total, s) for s in map(int, sizes)]
        )
        weights = np.ones(len(sizes)) if averaging == "per_batch" else sizes
        share = np.average(empty, weights=weights)
        expected = share * (zero_division - found.true_f1)
        np.testing.assert_allclose(found.error_empty, expected, rtol=1e-11, atol=1e-300)


@given(
    st.integers(1, 6),
    st.integers(0, 2**32),
    st.sampled_from(RULES),
    st.sampled_from(sorted(METRICS)),
)
def test_covariance_identity_on_observed_batches(batches, seed, averaging, name):
    rng = np.random.default_rng(seed)
    counts = as_counts(*rng.integers(0, 4, (4, 3, batches)) + np.array([0, 0, 0, 1])[:, None, None])
    found = covariance_identity(counts, averaging, METRICS[name])
    for epoch in range(3):
        order = np.array([part[epoch] for part in counts]).T
        top, bottom = (order @ np.array(weights) for weights in BY_HAND[name])
        if bottom.sum() == 0:
            assert np.isnan(found[epoch])
            continue
        value = np.divide(top, bottom, out=np.zeros(batches), where=bottom > 0)
        weights = None if averaging == "per_batch" else order.sum(axis=1)
        difference = np.average(value, weights=weights) - top.sum() / bottom.sum()
        np.testing.assert_allclose(found[epoch], difference, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: covariance_identity(as_counts([1], [0], [0], [0]), "weekly"),
            f"{AVERAGING}; got weekly",
        ),
        (lambda: covariance_identity(as_counts([1], 0, 0, 0), metric=None), f"{RATIO}; got None"),
        (
            lambda: covariance_identity(None),
            "counts must be a batchf1.metrics.counts.Counts; got None",
        ),
    ],
)
def test_observed_batches_that_make_no_sense_are_refused(call, said):
    refused(said, call)


def test_numpys_numbers_are_numbers():
    plain = expect(Counts(3, 1, 2, 94), 9, "per_batch", 1)
    counts = [np.int64(3), np.array(1), 2.0, np.float32(94)]
    for size in (np.int32(9), np.uint8(9), np.array(9)):
        assert expect(Counts(*counts), size, "per_batch", np.float32(1)) == plain


def test_the_smallest_and_the_largest_pool():
    assert expect(Counts(2**53, 0, 0, 0), 2**53).expected_f1 == 1
    assert expect(Counts(1, 0, 0, 0), 1) == (1, 1, 0, 0, 0, 0, 1, (1, 1))
