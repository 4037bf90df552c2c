"""Which of two classifiers is preferred, against every order of a few samples."""

import math

import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.metrics.counts import Counts
from batchf1.metrics.rates import rates_of
from batchf1.metrics.ratios import F1
from batchf1.theory.limits import large_data
from batchf1.theory.preference import Preference, Rates, compare
from helpers.brute_force import (
    CONVENTIONS,
    METRICS,
    RULES,
    every_log,
    ratio_of,
)

PAIR = (Counts(2, 0, 1, 5), Counts(3, 3, 0, 2))  # F1 0.8 and 0.667, of the same 3 positives


def rates(counts):
    found = rates_of(counts)
    return Rates(found["precision"], found["recall"])


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_against_every_order_of_two_pools(size, averaging, zero_division):
    found = compare(*map(rates, PAIR), 3 / 8, size, 8, averaging, zero_division)
    rules = (size, averaging, zero_division, ratio_of("f1"))
    logs = [every_log(counts, *rules) for counts in PAIR]
    means = [float(np.mean(values)) for values in logs]
    assert found.true_f1 == pytest.approx((4 / 5, 2 / 3))
    assert found.true_gap == pytest.approx(2 / 15)
    assert found.logged == pytest.approx(means)
    assert found.logged_gap == pytest.approx(means[0] - means[1])
    assert found.sd == pytest.approx(math.hypot(*(np.std(values) for values in logs)), abs=1e-7)
    assert found.true_choice == 1
    assert found.logged_choice == (1 if means[0] > means[1] else 2)
    assert found.agree == (means[0] > means[1])


def test_the_log_of_single_samples_prefers_recall_and_otherwise_not():
    pair = [rates(counts) for counts in PAIR]
    choices = [compare(*pair, 3 / 8, 1, zero_division=z).logged_choice for z in CONVENTIONS]
    assert choices == [2, 1, 1]


@pytest.mark.parametrize("name", ["f1", "f2", "jaccard", "accuracy"])
@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_without_a_number_of_samples_it_is_the_limit(name, zero_division):
    first, second, where = (0.9, 0.6), (0.3, 0.9), (0.02, 16)
    metric = METRICS[name]
    found = compare(first, second, *where, zero_division=zero_division, metric=metric)
    one, two = (
        large_data(where[0], *each, where[1], zero_division, metric) for each in (first, second)
    )
    assert found == Preference(
        (one.true_f1, two.true_f1),
        (one.expected_f1, two.expected_f1),
        one.true_f1 - two.true_f1,
        one.expected_f1 - two.expected_f1,
        0.0,
    )
    many = compare(first, second, *where, 10**9, "per_batch", zero_division, metric)
    assert many.logged == pytest.approx(found.logged, abs=1e-7)
    assert 0 < many.sd < 1e-4
    turned = compare(second, first, *where, zero_division=zero_division, metric=metric)
    assert (turned.true_gap, turned.logged_gap) == (-found.true_gap, -found.logged_gap)


def test_the_counts_are_those_that_the_values_are_of():
    found = compare((0.85, 0.85), (0.5, 0.9), 0.05, 32, n_samples=300)
    assert found.counts == (Counts(13, 2, 2, 283), Counts(14, 14, 1, 271))
    assert found.true_f1 == tuple(float(F1(counts)) for counts in found.counts)
    assert compare((0.85, 0.85), (0.5, 0.9), 0.05, 32).counts is None


def test_equal_ones_and_rounding():
    same = compare((0.9, 0.6), (0.9, 0.6), 0.01, 32)
    assert (same.true_choice, same.logged_choice, same.agree) == (0, 0, True)
    swapped = compare((0.9, 0.6), (0.6, 0.9), 0.01, 32)
    assert (swapped.true_choice, swapped.logged_choice, swapped.agree) == (0, 2, False)
    near = Preference((0.5, 0.5), (0.5, 0.5), 1e-12, 1.1e-12, 0.0)
    assert (near.true_choice, near.logged_choice) == (0, 1)
    left_out = compare((0.9, 0.6), (0.6, 0.9), 0.01, 1, zero_division=math.nan)
    assert (left_out.true_choice, left_out.logged_choice, left_out.agree) == (0, 0, True)


def test_more_positives_per_batch_turn_the_choice_right():
    pair, sizes = ((0.9, 0.6), (0.3, 0.9)), [8, 32, 64, 128, 512]
    choices = [compare(*pair, 0.01, size).logged_choice for size in sizes]
    assert choices == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"first": (0.9, 0)}, "recall must lie in (0, 1]; got 0"),
        ({"second": 0.9}, "classifier must be a pair of precision and recall; got 0.9"),
        ({"prevalence": 0.9, "second": (0.1, 1)}, "precision cannot be so low: it needs more neg"),
        ({"n_samples": 9}, "prevalence must leave a positive among 9 samples (give more samples"),
        ({"averaging": "daily"}, "averaging must be one of ('per_batch', 'size_weighted'); got d"),
        ({"zero_division": 2}, "zero_division must be 0, 1 or NaN; got 2"),
        ({"metric": None}, "metric must be a Ratio of 4 and 4 weights"),
    ],
)
def test_nonsense_is_refused_in_one_line(changed, said):
    good = {"first": (0.9, 0.6), "second": (0.6, 0.9), "prevalence": 0.05, "batch_size": 8}
    with pytest.raises(InputError) as caught:
        compare(**good | changed)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
