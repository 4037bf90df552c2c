"""The expected batch mean against enumeration, exact fractions, simulation and known limits."""

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from batchf1 import _hypergeometric as hyper
from batchf1.averaging import batch_mean, pooled
from batchf1.counts import as_counts
from batchf1.errors import InputError
from batchf1.expectation import (
    ACCURACY,
    F1,
    JACCARD,
    PRECISION,
    RECALL,
    Ratio,
    compatible_f1,
    covariance_identity,
    expect,
    expected_f1,
    f_beta,
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
    "f0.5": f_beta(0.5),
    "specificity": Ratio((0, 0, 0, 1), (0, 1, 0, 1)),
}
THEORY = Path(__file__).parents[1] / "docs" / "theory.md"


def arrangements(counts):
    """Every distinct order of samples of four kinds."""
    if sum(counts) == 0:
        yield ()
    for kind, count in enumerate(counts):
        if count:
            fewer = (*counts[:kind], count - 1, *counts[kind + 1 :])
            yield from ((kind, *others) for others in arrangements(fewer))


def mean_over_batches(order, batch_size, averaging, zero_division, metric):
    top = weights = 0.0
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        bottom = sum(metric.bottom[kind] for kind in batch)
        value = sum(metric.top[kind] for kind in batch) / bottom if bottom else zero_division
        if not math.isnan(value):
            weight = 1 if averaging == "per_batch" else len(batch)
            top, weights = top + weight * value, weights + weight
    return top / weights if weights else math.nan


def enumerated(counts, *how):
    values = np.array([mean_over_batches(order, *how) for order in arrangements(counts)])
    return values.mean(), values.var()


def check_against_enumeration(counts, *how):
    mean, variance = enumerated(counts, *how)
    found = expect(*counts, *how)
    np.testing.assert_allclose(found.expected_f1, mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sd**2, variance, rtol=0, atol=1e-12)


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
]


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_small_pools_against_full_enumeration(case, averaging, zero_division):
    check_against_enumeration(case[:4], case[4], averaging, zero_division, F1)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("name", METRICS)
def test_other_metrics_against_full_enumeration(name, averaging, zero_division):
    for case in [(2, 1, 2, 2, 3), (1, 2, 1, 3, 2), (1, 1, 1, 3, 4)]:
        check_against_enumeration(case[:4], case[4], averaging, zero_division, METRICS[name])


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
    check_against_enumeration(counts, size, averaging, zero_division, METRICS[name])


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
    metric = METRICS[name]
    rng = np.random.default_rng(seed)
    counts = as_counts(*rng.integers(0, 4, (4, 3, batches)) + np.array([0, 0, 0, 1])[:, None, None])
    found = covariance_identity(counts, averaging, metric)
    for epoch in range(3):
        order = np.array([part[epoch] for part in counts]).T
        top, bottom = order @ np.array(metric.top), order @ np.array(metric.bottom)
        if bottom.sum() == 0:
            assert np.isnan(found[epoch])
            continue
        value = np.divide(top, bottom, out=np.zeros(batches), where=bottom > 0)
        weights = None if averaging == "per_batch" else order.sum(axis=1)
        difference = np.average(value, weights=weights) - top.sum() / bottom.sum()
        np.testing.assert_allclose(found[epoch], difference, atol=1e-14)
    if name == "f1" and counts.pooled().empty.sum() == 0:
        naive = batch_mean(counts, averaging)
        np.testing.assert_allclose(found, naive - pooled(counts), atol=1e-14)


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


@pytest.mark.parametrize("gap", [1, 3, 400])
def test_digamma_gap_is_a_sum_of_reciprocals(gap):
    for x in (1, 5, 31, 32, 1000, 10**9):
        exact = math.fsum(1 / (x + i) for i in range(gap))
        np.testing.assert_allclose(hyper.digamma_gap(x, gap), exact, rtol=1e-13)


@pytest.mark.parametrize("terms", [1, 100, 129, 5000, 10**6])
def test_the_sum_rule(terms):
    places, weights = hyper.sum_rule(terms)
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
    share = positives * 0.8 / relevant
    law = hyper.nest(hyper.Axis(np.arange(60.0), np.ones(60)), (share, 1 - share), finite=False)
    tp, errors = law.counts()
    given = law.given_number(
        np.divide(2 * tp, 2 * tp + errors, out=0 * (tp + errors), where=tp + errors > 0)
    )
    poisson = hyper.poisson(relevant)
    bend = (poisson.weights * np.diff(given, 2)[poisson.points.astype(int)]).sum()
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


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((-1, 0, 0, 4, 2), "tp: counts are whole numbers >= 0; got -1"),
        ((1, 0.5, 0, 4, 2), "fp: counts are whole numbers >= 0; got 0.5"),
        ((1, 0, math.nan, 4, 2), "fn: counts are whole numbers >= 0; got nan"),
        (([1, 2], 0, 0, 4, 2), r"tp: is a single number; got \[1, 2\]"),
        ((1, 0, 0, 10**30, 2), r"tn: is at most 2\*\*53; got 10+"),
        ((0, 0, 0, 0, 1), r"tp \+ fp \+ fn \+ tn: must be at least 1; got 0"),
        ((1, 0, 0, 4, 0), "batch_size: is a whole number >= 1; got 0"),
        ((1, 0, 0, 4, 2.0), "batch_size: is a whole number >= 1; got 2.0"),
        ((1, 0, 0, 4, 6), "batch_size: is at most the number of samples, 5; got 6"),
        ((1, 0, 0, 4, 2, "weekly"), "averaging: is one of .*; got weekly"),
        ((1, 0, 0, 4, 2, "per_batch", 0.5), "zero_division: is 0, 1 or NaN; got 0.5"),
        ((1, 0, 0, 4, 2, "per_batch", "skip"), "zero_division: is 0, 1 or NaN; got skip"),
        (
            (1, 0, 0, 4, 2, "per_batch", 0.0, Ratio((1, 0, 0, 0), (0, 1, 0, 0))),
            "metric: needs weights",
        ),
        ((1, 0, 0, 4, 2, "per_batch", 0.0, Ratio((0,) * 4, (0,) * 4)), "metric: needs weights"),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments, text):
    with pytest.raises(InputError, match=text) as caught:
        expect(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: f_beta(0), "beta: must be above 0"),
        (lambda: large_data(0, 0.9, 0.9, 8), "prevalence: lies in"),
        (lambda: large_data(0.1, 0, 0.9, 8), "precision: lies in"),
        (lambda: large_data(0.1, 0.9, 1.1, 8), "recall: lies in"),
        (lambda: large_data(0.5, 0.1, 0.9, 8), "precision: needs more negatives than there are"),
        (lambda: large_data(0.1, 0.9, 0.9, 0), "batch_size: is a whole number >= 1; got 0"),
        (lambda: rare_positives(0, 0.9, 0.9), "positives_per_batch: must be above 0"),
        (lambda: rare_positives(1, 0.9, 0.9, 2), "zero_division: is 0, 1 or NaN; got 2"),
        (lambda: rare_positives(1, 0.9, 0.9, 0, ACCURACY), "metric: must not count true negatives"),
        (lambda: smallest_batch(1, 0, 0, 9, 0), "tolerance: must be above 0; got 0"),
        (lambda: smallest_batch(1, 0, 0, -9, 0.1), "tn: counts are whole numbers >= 0; got -9"),
        (lambda: compatible_f1(1.5, 8, 0.1), r"logged: lies in \[0, 1\]; got 1.5"),
        (lambda: compatible_f1(0.5, 8, 0.0), r"prevalence: lies in \(0, 1\]; got 0.0"),
        (lambda: compatible_f1(0.5, 8, 0.1, 0), "n_samples: is a whole number >= 1; got 0"),
        (
            lambda: compatible_f1(0.5, 8, 0.1, 4),
            "batch_size: is at most the number of samples, 4; got 8",
        ),
        (lambda: compatible_f1(0.9, 8, 0.01), "logged: is out of reach .*; got 0.9"),
        (
            lambda: covariance_identity(as_counts([1], [0], [0], [0]), "weekly"),
            "averaging: is one of",
        ),
    ],
)
def test_other_nonsense(call, text):
    with pytest.raises(InputError, match=text):
        call()


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
