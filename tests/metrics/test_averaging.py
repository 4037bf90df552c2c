"""Every averaging rule against brute force, scikit-learn and numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from batchf1.metrics.averaging import average, batch_mean, pooled, reconstructed
from batchf1.metrics.counts import Counts, as_counts, batch_counts
from batchf1.metrics.factories import f_beta
from helpers.invalid_inputs import refused

RULES = ("per_batch", "size_weighted")


@st.composite
def samples(draw):
    n = draw(st.integers(1, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    prevalence, skill = draw(st.sampled_from([0.02, 0.2, 0.5])), draw(st.sampled_from([0.6, 0.95]))
    y = rng.random(n) < prevalence
    return y.astype(int), np.where(rng.random(n) < skill, y, ~y).astype(float)


def brute_force(y, p, batch_size, averaging, zero_division):
    values, weights = [], []
    for start in range(0, len(y), batch_size):
        part = slice(start, start + batch_size)
        value = f1_score(y[part], p[part], zero_division=zero_division)
        if not np.isnan(value):
            values.append(value)
            weights.append(1 if averaging == "per_batch" else len(y[part]))
    return np.average(values, weights=weights) if values else np.nan


@given(samples(), st.integers(1, 90), st.sampled_from(RULES), st.sampled_from([0.0, 1.0, np.nan]))
def test_batch_mean_against_brute_force(sample, batch_size, averaging, zero_division):
    y, p = sample
    found = batch_mean(batch_counts(y, p, batch_size), averaging, zero_division)
    expected = brute_force(y, p, batch_size, averaging, zero_division)
    np.testing.assert_allclose(found, expected, atol=1e-14)


@given(samples(), st.integers(1, 90))
def test_pooled_is_scikit_learns_f1_whatever_the_cut(sample, batch_size):
    y, p = sample
    found = pooled(batch_counts(y, p, batch_size))
    np.testing.assert_allclose(found, f1_score(y, p, zero_division=0.0), atol=1e-15)


def test_the_other_two_reconstructions_are_not():
    # 10 samples in batches of 4, 4 and 2; the true F1 is 0.8
    counts = as_counts([1, 1, 2], [1, 0, 0], [1, 0, 0], [1, 3, 0])
    assert pooled(counts) == pytest.approx(0.8)
    assert reconstructed(counts, "size_weighted", "sum") == pytest.approx(0.75)
    assert reconstructed(counts, "per_batch", "mean") == pytest.approx(6 / 7)


def test_the_rules_by_hand():
    # F1 of the batches: 2/3, 0/0, 1; sizes 4, 4, 2
    counts = as_counts([1, 0, 2], [1, 0, 0], [0, 0, 0], [2, 4, 0])
    assert batch_mean(counts) == batch_mean(counts, "per_batch") == pytest.approx(5 / 9)
    assert batch_mean(counts, "size_weighted") == pytest.approx((8 / 3 + 2) / 10)
    assert batch_mean(counts, "per_batch", np.nan) == pytest.approx(5 / 6)
    assert batch_mean(counts, "size_weighted", np.nan) == pytest.approx((8 / 3 + 2) / 6)
    assert batch_mean(counts, "size_weighted", 1) == pytest.approx((8 / 3 + 4 + 2) / 10)
    assert pooled(counts) == reconstructed(counts) == pytest.approx(6 / 7)


def test_nothing_relevant_counts_0_unless_something_else_is_asked_for():
    nothing = as_counts([0, 0], [0, 0], [0, 0], [4, 2])
    assert batch_mean(nothing) == pooled(nothing) == reconstructed(nothing) == 0


def test_values_that_are_nan_are_left_out_with_their_weight():
    values, sizes = [0.5, np.nan, 0.25], [4, 9, 2]
    assert average(values, sizes, "per_batch") == 0.375
    assert average(values, sizes, "size_weighted") == 2.5 / 6
    assert np.isnan(average([np.nan, np.nan], [1, 2], "per_batch"))
    assert average([0.0, -1.0], [1, 3], "size_weighted") == -0.75
    both = average([[0.5, 1.0], [0.0, np.nan]], [1, 3], "size_weighted")
    assert both.tolist() == [0.875, 0.0]


def test_the_running_sum_rounds_as_its_dtype_does():
    values = np.full(20_000, np.float32(2 / 3), np.float64)
    sizes = np.ones(20_000, np.int64)
    exact = average(values, sizes, "per_batch")
    single = np.float32(0)
    for value in values:
        single += np.float32(value)
    assert average(values, sizes, "per_batch", np.float32) == float(single) / 20_000
    counts = as_counts(np.ones(20_000), 1, 0, 1)
    assert batch_mean(counts, dtype=np.float32) == float(single) / 20_000
    assert abs(exact - values[0]) < 1e-12 < abs(float(single) / 20_000 - values[0])


def test_leading_axes():
    # 2 x 2 epochs of three batches with FP = 1, FN = 2: F1 = 2 TP / (2 TP + 3)
    counts = as_counts(np.arange(12).reshape(2, 2, 3), 1, 2, [3, 0, 0])
    f1s = [[2 * tp / (2 * tp + 3) for tp in range(first, first + 3)] for first in (0, 3, 6, 9)]
    means = np.mean(f1s, axis=1).reshape(2, 2)
    np.testing.assert_allclose(batch_mean(counts), means, rtol=1e-15)
    tp = np.array([[3, 12], [21, 30]])
    for logged in ("sum", "per_sample"):
        found = reconstructed(counts, "per_batch", logged)
        np.testing.assert_allclose(found, 2 * tp / (2 * tp + 9), rtol=1e-15)


EMPTY = Counts(*[np.zeros((2, 0), np.int64)] * 4)
ONE = as_counts([1], [0], [0], [0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: batch_mean(ONE, "weekly"),
            "averaging must be one of ('per_batch', 'size_weighted'); got weekly",
        ),
        (
            lambda: reconstructed(ONE, logged="median"),
            "logged must be one of ('sum', 'mean', 'per_sample'); got median",
        ),
        (
            lambda: batch_mean(as_counts([1, 0], [0, 0], [0, 0], [0, 0])),
            "batch sizes must be whole numbers >= 1 and at most 2**53; got 0",
        ),
        (lambda: average(["1.0"], [1], "per_batch"), "values must be numbers; got ['1.0']"),
        (
            lambda: average([1.0, 1.0], [1, 1, 1], "per_batch"),
            "values and batch sizes must have one shape, or broadcast to one; got (2,) and (3,)",
        ),
        (
            lambda: pooled(EMPTY),
            "counts must have at least one batch along the last axis; got (2, 0)",
        ),
        (
            lambda: reconstructed(EMPTY),
            "counts must have at least one batch along the last axis; got (2, 0)",
        ),
        (
            lambda: pooled(EMPTY, metric=f_beta(1, "macro")),
            "counts of a class must have at least one batch along the last axis; got (0,)",
        ),
        *(
            (
                lambda n=number: average(n, n, "per_batch"),
                f"values must have at least one batch along the last axis; got {shape}",
            )
            for number, shape in (([], "(0,)"), (1, "()"))
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(call, said):
    refused(said, call)


def test_no_epochs_of_some_batches_are_no_values():
    counts = Counts(*[np.zeros((0, 3), np.int64)] * 4)
    assert batch_mean(counts).shape == pooled(counts).shape == (0,)
