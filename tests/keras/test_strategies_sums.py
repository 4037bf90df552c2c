"""Strategies with metrics that are functions of sums, of any shape, weighted and masked."""

import json
import os
import subprocess

import numpy as np
import pytest
import sklearn.metrics as sk

from batchf1.keras import EpochEnd
from batchf1.programs import environments
from helpers import fitting_sums as sums
from helpers.fitting_sums import PAD, SHAPES, C, Case

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


def flat(case, x, y, weight):
    """Labels, predictions and weights of each element: (n, elements[, classes])."""
    shape = SHAPES[case.shape]
    x = np.moveaxis(x, shape.options.get("axis", -1), -1) if shape.kind != "numbers" else x
    elements = (len(x), *shape.of_sample)
    if shape.kind in ("binary", "numbers"):
        x = x.reshape(elements)
        p = x > 0.5 if shape.kind == "binary" else x.astype(float)
        padded = x == PAD
    else:
        p = x > 0.5 if shape.kind == "multilabel" else x.argmax(axis=-1)
        padded = (x == PAD).all(axis=-1)
    y = y.argmax(axis=-1) if shape.kind == "one-hot" else y
    w = np.ones(elements) if weight is None else weight.astype(float)
    w = np.broadcast_to(w.reshape(w.shape + (1,) * (len(elements) - w.ndim)), elements)
    if case.weights == "mask" and shape.of_sample:
        # a mask of (n, first axis) covers all that lies behind it
        padded = padded.reshape(*padded.shape[:2], -1).all(axis=-1)
        padded = padded.reshape(padded.shape + (1,) * (len(elements) - 2))
    w = np.where(padded, 0, w)
    if shape.kind == "multilabel":
        w = np.broadcast_to(w[..., None], y.shape)
    if shape.ignored is not None:
        w = np.where(y == shape.ignored, 0, w)
    return y.reshape(len(x), -1), p.reshape(len(x), -1), w.reshape(len(x), -1)


def truth(case, x, y, weight):
    """The value of scikit-learn or SciPy."""
    y, p, w = flat(case, x, y, weight)
    scorer, shape = SCORERS[case.metric], SHAPES[case.shape]
    if shape.options.get("per") == "image":
        counted = w.max(axis=1) > 0
        each = [
            scorer(*(part[row > 0] for part in (a, b)), sample_weight=row[row > 0])
            for a, b, row in zip(y[counted], p[counted], w[counted], strict=True)
        ]
        defined = np.isfinite(each)
        return np.average(np.array(each)[defined], weights=w[counted].max(axis=1)[defined])
    if shape.kind == "multilabel":
        return _multilabel(case.metric, *(part.reshape(-1, C) for part in (y, p, w)))
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


CASES = [*sums.cases()]


def check(case, logs, backend="tensorflow"):
    for prefix, n, seed in (("", sums.N, 0), ("val_", 40, 1)):
        right = truth(case, *sums.data(case, n, seed))
        unmasked = backend == "jax" and case.weights == "mask"
        for kind in [EpochEnd] if unmasked else sums.kinds_of(case):
            key = f"{prefix}{sums.made(case).name}_{kind.name}"
            assert logs[key] == pytest.approx(right, abs=1e-9), (case, key)


CHEAP = ("pixels", "classes of tokens, -100 ignored", "numbers")
SLOW = [pytest.param(s, marks=[pytest.mark.slow] * (s not in CHEAP)) for s in SHAPES]


@pytest.mark.parametrize("shape", SLOW)
def test_every_metric_of_every_shape_is_that_of_scikit_learn(shape):
    for case in CASES:
        if case.shape == shape:
            check(case, sums.fitted(case))


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_log_the_same(backend, repository):
    """In the pinned environments, which `make test-frameworks` installs."""
    python = repository / environments.FOLDER / backend / "bin" / "python"
    if not python.is_file():
        pytest.skip(f"{backend} is not installed: make test-frameworks")
    paths = os.pathsep.join(str(repository / part) for part in ("src", "tests"))
    given = {"KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    command = [str(python), "-m", "helpers.fitting_sums"]
    environment = os.environ | given | {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [Case(*case) for case, _ in found] == CASES
    for case, logs in found:
        check(Case(*case), logs, backend)
