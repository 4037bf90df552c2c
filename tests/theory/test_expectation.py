"""The expected batch mean against enumeration, exact fractions, simulation and known limits."""

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import digamma
from sklearn.metrics import (
    accuracy_score,
    fbeta_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from batchf1.errors import InputError
from batchf1.metrics.averaging import batch_mean
from batchf1.metrics.counts import as_counts
from batchf1.metrics.ratios import ACCURACY, F1, JACCARD, PRECISION, RECALL, Ratio, f_beta
from batchf1.theory import laws as hyper
from batchf1.theory.expectation import (
    _first,
    _group,
    _least_without_empty,
    _rising,
    _where,
    compatible_f1,
    covariance_identity,
    expect,
    expected_f1,
    large_data,
    rare_positives,
    smallest_batch,
)

RULES = ("per_batch", "size_weighted")
CONVENTIONS = (0.0, 1.0, math.nan)
METRICS = {
    "f1": F1,
    "precision": PRECISION,
    "recall": RECALL,
    "jaccard": JACCARD,
    "accuracy": ACCURACY,
    "f2": f_beta(2),
    "f3": f_beta(3),
    "f0.5": f_beta(0.5),
    "specificity": Ratio((0, 0, 0, 1), (0, 1, 0, 1)),
}
BY_HAND = {  # weights of (TP, FP, FN, TN) above and below the line
    "f1": ((2, 0, 0, 0), (2, 1, 1, 0)),
    "precision": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "recall": ((1, 0, 0, 0), (1, 0, 1, 0)),
    "jaccard": ((1, 0, 0, 0), (1, 1, 1, 0)),
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1)),
    "f2": ((5, 0, 0, 0), (5, 1, 4, 0)),
    "f3": ((10, 0, 0, 0), (10, 1, 9, 0)),
    "f0.5": ((1.25, 0, 0, 0), (1.25, 1, 0.25, 0)),
    "specificity": ((0, 0, 0, 1), (0, 1, 0, 1)),
}
THEORY = Path(__file__).parents[2] / "docs" / "theory.md"


def arrangements(counts):
    """Every distinct order of samples of four kinds."""
    if sum(counts) == 0:
        yield ()
    for kind, count in enumerate(counts):
        if count:
            fewer = (*counts[:kind], count - 1, *counts[kind + 1 :])
            yield from ((kind, *others) for others in arrangements(fewer))


def mean_over_batches(order, batch_size, averaging, zero_division, weights):
    value_sum = weight_sum = 0.0
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        top, bottom = (sum(of_kind[kind] for kind in batch) for of_kind in weights)
        value = top / bottom if bottom else zero_division
        if not math.isnan(value):
            weight = 1 if averaging == "per_batch" else len(batch)
            value_sum, weight_sum = value_sum + weight * value, weight_sum + weight
    return value_sum / weight_sum if weight_sum else math.nan


def check_against_enumeration(counts, size, averaging, zero_division, name):
    values = [
        mean_over_batches(order, size, averaging, zero_division, BY_HAND[name])
        for order in arrangements(counts)
    ]
    found = expect(*counts, size, averaging, zero_division, METRICS[name])
    np.testing.assert_allclose(found.expected_f1, np.mean(values), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sd**2, np.var(values), rtol=0, atol=1e-12)


LABELS, DECIDED = [1] * 7 + [0] * 13, [1] * 4 + [0] * 3 + [1] * 2 + [0] * 11  # TP 4, FP 2, FN 3


@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("f1", 8 / 13),
        ("f0.5", 1.25 * 4 / (1.25 * 4 + 0.25 * 3 + 2)),
        ("f2", 20 / 34),
        ("f3", 40 / 69),
        ("precision", 4 / 6),
        ("recall", 4 / 7),
        ("jaccard", 4 / 9),
        ("accuracy", 15 / 20),
        ("specificity", 11 / 13),
    ],
)
def test_every_metric_by_hand_and_by_scikit_learn(name, true):
    scores = {
        "precision": precision_score,
        "recall": recall_score,
        "jaccard": jaccard_score,
        "accuracy": accuracy_score,
        "specificity": partial(recall_score, pos_label=0),
    }
    beta = {"f0.5": 0.5, "f1": 1, "f2": 2, "f3": 3}.get(name)
    score = scores.get(name, partial(fbeta_score, beta=beta))
    assert score(LABELS, DECIDED) == pytest.approx(true, abs=1e-15)
    found = expect(4, 2, 3, 11, 20, metric=METRICS[name])
    assert found.true_f1 == found.expected_f1 == pytest.approx(true, abs=1e-15)
    counts = as_counts([4], [2], [3], [11])
    assert covariance_identity(counts, metric=METRICS[name]) == pytest.approx(0, abs=1e-15)


SMALL = [  # TP, FP, FN, TN, batch size
    (2, 1, 1, 4, 4),
    (2, 1, 1, 4, 2),
    (1, 1, 1, 6, 3),
    (2, 1, 1, 4, 3),
    (1, 2, 1, 4, 5),
    (1, 2, 0, 5, 7),
    (3, 1, 1, 2, 2),
    (1, 1, 0, 5, 1),
    (0, 1, 2, 4, 3),
    (3, 0, 0, 4, 3),
    (1, 0, 0, 7, 3),
    (2, 2, 2, 0, 4),
    (2, 1, 2, 1, 6),
    (0, 0, 0, 5, 2),
    (4, 0, 0, 0, 3),
    (1, 1, 0, 5, 5),  # all relevant samples fit the short batch
    (1, 0, 0, 5, 4),
    (2, 0, 1, 5, 5),
]


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_small_pools_against_full_enumeration(case, averaging, zero_division):
    check_against_enumeration(case[:4], case[4], averaging, zero_division, "f1")


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("name", METRICS)
def test_other_metrics_against_full_enumeration(name, averaging, zero_division):
    for case in [(2, 1, 2, 2, 3), (1, 2, 1, 3, 2), (1, 1, 1, 3, 4)]:
        check_against_enumeration(case[:4], case[4], averaging, zero_division, name)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(0, 2)] * 3, st.integers(0, 3)).filter(any),
    st.integers(1, 9),
    st.sampled_from(RULES),
    st.sampled_from(CONVENTIONS),
    st.sampled_from(sorted(METRICS)),
)
def test_any_small_pool_against_full_enumeration(counts, size, averaging, zero_division, name):
    size = min(size, sum(counts))
    check_against_enumeration(counts, size, averaging, zero_division, name)


def test_all_relevant_samples_in_the_short_batch():
    # 7 samples as 5 and 2, empty batches left out: of the 21 places of one TP and one FP, 10 are in
    # the first batch (F1 2/3), 1 in the second (2/3), and 10 in both (1 and 0)
    found = expect(1, 1, 0, 5, 5, "per_batch", math.nan)
    mean = (11 * 2 / 3 + 10 / 2) / 21
    variance = (11 * (2 / 3) ** 2 + 10 / 4) / 21 - mean**2
    assert found.expected_f1 == pytest.approx(mean, abs=1e-15)
    assert found.sd == pytest.approx(math.sqrt(variance), abs=1e-14)
    assert found.sd == pytest.approx(0.08324, abs=5e-6)


def test_the_interval_is_1_96_deviations_each_way_within_0_and_1():
    for zero_division in (0.0, 1.0):
        inside = expect(60, 20, 20, 900, 50, "per_batch", zero_division)
        low, high = inside.interval95
        reach = stats.norm.ppf(0.975) * inside.sd
        assert low == pytest.approx(inside.expected_f1 - reach, abs=1e-15)
        assert high == pytest.approx(inside.expected_f1 + reach, abs=1e-15)
    assert expect(1, 0, 0, 9, 5).interval95 == pytest.approx((0.5, 0.5), abs=1e-13)
    # a batch of two and one of one, of two TP and one FP: 5/6 with chance 2/3, else 1/2
    low, high = expect(2, 1, 0, 0, 2).interval95
    assert low == pytest.approx(13 / 18 - stats.norm.ppf(0.975) * math.sqrt(2) / 9, abs=1e-14)
    assert high == 1
    low, high = expect(0, 0, 3, 5, 4, "per_batch", 1).interval95
    assert low == 0 < high < 1


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
def test_a_pool_without_anything_relevant(averaging, zero_division):
    found = expect(0, 0, 0, 9, 4, averaging, zero_division)
    alone = expected_f1(0, 0, 0, 9, 4, averaging, zero_division)
    np.testing.assert_array_equal([*found[:2], alone, *found.interval95], [zero_division] * 5)
    np.testing.assert_array_equal(found[2:6], [0 * zero_division] * 4)
    assert found.n_batches == 3


def lone_f1(tp, errors, others, size):
    """Expected F1 of one batch (0/0 as 0), and the probability that it is empty, in fractions."""
    total, mean = math.comb(tp + errors + others, size), Fraction(0)
    for k, e in itertools.product(range(tp + 1), range(errors + 1)):
        if 0 < k + e <= size:
            ways = math.comb(tp, k) * math.comb(errors, e) * math.comb(others, size - k - e)
            mean += Fraction(2 * k * ways, (2 * k + e) * total)
    return mean, Fraction(math.comb(others, size), total)


def test_the_articles_batches_as_one_pool():
    found = expect(61, 10, 19, 210, 100)
    mean, empty = lone_f1(61, 29, 210, 100)
    true = Fraction(122, 151)
    assert found.n_batches == 3
    assert found.true_f1 == float(true)
    np.testing.assert_allclose(found.expected_f1, float(mean), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.error, float(mean - true), rtol=1e-12)
    np.testing.assert_allclose(found.error_empty, float(-empty * true), rtol=1e-12)
    np.testing.assert_allclose(found.error_curvature, float(mean - true + empty * true), rtol=1e-12)


@pytest.mark.parametrize("zero_division", [0.0, 1.0])
def test_a_ragged_pool_in_fractions(zero_division):
    full, full_empty = lone_f1(20, 9, 300, 50)
    short, short_empty = lone_f1(20, 9, 300, 29)
    full, short = (
        v + Fraction(zero_division) * p for v, p in ((full, full_empty), (short, short_empty))
    )
    per_batch = expect(20, 4, 5, 300, 50, "per_batch", zero_division).expected_f1
    weighted = expect(20, 4, 5, 300, 50, "size_weighted", zero_division).expected_f1
    np.testing.assert_allclose(per_batch, float((6 * full + short) / 7), rtol=1e-13)
    np.testing.assert_allclose(weighted, float((300 * full + 29 * short) / 329), rtol=1e-13)


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
    found = expect(tp, errors, 0, others, size, averaging, zero_division)
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
        found = expect(*counts, size, averaging, zero_division)
        assert abs(logged.mean() - found.expected_f1) < 5 * found.sd / math.sqrt(draws)
        fourth = np.mean((logged - logged.mean()) ** 4) / found.sd**4
        spread = math.sqrt((fourth - 1) / draws)  # of the relative sampling error of the variance
        assert abs(logged.var() / found.sd**2 - 1) < 5 * spread
        low, high = found.interval95
        assert 0.93 < np.mean((low < logged) & (logged < high)) < 0.97


# --- the parts of the error --------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(st.integers(0, 60), st.integers(0, 25), st.integers(0, 25), st.integers(1, 2000)),
    st.floats(0, 1),
    st.sampled_from(RULES),
    st.sampled_from(CONVENTIONS),
    st.sampled_from(sorted(set(METRICS) - {"specificity"})),
)
def test_the_split_and_the_sign_of_the_error(counts, share, averaging, zero_division, name):
    total = sum(counts)
    size = max(1, round(share * total))
    found = expect(*counts, size, averaging, zero_division, METRICS[name])
    alone = expected_f1(*counts, size, averaging, zero_division, METRICS[name])
    assert alone == pytest.approx(found.expected_f1, abs=1e-15, nan_ok=True)
    if math.isnan(found.true_f1):
        return
    assert found.error == found.error_empty + found.error_curvature
    assert found.expected_f1 == pytest.approx(found.true_f1 + found.error, abs=1e-15)
    assert found.error_curvature <= 1e-16
    assert found.error_curvature >= -(3 - 2 * math.sqrt(2)) or name.startswith("f")
    if name in ("precision", "recall", "jaccard", "accuracy"):
        assert found.error_curvature == 0
    if math.isnan(zero_division):
        assert found.error_empty == 0
    elif name == "f1" and found.true_f1 > 0:
        sizes = np.minimum(size, total - size * np.arange(found.n_batches)).astype(int)
        relevant = sum(counts[:3])
        empty = np.array(
            [math.comb(total - relevant, s) / math.comb(total, s) for s in map(int, sizes)]
        )
        weights = np.ones(len(sizes)) if averaging == "per_batch" else sizes
        share = np.average(empty, weights=weights)
        expected = share * (zero_division - found.true_f1)
        np.testing.assert_allclose(found.error_empty, expected, rtol=1e-11, atol=1e-300)


def test_curvature_of_f1_lies_between_jaccard_and_f1():
    deepest = 0.0
    for tp, size in itertools.product((1, 20, 42, 80), (1, 3, 10, 40, 100)):
        found = expect(tp, 30, 30, 900, size, zero_division=math.nan)
        jaccard = tp / (tp + 60)
        assert jaccard - found.true_f1 - 1e-15 <= found.error_curvature <= 0
        deepest = min(deepest, found.error_curvature)
    assert -0.1716 < deepest < -0.16


@settings(max_examples=100)
@given(
    st.integers(1, 6),
    st.integers(0, 2**32),
    st.sampled_from(RULES),
    st.sampled_from(sorted(METRICS)),
)
def test_covariance_identity_on_observed_batches(batches, seed, averaging, name):
    rng = np.random.default_rng(seed)
    counts = as_counts(*rng.integers(0, 4, (4, 3, batches)) + np.array([0, 0, 0, 1])[:, None, None])
    found = covariance_identity(counts, averaging, METRICS[name])
    for epoch in range(3):
        order = np.array([part[epoch] for part in counts]).T
        top, bottom = (order @ np.array(weights) for weights in BY_HAND[name])
        if bottom.sum() == 0:
            assert np.isnan(found[epoch])
            continue
        value = np.divide(top, bottom, out=np.zeros(batches), where=bottom > 0)
        weights = None if averaging == "per_batch" else order.sum(axis=1)
        difference = np.average(value, weights=weights) - top.sum() / bottom.sum()
        np.testing.assert_allclose(found[epoch], difference, atol=1e-14)


# --- numerics ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law",
    [(300, 61, 100), (10_000, 120, 32), (7, 3, 5), (60, 50, 40), (10**9, 700, 10**5)],
    ids=str,
)
def test_hypergeometric_probabilities_in_fractions(law):
    total, marked, draws = law
    axis = hyper.hypergeometric(*law)
    ways = [
        math.comb(draws, int(x)) * math.comb(total - draws, marked - int(x)) for x in axis.points
    ]
    exact = np.array([way / math.comb(total, marked) for way in ways])
    np.testing.assert_allclose(axis.weights, exact, rtol=2e-13, atol=1e-30)
    assert 1 - exact.sum() < 1e-15
    if total - marked >= draws:
        empty = math.comb(total - draws, marked) / math.comb(total, marked)
        np.testing.assert_allclose(np.exp(hyper.log_none(*law)), empty, rtol=2e-14)


def test_points_left_out_of_a_wide_law_are_not_missed():
    # about 400 relevant samples in a batch: one point in several stands for all
    tp, errors, others, size = 900, 300, 1800, 1000
    axis = hyper.hypergeometric(tp + errors + others, tp + errors, size)
    assert np.diff(axis.points).min() > 1
    scale, ways = 10**30, 0
    wrong = [math.comb(errors, e) for e in range(errors + 1)]
    idle = [math.comb(others, size - d) for d in range(size + 1)]
    for k in range(200, 401):
        row = sum(wrong[e] * idle[k + e] * (2 * k * scale // (2 * k + e)) for e in range(40, 161))
        ways += math.comb(tp, k) * row
    exact = Fraction(ways, scale * math.comb(tp + errors + others, size))
    found = expect(tp, 100, 200, others, size)
    np.testing.assert_allclose(found.expected_f1, float(exact), rtol=1e-13)


def test_a_billion_samples_in_fractions():
    # 1000 positives, prevalence 1e-6; batches of 100,000
    tp, errors, total, size = 900, 200, 10**9, 10**5
    relevant, mean = tp + errors, Fraction(0)
    for d in range(1, 40):
        ways = math.comb(size, d) * math.comb(total - size, relevant - d)
        given = Fraction(0)
        for k in range(1, d + 1):
            given += Fraction(math.comb(tp, k) * math.comb(errors, d - k) * 2 * k, k + d)
        mean += given / math.comb(relevant, d) * ways
    exact = float(mean / math.comb(total, relevant))
    found = expect(tp, 100, 100, total - relevant, size)
    np.testing.assert_allclose(found.expected_f1, exact, rtol=1e-13)
    np.testing.assert_allclose(found.error, exact - 0.9, rtol=1e-13)


def a_billion(prevalence):
    total = 10**9
    tp, fn = round(0.8 * prevalence * total), round(0.2 * prevalence * total)
    return tp, tp // 4, fn, total - tp - tp // 4 - fn


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("size", [1, 8, 1000, 10**5])
@pytest.mark.parametrize("prevalence", [1e-6, 1e-3, 0.1, 0.5])
def test_a_billion_samples_agree_with_the_limit(prevalence, size, zero_division):
    found = expect(*a_billion(prevalence), size, zero_division=zero_division)
    limit = large_data(prevalence, 0.8, 0.8, size, zero_division)
    rate = limit.per_sample / 10**9
    np.testing.assert_allclose(found.error, limit.error + rate, atol=1e-3 * abs(rate) + 2e-14)
    sd = found.sd * math.sqrt(found.n_batches)
    rarity = 1 / (1000 * prevalence * 10**6)  # non-empty batches are few where positives are
    np.testing.assert_allclose(sd, limit.sd_batch, rtol=20 * size / 10**9 + rarity, atol=1e-6)


@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("size", [7, 999, 10**5 + 1, 3 * 10**8, 10**9 // 2 + 1, 10**9 - 1, 10**9])
def test_a_billion_samples(size, averaging):
    for prevalence, zero_division in itertools.product((1e-6, 0.5), CONVENTIONS):
        counts = a_billion(prevalence)
        found = expect(*counts, size, averaging, zero_division)
        assert 0 <= found.interval95[0] <= found.expected_f1 <= found.interval95[1] <= 1
        assert found.sd > 0 or size == 10**9


@pytest.mark.parametrize(
    ("axis", "law"),
    [
        (hyper.binomial(0.3, 9), stats.binom(9, 0.3)),
        (hyper.binomial(0.001, 5000), stats.binom(5000, 0.001)),
        (hyper.poisson(0.2), stats.poisson(0.2)),
        (hyper.poisson(25.0), stats.poisson(25)),
        (hyper.hypergeometric(50, 20, 9), stats.hypergeom(50, 20, 9)),
    ],
    ids=["few draws", "many draws", "rare", "usual", "without replacement"],
)
def test_laws_by_scipy(axis, law):
    assert np.diff(axis.points).tolist() == [1] * (len(axis.points) - 1)
    np.testing.assert_allclose(axis.weights, law.pmf(axis.points), rtol=1e-11)
    below, above = law.cdf(axis.points[0] - 1), law.sf(axis.points[-1])
    assert below + above < 1e-17


def test_laws_of_many_givens_at_once():
    axis = hyper.binomial(0.3, np.array([0, 1, 5]))
    for draws, points, weights in zip((0, 1, 5), axis.points, axis.weights, strict=True):
        by_point = dict(zip(points[weights > 0], weights[weights > 0], strict=True))
        assert by_point == pytest.approx(
            {k: stats.binom.pmf(k, draws, 0.3) for k in range(draws + 1)}
        )
    never, always = (hyper.binomial(share, 4) for share in (0.0, 1.0))
    assert (never.points.tolist(), always.points.tolist()) == ([0], [4])
    assert (never.weights.tolist(), always.weights.tolist()) == ([1], [1])


@pytest.mark.parametrize(("mean", "stride"), [(10.0, 1), (41.0, 1), (42.0, 4), (1e4, 69)])
def test_a_wide_law_keeps_its_moments(mean, stride):
    axis = hyper.poisson(mean)
    assert set(np.diff(axis.points)) == {stride}
    for power, central in enumerate((1, 0, mean, mean, mean + 3 * mean**2)):
        found = axis.weights @ (axis.points - mean) ** power
        assert found == pytest.approx(central, rel=1e-11, abs=1e-11 * mean)


@pytest.mark.parametrize("x", [0, 1, 2, 15, 16, 17, 100, 2000])
def test_the_rest_of_stirlings_formula(x):
    with localcontext(prec=50):
        exact = Decimal(math.factorial(x)).ln() - (x * Decimal(max(x, 1)).ln() - x)
    assert hyper.remainder(x) == pytest.approx(float(exact), rel=1e-15, abs=4e-15)


@pytest.mark.parametrize("x", [0.5, 7.5, 15.5, 16.5, 40.5])
def test_the_rest_of_stirlings_formula_between_whole_numbers(x):
    with localcontext(prec=50):
        product, z = Decimal("3.14159265358979323846264338327950288").sqrt(), Decimal(x)
        for k in range(round(x + 0.5)):
            product *= Decimal(k) + Decimal("0.5")  # x! = sqrt(pi) 1/2 3/2 ... x
        exact = product.ln() - (z * z.ln() - z)
    assert hyper.remainder(x) == pytest.approx(float(exact), rel=2e-15)


@pytest.mark.parametrize(
    "law", [(10, 3, 4), (10, 3, 7), (10, 3, 8), (10, 0, 4), (10, 3, 0), (40, 9, 20), (10, 7, 3)]
)
def test_the_probability_of_an_empty_batch(law):
    total, marked, draws = law
    exact = math.comb(total - marked, draws) / math.comb(total, draws)
    found = float(hyper.log_none(*law))
    assert math.exp(found) == pytest.approx(exact, rel=1e-14)
    assert (found == 0) == (marked * draws == 0)


def falling(x, n):
    return math.prod(range(x - n + 1, x + 1)) if x >= n else 0


@pytest.mark.parametrize(("one", "two"), [(4, 4), (5, 2), (1, 3)])
def test_correlations_by_falling_powers(one, two):
    totals = [9, 12, 40]
    found = hyper.correlations(totals, one, two, 5)
    assert found.shape == (6, 3)
    for place, total in enumerate(totals):
        for n in range(6):
            top = falling(one, n) * falling(two, n)
            bottom = falling(total - one, n) * falling(total - two, n)
            exact = (-1) ** n * math.sqrt(top / bottom) if top else 0
            assert found[n, place] == pytest.approx(exact, abs=1e-15)


def test_the_race_of_the_short_batch():
    # the chance that it comes after `passed` full ones: m/(m + rate) (m - 1)/(m - 1 + rate) ...
    for size_weighted, rate in ((True, 0.25), (False, 1.0)):
        cut = hyper.Cut(8, 5, 2, size_weighted, math.nan)
        assert cut.rate == rate
        waits = 1.0
        for passed in range(6):
            assert hyper._not_yet(cut, np.array([passed])) == pytest.approx(waits, rel=1e-13)
            now = waits * rate / (5 - passed + rate)
            assert hyper._now(cut, np.array([passed])) == pytest.approx(now, rel=1e-13)
            waits -= now
        assert waits == pytest.approx(0, abs=1e-15)


def test_a_cut():
    plain = hyper.Cut(8, 5, 2, False, 0.0)
    assert (plain.batches, plain.weight, plain.rate) == (6, 1 / 6, 1)
    weighted = plain._replace(size_weighted=True)
    assert (weighted.batches, weighted.weight, weighted.rate) == (6, 8 / 42, 1 / 4)
    whole = plain._replace(rest=0)
    assert (whole.batches, whole.weight) == (5, 1 / 5)


@pytest.mark.parametrize("gap", [1, 3, 400])
def test_digamma_gap_is_a_sum_of_reciprocals(gap):
    for x in (1, 5, 31, 32, 1000, 10**9):
        exact = math.fsum(1 / (x + i) for i in range(gap))
        np.testing.assert_allclose(hyper.digamma_gap(x, gap), exact, rtol=1e-13)


@pytest.mark.parametrize("x", [0.3, 10.0, 31.9, 32.0, 40.7])
def test_digamma_gap_between_whole_numbers(x):
    exact = float(digamma(x + 0.7) - digamma(x))
    assert hyper.digamma_gap(x, 0.7) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("terms", [1, 100, 128, 129, 5000, 10**6])
def test_the_sum_rule(terms):
    places, weights = hyper.sum_rule(terms)
    assert len(places) == terms if terms <= 128 else len(places) < min(terms, 273)
    every = np.arange(terms)
    for f in (
        lambda j: np.exp(-30 * j / terms),
        lambda j: (1 - j / terms) ** 1.5,
        lambda j: j**2.0,
    ):
        np.testing.assert_allclose((weights * f(places)).sum(), f(every).sum(), rtol=1e-12)


@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("pool", [(1, 1, 9998, 7), (3, 2, 9995, 11), (6, 4, 3990, 3)], ids=str)
def test_many_empty_batches_left_out(pool, averaging):
    # the first non-empty batch in random order, term by term
    tp, errors, others, size = pool
    total, relevant = tp + errors + others, tp + errors
    full, rest = divmod(total, size)
    rate = rest / size if averaging == "size_weighted" else 1.0

    def given(d):
        return sum(
            math.comb(tp, k) * math.comb(errors, d - k) * 2 * k / (k + d) for k in range(1, d + 1)
        ) / math.comb(relevant, d)

    def leads(batch, used):
        left, ways = total - used - batch, math.comb(total, relevant)
        numbers = range(1, min(relevant, batch) + 1) if left >= 0 else ()
        return sum(
            given(d) * math.comb(batch, d) * (math.comb(left, relevant - d) / ways) for d in numbers
        )

    mean, waits = 0.0, 1.0
    for passed in range(full + 1):
        now = waits * rate / (full - passed + rate)
        mean += now * leads(rest, passed * size)
        waits -= now
        if passed < full:
            mean += waits * leads(size, passed * size)
            mean += (1 - waits) * leads(size, passed * size + rest)
    found = expect(tp, 0, errors, others, size, averaging, math.nan)
    np.testing.assert_allclose(found.expected_f1, mean, rtol=1e-11)


# --- limits ------------------------------------------------------------------------------------


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


def test_the_limit_where_every_sample_is_relevant():
    # prevalence and precision 0.5, recall 1: TP or FP, as by a coin
    exact = sum(math.comb(8, k) * 2 * k / (8 + k) for k in range(9)) / 2**8
    assert exact == pytest.approx(0.64739644, abs=5e-9)
    for zero_division in CONVENTIONS:
        found = large_data(0.5, 0.5, 1.0, 8, zero_division)
        assert found.expected_f1 == pytest.approx(exact, abs=1e-15)
        assert (found.error_empty, found.error_curvature) == (0, found.error)
        small = expect(5000, 5000, 0, 0, 8, "per_batch", zero_division)
        assert found.per_sample == pytest.approx((small.error - found.error) * 10**4, rel=1e-3)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_how_fast_the_limit_is_reached_in_huge_batches(zero_division):
    # 8,000 batches of 10^12 with 900 true positives in each
    found = expect(7_200_000, 800_000, 800_000, 8 * 10**15 - 8_800_000, 10**12)
    limit = large_data(1e-9, 0.9, 0.9, 10**12, zero_division)
    assert limit.error == pytest.approx(-0.09 / 2000, rel=1e-2)
    rate = (found.error - limit.error) * 8 * 10**15
    assert limit.per_sample == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("name", ["f1", "f2", "precision"])
def test_the_limit_and_how_fast_it_is_reached(name, zero_division):
    limit = large_data(0.1, 0.75, 0.8, 20, zero_division, METRICS[name])
    rates = []
    for total in (6 * 10**4, 6 * 10**5):
        tp, fp, fn = 8 * total // 100, 8 * total // 300, 2 * total // 100
        found = expect(
            tp, fp, fn, total - tp - fp - fn, 20, "per_batch", zero_division, METRICS[name]
        )
        rates.append((found.expected_f1 - limit.expected_f1) * total)
    np.testing.assert_allclose(found.sd * math.sqrt(total / 20), limit.sd_batch, rtol=1e-4)
    scale = abs(limit.per_sample) + 0.1
    assert abs(rates[1] - limit.per_sample) < 1e-3 * scale
    # what is left falls as 1 / N
    if abs(rates[0] - limit.per_sample) > 1e-5:
        gain = (rates[0] - limit.per_sample) / (rates[1] - limit.per_sample)
        assert gain == pytest.approx(10, rel=0.05)


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


def test_from_binomial_to_poisson():
    # difference: -lambda^2 / 2B times the mean second difference of the value given the number
    positives, size = 2.0, 20_000
    rare, many = rare_positives(positives, 0.75, 0.8), large_data(positives / size, 0.75, 0.8, size)
    relevant = positives * (1 + 0.8 * (1 / 0.75 - 1))
    given = [0.0]
    for number in range(1, 60):
        tp = np.arange(number + 1)
        law = stats.binom.pmf(tp, number, positives * 0.8 / relevant)
        given.append(float(law @ (2 * tp / (tp + number))))
    bend = stats.poisson.pmf(range(58), relevant) @ np.diff(given, 2)
    found = (many.expected_f1 - rare.expected_f1) * size
    np.testing.assert_allclose(found, -(relevant**2) / 2 * bend, rtol=1e-3)


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


# --- the inverse questions ---------------------------------------------------------------------


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("counts", [(4, 1, 0, 55), (12, 6, 9, 33)], ids=str)
def test_smallest_batch_against_trying_them_all(counts, averaging, zero_division):
    sizes = range(1, sum(counts) + 1)
    errors = [abs(expect(*counts, size, averaging, zero_division).error) for size in sizes]
    for tolerance in (0.2, 0.05, 0.02, 0.005):
        first = next(size for size, error in zip(sizes, errors, strict=True) if error <= tolerance)
        assert smallest_batch(*counts, tolerance, averaging, zero_division) == first


@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_smallest_batch_of_a_billion(zero_division):
    counts = (900, 100, 100, 10**9 - 1100)
    size = smallest_batch(*counts, 0.01, zero_division=zero_division)
    assert abs(expect(*counts, size, zero_division=zero_division).error) <= 0.01
    for smaller in (size - 1, size - 2, round(0.999 * size), round(0.9 * size)):
        assert abs(expect(*counts, smaller, zero_division=zero_division).error) > 0.01


def test_smallest_batch_without_anything_relevant():
    assert smallest_batch(0, 0, 0, 9, 0.01) == 1


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("name", ["f2", "precision", "accuracy", "specificity"])
def test_smallest_batch_of_other_metrics(name, zero_division):
    counts, metric = (5, 2, 3, 30), METRICS[name]
    for tolerance in (0.1, 0.02):
        first = next(
            size
            for size in range(1, 41)
            if abs(expect(*counts, size, "per_batch", zero_division, metric).error) <= tolerance
        )
        assert smallest_batch(*counts, tolerance, "per_batch", zero_division, metric) == first


def test_smallest_batch_by_hand():
    # one positive among 12, found: the log is one over the number of batches
    tried = ((0.92, 1), (0.9, 2), (0.8, 3), (0.7, 4), (0.51, 6), (0.49, 12))
    for tolerance, size in tried:
        assert smallest_batch(1, 0, 0, 11, tolerance) == size
    # size-weighted it is the expected size of its batch over 12: 8/12 in batches of 8 and 4: 80/144
    assert smallest_batch(1, 0, 0, 11, 0.45, "size_weighted") == 8
    assert smallest_batch(1, 0, 0, 11, 0.44, "size_weighted") == 9


def test_which_batch_sizes_are_tried():
    # 40 to 50 make two batches of 100 samples, 51 to 100 one: of these one in 50 / 10, and the last
    tried = [*range(40, 52), *range(56, 100, 5), 100]
    assert list(_rising(40, 100, dense=10)) == tried
    # of 34 to 50 one in 17 // 4, of 51 to 100 one in 50 // 4, and the last of each
    assert list(_rising(35, 100, dense=4)) == [35, 39, 43, 47, 50, 51, 63, 75, 87, 99, 100]
    assert list(_rising(1, 12)) == list(range(1, 13))
    assert list(_rising(9, 9)) == [9]
    # 521 to 1040 make one batch: one in 520 // 256, and after two tries one in a hundred
    assert list(_rising(998, 1040, tries=2)) == [998, 1000, 1010, 1020, 1030, 1040]


def test_how_far_off_the_mean_over_non_empty_batches_is_at_least():
    tp, others = 4, 13
    pool = _group(20, (tp, 1, 2, others), F1)
    jaccard, true = tp / 7, 8 / 11
    assert _least_without_empty(pool, 1) == pytest.approx(jaccard - true, abs=1e-15)
    assert _least_without_empty(pool, 20) == pytest.approx(0, abs=1e-15)
    for size in range(1, 21):
        error = expect(tp, 1, 2, others, size, zero_division=math.nan).error
        if 20 % size == 0:
            assert error - 1e-15 <= _least_without_empty(pool, size) <= 1e-15


def test_the_first_number_that_holds():
    asked = []

    def holds(x):
        asked.append(x)
        return x >= 37

    assert _first(holds, 0, 1000) == 37
    assert len(asked) <= 10
    assert _first(holds, 36, 37) == 37


@pytest.mark.parametrize(
    ("value", "place"),
    [(0, 0), (-5, 0), (0.5, 0.5), (2.5, 1.5), (57, 7 + 8 / 15), (64, 8), (99, 8)],
)
def test_where_a_rising_function_takes_a_value(value, place):
    assert _where(lambda x: x**2, value, 8) == pytest.approx(place)
    assert _where(lambda x: x**2, value, 0) == 0


def test_compatible_f1_of_batches_of_one():
    # 100 samples, 20 positives; 0/0 as 0: the log is TP / 100, whatever the false positives
    assert compatible_f1(0.1, 1, 0.2, 100, 0) == pytest.approx((20 / 110, 20 / 30))
    low, high = compatible_f1(0.1, 1, 0.2, 100, 0.02)
    assert (low, high) == pytest.approx((16 / 108, 24 / 32))
    # as 1: TP - FP = 10
    assert compatible_f1(0.9, 1, 0.2, 100, 0, zero_division=1) == pytest.approx((2 / 3, 0.8))
    # left out: Jaccard, which F1 follows from
    found = compatible_f1(0.5, 1, 0.2, 100, 0, zero_division=math.nan)
    assert found == pytest.approx((2 / 3, 2 / 3))


def test_the_prevalence_of_compatible_f1_is_that_of_whole_samples_within_1_percent():
    assert compatible_f1(0.1, 1, 0.2005, 100, 0) == compatible_f1(0.1, 1, 0.2, 100, 0)
    assert compatible_f1(0.1, 1, 0.199, 100, 0) == compatible_f1(0.1, 1, 0.2, 100, 0)
    for prevalence in (0.2025, 0.1979):
        said = f"prevalence: needs, within 1 %, a whole number of the 100 samples; got {prevalence}"
        with pytest.raises(InputError) as caught:
            compatible_f1(0.1, 1, prevalence, 100)
        assert str(caught.value) == said


@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_compatible_f1_of_one_batch_is_what_was_logged(averaging, zero_division):
    rules = {"averaging": averaging, "zero_division": zero_division}
    found = compatible_f1(0.5, 10**4, 0.1, 10**4, 0.01, **rules)
    assert found == pytest.approx((0.49, 0.51), abs=1e-6)
    assert compatible_f1(0.5, 10**4, 0.1, 10**4, **rules) == pytest.approx(
        (0.49995, 0.50005), abs=1e-6
    )


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("data", [(30, 6, 7), (14, 9, 5)], ids=str)
def test_compatible_f1_against_every_classifier(data, zero_division):
    (total, positives, size), within = data, 0.03
    every = [
        expect(tp, fp, positives - tp, total - positives - fp, size, zero_division=zero_division)
        for tp in range(positives + 1)
        for fp in range(total - positives + 1)
    ]
    for logged in (0.1, 0.4, 0.6):
        true = [one.true_f1 for one in every if abs(one.expected_f1 - logged) <= within]
        low, high = compatible_f1(
            logged, size, positives / total, total, within, zero_division=zero_division
        )
        assert low - 0.005 <= min(true) <= max(true) <= high + 0.005
        if zero_division != 1:  # but for the grain of so small a set
            assert min(true) - low < 0.12
            assert high - max(true) < 0.12


@pytest.mark.parametrize(
    "precision, recall, zero_division",
    [(0.9, 0.7, 0.0), (0.5, 0.95, 0.0), (0.9, 0.7, 1.0), (0.5, 0.95, math.nan)],
)
def test_compatible_f1_holds_the_truth_in_the_limit(precision, recall, zero_division):
    limit = large_data(0.02, precision, recall, 128, zero_division)
    low, high = compatible_f1(limit.expected_f1, 128, 0.02, zero_division=zero_division)
    assert low < limit.true_f1 < high
    if zero_division != 1:
        assert high - low < 0.12
        ends = [
            f1_at_the_end(limit.expected_f1, value, zero_division)
            for value in ("precision", "recall")
        ]
        np.testing.assert_allclose([high, low], ends, atol=2e-3)


def f1_at_the_end(logged, perfect, zero_division):
    """True F1 of the classifier of this log value whose precision or recall is 1."""
    low, high = 1e-6, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        rates = (1.0, middle) if perfect == "precision" else (middle, 1.0)
        if perfect == "recall" and middle < 0.03:  # fewer negatives than that would need
            low = middle
            continue
        found = large_data(0.02, *rates, 128, zero_division)
        low, high = (middle, high) if found.expected_f1 < logged else (low, middle)
    return found.true_f1


# --- bad input ---------------------------------------------------------------------------------

COUNT = "must be whole numbers >= 0 and at most 2**53"
RATIO = "metric: is a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0"
AVERAGING = "averaging: is one of ('per_batch', 'size_weighted')"


def metric_of(top, bottom=(2, 1, 1, 0)):
    return {"metric": Ratio(top, bottom)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tp": -1}, f"tp: {COUNT}; got -1"),
        ({"fp": 0.5}, f"fp: {COUNT}; got 0.5"),
        ({"fn": math.nan}, f"fn: {COUNT}; got nan"),
        ({"tn": math.inf}, f"tn: {COUNT}; got inf"),
        ({"tn": 10**30}, f"tn: {COUNT}; got {10**30}"),
        ({"tp": "3"}, f"tp: {COUNT}; got '3'"),
        ({"fp": None}, f"fp: {COUNT}; got None"),
        ({"fn": True}, f"fn: {COUNT}; got True"),
        ({"tp": [1, 2]}, "tp: is a single number; got [1, 2]"),
        (
            dict.fromkeys(("tp", "fp", "fn", "tn"), 0),
            "tp + fp + fn + tn: lies in 1 .. 2**53; got 0",
        ),
        ({"tn": 2**53}, f"tp + fp + fn + tn: lies in 1 .. 2**53; got {2**53 + 1}"),
        ({"batch_size": 0}, "batch_size: is a whole number >= 1; got 0"),
        ({"batch_size": 2.0}, "batch_size: is a whole number >= 1; got 2.0"),
        ({"batch_size": "3"}, "batch_size: is a whole number >= 1; got '3'"),
        ({"batch_size": True}, "batch_size: is a whole number >= 1; got True"),
        ({"batch_size": None}, "batch_size: is a whole number >= 1; got None"),
        ({"batch_size": [2]}, "batch_size: is a whole number >= 1; got [2]"),
        ({"batch_size": 6}, "batch_size: is at most the number of samples, 5; got 6"),
        ({"averaging": "weekly"}, f"{AVERAGING}; got weekly"),
        ({"averaging": None}, f"{AVERAGING}; got None"),
        ({"zero_division": 0.5}, "zero_division: is 0, 1 or NaN; got 0.5"),
        ({"zero_division": "skip"}, "zero_division: is 0, 1 or NaN; got skip"),
        ({"zero_division": None}, "zero_division: is 0, 1 or NaN; got None"),
        ({"zero_division": math.inf}, "zero_division: is 0, 1 or NaN; got inf"),
        ({"metric": None}, f"{RATIO}; got None"),
        ({"metric": "f1"}, f"{RATIO}; got 'f1'"),
        ({"metric": ((2, 0, 0, 0), (2, 1, 1, 0))}, f"{RATIO}; got ((2, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((3, 0, 0, 0)), f"{RATIO}; got ((3, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((-1, 0, 0, 0)), f"{RATIO}; got ((-1, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((0,) * 4, (0,) * 4), f"{RATIO}; got ((0, 0, 0, 0), (0, 0, 0, 0))"),
        (
            metric_of((0,) * 4, (math.inf,) * 4),
            f"{RATIO}; got ((0, 0, 0, 0), (inf, inf, inf, inf))",
        ),
        (metric_of((0,) * 4, (1, math.nan, 0, 0)), f"{RATIO}; got ((0, 0, 0, 0), (1, nan, 0, 0))"),
        (metric_of((1, 0), (1, 1)), f"{RATIO}; got ((1, 0), (1, 1))"),
        (
            metric_of((1, 0, 0)),
            f"{RATIO}; got Ratio(top=(1, 0, 0), bottom=(2, 1, 1, 0))",
        ),
        (
            metric_of(("1", 0, 0, 0)),
            f"{RATIO}; got Ratio(top=('1', 0, 0, 0), bottom=(2, 1, 1, 0))",
        ),
    ],
)
def test_nonsense_is_refused_in_one_line(changed, said):
    arguments = {"tp": 1, "fp": 0, "fn": 0, "tn": 4, "batch_size": 2} | changed
    for call in (expect, expected_f1):
        with pytest.raises(InputError) as caught:
            call(**arguments)
        assert str(caught.value) == said
    del arguments["batch_size"]
    if "batch_size" not in changed:
        with pytest.raises(InputError) as caught:
            smallest_batch(**arguments, tolerance=0.1)
        assert str(caught.value) == said


def test_numpys_numbers_are_numbers():
    plain = expect(3, 1, 2, 94, 9, "per_batch", 1)
    counts = [np.int64(3), np.array(1), 2.0, np.float32(94)]
    for size in (np.int32(9), np.uint8(9), np.array(9)):
        assert expect(*counts, size, "per_batch", np.float32(1)) == plain
    assert large_data(np.float64(0.1), np.array(0.5), 1, np.int64(8)) == large_data(
        0.1, 0.5, 1.0, 8
    )


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: f_beta(0), "beta: must be above 0 and finite; got 0"),
        (lambda: f_beta(math.inf), "beta: must be above 0 and finite; got inf"),
        (lambda: f_beta("2"), "beta: must be above 0 and finite; got '2'"),
        (lambda: large_data(0, 0.9, 0.9, 8), "prevalence: lies in [1e-15, 1]; got 0"),
        (lambda: large_data(1.1, 0.9, 0.9, 8), "prevalence: lies in [1e-15, 1]; got 1.1"),
        (lambda: large_data(9e-16, 0.9, 0.9, 8), "prevalence: lies in [1e-15, 1]; got 9e-16"),
        (lambda: large_data("0.1", 0.9, 0.9, 8), "prevalence: lies in [1e-15, 1]; got '0.1'"),
        (lambda: large_data(0.1, 0, 0.9, 8), "precision: lies in (0, 1]; got 0"),
        (lambda: large_data(0.1, None, 0.9, 8), "precision: lies in (0, 1]; got None"),
        (lambda: large_data(0.1, 0.9, 1.1, 8), "recall: lies in (0, 1]; got 1.1"),
        (
            lambda: large_data(0.5, 0.1, 0.9, 8),
            "precision: needs more negatives than there are; got 0.1",
        ),
        (
            lambda: large_data(0.5, 0.499999, 1, 8),
            "precision: needs more negatives than there are; got 0.499999",
        ),
        (lambda: large_data(0.1, 0.9, 0.9, 0), "batch_size: is a whole number >= 1; got 0"),
        (lambda: large_data(0.1, 0.9, 0.9, "8"), "batch_size: is a whole number >= 1; got '8'"),
        (lambda: large_data(0.1, 0.9, 0.9, 2**54), f"batch_size: is at most 2**53; got {2**54}"),
        (lambda: large_data(0.1, 0.9, 0.9, 8, 3), "zero_division: is 0, 1 or NaN; got 3"),
        (lambda: large_data(0.1, 0.9, 0.9, 8, 0, None), f"{RATIO}; got None"),
        (
            lambda: rare_positives(0, 0.9, 0.9),
            "positives_per_batch: must be at least 1e-15 and finite; got 0",
        ),
        (
            lambda: rare_positives(math.inf, 0.9, 0.9),
            "positives_per_batch: must be at least 1e-15 and finite; got inf",
        ),
        (
            lambda: rare_positives("1", 0.9, 0.9),
            "positives_per_batch: must be at least 1e-15 and finite; got '1'",
        ),
        (lambda: rare_positives(1, 1.5, 0.9), "precision: lies in (0, 1]; got 1.5"),
        (lambda: rare_positives(1, 0.9, 0.9, 2), "zero_division: is 0, 1 or NaN; got 2"),
        (lambda: rare_positives(1, 0.9, 0.9, 0, None), f"{RATIO}; got None"),
        (
            lambda: rare_positives(1, 0.9, 0.9, 0, ACCURACY),
            "metric: must not count true negatives here; got ((1, 0, 0, 1), (1, 1, 1, 1))",
        ),
        (lambda: smallest_batch(1, 0, 0, 9, 0), "tolerance: must be above 0; got 0"),
        (lambda: smallest_batch(1, 0, 0, 9, math.inf), "tolerance: must be above 0; got inf"),
        (lambda: smallest_batch(1, 0, 0, 9, "0.1"), "tolerance: must be above 0; got '0.1'"),
        (lambda: compatible_f1(1.5, 8, 0.1), "logged: lies in [0, 1]; got 1.5"),
        (lambda: compatible_f1("0.5", 8, 0.1), "logged: lies in [0, 1]; got '0.5'"),
        (lambda: compatible_f1(0.5, 8, 0.0), "prevalence: lies in (0, 1]; got 0.0"),
        (lambda: compatible_f1(0.5, 8, "0.1"), "prevalence: lies in (0, 1]; got '0.1'"),
        (lambda: compatible_f1(0.5, "8", 0.1), "batch_size: is a whole number >= 1; got '8'"),
        (lambda: compatible_f1(0.5, 8, 0.1, 0), "n_samples: is a whole number >= 1; got 0"),
        (lambda: compatible_f1(0.5, 8, 0.1, 90.0), "n_samples: is a whole number >= 1; got 90.0"),
        (
            lambda: compatible_f1(0.5, 10**10, 0.1),
            f"n_samples: is at most 2**53; None is a million batches; got {10**16}",
        ),
        (
            lambda: compatible_f1(0.5, 8, 0.1, 4),
            "batch_size: is at most the number of samples, 4; got 8",
        ),
        (
            lambda: compatible_f1(0.5, 8, 0.0004, 1000),
            "prevalence: needs, within 1 %, a whole number of the 1000 samples; got 0.0004",
        ),
        (lambda: compatible_f1(0.5, 8, 0.1, 90, 1.0), "within: lies in [0, 1); got 1.0"),
        (lambda: compatible_f1(0.5, 8, 0.1, 90, None), "within: lies in [0, 1); got None"),
        (lambda: compatible_f1(0.5, 8, 0.1, 90, 0.1, "daily"), f"{AVERAGING}; got daily"),
        (
            lambda: compatible_f1(0.5, 8, 0.1, 90, zero_division=2),
            "zero_division: is 0, 1 or NaN; got 2",
        ),
        (
            lambda: compatible_f1(0.9, 8, 0.01),
            "logged: is out of reach at this prevalence and batch size; got 0.9",
        ),
        (
            lambda: covariance_identity(as_counts([1], [0], [0], [0]), "weekly"),
            f"{AVERAGING}; got weekly",
        ),
        (lambda: covariance_identity(as_counts([1], 0, 0, 0), metric=None), f"{RATIO}; got None"),
        (
            lambda: covariance_identity(None),
            "counts: are a batchf1.metrics.counts.Counts; got None",
        ),
        (
            lambda: covariance_identity(as_counts([], [], [], [])),
            "values: need a batch along the last axis; got (0,)",
        ),
        (
            lambda: covariance_identity(as_counts([1, 0], 0, 0, 0)),
            "batch sizes: must be whole numbers >= 1 and at most 2**53; got 0",
        ),
    ],
)
def test_other_nonsense(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == said


def test_the_ends_of_what_is_allowed():
    assert expect(2**53, 0, 0, 0, 2**53).expected_f1 == 1
    assert expect(1, 0, 0, 0, 1) == (1, 1, 0, 0, 0, 0, 1, (1, 1))
    assert large_data(1, 1, 1, 1).expected_f1 == rare_positives(1, 1, 1, math.nan).expected_f1 == 1
    assert large_data(0.5, 0.5, 1, 8, metric=PRECISION).expected_f1 == pytest.approx(0.5)
    # a batch of one sample: one of the 1e-15 is TP, FP or FN, and F1 of it 1 or 0
    for found in (large_data(1e-15, 0.5, 1, 1, math.nan), rare_positives(1e-15, 0.5, 1, math.nan)):
        assert found.expected_f1 == pytest.approx(0.5)
    assert compatible_f1(1, 8, 1, 16, 0) == (1, 1)
    assert compatible_f1(0, 8, 0.5, 16, 0)[0] == 0
    assert smallest_batch(1, 0, 0, 0, 1e-300) == 1


# --- the page ----------------------------------------------------------------------------------


def rows(heading):
    """Cells of the table under a heading of docs/theory.md."""
    section = THEORY.read_text().split(f"## {heading}")[1].split("\n## ")[0]
    lines = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_the_table_of_the_rule_of_thumb():
    table = rows("9. ")
    assert [row[0] for row in table] == ["0.1", "0.3", "1", "3", "10", "30"]
    for positives, *cells in table:
        found = []
        for rate in (0.9, 0.7):
            limit = rare_positives(float(positives), rate, rate)
            found += [limit.expected_f1, limit.error, limit.error_empty, limit.error_curvature]
        assert [f"{round(value, 4) + 0:.4f}" for value in found] == cells


def test_the_sentences_of_the_rule_of_thumb():
    text = " ".join(THEORY.read_text().split())

    def least(rate, tolerance):
        low, high = 0.1, 100.0
        for _ in range(30):
            middle = (low + high) / 2
            off = abs(rare_positives(middle, rate, rate).error) > tolerance
            low, high = (middle, high) if off else (low, middle)
        return high

    for rate in (0.9, 0.7):
        assert (
            f"With precision = recall = {rate} the naive F1 is off by more than 0.1 below "
            f"{least(rate, 0.1):.1f} expected positives per batch, and by more than 0.01 below "
            f"{least(rate, 0.01):.1f}."
        ) in text
    assert (
        "With fewer than 3 expected positives per batch the naive F1 is off by more than 0.05"
        in text
    )
    for rate in np.linspace(0.5, 0.99, 15):
        assert least(rate, 0.05) >= 3
