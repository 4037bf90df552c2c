"""The spread of a batch mean against a double sum, simulation and falling powers."""

import itertools
import math

import numpy as np
import pytest

from batchf1.metrics.averaging import batch_mean
from batchf1.metrics.counts import Counts, as_counts
from batchf1.theory.expectation import expect
from batchf1.theory.spread import correlations
from helpers.brute_force import CONVENTIONS, RULES


def test_all_relevant_samples_in_the_short_batch():
    # 7 samples as 5 and 2, empty batches left out: of the 21 places of one TP and one FP, 10 are in
    # the first batch (F1 2/3), 1 in the second (2/3), and 10 in both (1 and 0)
    found = expect(Counts(1, 1, 0, 5), 5, "per_batch", math.nan)
    mean = (11 * 2 / 3 + 10 / 2) / 21
    variance = (11 * (2 / 3) ** 2 + 10 / 4) / 21 - mean**2
    assert found.expected_f1 == pytest.approx(mean, abs=1e-15)
    assert found.sd == pytest.approx(math.sqrt(variance), abs=1e-14)
    assert found.sd == pytest.approx(0.08324, abs=5e-6)


def batch_law(tp, errors, others, size):
    """Probabilities of (tp, errors) in a batch, by multiplying odds: no code in common."""
    k, e = np.arange(min(tp, size) + 1), np.arange(min(errors, size) + 1)
    rest = size - k[:, None] - e
    choose = [
        np.array([math.comb(n, int(i)) for i in x], object) for n, x in ((tp, k), (errors, e))
    ]
    others = [[math.comb(others, int(r)) if r >= 0 else 0 for r in row] for row in rest]
    ways = choose[0][:, None] * choose[1] * np.array(others, object)
    law = (ways / ways.sum()).astype(float)
    return law, np.where(
        k[:, None] + e > 0, 2 * k[:, None] / np.maximum(2 * k[:, None] + e, 1), np.nan
    )


@pytest.mark.parametrize(
    "pool", [(9, 6, 75, 30), (9, 6, 72, 30), (6, 5, 40, 25), (8, 4, 24, 7)], ids=str
)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("zero_division", [0.0, 1.0])
def test_variance_against_a_direct_double_sum(pool, averaging, zero_division):
    tp, errors, others, size = pool
    total = tp + errors + others
    full, rest = divmod(total, size)
    sizes = [size] * full + [rest] * (rest > 0)
    weights = [1 / len(sizes) if averaging == "per_batch" else n / total for n in sizes]

    def moments(first, second):
        """Mean of the first batch's value, of its square, and of its product with the second's."""
        law, value = batch_law(tp, errors, others, first)
        value = np.nan_to_num(value, nan=zero_division)
        product = 0.0
        for k, e in zip(*np.nonzero(law), strict=True):
            left = batch_law(tp - k, errors - e, others - (first - k - e), second)
            product += (
                law[k, e]
                * value[k, e]
                * (left[0] * np.nan_to_num(left[1], nan=zero_division)).sum()
            )
        return (law * value).sum(), (law * value**2).sum(), product

    known = {}
    for pair in set(itertools.permutations(sizes, 2)):
        known[pair] = moments(*pair)
    mean = {a: m for (a, _), (m, _, _) in known.items()}
    variance = sum(
        w * v * (known[a, b][2] - mean[a] * mean[b])
        for (i, (a, w)), (j, (b, v)) in itertools.product(
            enumerate(zip(sizes, weights, strict=True)), repeat=2
        )
        if i != j
    )
    square = {a: s for (a, _), (_, s, _) in known.items()}
    variance += sum(w * w * (square[a] - mean[a] ** 2) for a, w in zip(sizes, weights, strict=True))
    found = expect(Counts(tp, errors, 0, others), size, averaging, zero_division)
    np.testing.assert_allclose(found.sd**2, variance, rtol=1e-10)


def drawn(counts, size, draws, seed):
    """Batch counts of `draws` random cuts."""
    rng = np.random.default_rng(seed)
    kinds = rng.permuted(
        np.tile(np.repeat(np.arange(4, dtype=np.int8), counts), (draws, 1)), axis=1
    )
    starts = np.arange(0, sum(counts), size)
    return as_counts(
        *(np.add.reduceat(kinds == kind, starts, axis=1, dtype=int) for kind in range(4))
    )


@pytest.mark.parametrize(
    "counts, size", [((45, 8, 12, 1935), 64), ((450, 60, 80, 1410), 21)], ids=str
)
def test_simulated_epochs(counts, size):
    draws = 2000
    epochs = drawn(counts, size, draws, seed=size)
    for averaging, zero_division in itertools.product(RULES, CONVENTIONS):
        logged = batch_mean(epochs, averaging, zero_division)
        found = expect(Counts(*counts), size, averaging, zero_division)
        assert abs(logged.mean() - found.expected_f1) < 5 * found.sd / math.sqrt(draws)
        fourth = np.mean((logged - logged.mean()) ** 4) / found.sd**4
        spread = math.sqrt((fourth - 1) / draws)  # of the relative sampling error of the variance
        assert abs(logged.var() / found.sd**2 - 1) < 5 * spread
        low, high = found.interval95
        assert 0.93 < np.mean((low < logged) & (logged < high)) < 0.97


def falling(x, n):
    return math.prod(range(x - n + 1, x + 1)) if x >= n else 0


@pytest.mark.parametrize(("one", "two"), [(4, 4), (5, 2), (1, 3)])
def test_correlations_by_falling_powers(one, two):
    totals = [9, 12, 40]
    found = correlations(totals, one, two, 5)
    assert found.shape == (6, 3)
    for place, total in enumerate(totals):
        for n in range(6):
            top = falling(one, n) * falling(two, n)
            bottom = falling(total - one, n) * falling(total - two, n)
            exact = (-1) ** n * math.sqrt(top / bottom) if top else 0
            assert found[n, place] == pytest.approx(exact, abs=1e-15)
