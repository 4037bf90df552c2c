"""Strategies with metrics that are functions of sums, of any shape, weighted and masked."""

import json

import numpy as np
import pytest
import sklearn.metrics as sk

from batchf1.keras import BatchMean
from helpers import fitting_sums as sums
from helpers.fitting_sums import SHAPES, C, Case
from helpers.other_backends import printed
from helpers.slow import slow

pytestmark = pytest.mark.filterwarnings("ignore:::sklearn")


def _pearson(y, p, sample_weight):
    cov = np.cov(y, p, aweights=sample_weight)
    return cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])


def _concordance(y, p, sample_weight):
    cov = np.cov(y, p, aweights=sample_weight, bias=True)
    off = np.average(p - y, weights=sample_weight)
    return 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + off**2)


def _kappa(weights):
    return lambda y, p, sample_weight: sk.cohen_kappa_score(
        y, p, weights=weights, labels=np.unique([*y, *p]), sample_weight=sample_weight
    )


def _f1(average):
    def score(y, p, sample_weight, labels=(0, 1, 2)):
        return sk.f1_score(
            y, p, average=average, labels=labels, sample_weight=sample_weight, zero_division=0
        )

    return score


SCORERS = {
    "f1": lambda y, p, sample_weight: sk.f1_score(
        y, p, sample_weight=sample_weight, zero_division=0
    ),
    "jaccard": lambda y, p, sample_weight: sk.jaccard_score(
        y, p, sample_weight=sample_weight, zero_division=0
    ),
    "mcc": sk.matthews_corrcoef,
    "kappa": _kappa(None),
    "kappa_linear": _kappa("linear"),
    "kappa_quadratic": _kappa("quadratic"),
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "pearson": _pearson,
    "concordance_correlation": _concordance,
    **{f"f1_{average}": _f1(average) for average in ("macro", "micro", "weighted")},
}


def truth(case, metric, x, y, weight):
    """The value of scikit-learn or SciPy."""
    y, p, w = sums.flat(case, x, y, weight)
    scorer, shape = SCORERS[metric], SHAPES[case.shape]
    if shape.options.get("per") == "image":
        counted = w.max(axis=1) > 0
        each = [
            scorer(*(part[row > 0] for part in (a, b)), sample_weight=row[row > 0])
            for a, b, row in zip(y[counted], p[counted], w[counted], strict=True)
        ]
        defined = np.isfinite(each)
        return np.average(np.array(each)[defined], weights=w[counted].max(axis=1)[defined])
    if shape.kind == "multilabel":
        return _multilabel(metric, *(part.reshape(-1, C) for part in (y, p, w)))
    y, p, w = (part.ravel()[w.ravel() > 0] for part in (y, p, w))
    if "background" in case.shape:
        return scorer(y, p, sample_weight=w, labels=(1, 2))
    return scorer(y, p, sample_weight=w)


def _multilabel(metric, y, p, w):
    """F1 over classes, each with weights of its own."""
    average = metric.removeprefix("f1_")
    if average == "micro":
        kept = w.ravel() > 0
        return SCORERS["f1"](y.ravel()[kept], p.ravel()[kept], sample_weight=w.ravel()[kept])
    each = [
        SCORERS["f1"](a[v > 0], b[v > 0], sample_weight=v[v > 0])
        for a, b, v in zip(y.T, p.T, w.T, strict=True)
    ]
    support = [(a == 1) @ v for a, v in zip(y.T, w.T, strict=True)]
    return np.average(each, weights=support if average == "weighted" else None)


CASES = sums.cases()


def check(case, found, backend="tensorflow", others=None):
    """Hold the logs of a case against scikit-learn, and, of `others`, against torchmetrics."""
    assert [*found] == ["", "val_"]
    for prefix, n, seed in (("", sums.N, 0), ("val_", 40, 1)):
        data = sums.data(case, n, seed)
        assert [*found[prefix]] == sums.metrics_of(case, backend)
        for metric, logs in found[prefix].items():
            right = truth(case, metric, *data)
            kinds = sums.kinds_of(case, metric, backend)
            assert logs.keys() == {kind.name for kind in kinds}
            for kind in kinds:
                naive = kind is BatchMean
                wanted = mean_of_batches(case, metric, *data) if naive else right
                near = pytest.approx(wanted, abs=1e-6 if naive else 1e-9)
                assert logs[kind.name] == near, (case, metric, prefix)
            other = (others or {}).get(prefix, {}).get(metric, right)
            assert other == pytest.approx(right, abs=1e-6), (case, metric, "torchmetrics")


def mean_of_batches(case, metric, x, y, weight):
    starts = range(0, len(x), sums.B)
    parts = [(x[i : i + sums.B], y[i : i + sums.B], weight) for i in starts]
    return np.mean([truth(case, metric, *part) for part in parts])


SOME = [Case("pixels", "elements")]


@pytest.mark.parametrize("case", [*SOME, *(slow(case) for case in CASES if case not in SOME)])
def test_every_metric_of_every_shape_is_that_of_scikit_learn(case):
    check(case, sums.fitted(case))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_log_the_same(backend, repository):
    """In the pinned environments, which `make test-frameworks` installs."""
    lines = printed(backend, repository, "-m", "helpers.fitting_sums").splitlines()
    found = [json.loads(line) for line in lines]
    assert [Case(*case) for case, *_ in found] == CASES
    for case, logs, others in found:
        check(Case(*case), logs, backend, others)
    compared = [metric for *_, others in found for metric in others.get("val_", ())]
    names = {*SCORERS} - {"concordance_correlation"}  # by n - 1 in torchmetrics
    assert {*compared} == (names if backend == "torch" else set())
