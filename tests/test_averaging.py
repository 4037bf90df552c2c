"""Every averaging rule against brute force, and what the rules have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from batchf1.averaging import average, batch_mean, pooled, reconstructed
from batchf1.counts import as_counts, batch_counts
from batchf1.errors import InputError

RULES = ("per_batch", "size_weighted")
LOGGED = ("sum", "mean", "per_sample")


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


@given(samples(), st.integers(1, 90), st.randoms())
def test_pooled_ignores_order_and_splits(sample, batch_size, random):
    y, p = sample
    order = list(range(len(y)))
    random.shuffle(order)
    assert pooled(batch_counts(y[order], p[order], 7)) == pooled(batch_counts(y, p, batch_size))


@given(samples(), st.sampled_from(RULES), st.sampled_from(LOGGED))
def test_with_one_batch_all_rules_agree(sample, averaging, logged):
    y, p = sample
    counts = batch_counts(y, p, len(y))
    true = pooled(counts)
    np.testing.assert_allclose(batch_mean(counts, averaging), true, atol=1e-15)
    np.testing.assert_allclose(reconstructed(counts, averaging, logged), true, atol=1e-15)


@given(samples(), st.integers(1, 90))
def test_which_reconstruction_is_exact_with_a_short_last_batch(sample, batch_size):
    y, p = sample
    counts = batch_counts(y, p, batch_size)
    for averaging, logged in [
        ("per_batch", "sum"),
        ("size_weighted", "mean"),
        ("per_batch", "per_sample"),
        ("size_weighted", "per_sample"),
    ]:
        found = reconstructed(counts, averaging, logged)
        np.testing.assert_allclose(found, pooled(counts), atol=1e-14)


def test_the_other_two_reconstructions_are_not():
    # 10 samples in batches of 4, 4 and 2; the true F1 is 0.8
    counts = as_counts([1, 1, 2], [1, 0, 0], [1, 0, 0], [1, 3, 0])
    assert pooled(counts) == pytest.approx(0.8)
    assert reconstructed(counts, "size_weighted", "sum") == pytest.approx(0.75)
    assert reconstructed(counts, "per_batch", "mean") == pytest.approx(6 / 7)


@given(samples(), st.integers(1, 90))
def test_mean_minus_truth_is_a_covariance(sample, batch_size):
    counts = batch_counts(*sample, batch_size)
    weight = counts.positives + counts.predicted_positives
    if weight.sum() == 0:
        return
    f1_b = np.divide(2 * counts.tp, weight, out=np.zeros(len(weight)), where=weight > 0)
    covariance = np.mean(weight * f1_b) - np.mean(weight) * np.mean(f1_b)
    found = batch_mean(counts) - pooled(counts)
    np.testing.assert_allclose(found, -covariance / np.mean(weight), atol=1e-14)


def test_the_articles_worked_example():
    counts = as_counts([30, 1, 30], [10, 0, 0], [10, 9, 0], [50, 90, 70])
    assert float(batch_mean(counts)) == pytest.approx(0.643939, abs=5e-7)
    assert float(pooled(counts)) == pytest.approx(0.807947, abs=5e-7)


def test_batches_without_positives_follow_zero_division():
    counts = as_counts([2, 0], [0, 0], [0, 0], [2, 4])
    assert batch_mean(counts, zero_division=0.0) == 0.5
    assert batch_mean(counts, zero_division=1.0) == 1.0
    assert batch_mean(counts, zero_division=np.nan) == 1.0
    nothing = as_counts([0, 0], [0, 0], [0, 0], [4, 4])
    assert np.isnan(batch_mean(nothing, zero_division=np.nan))
    assert reconstructed(nothing, zero_division=1.0) == 1.0


def test_the_running_sum_rounds_as_its_dtype_does():
    values = np.full(20_000, np.float32(2 / 3), np.float64)
    sizes = np.ones(20_000, np.int64)
    exact = average(values, sizes, "per_batch")
    single = np.float32(0)
    for value in values:
        single += np.float32(value)
    assert average(values, sizes, "per_batch", np.float32) == float(single) / 20_000
    assert abs(exact - values[0]) < 1e-12 < abs(float(single) / 20_000 - values[0])


def test_pooling_counts_beyond_two_to_the_24_is_exact():
    n = 2**24
    counts = as_counts([n, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0])
    assert pooled(counts) == 2 * (n + 2) / (2 * (n + 2) + 2)


def test_leading_axes():
    tp = np.arange(12).reshape(2, 2, 3)
    counts = as_counts(tp, 1, 2, 3)
    assert batch_mean(counts).shape == reconstructed(counts, "per_batch", "sum").shape == (2, 2)
    one = as_counts(tp[1, 0], 1, 2, 3)
    assert batch_mean(counts)[1, 0] == batch_mean(one)


def test_unknown_rules_and_batches_without_samples_are_refused():
    counts = as_counts([1], [0], [0], [0])
    with pytest.raises(InputError, match="averaging: is one of .*; got weekly"):
        batch_mean(counts, "weekly")
    with pytest.raises(InputError, match="logged: is one of .*; got median"):
        reconstructed(counts, logged="median")
    with pytest.raises(InputError, match="batch sizes: must be at least 1"):
        batch_mean(as_counts([1, 0], [0, 0], [0, 0], [0, 0]))
