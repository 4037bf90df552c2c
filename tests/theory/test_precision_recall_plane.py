"""The logged F1 and its exchange rate over the plane, against sums over every batch."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batchf1.theory.limits import large_data
from batchf1.theory.precision_recall_plane import exchange_rate, logged_f1
from helpers.brute_force import CONVENTIONS
from helpers.invalid_inputs import refused

PLACES = [(0.3, 0.6, 0.7), (0.1, 1.0, 0.5), (0.5, 0.5, 1.0), (0.2, 0.4, 1.0), (0.05, 0.05, 0.95)]
SIZES = (1, 2, 3, 8)


def shares(prevalence, precision, recall):
    """Of true positives, errors and true negatives."""
    tp = prevalence * recall
    errors = prevalence - tp + tp * (1 - precision) / precision
    return tp, errors, 1 - tp - errors


def drawn(cells, size):
    """Every kind of batch, as true positives and errors, and its probability."""
    for k, e in itertools.product(range(size + 1), repeat=2):
        if k + e <= size:
            rest = size - k - e
            ways = math.comb(size, k) * math.comb(size - k, e)
            yield k, e, ways * cells[0] ** k * cells[1] ** e * max(cells[2], 0.0) ** rest


def f1(k, e, zero_division):
    return 2 * k / (2 * k + e) if k + e else zero_division


def mean_f1(cells, size, zero_division):
    kept = 1 - drawn_empty(cells, size) if math.isnan(zero_division) else 1
    when_empty = 0 if math.isnan(zero_division) else zero_division
    return sum(p * f1(k, e, when_empty) for k, e, p in drawn(cells, size)) / kept


def drawn_empty(cells, size):
    return max(cells[2], 0.0) ** size


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_logged_f1_against_every_batch(place, size, zero_division):
    prevalence, precision, recall = place
    found = logged_f1(precision, recall, prevalence, size, zero_division)
    assert found == pytest.approx(mean_f1(shares(*place), size, zero_division), rel=1e-12)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_exchange_rate_against_every_batch(place, size, zero_division):
    """Along shares moved by a hit (a miss less) and so many false alarms the mean stays."""
    prevalence, precision, recall = place
    tp, errors, empty = shares(*place)
    value = zero_division
    if math.isnan(value):
        value = mean_f1((tp, errors, empty), size, value)
    gain = loss = 0.0
    for k, e, p in drawn((tp, errors, empty), size - 1):
        gain += p * (f1(k + 1, e, value) - f1(k, e + 1, value))
        loss += p * (f1(k, e, value) - f1(k, e + 1, value))
    found = exchange_rate(precision, recall, prevalence, size, zero_division)
    assert found == pytest.approx(gain / loss if loss else math.inf, rel=1e-11)
    if loss and empty > 0.01:
        step = 1e-5 * tp
        moved = tp + step, errors + (float(found) - 1) * step, empty - float(found) * step
        hit = tp + step, errors - step, empty
        stayed, risen = (
            mean_f1(cells, size, zero_division) - mean_f1((tp, errors, empty), size, zero_division)
            for cells in (moved, hit)
        )
        assert abs(stayed) < 1e-3 * risen


def test_without_a_batch_size_the_exchange_rate_is_that_of_the_true_f1():
    for place in PLACES:
        tp, errors, _ = shares(*place)
        found = exchange_rate(*place[1:], place[0])
        assert found == pytest.approx(2 / (2 * tp / (2 * tp + errors)) - 1, rel=1e-14)


def test_empty_batches_count_0_unless_something_else_is_said():
    where = (0.8, 0.7, 0.1, 8)
    for function in (logged_f1, exchange_rate):
        assert function(*where) == function(*where, 0) != function(*where, 1)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_the_two_ways_to_the_limit_agree(zero_division):
    random = np.random.default_rng(0)
    for size in (1, 2, 9, 100, 1000, 10**5, 10**9):
        prevalence = min(10 ** random.uniform(-3, 3) / size, 0.4)
        precision, recall = random.uniform(0.5, 1, 2)
        limit = large_data(prevalence, precision, recall, size, zero_division)
        found = logged_f1(precision, recall, prevalence, size, zero_division)
        assert found == pytest.approx(limit.expected_f1, rel=1e-12, abs=1e-15)


def test_arrays_broadcast_and_lack_of_negatives_is_nan():
    precision, recall = np.array([[0.1], [0.5], [1]]), np.array([0.2, 1])
    for found in (
        logged_f1(precision, recall, 0.5, 8),
        exchange_rate(precision, recall, 0.5, 8),
        exchange_rate(precision, recall, 0.5),
    ):
        assert found.shape == (3, 2)
        assert np.isnan(found).tolist() == [[True, True], [False, False], [False, False]]
    sizes = logged_f1(0.8, 0.8, [[0.1], [0.01]], [1, 10, 100])
    assert sizes.shape == (2, 3)
    assert sizes[1, 2] == logged_f1(0.8, 0.8, 0.01, 100)


def test_rounding_makes_no_sample_more_than_there_are():
    prevalence = np.linspace(0.01, 0.99, 99)
    together = prevalence + prevalence * (1 - prevalence) / prevalence
    assert (together > 1).any()
    for found in (logged_f1, exchange_rate):
        assert np.isfinite(found(prevalence, 1, prevalence, 8)).all()


@given(
    st.floats(0.02, 1),
    st.floats(0.02, 1),
    st.floats(1e-5, 0.9),
    st.integers(1, 3000),
    st.integers(1, 3000),
)
def test_the_order_of_the_rates(precision, recall, prevalence, size, more):
    assume(prevalence * (1 + recall * (1 - precision) / precision) <= 1)
    where = (precision, recall, prevalence)
    counted, as_one, left_out = (exchange_rate(*where, size, z) for z in CONVENTIONS)
    true = exchange_rate(*where)
    near = 1 + 1e-11
    assert counted * near >= left_out
    assert left_out * near >= true >= 1  # left out, the log asks for recall too, if little
    assert left_out * near >= as_one >= 1 / near
    assert exchange_rate(*where, size + more) <= counted * near


@given(
    st.floats(0.05, 0.98),
    st.floats(0.01, 0.95),
    st.floats(0.02, 1),
    st.floats(1e-5, 0.5),
    st.integers(2, 3000),
)
def test_of_equal_f1_the_higher_recall_is_preferred(f1, low, rise, prevalence, size):
    least = f1 / (2 - f1)  # recall at precision 1
    lower = least + low * (1 - least)
    higher = lower + rise * (1 - lower)
    recall = np.array([lower, higher])
    precision = f1 * recall / (2 * recall - f1)
    assume(prevalence * higher * (2 / f1 - 1) <= 1)
    for undefined in (0, math.nan):
        found = logged_f1(precision, recall, prevalence, size, undefined)
        assert found[1] > found[0] * (1 - 1e-12)
    assert np.diff(logged_f1(precision, recall, prevalence, 1))[0] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 0.5, 0.1, 8), "precision must lie in (0, 1]; got 0"),
        ((0.5, [0.5, 1.5], 0.1, 8), "recall must lie in (0, 1]; got 1.5"),
        ((0.5, 0.5, math.nan, 8), "prevalence must lie in (0, 1]; got nan"),
        ((True, 0.5, 0.1, 8), "precision must lie in (0, 1]; got True"),
        (("0.5", 0.5, 0.1, 8), "precision must lie in (0, 1]; got '0.5'"),
        ((0.5, 0.5, 0.1, 0), "batch_size must be whole numbers >= 1 and at most 2**53; got 0"),
        ((0.5, 0.5, 0.1, 8, 0.5), "zero_division must be 0, 1 or NaN; got 0.5"),
        (
            ([0.5, 0.6], [0.5, 0.6, 0.7], 0.1, 8),
            "precision, recall, prevalence, batch_size must have one shape, or broadcast to one; "
            "got (2,) and (3,) and () and ()",
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments, said):
    for call in (logged_f1, exchange_rate):
        refused(said, call, *arguments)
