"""Probability laws and sums against exact fractions, SciPy and plain sums."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

from batchf1.metrics.counts import Counts
from batchf1.theory import distributions
from batchf1.theory.expectation import expect


@pytest.mark.parametrize(
    "law",
    [(300, 61, 100), (10_000, 120, 32), (7, 3, 5), (60, 50, 40), (10**9, 700, 10**5)],
    ids=str,
)
def test_hypergeometric_probabilities_in_fractions(law):
    total, marked, draws = law
    axis = distributions.hypergeometric(*law)
    ways = [
        math.comb(draws, int(x)) * math.comb(total - draws, marked - int(x)) for x in axis.points
    ]
    exact = np.array([way / math.comb(total, marked) for way in ways])
    np.testing.assert_allclose(axis.weights, exact, rtol=2e-13, atol=1e-30)
    assert 1 - exact.sum() < 1e-15
    if total - marked >= draws:
        empty = math.comb(total - draws, marked) / math.comb(total, marked)
        np.testing.assert_allclose(np.exp(distributions.log_prob_zero(*law)), empty, rtol=2e-14)


@pytest.mark.parametrize(
    ("axis", "law"),
    [
        (distributions.binomial(0.3, 9), stats.binom(9, 0.3)),
        (distributions.binomial(0.001, 5000), stats.binom(5000, 0.001)),
        (distributions.poisson(0.2), stats.poisson(0.2)),
        (distributions.poisson(25.0), stats.poisson(25)),
        (distributions.hypergeometric(50, 20, 9), stats.hypergeom(50, 20, 9)),
    ],
    ids=["few draws", "many draws", "rare", "usual", "without replacement"],
)
def test_laws_by_scipy(axis, law):
    assert np.diff(axis.points).tolist() == [1] * (len(axis.points) - 1)
    np.testing.assert_allclose(axis.weights, law.pmf(axis.points), rtol=1e-11)
    below, above = law.cdf(axis.points[0] - 1), law.sf(axis.points[-1])
    assert below + above < 1e-17


def test_laws_of_many_givens_at_once():
    axis = distributions.binomial(0.3, np.array([0, 1, 5]))
    for draws, points, weights in zip((0, 1, 5), axis.points, axis.weights, strict=True):
        by_point = dict(zip(points[weights > 0], weights[weights > 0], strict=True))
        assert by_point == pytest.approx(
            {k: stats.binom.pmf(k, draws, 0.3) for k in range(draws + 1)}
        )
    never, always = (distributions.binomial(share, 4) for share in (0.0, 1.0))
    assert (never.points.tolist(), always.points.tolist()) == ([0], [4])
    assert (never.weights.tolist(), always.weights.tolist()) == ([1], [1])


@pytest.mark.parametrize(("mean", "stride"), [(10.0, 1), (41.0, 1), (42.0, 4), (1e4, 69)])
def test_a_wide_law_keeps_its_moments(mean, stride):
    axis = distributions.poisson(mean)
    assert set(np.diff(axis.points)) == {stride}
    for power, central in enumerate((1, 0, mean, mean, mean + 3 * mean**2)):
        found = axis.weights @ (axis.points - mean) ** power
        assert found == pytest.approx(central, rel=1e-11, abs=1e-11 * mean)


def test_points_left_out_of_a_wide_law_are_not_missed():
    # about 400 relevant samples in a batch: one point in several stands for all
    tp, errors, others, size = 900, 300, 1800, 1000
    axis = distributions.hypergeometric(tp + errors + others, tp + errors, size)
    assert np.diff(axis.points).min() > 1
    scale, ways = 10**30, 0
    wrong = [math.comb(errors, e) for e in range(errors + 1)]
    idle = [math.comb(others, size - d) for d in range(size + 1)]
    for k in range(200, 401):
        row = sum(wrong[e] * idle[k + e] * (2 * k * scale // (2 * k + e)) for e in range(40, 161))
        ways += math.comb(tp, k) * row
    exact = Fraction(ways, scale * math.comb(tp + errors + others, size))
    found = expect(Counts(tp, 100, 200, others), size)
    np.testing.assert_allclose(found.expected_f1, float(exact), rtol=1e-13)


@pytest.mark.parametrize("x", [0, 1, 2, 15, 16, 17, 100, 2000])
def test_the_rest_of_stirlings_formula(x):
    with localcontext(prec=50):
        exact = Decimal(math.factorial(x)).ln() - (x * Decimal(max(x, 1)).ln() - x)
    assert distributions.stirling_remainder(x) == pytest.approx(float(exact), rel=1e-15, abs=4e-15)


@pytest.mark.parametrize("x", [0.5, 7.5, 15.5, 16.5, 40.5])
def test_the_rest_of_stirlings_formula_between_whole_numbers(x):
    with localcontext(prec=50):
        product, z = Decimal("3.14159265358979323846264338327950288").sqrt(), Decimal(x)
        for k in range(round(x + 0.5)):
            product *= Decimal(k) + Decimal("0.5")  # x! = sqrt(pi) 1/2 3/2 ... x
        exact = product.ln() - (z * z.ln() - z)
    assert distributions.stirling_remainder(x) == pytest.approx(float(exact), rel=2e-15)


@pytest.mark.parametrize("gap", [1, 3, 400])
def test_digamma_gap_is_a_sum_of_reciprocals(gap):
    for x in (1, 5, 31, 32, 1000, 10**9):
        exact = math.fsum(1 / (x + i) for i in range(gap))
        np.testing.assert_allclose(distributions.digamma_gap(x, gap), exact, rtol=1e-13)


@pytest.mark.parametrize("x", [0.3, 10.0, 31.9, 32.0, 40.7])
def test_digamma_gap_between_whole_numbers(x):
    exact = float(digamma(x + 0.7) - digamma(x))
    assert distributions.digamma_gap(x, 0.7) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("terms", [1, 100, 128, 129, 5000, 10**6])
def test_the_sum_rule(terms):
    places, weights = distributions.sum_rule(terms)
    assert len(places) == terms if terms <= 128 else len(places) < min(terms, 273)
    every = np.arange(terms)
    for f in (
        lambda j: np.exp(-30 * j / terms),
        lambda j: (1 - j / terms) ** 1.5,
        lambda j: j**2.0,
    ):
        np.testing.assert_allclose((weights * f(places)).sum(), f(every).sum(), rtol=1e-12)
