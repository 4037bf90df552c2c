"""The incomplete last batch: exact laws against every cut of a small pool."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.theory import last_batch
from helpers.invalid_inputs import refused


@st.composite
def pools(draw):
    """TP, FP, FN, TN and a batch size, small enough to try every last batch."""
    tp, fp, fn, tn = (draw(st.integers(0, 3)) for _ in range(4))
    n = tp + fp + fn + tn
    if tp + fp + fn == 0:
        tp, n = 1, n + 1
    return (tp, fp, fn, tn), draw(st.integers(1, n))


def f1(tp, errors):
    return Fraction(2 * tp, 2 * tp + errors) if tp + errors else Fraction(0)


def cuts(pool, batch_size):
    """TP and FP + FN of the last batch of every cut, and its size."""
    kinds = [kind for kind, count in enumerate(pool) for _ in range(count)]
    size = len(kinds) % batch_size
    for chosen in combinations(kinds, size):
        yield chosen.count(0), chosen.count(1) + chosen.count(2), size


def by_brute_force(pool, batch_size, weigh):
    """Rebuilt F1 - true F1 of every cut; `weigh` is the weight of the last batch's counts."""
    tp, errors, found = pool[0], pool[1] + pool[2], []
    for last_tp, last_errors, size in cuts(pool, batch_size):
        weight = weigh(size, batch_size)
        parts = (tp - last_tp + weight * last_tp, errors - last_errors + weight * last_errors)
        found.append(float(f1(*parts) - f1(tp, errors)))
    return found


def agree(law, differences):
    assert law.probability.sum() == pytest.approx(1, abs=1e-9)
    assert (law.probability > 0).all()  # nothing that cannot happen
    assert law.mean == pytest.approx(np.mean(differences), abs=1e-12)
    square = float(law.probability @ law.difference**2)
    assert square == pytest.approx(np.mean(np.square(differences)), abs=1e-12)
    assert np.abs(law.difference).max() == pytest.approx(np.abs(differences).max(), abs=1e-12)


@given(pools())
def test_a_dropped_batch(case):
    pool, size = case
    tp, fp, fn, tn = pool
    law = last_batch.dropped(tp, fp + fn, tp + fp + fn + tn, size)
    agree(law, by_brute_force(pool, size, lambda last, full: 0))


@given(pools())
def test_a_short_batch_logged_as_sums_or_means(case):
    # size-weighted sums: sum_b n_b TP_b; means that count once: sum_b TP_b / n_b; but for a factor
    pool, size = case
    tp, fp, fn, _ = pool
    for law, weigh in (
        (last_batch.summed, lambda last, full: Fraction(last, full) if last else 1),
        (last_batch.averaged, lambda last, full: Fraction(full, last) if last else 1),
    ):
        agree(law(tp, fp + fn, sum(pool), size), by_brute_force(pool, size, weigh))


def rebuilt(order, size, weigh):
    """F1 from the counts of the batches of one order, each weighed by its size."""
    tp = errors = 0.0
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        weight = weigh(len(batch))
        tp += weight * np.count_nonzero(batch == 0)
        errors += weight * np.count_nonzero((batch == 1) | (batch == 2))
    return 2 * tp / (2 * tp + errors)


def test_the_weight_of_the_last_batch_among_many():
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(4), (30, 7, 5, 161))  # 203 samples
    size, true, epochs = 16, 60 / 72, 1500
    orders = [rng.permutation(kinds) for _ in range(epochs)]
    for weigh, law in ((float, last_batch.summed), (lambda n: 1 / n, last_batch.averaged)):
        found = [rebuilt(order, size, weigh) - true for order in orders]
        exact = law(30, 12, 203, size)
        sd = np.sqrt(exact.probability @ exact.difference**2 - exact.mean**2)
        assert np.mean(found) == pytest.approx(exact.mean, abs=4 * sd / np.sqrt(epochs))
        assert np.std(found) == pytest.approx(sd, rel=0.1)


def test_no_remainder_no_difference():
    for law in (last_batch.dropped, last_batch.summed, last_batch.averaged):
        found = law(5, 3, 100, 25)
        assert found.difference.tolist() == [0]
        assert found.probability.tolist() == [1]


def test_the_quantile_is_the_smallest_size_that_enough_cuts_do_not_exceed():
    law = last_batch.Outcomes(np.array([-0.3, 0.1, 0.0, 0.2]), np.array([0.1, 0.2, 0.5, 0.2]))
    assert law.quantile(0.5) == 0
    assert law.quantile(0.7) == 0.1
    assert law.quantile(0.95) == 0.3
    assert law.quantile(1) == 0.3


def test_the_quantile_of_all_cuts_is_the_largest_size_however_large_the_data():
    # 3 TP and 2 errors in 10^8 samples: a last batch can hold all three TP, and then F1 is 0
    law = last_batch.dropped(3, 2, 10**8, 999)
    assert law.probability.sum() == pytest.approx(1, abs=1e-14)
    assert law.quantile(1) == 0.75
    assert law.quantile(0) == law.quantile(0.99) == 0
    empty = law.probability[law.difference == 0].sum()
    assert 1 - empty == pytest.approx(5 * 10**8 % 999 / 10**8, rel=2e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 0, 10, 3), "tp + errors must be above 0; got 0"),
        ((-1, 3, 10, 3), "tp must be a whole number >= 0; got -1"),
        ((1, -1, 10, 3), "errors must be a whole number >= 0; got -1"),
        ((5, 6, 10, 3), "n_samples must be at least tp + errors = 11; got 10"),
        ((1, 1, None, 3), "n_samples must be a whole number >= 1; got None"),
        ((1, 1, 10, 0), "batch_size must be a whole number >= 1; got 0"),
        ((1, 1, 10, 11), "batch_size must be at most n_samples = 10; got 11"),
    ],
)
def test_bad_input(arguments, said):
    for law in (last_batch.dropped, last_batch.summed, last_batch.averaged):
        refused(said, law, *arguments)


def test_the_ends_of_what_is_allowed():
    assert last_batch.dropped(0, 1, 1, 1).difference.tolist() == [0]
    assert last_batch.dropped(5, 6, 11, 11).difference.tolist() == [0]


@pytest.mark.parametrize("share", [1.5, -0.1, np.nan])
def test_a_share_outside_its_range(share):
    with pytest.raises(InputError) as caught:
        last_batch.dropped(1, 1, 10, 3).quantile(share)
    assert str(caught.value) == f"share must lie in [0, 1]; got {share!r}"
