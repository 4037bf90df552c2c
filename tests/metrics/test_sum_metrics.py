"""Metrics that are functions of sums: against scikit-learn and SciPy, merged in any way."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

import batchf1
from batchf1 import Counts, SumMetric
from batchf1.errors import InputError
from batchf1.metrics.averaging import batch_mean, pooled, reconstructed
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import batch_counts
from batchf1.metrics.ratios import F1, check_metric
from batchf1.metrics.sums import PerImage
from batchf1.theory.expectation import expect
from batchf1.theory.simulation import simulate
from helpers.slow import one_in

C = 4
pytestmark = pytest.mark.filterwarnings("ignore:::sklearn", "ignore:An input array is constant")


def _kappa(weights):
    return lambda y, p, **options: sk.cohen_kappa_score(y, p, weights=weights, **options)


def _pearson(y, p, sample_weight=None):
    if sample_weight is None:
        return stats.pearsonr(y, p).statistic
    cov = np.cov(y, p, aweights=sample_weight)
    return cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])


def _concordance(y, p, sample_weight=None):
    cov = np.cov(y, p, aweights=sample_weight, bias=True)
    off = np.average(p - y, weights=sample_weight)
    return 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + off**2)


AGREEMENT = {
    "mcc": ((), sk.matthews_corrcoef),
    "kappa": ((), _kappa(None)),
    "kappa_linear": (("linear",), _kappa("linear")),
    "kappa_quadratic": (("quadratic",), _kappa("quadratic")),
    "balanced_accuracy": ((), sk.balanced_accuracy_score),
}
MOMENTS = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "pearson": _pearson,
    "concordance_correlation": _concordance,
}


def agreement(name, n_classes=None):
    return getattr(batchf1, name.partition("_")[0] if "kappa" in name else name)(
        *AGREEMENT[name][0], n_classes=n_classes
    )


def classes(n=300, n_classes=C, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(n_classes, n, p=rng.dirichlet(np.ones(n_classes)))
    return y, np.where(rng.random(n) < 0.5, y, rng.integers(0, n_classes, n)), rng.random(n)


def numbers(n=300, mean=0.0, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n) + mean
    return y, y + 0.5 * rng.normal(size=n) + 0.1, rng.random(n)


def merged(metric, *parts, size=32):
    """Sums of batches, merged one after the other."""
    total = None
    for start in range(0, len(parts[0]), size):
        rows = [part[start : start + size, None] for part in parts]
        rows = [*rows, None] if len(rows) == 2 else rows
        added = metric.summary(*rows)
        total = added if total is None else metric.merge(total, added)
    return float(metric.of_sums(total))


def test_every_metric_has_its_name_and_range():
    for name in AGREEMENT:
        metric = agreement(name)
        assert (metric.name, metric.highest) == (name, 1)
        assert metric.lowest == (0 if name == "balanced_accuracy" else -1)
    for name in MOMENTS:
        assert getattr(batchf1, name)().name == name


@pytest.mark.parametrize(("n_classes", "name"), one_in(2, [2, 3, C], AGREEMENT))
def test_agreement_is_that_of_scikit_learn(name, n_classes):
    scorer = AGREEMENT[name][1]
    for seed in range(5):
        y, p, w = classes(n_classes=n_classes, seed=seed)
        for metric in (agreement(name), agreement(name, n_classes)):
            assert metric(y, p) == pytest.approx(scorer(y, p), abs=1e-12)
            assert metric(y, p, w) == pytest.approx(scorer(y, p, sample_weight=w), abs=1e-12)
            assert metric(y[:, None], np.eye(n_classes)[p]) == metric(y, p)
            both = (part.reshape(20, -1) for part in (y, p))
            assert metric(*both) == metric(y, p)


@pytest.mark.parametrize("name", AGREEMENT)
def test_labels_of_any_kind_and_scores(name):
    metric, scorer = agreement(name), AGREEMENT[name][1]
    y, p, _ = classes(n_classes=2)
    words = np.array(["no", "yes"])
    assert metric(words[y], words[p]) == pytest.approx(scorer(y, p), abs=1e-12)
    assert metric(y, np.where(p, 0.7, 0.2)) == metric(y, p)
    y, p, _ = classes()
    assert metric(y * 2 - 3, p * 2 - 3) == pytest.approx(scorer(y, p), abs=1e-12)


@pytest.mark.parametrize("name", ["mcc", "kappa", "balanced_accuracy"])
def test_agreement_follows_from_counts(name):
    y, p, _ = classes()
    scorer, batches = AGREEMENT[name][1], range(0, 300, 32)
    of_classes = class_counts(y, np.eye(C)[p], 32)
    metric = agreement(name, C)
    assert pooled(of_classes, metric=metric) == pytest.approx(scorer(y, p), abs=1e-12)
    assert metric(of_classes.pooled()) == pytest.approx(scorer(y, p), abs=1e-12)
    binary = batch_counts(y > 0, p > 0, 32)
    each = [scorer(y[i : i + 32] > 0, p[i : i + 32] > 0) for i in batches]
    metric = agreement(name)
    assert metric(binary) == pytest.approx(np.array(each), abs=1e-12)
    assert batch_mean(binary, metric=metric) == pytest.approx(np.mean(each), abs=1e-12)
    for averaging, logged in (("per_batch", "sum"), ("size_weighted", "mean")):
        found = reconstructed(binary, averaging, logged, metric=metric)
        assert found == pytest.approx(scorer(y > 0, p > 0), abs=1e-12)


def test_the_undefined_cases():
    nothing = Counts(tp=0, fp=0, fn=0, tn=5)
    assert batchf1.mcc()(nothing) == 0 == sk.matthews_corrcoef([0] * 5, [0] * 5)
    assert np.isnan(batchf1.kappa()(nothing))
    assert batchf1.kappa()(nothing, 1.0) == 1
    assert batchf1.balanced_accuracy()(nothing) == 1
    assert np.isnan(batchf1.kappa()([2, 2], [2, 2]))
    for y, p in (
        ([1, 1], [1, 1]),
        ([1, 1], [1, 3]),
        ([0.5] * 3, [0.25] * 3),
    ):
        assert batchf1.r2()(y, p) == sk.r2_score(y, p)
        assert batchf1.explained_variance()(y, p) == sk.explained_variance_score(y, p)
        assert np.isnan(batchf1.pearson()(y, p))
    tenths, others = [0.1] * 3, [0.3] * 3  # whose mean is rounded: scikit-learn has -2e32
    assert batchf1.r2()(tenths, others) == 0
    assert np.isnan(batchf1.pearson()(tenths, [1, 2, 4]))
    assert np.isnan(batchf1.concordance_correlation()(tenths, tenths))


@pytest.mark.parametrize(("mean", "name"), one_in(7, [0.0, 1.0, 1e3, 1e6, -1e6], MOMENTS))
def test_moments_are_those_of_scikit_learn_and_scipy(name, mean):
    metric, scorer = getattr(batchf1, name)(), MOMENTS[name]
    y, p, w = numbers(mean=mean)
    right = pytest.approx(scorer(y, p), rel=1e-9, abs=0)
    assert metric(y, p) == right
    assert metric(y.reshape(30, 10), p.reshape(30, 10, 1)) == right
    for size in (1, 7, 32, 299):
        assert merged(metric, y, p, size=size) == right
    right = pytest.approx(scorer(y, p, sample_weight=w), rel=1e-9, abs=0)
    assert metric(y, p, w) == right
    assert merged(metric, y, p, w) == right


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("ratio", [0.0, 1.0, 1e2, 1e4, 1e6])
def test_means_of_what_samples_add_lose_no_more_than_is_stated(name, ratio):
    """The bound of `metrics.moments`; a quotient of two variances may have twice that."""
    metric = getattr(batchf1, name)()
    y, p, _ = numbers(mean=ratio)
    rows = metric.adds(y[:, None], p[:, None], np)
    n_batches = 10
    means = np.array(
        [[sum(row[i::n_batches].sum() for i in range(n_batches)) / 300] for row in rows]
    )
    found = float(metric.of_sums(metric.from_means(np.vstack([means, [[1.0]]]))))
    bound = 2 * (n_batches + 32) * 2.0**-53 * (1 + ratio**2)
    assert found == pytest.approx(MOMENTS[name](y, p), rel=bound, abs=bound)
    constant = metric.from_means(np.vstack([[[row[0, 0]] for row in rows], [[1.0]]]))
    assert constant[4, 0] == 0  # of the labels: no rounding is taken for a variance


FINITE = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float64, (2, 12), elements=FINITE), st.integers(0, 12), st.integers(0, 12))
def test_moments_are_merged_in_any_order(both, first, second):
    y, p = both[0][:, None], both[1][:, None]
    metric = batchf1.mse()
    i, j = sorted((first, second))
    parts = [metric.summary(y[a:b], p[a:b]) for a, b in ((0, i), (i, j), (j, 12))]
    left = metric.merge(metric.merge(parts[0], parts[1]), parts[2])
    right = metric.merge(parts[0], metric.merge(parts[2], parts[1]))
    assert left == pytest.approx(right, rel=1e-9, abs=1e-6)
    assert left == pytest.approx(metric.summary(y, p), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("name", [*MOMENTS, *AGREEMENT])
def test_one_bad_sample_makes_the_value_nan_unless_it_has_no_weight(name):
    metric = getattr(batchf1, name)() if name in MOMENTS else agreement(name)
    y, p, _ = numbers() if name in MOMENTS else classes(n_classes=2)
    y, p = y[:, None].astype(float), p[:, None].astype(float)
    for bad in (np.nan, np.inf):
        for part in (y, p):
            saved, part[5] = part[5].copy(), bad
            assert np.isnan(metric.of_sums(metric.summary(y, p)))
            weight = np.ones((300, 1))
            weight[5] = 0
            left = metric.of_sums(metric.summary(y, p, weight))
            part[5] = saved
            kept = np.arange(300) != 5
            assert left == pytest.approx(
                metric.of_sums(metric.summary(y[kept], p[kept])), abs=1e-12
            )


def test_a_mean_over_images_is_that_of_each():
    y, p, w = (part.reshape(20, 15) for part in classes(n_classes=2))
    w[3] = 0
    kept = w.max(axis=1) > 0
    for metric, scorer in ((F1, sk.f1_score), (batchf1.mcc(), sk.matthews_corrcoef)):
        images = zip(y[kept], p[kept], w[kept], strict=True)
        each = [scorer(*both, sample_weight=weight) for *both, weight in images]
        right = np.average(each, weights=w[kept].max(axis=1))
        images = PerImage(metric)
        rows = [part[..., None].astype(float) for part in (y, p, w)]
        assert images.name == metric.name
        assert images.of_sums(images.summary(*rows)) == pytest.approx(right, abs=1e-12)
    y, p = (part.reshape(20, 15) for part in numbers()[:2])
    y[2] = 7.0  # where the correlation is undefined, the image is left out
    each = [_pearson(*both) for i, both in enumerate(zip(y, p, strict=True)) if i != 2]
    images = PerImage(batchf1.pearson())
    found = images.of_sums(images.summary(y[..., None], p[..., None]))
    assert found == pytest.approx(np.mean(each), abs=1e-12)


# Metrics of one's own, as docs/strategies.md has them


class Informedness(SumMetric):
    name, lowest = "informedness", -1.0

    def value(self, sums, xp):
        tp, positives, predicted, n = sums
        return tp / positives - (predicted - tp) / (n - positives)


class Nrmse(SumMetric):
    name, kind, terms = "nrmse", "numbers", ("squared_errors", "labels")

    def adds(self, y_true, y_pred, xp):
        return (y_pred - y_true) ** 2, y_true

    def value(self, sums, xp):
        squared_errors, labels, n = sums
        return xp.sqrt(squared_errors / n) / (labels / n)


def test_metrics_of_ones_own():
    y, p, w = classes(n_classes=2)
    right = 2 * sk.balanced_accuracy_score(y, p, sample_weight=w) - 1
    assert Informedness()(y, p, w) == pytest.approx(right, abs=1e-12)
    assert np.isnan(Informedness()([1, 1], [1, 0]))
    counts = batch_counts(y, p, 32)
    assert pooled(counts, metric=Informedness()) == pytest.approx(
        2 * sk.balanced_accuracy_score(y, p) - 1, abs=1e-12
    )
    y, p, w = numbers(mean=3.0)
    right = sk.root_mean_squared_error(y, p, sample_weight=w) / np.average(y, weights=w)
    assert Nrmse()(y, p, w) == pytest.approx(right, rel=1e-12)
    assert merged(Nrmse(), y, p, w) == pytest.approx(right, rel=1e-12)


def test_what_is_no_metric_is_refused():
    class Nameless(SumMetric):
        def value(self, sums, xp):
            return sums[0]

    class Valueless(SumMetric):
        name = "valueless"

    class Termless(Informedness):
        terms = ()

    for metric, words in (
        (Nameless(), "metric must have a name; got None"),
        (Valueless(), r"valueless must have a method value.sums, xp.; got Valueless"),
        (Termless(), "informedness must have a tuple of names, .* as terms; got "),
    ):
        with pytest.raises(InputError, match=words):
            check_metric(metric)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: batchf1.kappa("cubic"), "weights must be one of .*; got cubic"),
        (lambda: batchf1.mcc(1), "n_classes must be a whole number >= 2; got 1"),
        (lambda: batchf1.mcc()([1, 0]), "y_pred must be given beside y_true, .*; got None"),
        (lambda: batchf1.mcc()([1, 0], [1]), "y_true and y_pred must have one shape; got"),
        (lambda: batchf1.mcc()([], []), "y_true must have at least one sample"),
        (
            lambda: batchf1.mcc()([0, 1], [0.2, 1.7]),
            r"y_pred must be labels, or scores in \[0, 1\]",
        ),
        (lambda: batchf1.mcc(3)([0, 3], [0, 1]), "y_true must be classes from 0 to 2; got 3"),
        (lambda: batchf1.mcc(3)([0, 1], np.eye(2)), "y_pred must have a last axis of 3 classes"),
        (lambda: batchf1.mse()([0, np.nan], [0, 1]), "y_true must be finite numbers; got NaN"),
        (
            lambda: batchf1.mse()([0, 1], [0, 1], [1]),
            "sample_weight must have the shape of the lab",
        ),
        (
            lambda: batchf1.mse()([0, 1], [0, 1], [1, -1]),
            "sample_weight must be finite and at least",
        ),
        (
            lambda: batchf1.mse()(Counts(1, 1, 1, 1)),
            "metric must be a function of the counts .* mse",
        ),
        (
            lambda: batchf1.kappa("linear")(Counts(1, 1, 1, 1)),
            "metric must be a function of the counts .*; got kappa_linear",
        ),
        (
            lambda: expect(Counts(1, 1, 1, 1), 2, metric=batchf1.mcc()),
            "metric must be a ratio of counts, .* by random cuts; got mcc",
        ),
    ],
)
def test_bad_input_gets_one_line(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_random_cuts_estimate_what_no_law_gives():
    y, p, _ = classes(n_classes=2)
    found = simulate(batch_counts(y, p, 1), 30, metric=batchf1.mcc(), cuts=50)
    assert found.true_f1 == pytest.approx(sk.matthews_corrcoef(y, p), abs=1e-12)
    assert abs(found.expected_f1 - found.true_f1) < 10 * found.standard_error + 0.1
