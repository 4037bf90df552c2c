"""The limits for large data against every batch, integrals and large pools."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import ACCURACY, PRECISION, Ratio
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data, rare_positives
from helpers.brute_force import BY_HAND, CONVENTIONS, METRICS
from helpers.invalid_inputs import refused


def drawn_independently(shares, size, weights):
    """Every kind of batch: its probability, counts, and metric (NaN where it is 0/0)."""
    for counts in itertools.product(range(size + 1), repeat=4):
        if sum(counts) == size:
            ways = math.factorial(size) / math.prod(map(math.factorial, counts))
            top, bottom = (np.dot(of_kind, counts) for of_kind in weights)
            value = top / bottom if bottom else math.nan
            yield ways * math.prod(np.power(shares, counts)), counts, value


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("name", ["f1", "f2", "recall", "accuracy"])
@pytest.mark.parametrize(
    "rates", [(0.3, 0.6, 0.7, 4), (0.1, 1, 0.5, 5), (0.5, 0.5, 1, 5), (0.2, 0.4, 1, 1)], ids=str
)
def test_the_limit_against_every_batch(rates, name, zero_division):
    prevalence, precision, recall, size = rates
    tp, found_positive = prevalence * recall, prevalence * recall / precision
    shares = [tp, found_positive - tp, prevalence - tp, 1 - prevalence - found_positive + tp]
    weights = BY_HAND[name]
    law, counts, values = map(
        np.array, zip(*drawn_independently(shares, size, weights), strict=True)
    )
    true, empty = np.dot(weights[0], shares) / np.dot(weights[1], shares), np.isnan(values)
    kept = law @ ~empty if math.isnan(zero_division) else 1.0
    off = np.where(empty, np.nan_to_num(zero_division - true), values - true)
    error = law @ off / kept
    found = large_data(*rates, zero_division, METRICS[name])
    assert found.true_f1 == pytest.approx(true, abs=1e-15)
    assert found.error == pytest.approx(error, abs=1e-15)
    assert found.expected_f1 == pytest.approx(true + error, abs=1e-15)
    of_empty = law[empty].sum() * np.nan_to_num(zero_division - true)
    assert found.error_empty == pytest.approx(of_empty, abs=1e-15)
    assert found.error_curvature == pytest.approx(error - of_empty, abs=1e-15)
    # what is linear in the counts does not move: their sum over all batches is that of the pool
    strays = np.where(empty & (kept < 1), 0, off - error) * np.sqrt(law)
    basis = np.column_stack([np.ones(len(law)), counts]) * np.sqrt(law)[:, None]
    left = strays - basis @ np.linalg.lstsq(basis, strays)[0]
    assert found.sd_batch == pytest.approx(np.linalg.norm(left) / kept, abs=1e-8)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("name", ["f1", "f2", "precision"])
def test_the_limit_and_how_fast_it_is_reached(name, zero_division):
    limit = large_data(0.1, 0.75, 0.8, 20, zero_division, METRICS[name])
    rates = []
    for total in (6 * 10**4, 6 * 10**5):
        tp, fp, fn = 8 * total // 100, 8 * total // 300, 2 * total // 100
        found = expect(
            Counts(tp, fp, fn, total - tp - fp - fn), 20, "per_batch", zero_division, METRICS[name]
        )
        rates.append((found.expected_f1 - limit.expected_f1) * total)
    np.testing.assert_allclose(found.sd * math.sqrt(total / 20), limit.sd_batch, rtol=1e-4)
    scale = abs(limit.per_sample) + 0.1
    assert abs(rates[1] - limit.per_sample) < 1e-3 * scale
    # what is left falls as 1 / N
    if abs(rates[0] - limit.per_sample) > 1e-5:
        gain = (rates[0] - limit.per_sample) / (rates[1] - limit.per_sample)
        assert gain == pytest.approx(10, rel=0.05)


def a_billion(prevalence):
    total = 10**9
    tp, fn = round(0.8 * prevalence * total), round(0.2 * prevalence * total)
    return tp, tp // 4, fn, total - tp - tp // 4 - fn


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("size", [1, 8, 1000, 10**5])
@pytest.mark.parametrize("prevalence", [1e-6, 1e-3, 0.1, 0.5])
def test_a_billion_samples_agree_with_the_limit(prevalence, size, zero_division):
    found = expect(Counts(*a_billion(prevalence)), size, zero_division=zero_division)
    limit = large_data(prevalence, 0.8, 0.8, size, zero_division)
    rate = limit.per_sample / 10**9
    np.testing.assert_allclose(found.error, limit.error + rate, atol=1e-3 * abs(rate) + 2e-14)
    sd = found.sd * math.sqrt(found.n_batches)
    rarity = 1 / (1000 * prevalence * 10**6)  # non-empty batches are few where positives are
    np.testing.assert_allclose(sd, limit.sd_batch, rtol=20 * size / 10**9 + rarity, atol=1e-6)


@pytest.mark.parametrize("positives", [0.01, 0.5, 4, 30, 1000])
def test_the_poisson_limit_in_closed_form(positives):
    precision, recall = 0.9, 0.7
    tp, errors = positives * recall, positives * (1 - recall + recall * (1 / precision - 1))
    density = lambda t: 2 * tp * t * math.exp(-tp * (1 - t * t) - errors * (1 - t))  # noqa: E731
    near = max(0.0, 1 - 40 / (tp + errors))
    exact = quad(density, near, 1, epsabs=0, epsrel=1e-12)[0]
    exact += quad(density, 0, near, epsabs=1e-18)[0] if near else 0
    found = rare_positives(positives, precision, recall)
    np.testing.assert_allclose(found.expected_f1, exact, rtol=1e-12)
    for zero_division in CONVENTIONS:
        rare = rare_positives(positives, precision, recall, zero_division)
        many = large_data(positives * 1e-6, precision, recall, 10**6, zero_division)
        np.testing.assert_allclose(many[:-1], rare[:-1], rtol=1e-4, atol=1e-5)
        assert np.isnan(rare.per_sample)


@pytest.mark.parametrize("precision, recall", [(0.9, 0.9), (0.5, 0.8)])
def test_large_batches_need_only_f1_and_the_mean_denominator(precision, recall):
    positives = 3000.0
    limit = rare_positives(positives, precision, recall)
    spread = limit.true_f1 * (1 - limit.true_f1)
    denominator = positives * (1 + recall / precision)
    np.testing.assert_allclose(limit.error, -spread / denominator, rtol=2e-3)
    np.testing.assert_allclose(
        limit.sd_batch, math.sqrt(2 * spread * (1 + spread)) / denominator, rtol=2e-3
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: large_data(0, 0.9, 0.9, 8), "prevalence must lie in [1e-15, 1]; got 0"),
        (lambda: large_data(0.1, 0, 0.9, 8), "precision must lie in (0, 1]; got 0"),
        (lambda: large_data(0.1, 0.9, 1.1, 8), "recall must lie in (0, 1]; got 1.1"),
        (
            lambda: large_data(0.5, 0.1, 0.9, 8),
            "precision cannot be so low: it needs more negatives than there are; got 0.1",
        ),
        (
            lambda: large_data(0.5, 0.45, 0.9, 8),
            "precision cannot be so low: it needs more negatives than there are; got 0.45",
        ),
        (lambda: large_data(0.1, 0.9, 0.9, 0), "batch_size must be a whole number >= 1; got 0"),
        (
            lambda: rare_positives(0, 0.9, 0.9),
            "positives_per_batch must be at least 1e-15 and finite; got 0",
        ),
        (
            lambda: rare_positives(math.inf, 0.9, 0.9),
            "positives_per_batch must be at least 1e-15 and finite; got inf",
        ),
        (lambda: rare_positives(1, 1.5, 0.9), "precision must lie in (0, 1]; got 1.5"),
        (
            lambda: rare_positives(1, 0.9, 0.9, 0, ACCURACY),
            "metric must not count true negatives here; got ((1, 0, 0, 1), (1, 1, 1, 1))",
        ),
    ],
)
def test_nonsense_for_a_limit_is_refused_in_one_line(call, said):
    refused(said, call)


def test_the_ends_of_what_a_limit_takes():
    assert large_data(1, 1, 1, 1).expected_f1 == rare_positives(1, 1, 1, math.nan).expected_f1 == 1
    assert large_data(0.5, 0.5, 1, 8, metric=PRECISION).expected_f1 == pytest.approx(0.5)
    # a batch of one sample: one of the 1e-15 is TP, FP or FN, and F1 of it 1 or 0
    for found in (large_data(1e-15, 0.5, 1, 1, math.nan), rare_positives(1e-15, 0.5, 1, math.nan)):
        assert found.expected_f1 == pytest.approx(0.5)


def test_two_relevant_samples_in_a_batch_count_however_rare_they_are():
    share = 5e-10  # of samples that are relevant, every other one TP
    one, two = 1 / 2, 7 / 12  # expected F1 of one and of two relevant samples
    found = large_data(share / 2, 0.5, 1, 2, math.nan).expected_f1
    assert found - one == pytest.approx((two - one) * share / 2, rel=1e-4)


@pytest.mark.parametrize("labels", [{}, {"labels": "flat", "written": "cells"}])
@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_a_metric_that_is_0_over_0_everywhere_is_its_convention(zero_division, labels):
    specificity = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")  # of positives alone
    found = large_data(1.0, 1.0, 0.5, 8, zero_division, specificity, **labels)
    whole = expect(Counts(50, 0, 50, 0), 8, "per_batch", zero_division, specificity, **labels)
    np.testing.assert_equal(found[:3], (whole.true_f1, whole.expected_f1, whole.sd))
    np.testing.assert_equal(found[3:], [0.0 * zero_division] * 4)
