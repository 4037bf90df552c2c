"""Predictions from scores: thresholds, logits, and several classes a sample."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1 import F1, Counts, InputError, audit, expect, f_beta, jaccard, precision
from batchf1.auditing.recorder import Recorder
from batchf1.metrics.classes import class_counts
from batchf1.theory.simulation import simulate
from helpers.slow import one_in

RNG = np.random.default_rng(1)
N, SIZE = 90, 8
Y = (RNG.random(N) < 0.3).astype(int)
LOGITS = 2.5 * Y + RNG.normal(size=N)
PROBABILITIES = 1 / (1 + np.exp(-LOGITS))
TABLE = (RNG.random((N, 3)) < [0.5, 0.3, 0.1]).astype(int)
SCORES = np.clip(0.4 * TABLE + 0.6 * RNG.random(TABLE.shape), 0, 1)
AVERAGES = ("micro", "macro", "weighted")


def cut(y, p, size=SIZE):
    return [(y[i : i + size], p[i : i + size]) for i in range(0, len(y), size)]


def recorded(y, p):
    recorder = Recorder("ignore")
    for batch in cut(y, p):
        recorder.record(*batch)
    return recorder


# Scores and thresholds

OUTSIDE = {
    "logits": LOGITS,
    "percentages": 100 * PROBABILITIES,
    "margins of -1 and 1": np.sign(LOGITS),
    "integers of classes": np.where(Y, 2, 0),
    "hardly above 1": np.where(Y, 1.001, 0.0),
    "infinite": np.where(Y, np.inf, 0.0),
}


@pytest.mark.parametrize("scores", OUTSIDE)
@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_scores_outside_0_and_1_are_refused(scores, threshold):
    said = r"^y_pred must lie in \[0, 1\] \(set from_logits for logits; a threshold .*; got"
    for ask in (
        lambda **options: audit(F1, cut(Y, OUTSIDE[scores]), **options),
        lambda **options: recorded(Y, OUTSIDE[scores]).check("f1", 0.5, F1, **options),
    ):
        with pytest.raises(InputError, match=said) as refused:
            ask(threshold=threshold)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("scores", "options", "above"),
    [
        (LOGITS, {"from_logits": True}, 0.5),
        (LOGITS, {"from_logits": True, "threshold": 0.7}, 0.7),
        (LOGITS, {"threshold": 0.0}, 0.5),
        (LOGITS, {"threshold": -1.0}, 1 / (1 + np.e)),
        (100 * PROBABILITIES, {"threshold": 30}, 0.3),
        (PROBABILITIES.astype("float32"), {"threshold": 0.3}, 0.3),
        (np.where(PROBABILITIES > 0.3, 1, 0), {}, 0.3),
        (PROBABILITIES > 0.3, {}, 0.3),
    ],
)
def test_logits_percentages_and_decided_predictions(scores, options, above):
    true = f1_score(Y, np.greater(PROBABILITIES, above))
    assert audit(F1, cut(Y, scores), **options).pooled == pytest.approx(true, rel=1e-12)
    found = recorded(Y, scores).check("f1", true, F1, **options)
    assert found.ok


@pytest.mark.parametrize(
    ("metric", "options", "said"),
    [
        (
            F1,
            {"from_logits": True, "threshold": 0.0},
            "threshold must lie in .0, 1., as a probabili",
        ),
        (F1, {"from_logits": True, "threshold": 1}, "threshold must lie in .0, 1., as a probabili"),
        (
            F1,
            {"multilabel": True},
            "multilabel must be combined with a metric of batchf1 over classes; got T",
        ),
        (
            f_beta(1, "macro"),
            {"threshold": 0.3},
            "threshold must be combined with a metric of batchf1; over",
        ),
        (
            f1_score,
            {"from_logits": True},
            "from_logits must be combined with a metric of batchf1; a function",
        ),
        (
            f1_score,
            {"threshold": 0.3},
            "threshold must be combined with a metric of batchf1; over class",
        ),
        (
            f1_score,
            {"multilabel": True},
            "multilabel must be combined with a metric of batchf1 over classes",
        ),
    ],
)
def test_options_without_a_use_are_refused(metric, options, said):
    with pytest.raises(InputError, match=f"^{said}"):
        audit(metric, cut(Y, Y), **options)


def test_the_largest_logit_is_that_of_the_largest_probability():
    y, logits = RNG.integers(0, 3, N), RNG.normal(size=(N, 3))
    found = audit(f_beta(1, "macro"), cut(y, logits), from_logits=True, cuts=2)
    assert found == audit(f_beta(1, "macro"), cut(y, logits), cuts=2)
    assert found.pooled == pytest.approx(f1_score(y, logits.argmax(axis=1), average="macro"))


# Several classes a sample


def zero(y, p, average):
    return f1_score(y, p, average=average, zero_division=0)


@pytest.mark.parametrize("average", AVERAGES)
def test_several_classes_a_sample_are_those_of_scikit_learn(average):
    metric, decided = f_beta(1, average), (SCORES > 0.4).astype(int)
    wanted = audit(
        lambda y, p: zero(y, p, average), cut(TABLE, decided), devices=2, cuts=2
    )  # called, and 0 where undefined
    same = {"pooled", "per_batch", "size_weighted", "last_batch", "mean_of_prefixes"}
    same |= {"mean_of_devices", "devices_pooled", "mean_of_running", "over_samples"}
    options = {"multilabel": True, "devices": 2, "cuts": 2}
    logits = np.log(SCORES / (1 - SCORES), where=(SCORES > 0) & (SCORES < 1), out=40 * SCORES - 20)
    for scores, more in (
        (SCORES, {"threshold": 0.4}),
        (decided, {}),
        (decided.astype(bool), {}),
        (logits, {"from_logits": True, "threshold": 0.4}),
        (100 * SCORES, {"threshold": 40}),
    ):
        found = audit(metric, cut(TABLE, scores), **options, **more)
        assert {r: found.values[r] for r in same} == pytest.approx(
            {r: wanted.values[r] for r in same}, rel=1e-12
        )
    assert found.pooled == pytest.approx(zero(TABLE, decided, average), rel=1e-12)


METRICS_OF_CUTS = [f_beta(2, "macro"), precision("macro"), jaccard("macro")]


@pytest.mark.parametrize(("metric", "average"), one_in(4, METRICS_OF_CUTS, AVERAGES))
def test_their_random_cuts_are_like_those_simulated(average, metric):
    metric = metric._replace(average=average)
    found = audit(metric, cut(TABLE, SCORES), multilabel=True, cuts=200)
    counts = class_counts(TABLE, SCORES, 1, multilabel=True)
    wanted = simulate(counts, SIZE, metric=metric, cuts=400)
    assert found.expected == pytest.approx(wanted.expected_f1, abs=5 * wanted.standard_error + 1e-9)
    assert found.sd == pytest.approx(wanted.sd, rel=0.35)
    assert found.additive is False
    if average == "macro":  # by the counts of each class alone
        exact = expect(Counts(*(cell.sum(axis=-1) for cell in counts)), SIZE, metric=metric)
        assert found.expected == pytest.approx(exact.expected_f1, rel=1e-12)


def test_rows_of_several_ones_are_not_read_as_one_class():
    y, p = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])
    said = "y_pred must have a single 1 in each row, and else 0 (multilabel=True allows several); "
    for predicted in (p, p.astype(float), p.astype(bool)):
        with pytest.raises(InputError) as refused:
            audit(f_beta(1, "macro"), cut(y, predicted, 2))
        assert str(refused.value) == f"{said}got other rows"
    with pytest.raises(InputError) as refused:
        audit(f_beta(1, "macro"), cut(p, SCORES[:3], 2))
    assert str(refused.value) == f"{said.replace('y_pred', 'y_true')}got other rows"
    found = audit(f_beta(1, "macro"), cut(y, p, 2), multilabel=True)
    assert found.pooled == pytest.approx(f1_score(y, p, average="macro"), rel=1e-12)
    assert recorded(y, p).check("f1", found.pooled, f_beta(1, "macro"), multilabel=True).ok


@pytest.mark.parametrize(
    ("y", "p", "said"),
    [
        (Y, PROBABILITIES, r"y_true must have a column for each of the classes; got \(90,\)"),
        (TABLE, Y, r"y_pred must have a column for each of 3 classes; got \(90,\)"),
        (TABLE, SCORES[:, :2], r"y_pred must have a column for each of 3 classes; got \(90, 2\)"),
        (2 * TABLE, SCORES, "y_true must be 0 or 1; got 2"),
        (TABLE, 3 * SCORES, r"y_pred must lie in \[0, 1\] .set from_logits"),
        (TABLE, SCORES.astype(str), "y_pred must be numbers; got"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(y, p, said):
    with pytest.raises(InputError, match=f"^{said}"):
        audit(f_beta(1, "macro"), cut(y, p, 90), multilabel=True)
    with pytest.raises(InputError, match="^y_true must have a column for each of 4 classes; got"):
        audit(f_beta(1, "macro", 4), cut(TABLE, SCORES), multilabel=True)
