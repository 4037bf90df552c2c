"""Simulated cuts against every order of small pools, and against what is known exactly."""

import math

import numpy as np
import pytest

from batchf1.metrics.averaging import pooled
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import batch_counts
from batchf1.metrics.factories import f_beta, precision
from batchf1.theory.expectation import expect
from batchf1.theory.simulation import Simulated, simulate
from helpers.classes import counts_of, every_mean, kind
from helpers.invalid_inputs import refused

LABELS, DECIDED = [0, 0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 0]
SAMPLES = class_counts(LABELS, np.eye(3)[DECIDED], 1)
POOL = {}
for pair in zip(LABELS, DECIDED, strict=True):
    POOL[kind(*pair, 3)] = POOL.get(kind(*pair, 3), 0) + 1


@pytest.mark.parametrize("over", ["macro", "weighted"])
@pytest.mark.parametrize("zero_division", [0.0, math.nan])
@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
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
