"""The inverse questions against trying everything."""

import math

import numpy as np
import pytest

from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data
from batchf1.theory.pool import grouped
from batchf1.theory.search import _least_without_empty, _rising, compatible_f1, smallest_batch
from helpers.brute_force import CONVENTIONS, METRICS, RULES
from helpers.invalid_inputs import refused
from helpers.slow import one_in, slow


@pytest.mark.parametrize(
    ("name", "counts", "averaging", "zero_division"),
    [
        *one_in(5, ["f1"], [(4, 1, 0, 55)], RULES, CONVENTIONS),
        *one_in(4, ["f1"], [(12, 6, 9, 33)], ["per_batch"], CONVENTIONS),
        *one_in(2, ["f2"], [(5, 2, 3, 30)], RULES, [1.0]),
        *one_in(2, ["specificity"], [(5, 2, 3, 30)], RULES, [math.nan]),
    ],
)
def test_smallest_batch_against_trying_them_all(name, counts, averaging, zero_division):
    pool, rules = Counts(*counts), (averaging, zero_division, METRICS[name])
    errors = [abs(expect(pool, size, *rules).error) for size in range(1, sum(counts) + 1)]
    for tolerance in (0.2, 0.05, 0.02, 0.005):
        first = next(size for size, error in enumerate(errors, 1) if error <= tolerance)
        assert smallest_batch(pool, tolerance, *rules) == first


@pytest.mark.parametrize("zero_division", [0.0, 1.0, slow(math.nan)])
def test_smallest_batch_of_a_billion(zero_division):
    counts = (900, 100, 100, 10**9 - 1100)
    size = smallest_batch(Counts(*counts), 0.01, zero_division=zero_division)
    assert abs(expect(Counts(*counts), size, zero_division=zero_division).error) <= 0.01
    for smaller in (size - 1, size - 2, round(0.999 * size), round(0.9 * size)):
        assert abs(expect(Counts(*counts), smaller, zero_division=zero_division).error) > 0.01


# A wrong bound or a size that is skipped shows in few results and only in large pools, so that both
# are tested by themselves.


def test_batch_sizes_tried():
    # 40 to 50 make two batches of 100 samples, 51 to 100 one: of these one in 50 / 10, and the last
    tried = [*range(40, 52), *range(56, 100, 5), 100]
    assert list(_rising(40, 100, dense=10)) == tried
    # of 34 to 50 one in 17 // 4, of 51 to 100 one in 50 // 4, and the last of each
    assert list(_rising(35, 100, dense=4)) == [35, 39, 43, 47, 50, 51, 63, 75, 87, 99, 100]
    assert list(_rising(1, 12)) == list(range(1, 13))
    assert list(_rising(9, 9)) == [9]
    # 521 to 1040 make one batch: one in 520 // 256, and after two tries one in a hundred
    assert list(_rising(998, 1040, tries=2)) == [998, 1000, 1010, 1020, 1030, 1040]
    assert list(_rising(700, 730, tries=0)) == [700, 707, 714, 721, 728, 730]


@pytest.mark.parametrize(
    "counts", [(4, 1, 2, 13), slow((2, 1, 0, 57)), slow((9, 2, 3, 106))], ids=str
)
def test_lower_bound_of_the_error_without_empty_batches(counts):
    total, pool = sum(counts), grouped(sum(counts), counts, F1)
    true, jaccard = float(F1(Counts(*counts))), counts[0] / sum(counts[:3])
    assert _least_without_empty(pool, 1) == pytest.approx(jaccard - true, abs=1e-15)
    assert _least_without_empty(pool, total) == pytest.approx(0, abs=1e-15)
    bounds = []
    for size in range(1, total + 1):
        error = expect(Counts(*counts), size, zero_division=math.nan).error
        bounds.append(_least_without_empty(pool, size))
        if total % size == 0:
            assert error - 1e-15 <= bounds[-1] <= 1e-15
            assert bounds[-1] < 0.5 * error + 1e-15
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("size", [20, 100, 500])
def test_lower_bound_of_the_error_in_a_large_pool_is_near(size):
    # the other of the two bounds has .94, .77 and .74 of the error
    counts = (900, 100, 100, 10**5 - 1100)
    error = expect(Counts(*counts), size, zero_division=math.nan).error
    assert error <= _least_without_empty(grouped(10**5, counts, F1), size) < 0.98 * error


def test_smallest_batch_without_anything_relevant():
    assert smallest_batch(Counts(0, 0, 0, 9), 0.01) == 1


def test_smallest_batch_by_hand():
    # one positive among 12, found: the log is one over the number of batches
    tried = ((0.92, 1), (0.9, 2), (0.8, 3), (0.7, 4), (0.51, 6), (0.49, 12))
    for tolerance, size in tried:
        assert smallest_batch(Counts(1, 0, 0, 11), tolerance) == size
    # size-weighted it is the expected size of its batch over 12: 8/12 in batches of 8 and 4: 80/144
    assert smallest_batch(Counts(1, 0, 0, 11), 0.45, "size_weighted") == 8
    assert smallest_batch(Counts(1, 0, 0, 11), 0.44, "size_weighted") == 9


def test_compatible_f1_of_batches_of_one():
    # 100 samples, 20 positives; 0/0 as 0: the log is TP / 100, whatever the false positives
    assert compatible_f1(0.1, 1, 0.2, 100, 0) == pytest.approx((20 / 110, 20 / 30))
    low, high = compatible_f1(0.1, 1, 0.2, 100, 0.02)
    assert (low, high) == pytest.approx((16 / 108, 24 / 32))
    # as 1: TP - FP = 10
    assert compatible_f1(0.9, 1, 0.2, 100, 0, zero_division=1) == pytest.approx((2 / 3, 0.8))
    # left out: Jaccard, which F1 follows from
    found = compatible_f1(0.5, 1, 0.2, 100, 0, zero_division=math.nan)
    assert found == pytest.approx((2 / 3, 2 / 3))


def test_the_prevalence_of_compatible_f1_is_that_of_whole_samples_within_1_percent():
    assert compatible_f1(0.1, 1, 0.2005, 100, 0) == compatible_f1(0.1, 1, 0.2, 100, 0)
    assert compatible_f1(0.1, 1, 0.199, 100, 0) == compatible_f1(0.1, 1, 0.2, 100, 0)
    for prevalence in (0.2025, 0.1979):
        said = (
            f"prevalence must be, within 1 %, that of a whole number of the 100 samples; got "
            f"{prevalence}"
        )
        refused(said, compatible_f1, 0.1, 1, prevalence, 100)


@pytest.mark.parametrize(
    ("averaging", "zero_division"),
    [(RULES[0], 0.0), slow(RULES[1], 1.0), (RULES[0], math.nan)],
)
def test_compatible_f1_of_one_batch_is_what_was_logged(averaging, zero_division):
    rules = {"averaging": averaging, "zero_division": zero_division}
    found = compatible_f1(0.5, 10**4, 0.1, 10**4, 0.01, **rules)
    assert found == pytest.approx((0.49, 0.51), abs=1e-6)
    assert compatible_f1(0.5, 10**4, 0.1, 10**4, **rules) == pytest.approx(
        (0.49995, 0.50005), abs=1e-6
    )


@pytest.mark.parametrize(
    ("data", "zero_division"),
    [
        ((14, 9, 5), 0.0),
        slow((14, 9, 5), 1.0),
        slow((14, 9, 5), math.nan),
        slow((30, 6, 7), 0.0),
    ],
)
def test_compatible_f1_against_every_classifier(data, zero_division):
    (total, positives, size), within = data, 0.03
    every = [
        expect(
            Counts(tp, fp, positives - tp, total - positives - fp),
            size,
            zero_division=zero_division,
        )
        for tp in range(positives + 1)
        for fp in range(total - positives + 1)
    ]
    for logged in (0.1, 0.4, 0.6):
        true = [one.true_f1 for one in every if abs(one.expected_f1 - logged) <= within]
        low, high = compatible_f1(
            logged, size, positives / total, total, within, zero_division=zero_division
        )
        assert low - 0.005 <= min(true) <= max(true) <= high + 0.005
        if zero_division != 1:  # but for the grain of so small a set
            assert min(true) - low < 0.12
            assert high - max(true) < 0.12


@pytest.mark.parametrize(
    "precision, recall, zero_division",
    [(0.9, 0.7, 0.0), slow(0.5, 0.95, 0.0), slow(0.9, 0.7, 1.0), slow(0.5, 0.95, math.nan)],
)
def test_compatible_f1_holds_the_truth_in_the_limit(precision, recall, zero_division):
    limit = large_data(0.02, precision, recall, 128, zero_division)
    low, high = compatible_f1(limit.expected_f1, 128, 0.02, zero_division=zero_division)
    assert low < limit.true_f1 < high
    if zero_division != 1:
        assert high - low < 0.12
        ends = [
            f1_at_the_end(limit.expected_f1, value, zero_division)
            for value in ("precision", "recall")
        ]
        np.testing.assert_allclose([high, low], ends, atol=2e-3)


def test_compatible_f1_goes_by_the_expectation_alone_unless_asked_for_chance():
    where = {"batch_size": 8, "prevalence": 0.1, "n_samples": 40}
    alone, wider = compatible_f1(0.3, **where), compatible_f1(0.3, **where, chance=1)
    assert alone == compatible_f1(0.3, **where, chance=0)
    assert wider[0] < alone[0] < alone[1] < wider[1]


@pytest.mark.parametrize("logged", [0.05, 0.35])
def test_a_log_below_that_of_no_positive_found_is_compatible_with_f1_of_0(logged):
    # 8 positives of 80: a batch of 8 is without any in 2 of 5 cases, and counts 1 then
    low, high = compatible_f1(logged, 8, 0.1, 80, zero_division=1)
    assert low == 0 < high < 1


def f1_at_the_end(logged, perfect, zero_division):
    """True F1 of the classifier of this log value whose precision or recall is 1."""
    low, high = 1e-6, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        rates = (1.0, middle) if perfect == "precision" else (middle, 1.0)
        if perfect == "recall" and middle < 0.03:  # fewer negatives than that would need
            low = middle
            continue
        found = large_data(0.02, *rates, 128, zero_division)
        low, high = (middle, high) if found.expected_f1 < logged else (low, middle)
    return found.true_f1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: smallest_batch(Counts(1, 0, 0, 9), 0), "tolerance must be above 0; got 0"),
        (lambda: compatible_f1(1.5, 8, 0.1), "logged must lie in [0, 1]; got 1.5"),
        (lambda: compatible_f1(0.5, 8, 0.0), "prevalence must lie in (0, 1]; got 0.0"),
        (lambda: compatible_f1(0.5, 8, 0.1, 0), "n_samples must be a whole number >= 1; got 0"),
        (
            lambda: compatible_f1(0.5, 8, 0.0004, 1000),
            (
                "prevalence must be, within 1 %, that of a whole number of the 1000 samples; got "
                "0.0004"
            ),
        ),
        (lambda: compatible_f1(0.5, 8, 0.1, 90, 1.0), "within must lie in [0, 1); got 1.0"),
        (
            lambda: compatible_f1(0.9, 8, 0.01),
            "logged cannot be reached at this prevalence and batch size; got 0.9",
        ),
    ],
)
def test_nonsense_for_a_search_is_refused_in_one_line(call, said):
    refused(said, call)


def test_the_ends_of_what_a_search_takes():
    assert compatible_f1(1, 8, 1, 16, 0) == (1, 1)
    assert compatible_f1(0, 8, 0.5, 16, 0)[0] == 0
    assert smallest_batch(Counts(1, 0, 0, 0), 1e-300) == 1
