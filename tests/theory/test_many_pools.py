"""Arrays of pools: each place gets what its pool alone gets, however pools are put together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1
from batchf1.theory import chunks, distributions, spread
from batchf1.theory.expectation import expect, expected_f1
from batchf1.theory.pool import checked_batching, grouped
from helpers.brute_force import CONVENTIONS, METRICS, RULES
from helpers.invalid_inputs import COUNT, refused
from helpers.slow import slow

METRIC = st.sampled_from(sorted(METRICS))
HOW = st.tuples(st.sampled_from(RULES), st.sampled_from(CONVENTIONS), METRIC)


def flat(found):
    """What was found as one array, sd as a variance: where it is 0, rounding leaves its root."""
    *fields, (low, high) = found
    sd = fields[2] = np.asarray(found.sd)
    ends = (np.where(sd > 1e-6, end, 0.0) for end in (low, high))
    return np.array([*fields[:2], sd**2, *fields[3:], *ends], float)


def check_against_singles(cells, size, averaging, zero_division, name):
    rules = (averaging, zero_division, METRICS[name])
    cells = np.array(cells)
    found = expect(Counts(*cells), size, *rules)
    alone = expected_f1(Counts(*cells), size, *rules)
    np.testing.assert_allclose(alone, found.expected_f1, rtol=0, atol=1e-14)
    values = flat(found)
    for place in np.ndindex(cells.shape[1:]):
        single = expect(Counts(*map(int, cells[(..., *place)])), size, *rules)
        np.testing.assert_allclose(values[(..., *place)], flat(single), rtol=0, atol=1e-12)


@st.composite
def pools(draw, most=40):
    """A batch size and pools with at least a batch each, some alike, some with nothing relevant."""
    size = draw(st.integers(1, 30))
    count = st.one_of(st.integers(0, 3), st.integers(0, most))
    pool = st.tuples(count, count, count, st.integers(0, 6 * size)).filter(
        lambda cells: sum(cells) >= size
    )
    found = draw(st.lists(pool, min_size=1, max_size=8))
    return size, np.array(found + found[: draw(st.integers(0, 2))]).T


@given(pools(), HOW)
def test_each_pool_as_if_alone(pools, how):
    size, cells = pools
    check_against_singles(cells, size, *how)


@pytest.mark.parametrize(
    ("size", "averaging"), [(8, RULES[0]), (32, RULES[1]), *(slow(700, rule) for rule in RULES)]
)
def test_pools_like_those_of_a_sweep(size, averaging):
    # of one to many batches, with and without a short one, wide laws beside narrow ones
    draw = np.random.default_rng(size)
    n = draw.choice([700, 1000, 1400, 10_010, 44_000], 20)
    positives = np.rint(n * np.exp(draw.uniform(np.log(0.005), np.log(0.5), 20)))
    tp = np.rint(positives * draw.uniform(0, 1, 20))
    fp = np.minimum(np.rint(tp * draw.uniform(0, 1, 20)), n - positives)
    cells = np.array([tp, fp, positives - tp, n - positives - fp], int)
    for zero_division, name in ((0.0, "f1"), (1.0, "f2")):
        check_against_singles(cells, size, averaging, zero_division, name)


def test_where_every_degree_is_looked_at():
    # one full batch decides all of the short one, of which some are empty
    few = np.array([[1, 2, 3], [60, 50, 70], [0, 0, 1], [60, 30, 50]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "REL_TOL", -1.0)
        check_against_singles(few, 70, "per_batch", 0.0, "f1")
        every = expect(Counts(*few), 70)
    np.testing.assert_allclose(expect(Counts(*few), 70).sd, every.sd, rtol=1e-12)


def test_the_answer_has_the_shape_of_the_counts():
    counts = Counts(np.arange(3), np.array([[0], [4]]), 2, 50)
    found = expect(counts, 7)
    for values in (*found[:-1], *found.interval95, expected_f1(counts, 7)):
        assert values.shape == (2, 3)
    assert {values.dtype for values in (*found[:6], *found.interval95)} == {np.dtype(np.float64)}
    assert found.n_batches.dtype == np.int64
    assert found.n_batches.tolist() == [[8, 8, 8], [8, 9, 9]]
    check_against_singles(np.broadcast_arrays(*counts), 7, "per_batch", 0.0, "f1")
    assert expect(Counts([3], 1, 2, 94), 9).sd.shape == (1,)
    assert expect(Counts([], [], [], []), 9).sd.shape == (0,)


@pytest.mark.parametrize("counts", [(3, 1, 2, 94), (0, 0, 0, 9), (9, 0, 0, 0)], ids=str)
def test_a_single_pool_gets_plain_numbers(counts):
    found = expect(Counts(*counts), 9)
    assert [type(value) for value in found[:-1]] == [float] * 6 + [int]
    assert [type(value) for value in found.interval95] == [float] * 2
    assert type(expected_f1(Counts(*counts), 9)) is float


def test_equal_pools_are_computed_once():
    # what matters are TP, errors and N: three of these six pools
    cells = np.array([[3, 5, 3, 3, 5, 0], [1, 0, 2, 0, 0, 0], [2, 4, 1, 3, 4, 0], [9] * 6])
    pool = grouped(cells.sum(axis=0), cells, F1)
    rows, same = chunks.unique_pools(pool)
    assert len(rows) == 3
    for column in (pool.total, *pool.groups):
        np.testing.assert_array_equal(column[rows][same], column)


@given(pools(), HOW, st.integers(1, 300), st.integers(1, 4))
def test_portions_hold_each_relevant_pool_once_and_change_nothing(pools, how, numbers, looked_at):
    size, cells = pools
    averaging, zero_division, name = how
    rules = (averaging, zero_division, METRICS[name])
    whole = expect(Counts(*cells), size, *rules)
    pool = grouped(cells.sum(axis=0), cells, METRICS[name])
    cut = checked_batching(cells.sum(axis=0), size, averaging, zero_division)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_SIZE", numbers)
        patch.setattr(chunks, "POOLS", looked_at)
        parts = list(chunks.chunks(pool, cut))
        small = expect(Counts(*cells), size, *rules)
    rows = np.concatenate([rows for rows, _ in parts]) if parts else np.array([], int)
    relevant = np.array(METRICS[name].bottom) @ cells > 0
    assert sorted(rows) == np.flatnonzero(relevant).tolist()
    for _, epoch in parts:
        assert all((group > 0).all() for group in epoch.pool.groups)
        assert (epoch.batching.rest > 0).all() == epoch.batching.ragged
    np.testing.assert_allclose(flat(small), flat(whole), rtol=0, atol=1e-13)


def test_the_arrays_of_a_portion_stay_within_a_few_times_the_aim():
    tp = np.arange(1, 3001)
    cells = np.array([tp, tp // 3, tp // 4, 9000 - tp])
    n = cells.sum(axis=0)
    pool, cut = grouped(n, cells, F1), checked_batching(n, 300, "per_batch", 0.0)
    sizes = []
    for rows, epoch in chunks.chunks(pool, cut):
        sizes.append(
            max(axis.points.size for axis in (epoch.distribution.first, *epoch.distribution.inner))
        )
        assert len(rows) > 1
    assert max(sizes) < 8 * chunks.CHUNK_SIZE


@pytest.mark.parametrize("longest", [4096, 0])
def test_laws_of_many_draws_by_tables_and_one_by_one(monkeypatch, longest):
    monkeypatch.setattr(distributions, "MAX_TABLE_LENGTH", longest)
    total, marked = np.array([[30.0], [400.0]]), np.array([[12.0], [390.0]])
    draws = np.array([[0.0, 1, 7, 30], [3, 200, 380, 399]])
    found, exact = (
        distributions.hypergeometric_vectorized(total, marked, draws),
        distributions.hypergeometric(total, marked, draws),
    )
    np.testing.assert_array_equal(found.points, exact.points)
    np.testing.assert_allclose(found.weights, exact.weights, rtol=1e-11, atol=1e-17)


@pytest.mark.parametrize(
    ("counts", "size", "said"),
    [
        (([1, 2], 0, 0, [9, 3]), 6, "batch_size must be at most the number of samples, 5; got 6"),
        (([1, 2.5], 0, 0, 9), 2, f"tp {COUNT}; got 2.5"),
        (([0, 1], 0, 0, 2**53), 1, f"tp + fp + fn + tn must lie in 1 .. 2**53; got {2**53 + 1}"),
        (([1, 2], 0, 0, 9), [2, 3], "batch_size must be a whole number >= 1; got [2, 3]"),
    ],
)
def test_nonsense_among_many_is_refused_in_one_line(counts, size, said):
    for call in (expect, expected_f1):
        refused(said, call, Counts(*counts), size)
