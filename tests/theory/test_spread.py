"""The spread of a batch mean against a double sum, simulation and falling powers."""

import itertools
import math

import numpy as np
import pytest

from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from helpers.brute_force import RULES


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


@pytest.mark.parametrize("averaging", RULES)
def test_of_two_batches_the_second_holds_what_the_first_leaves(averaging):
    tp, errors, others, size = 10, 8, 26, 23
    rest = tp + errors + others - size
    first, value = batch_law(tp, errors, others, size)
    _, second = batch_law(tp, errors, others, rest)
    weight = 1 / 2 if averaging == "per_batch" else size / (size + rest)
    mean = weight * np.nan_to_num(value) + (1 - weight) * np.nan_to_num(second[::-1, ::-1])
    sd = np.sqrt((first * (mean - (first * mean).sum()) ** 2).sum())
    assert expect(Counts(tp, errors, 0, others), size, averaging).sd == pytest.approx(sd, rel=1e-12)
