"""docs/strategies.md and docs/atlas.md: what they say to log is right, and their code runs."""

import re

import keras
import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.stats import spearmanr

import batchf1
from batchf1.keras import EpochEnd, Reconstructed, Streaming
from batchf1.studies.atlas.metrics import METRICS, N_GRADES
from helpers.fitting_sums import Hand

RNG = np.random.default_rng(0)
N = 90


def perplexity(y_true, y_pred):
    return np.exp(sk.log_loss(y_true, y_pred, labels=range(N_GRADES)))


NAMES = {name: getattr(batchf1, name) for name in batchf1.__all__} | {
    "EpochEnd": EpochEnd,
    "Reconstructed": Reconstructed,
    "Streaming": Streaming,
    "average_precision_score": sk.average_precision_score,
    "log_loss": sk.log_loss,
    "mean_absolute_error": sk.mean_absolute_error,
    "perplexity": perplexity,
    "roc_auc_score": sk.roc_auc_score,
    "spearmanr": spearmanr,
}
ROW = re.compile(r"^\| (.+?) \| .* \| `((?:EpochEnd|Reconstructed|Streaming)\(.*\))` \| ", re.M)


@pytest.fixture(scope="module")
def strategies(repository):
    """Metric of docs/atlas.md -> the strategy that it recommends."""
    return dict(ROW.findall((repository / "docs/atlas.md").read_text()))


def output(task):
    """Labels and outputs of a network for a task of the atlas."""
    if task == "heavy":
        x = RNG.random((N, 1))
        return (RNG.random(N) < x[:, 0] ** 2) * 1, x
    if task == "grade":
        return RNG.integers(0, N_GRADES, N), RNG.dirichlet(np.ones(N_GRADES), N)
    y = RNG.normal(4, 2, N)
    return y, (y + RNG.normal(size=N))[:, None]


@pytest.mark.parametrize("task", ["heavy", "grade", "price"])
def test_what_the_atlas_says_to_log_is_the_metric_of_all_samples(task, strategies):
    assert [*strategies] == [metric.name.replace("R2", "R²") for metric in METRICS]
    metrics = [metric for metric in METRICS if metric.task == task]
    y, x = (part.astype("float32") for part in output(task))
    chosen = []
    for i, metric in enumerate(metrics):
        text = strategies[metric.name.replace("R2", "R²")]
        s = eval(text, dict(NAMES))
        s.name = f"s{i}"  # two reconstructed of binary outputs need names of their own
        chosen.append(s)
    model = keras.Sequential([keras.Input(x.shape[1:]), Hand((), False)])
    compiled = [one for s in chosen for one in s.metrics()]
    model.compile(
        keras.optimizers.SGD(0.0),
        lambda y, p: 0 * keras.ops.mean(p),
        metrics=compiled,
        run_eagerly=True,
    )
    callbacks = [c for s in chosen for c in s.callbacks(validation=(x, y))]
    logs = model.fit(x, y, 32, callbacks=callbacks, validation_data=(x, y), verbose=0).history
    for metric, s in zip(metrics, chosen, strict=True):
        given = x if task == "grade" else x[:, 0]
        right = metric.of_all(y.astype(float), given.astype(float))
        assert logs[f"val_{s.key}"] == [pytest.approx(right, abs=1e-6)], metric.name


def test_the_classes_of_ten_lines_run(repository):
    page = (repository / "docs/strategies.md").read_text()
    (code,) = [
        part for part in re.findall(r"```python\n(.*?)```", page, re.S) if "SumMetric" in part
    ]
    names = {}
    exec(code, names)
    y, p = RNG.integers(0, 2, N), RNG.integers(0, 2, N)
    right = sk.balanced_accuracy_score(y, p, adjusted=True)
    assert names["Informedness"]()(y, p) == pytest.approx(right, abs=1e-12)
    y, p = RNG.normal(3, 1, N), RNG.normal(3, 1, N)
    right = sk.root_mean_squared_error(y, p) / y.mean()
    assert names["Nrmse"]()(y, p) == pytest.approx(right, rel=1e-12)


def test_what_the_page_says_to_write_can_be_written(repository):
    page = (repository / "docs/strategies.md").read_text()
    table = page.partition("| you have | write |")[2].partition("\n\n")[0]
    calls = re.findall(r"`((?:Reconstructed|Streaming)\(.*\))` ?", table)
    assert len(calls) == 6
    for call in calls:
        assert eval(call, dict(NAMES)).metrics()


@pytest.mark.parametrize(("sharpness", "low", "high"), [(1, -0.001, 0.001), (3, -0.08, -0.03)])
def test_keras_auc_counts_at_200_thresholds(sharpness, low, high):
    """The error that docs/strategies.md quotes."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = (rng.random(5000) < 0.05) * 1
        z = sharpness * (rng.normal(size=5000) + 2 * y - 3)
        scores = (1 / (1 + np.exp(-z))).astype("float32")
        metric = keras.metrics.AUC()
        metric.update_state(y, scores)
        assert low < float(metric.result()) - sk.roc_auc_score(y, scores) < high
