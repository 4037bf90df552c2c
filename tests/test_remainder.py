"""The incomplete last batch: exact laws against every cut of a small pool."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1 import averaging, remainder
from batchf1.counts import as_counts, f1
from batchf1.errors import InputError


@st.composite
def pools(draw):
    """TP, FP, FN, TN and a batch size, small enough to try every last batch."""
    tp, fp, fn, tn = (draw(st.integers(0, 3)) for _ in range(4))
    n = tp + fp + fn + tn
    if tp + fp + fn == 0:
        tp, n = 1, n + 1
    return (tp, fp, fn, tn), draw(st.integers(1, n))


def cuts(pool, batch_size):
    """The counts of the whole batches together, and of the last one, of every cut."""
    kinds = np.repeat(np.eye(4, dtype=np.int64), pool, axis=0)
    n, size = len(kinds), len(kinds) % batch_size
    for chosen in combinations(range(n), size):
        last = kinds[list(chosen)].sum(axis=0)
        yield kinds.sum(axis=0) - last, last, n - size, size


def by_brute_force(pool, batch_size, rebuild):
    true = float(f1(as_counts(*pool)))
    return [rebuild(*cut) - true for cut in cuts(pool, batch_size)]


def dropped(whole, last, n_whole, size):
    return float(f1(as_counts(*whole)))


def logged(averaging_rule, form):
    """F1 rebuilt from logs, with the whole batches' samples in batches of any composition."""

    def rebuild(whole, last, n_whole, size):
        batches = [whole, last] if size else [whole]
        # all whole batches as one: their sum is what counts, and the rule is applied by hand
        counts = as_counts(*np.transpose(batches))
        return float(averaging.reconstructed(counts, averaging_rule, form))

    return rebuild


def agree(law, differences):
    assert law.probability.sum() == pytest.approx(1, abs=1e-9)
    assert law.mean == pytest.approx(np.mean(differences), abs=1e-12)
    square = float(law.probability @ law.difference**2)
    assert square == pytest.approx(np.mean(np.square(differences)), abs=1e-12)
    assert np.abs(law.difference).max() == pytest.approx(np.abs(differences).max(), abs=1e-12)


@given(pools())
def test_a_dropped_batch(case):
    pool, size = case
    tp, fp, fn, tn = pool
    law = remainder.dropped(tp, fp + fn, tp + fp + fn + tn, size)
    agree(law, by_brute_force(pool, size, dropped))


@given(pools())
def test_one_whole_batch_and_a_short_one_logged_as_sums_or_means(case):
    pool, _ = case
    tp, fp, fn, _ = pool
    n = sum(pool)
    size = n // 2 + 1  # so that there is one whole batch, and the logs' arithmetic is Keras' own
    for law, rule, form in (
        (remainder.summed, "size_weighted", "sum"),
        (remainder.averaged, "per_batch", "mean"),
    ):
        found = law(tp, fp + fn, n, size)
        agree(found, by_brute_force(pool, size, logged(rule, form)))


def test_the_weight_of_the_last_batch_among_many():
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(4), (30, 7, 5, 161))  # 203 samples
    size, true = 16, 60 / 72
    found = {"sum": [], "mean": []}
    for _ in range(4000):
        order = rng.permutation(kinds)
        starts = np.arange(0, len(order), size)
        counts = as_counts(*(np.add.reduceat(order == kind, starts) for kind in range(4)))
        for form, rule in (("sum", "size_weighted"), ("mean", "per_batch")):
            found[form].append(float(averaging.reconstructed(counts, rule, form)) - true)
    for form, law in (("sum", remainder.summed), ("mean", remainder.averaged)):
        exact = law(30, 12, 203, size)
        sd = np.sqrt(exact.probability @ exact.difference**2 - exact.mean**2)
        assert np.mean(found[form]) == pytest.approx(exact.mean, abs=5 * sd / np.sqrt(4000))
        assert np.std(found[form]) == pytest.approx(sd, rel=0.08)


def test_no_remainder_no_difference():
    for law in (remainder.dropped, remainder.summed, remainder.averaged):
        found = law(5, 3, 100, 25)
        assert found.difference.tolist() == [0]
        assert found.probability.tolist() == [1]


def test_the_quantile_is_the_smallest_size_that_enough_cuts_do_not_exceed():
    law = remainder.Law(np.array([-0.3, 0.1, 0.0, 0.2]), np.array([0.1, 0.2, 0.5, 0.2]))
    assert law.quantile(0.5) == 0
    assert law.quantile(0.7) == 0.1
    assert law.quantile(0.95) == 0.3
    assert law.quantile(1) == 0.3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0, 10, 3), "tp, errors: >= 0, not both 0"),
        ((-1, 3, 10, 3), "tp, errors: >= 0, not both 0"),
        ((5, 6, 10, 3), "n_samples: is at least tp + errors = 11; got 10"),
        ((1, 1, 10, 0), "batch_size: lies in 1 .. 10; got 0"),
        ((1, 1, 10, 11), "batch_size: lies in 1 .. 10; got 11"),
    ],
)
def test_bad_input(arguments, words):
    for law in (remainder.dropped, remainder.summed, remainder.averaged):
        with pytest.raises(InputError) as caught:
            law(*arguments)
        assert words in str(caught.value)


def test_a_share_outside_its_range():
    with pytest.raises(InputError, match="share: lies in"):
        remainder.dropped(1, 1, 10, 3).quantile(1.5)
