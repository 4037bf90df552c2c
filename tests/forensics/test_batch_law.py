"""The laws of logged means, against exact expectations and all batches counted out."""

import itertools
from math import factorial, prod

import numpy as np
import pytest

from batchf1.forensics.batch_law import Rates, covariance, expected_f1, prob_nonempty
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1, PRECISION, RECALL
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data

POOLS = [
    (Counts(160, 40, 60, 9740), 32),
    (Counts(30, 10, 20, 240), 50),
    (Counts(30, 10, 20, 240), 150),
    (Counts(140, 5, 8, 147), 10),
    (Counts(5, 3, 2, 990), 8),
    (Counts(6006, 6403, 107, 708), 8),
]


def rates(counts):
    return Rates(*(np.array(part / counts.n) for part in counts[:3]))


@pytest.mark.parametrize(("counts", "size"), POOLS)
def test_expectations_without_replacement(counts, size):
    whole = counts._replace(tn=counts.tn - counts.n % size)  # no short batch
    drawn, (tp, fp, fn) = size / whole.n, rates(whole)
    found = [
        tp / (tp + fn) * prob_nonempty(tp + fn, size, drawn),
        tp / (tp + fp) * prob_nonempty(tp + fp, size, drawn),
        expected_f1(tp, fp + fn, size, drawn),
    ]
    exact = [expect(whole, size, metric=metric).expected_f1 for metric in (RECALL, PRECISION, F1)]
    assert found == pytest.approx(exact, abs=2e-4)


@pytest.mark.parametrize(("counts", "size"), POOLS)
def test_large_data(counts, size):
    tp, fp, fn = rates(counts)
    given = (tp + fn).item(), (tp / (tp + fp)).item(), (tp / (tp + fn)).item(), size
    limits = [large_data(*given, metric=metric) for metric in (RECALL, PRECISION, F1)]
    assert expected_f1(tp, fp + fn, size, 0) == pytest.approx(limits[2].expected_f1, abs=1e-6)
    residual, _ = covariance(Rates(tp, fp, fn), size)
    sds = [limit.sd_batch for limit in limits]
    assert np.sqrt(np.diag(residual)) == pytest.approx(sds, rel=2e-3)


@pytest.mark.parametrize(("counts", "size"), POOLS[:4])
def test_the_deviation_of_an_epoch(counts, size):
    whole = counts._replace(tn=counts.tn - counts.n % size)
    m = whole.n / size
    residual, _ = covariance(rates(whole), size)
    found = np.sqrt(np.diag(residual) * (m - 1) / m**2)
    exact = [expect(whole, size, metric=metric).sd for metric in (RECALL, PRECISION, F1)]
    assert found == pytest.approx(exact, rel=0.05)


def test_covariances_of_all_batches_counted_out():
    size, shares = 5, (0.2, 0.1, 0.15)
    p = (*shares, 1 - sum(shares))
    counts = [c for c in itertools.product(range(size + 1), repeat=4) if sum(c) == size]
    ways = np.array([factorial(size) / prod(map(factorial, c)) for c in counts])
    weights = ways * [prod(a**b for a, b in zip(p, c, strict=True)) for c in counts]
    values = np.array(
        [[m.from_counts(*map(float, c), 0) for m in (RECALL, PRECISION, F1)] for c in counts]
    )
    both = np.cov(np.hstack([values, np.array(counts)[:, :3]]).T, aweights=weights, ddof=0)
    linear = both[:3, 3:] @ np.linalg.solve(both[3:, 3:], both[3:, :3])
    residual, full = covariance(Rates(*map(np.array, shares)), size)
    assert full == pytest.approx(both[:3, :3], abs=1e-7)
    assert residual == pytest.approx(both[:3, :3] - linear, abs=1e-7)
