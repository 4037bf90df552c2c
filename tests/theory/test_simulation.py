"""Simulated cuts against every order of small pools, and against what is known exactly."""

import math

import numpy as np
import pytest
import sklearn.metrics as sk

from batchf1 import (
    balanced_accuracy,
    concordance_correlation,
    explained_variance,
    kappa,
    mcc,
    mse,
    pearson,
    r2,
    rmse,
)
from batchf1.errors import InputError
from batchf1.metrics.averaging import pooled
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import batch_counts
from batchf1.metrics.factories import f_beta, precision
from batchf1.theory.expectation import expect
from batchf1.theory.simulation import Simulated, simulate
from helpers.classes import counts_of, every_mean, kind
from helpers.invalid_inputs import refused
from helpers.slow import one_in

LABELS, DECIDED = [0, 0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 0]
SAMPLES = class_counts(LABELS, np.eye(3)[DECIDED], 1)
POOL = {}
for pair in zip(LABELS, DECIDED, strict=True):
    POOL[kind(*pair, 3)] = POOL.get(kind(*pair, 3), 0) + 1


@pytest.mark.parametrize(
    ("averaging", "zero_division", "over"),
    one_in(3, ["per_batch", "size_weighted"], [0.0, math.nan], ["macro", "weighted"]),
)
def test_mean_and_spread_are_those_of_all_orders(over, zero_division, averaging):
    metric = precision(over)
    found = simulate(SAMPLES, 3, averaging, zero_division, metric, cuts=1000, seed=1)
    every = every_mean(POOL, 3, averaging, zero_division, metric)
    assert found.expected_f1 == pytest.approx(every.mean(), abs=4.5 * found.standard_error)
    assert found.sd == pytest.approx(every.std(), rel=0.1)
    assert found.standard_error == pytest.approx(found.sd / math.sqrt(1000))
    assert found.true_f1 == metric(counts_of(POOL), zero_division)


def test_one_class_is_what_expect_knows():
    rng = np.random.default_rng(3)
    labels = rng.random(300) < 0.2
    samples = batch_counts(labels, np.where(rng.random(300) < 0.9, labels, ~labels), 1)
    whole = type(samples)(*(part.sum() for part in samples))
    for zero_division in (0.0, math.nan):
        exact = expect(whole, 16, zero_division=zero_division, metric=f_beta(2))
        found = simulate(samples, 16, zero_division=zero_division, metric=f_beta(2))
        assert found.expected_f1 == pytest.approx(exact.expected_f1, abs=4.5 * found.standard_error)
        assert found.sd == pytest.approx(exact.sd, rel=0.1)
        assert found.true_f1 == pooled(samples, metric=f_beta(2)) == exact.true_f1


def test_the_seed_decides():
    metric = f_beta(1, "macro")
    first, again, other = (simulate(SAMPLES, 3, metric=metric, cuts=9, seed=s) for s in (5, 5, 6))
    assert first == again
    assert first.expected_f1 != other.expected_f1
    assert (other.cuts, other.seed) == (9, 6)


def test_what_is_always_undefined_is_nan():
    nothing = batch_counts([0, 0, 0], [0.1, 0.2, 0.3], 1)
    found = simulate(nothing, 2, zero_division=math.nan, cuts=3)
    assert found == pytest.approx(Simulated(*[math.nan] * 4, 3, 0), nan_ok=True)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: simulate(batch_counts([0, 1], [0, 1], 2), 1),
            "counts must be of single samples; got (1,)",
        ),
        (lambda: simulate(SAMPLES, 3), "counts must be of single samples; got (3, 7)"),
        (
            lambda: simulate(SAMPLES, 3, metric=f_beta(1, "macro"), cuts=1),
            "cuts must be a whole number >= 2; got 1",
        ),
        (
            lambda: simulate(SAMPLES, 3, metric=f_beta(1, "macro"), seed=-1),
            "seed must be a whole number >= 0; got -1",
        ),
        (
            lambda: simulate(SAMPLES, 3, "weekly", metric=f_beta(1, "macro")),
            "averaging must be one of ('per_batch', 'size_weighted'); got weekly",
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(call, said):
    refused(said, call)


# Of labels and predictions


def _concordance(y, p):
    covariance = np.cov(y, p, bias=True)
    return 2 * covariance[0, 1] / (np.trace(covariance) + (p.mean() - y.mean()) ** 2)


def _weighted_mse(y, p, w):
    return sk.mean_squared_error(y, p, sample_weight=w)


def cut_by_hand(samples, size, averaging, scorer, cuts, seed):
    """Mean over batches of each random order, one batch after the other."""
    n, rng = len(samples[0]), np.random.default_rng(seed)
    means = []
    for _ in range(cuts):
        order = rng.permutation(n)
        rows = [order[start : start + size] for start in range(0, n, size)]
        values = np.array([scorer(*(part[row] for part in samples)) for row in rows])
        sizes = np.array([len(row) for row in rows]) if averaging == "size_weighted" else None
        known = ~np.isnan(values)
        weights = None if sizes is None else sizes[known]
        means.append(np.average(values[known], weights=weights))
    return np.array(means)


@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
@pytest.mark.parametrize(
    ("metric", "scorer"),
    [
        (mse(), sk.mean_squared_error),
        (rmse(), sk.root_mean_squared_error),
        (r2(), sk.r2_score),
        (explained_variance(), sk.explained_variance_score),
        (pearson(), lambda y, p: np.corrcoef(y, p)[0, 1]),
        (concordance_correlation(), _concordance),
    ],
)
def test_metrics_of_numbers(metric, scorer, averaging):
    rng = np.random.default_rng(2)
    y = rng.normal(3, 1, 50)
    p = y + rng.normal(size=50) * np.abs(y)
    found = simulate((y, p), 8, averaging, metric=metric, cuts=20, seed=4)
    means = cut_by_hand((y, p), 8, averaging, scorer, 20, 4)
    assert found.true_f1 == pytest.approx(scorer(y, p), rel=1e-9)
    assert found.expected_f1 == pytest.approx(means.mean(), rel=1e-9)
    assert found.sd == pytest.approx(means.std(ddof=1), rel=1e-9)
    assert found.error == found.expected_f1 - found.true_f1
    low, high = found.interval95
    assert (high - low) / 2 == pytest.approx(1.96 * found.sd, rel=1e-4)


def test_weights_and_undefined_batches():
    rng = np.random.default_rng(2)
    y, p, w = (rng.integers(0, 4, 40), rng.random(40), rng.random(40))
    found = simulate((y, p, w), 16, metric=mse(), cuts=20)
    assert found.true_f1 == pytest.approx(sk.mean_squared_error(y, p, sample_weight=w))
    means = cut_by_hand((y, p, w), 16, "per_batch", _weighted_mse, 20, 0)
    assert found.expected_f1 == pytest.approx(means.mean())
    # two equal labels have no correlation: the batch is left out, or counts as said
    skipped, zero = (simulate((y, p), 2, "per_batch", z, pearson(), 20) for z in (None, 0.0))
    with np.errstate(invalid="ignore"):
        means = cut_by_hand((y, p), 2, "per_batch", lambda a, b: np.corrcoef(a, b)[0, 1], 20, 0)
    assert skipped.expected_f1 == pytest.approx(means.mean())
    assert abs(zero.expected_f1) < abs(skipped.expected_f1)


@pytest.mark.parametrize("metric", [f_beta(1), mcc(), kappa(), balanced_accuracy()])
def test_labels_and_counts_are_the_same_samples(metric):
    rng = np.random.default_rng(3)
    labels = rng.random(300) < 0.2
    decided = np.where(rng.random(300) < 0.9, labels, ~labels)
    single = batch_counts(labels, decided, 1)
    whole = type(single)(*(int(part.sum()) for part in single))
    found = simulate((labels * 1, decided * 1), 16, metric=metric, cuts=200)
    assert found == pytest.approx(simulate(single, 16, metric=metric, cuts=200))
    other = simulate(whole, 16, metric=metric, cuts=200)
    assert other.true_f1 == pytest.approx(found.true_f1)
    assert other.expected_f1 == pytest.approx(found.expected_f1, abs=6 * found.standard_error)


def test_classes_of_labels():
    scores = np.eye(3)[DECIDED]
    for metric in (f_beta(1, "macro", 3), mcc(3), kappa("quadratic", 3)):
        found = simulate((LABELS, scores), 3, metric=metric, cuts=9)
        assert found.true_f1 == pytest.approx(metric(LABELS, scores))
    with pytest.raises(InputError, match="must be .y_true, y_pred., .* or a batchf1.Counts; got l"):
        simulate([LABELS, scores], 3)
