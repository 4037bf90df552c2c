"""Metrics over classes against scikit-learn, on random and on degenerate samples."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as scikit_learn

from batchf1.metrics.averaging import average, batch_mean, pooled, reconstructed
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import Counts, as_counts, batch_counts
from batchf1.metrics.factories import f_beta, jaccard, precision, recall
from batchf1.metrics.ratios import (
    F1,
    JACCARD,
    PRECISION,
    RECALL,
    ClassAveraged,
    Ratio,
    check_metric,
    check_ratio,
)
from helpers.invalid_inputs import refused

CONVENTIONS = (0.0, 1.0, math.nan)
AVERAGES = ("micro", "macro", "weighted")
SCORES = {
    "f1": (partial(f_beta, 1), scikit_learn.f1_score),
    "f2": (partial(f_beta, 2), partial(scikit_learn.fbeta_score, beta=2)),
    "f0.5": (partial(f_beta, 0.5), partial(scikit_learn.fbeta_score, beta=0.5)),
    "precision": (precision, scikit_learn.precision_score),
    "recall": (recall, scikit_learn.recall_score),
    "jaccard": (jaccard, scikit_learn.jaccard_score),
}


@st.composite
def samples(draw, multilabel):
    """Labels and scores in which, often, a class is absent, never predicted, or alone."""
    n, classes = draw(st.integers(1, 25)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    seen, predicted = (draw(st.sets(st.integers(0, classes - 1), min_size=1)) for _ in range(2))
    scores = rng.random((n, classes)) * np.isin(np.arange(classes), list(predicted))
    if multilabel:
        labels = rng.random((n, classes)) < draw(st.sampled_from([0.0, 0.1, 0.5]))
        return (labels & np.isin(np.arange(classes), list(seen))).astype(int), scores
    return rng.choice(list(seen), n), scores


def theirs(name, labels, decided, over, zero_division, classes):
    """scikit-learn's value; its Jaccard index takes no NaN, so there by the others' rule."""
    how = {} if labels.ndim == 2 else {"labels": np.arange(classes)}
    if name == "jaccard" and math.isnan(zero_division):
        return jaccard_leaving_out(labels, decided, over, how)
    return SCORES[name][1](labels, decided, average=over, zero_division=zero_division, **how)


def jaccard_leaving_out(labels, decided, over, how):
    cells = scikit_learn.multilabel_confusion_matrix(labels, decided, **how)
    cells = cells.sum(axis=0, keepdims=True) if over == "micro" else cells
    support, union = cells[:, 1].sum(axis=-1), cells.sum(axis=(1, 2)) - cells[:, 0, 0]
    kept = union > 0
    if not kept.any():
        return math.nan
    weights = support[kept] if over == "weighted" and support[kept].any() else None
    return np.average(cells[kept, 1, 1] / union[kept], weights=weights)


def decisions(scores, multilabel):
    return (scores > 0.5).astype(int) if multilabel else scores.argmax(axis=1)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("multilabel", [False, True])
@given(st.data(), st.integers(1, 26), st.sampled_from(AVERAGES), st.sampled_from(CONVENTIONS))
def test_every_average_is_scikit_learns(name, multilabel, data, size, over, zero_division):
    labels, scores = data.draw(samples(multilabel))
    classes, decided = scores.shape[1], decisions(scores, multilabel)
    counts = class_counts(labels, scores, size, classes, multilabel=multilabel)
    metric = SCORES[name][0](average=over, n_classes=classes)

    def wanted(part):
        return theirs(name, labels[part], decided[part], over, zero_division, classes)

    whole = wanted(slice(None))
    np.testing.assert_allclose(pooled(counts, zero_division, metric), whole, atol=1e-14)
    found = reconstructed(counts, zero_division=zero_division, metric=metric)
    np.testing.assert_allclose(found, whole, atol=1e-14)
    each = [slice(at, at + size) for at in range(0, len(labels), size)]
    values, sizes = [wanted(part) for part in each], [len(labels[part]) for part in each]
    np.testing.assert_allclose(metric(counts, zero_division), values, atol=1e-14)
    for rule in ("per_batch", "size_weighted"):
        found = batch_mean(counts, rule, zero_division, metric=metric)
        np.testing.assert_allclose(found, average(values, sizes, rule), atol=1e-14)


@given(samples(multilabel=False), st.integers(1, 26))
def test_all_forms_of_labels_of_one_class_are_counted_alike(sample, size):
    labels, scores = sample
    found = class_counts(labels, scores, size)
    one_hot = np.eye(scores.shape[1])[labels]
    for same in (labels[:, None], labels.astype(float), one_hot, one_hot.astype(bool)):
        np.testing.assert_array_equal(class_counts(same, scores, size), found)
    assert found.tp.dtype == np.int64
    np.testing.assert_array_equal(found.positives.sum(axis=0), found.n[0])


@given(samples(multilabel=True), st.integers(1, 26), st.sampled_from([0.25, 0.5, 0.9]))
def test_each_label_of_many_is_counted_as_a_binary_one(sample, size, threshold):
    labels, scores = sample
    found = class_counts(labels, scores, size, multilabel=True, threshold=threshold)
    each = [batch_counts(*pair, size, threshold) for pair in zip(labels.T, scores.T, strict=True)]
    np.testing.assert_array_equal(found, np.stack(each, axis=1))


def test_the_first_of_equal_scores_is_predicted():
    counts = class_counts([1, 0], [[0.5, 0.5, 0.5], [0.1, 0.3, 0.3]], 1)
    assert (counts.tp + counts.fp).tolist() == [[1, 0], [0, 1], [0, 0]]


def test_axes_between_classes_and_batches_are_carried_along():
    rng = np.random.default_rng(0)
    parts = rng.integers(0, 4, (3, 3, 2, 5))  # tp, fp, fn; classes, epochs, batches
    counts = as_counts(*parts, 20 - parts.sum(axis=0))
    for over in AVERAGES:
        metric, rules = f_beta(2, over, 3), ("per_batch", "size_weighted")
        for epoch in range(2):
            one = Counts(*(part[:, epoch] for part in counts))
            for rule in rules:
                assert batch_mean(counts, rule, metric=metric)[epoch] == batch_mean(
                    one, rule, metric=metric
                )
            assert pooled(counts, metric=metric)[epoch] == pooled(one, metric=metric)
            assert metric(counts).shape == (2, 5)


@given(samples(multilabel=False), st.sampled_from(AVERAGES), st.sampled_from(CONVENTIONS))
def test_margins_over_classes_give_what_counts_give(sample, over, zero_division):
    counts = class_counts(*sample, 5)
    for ratio in (F1, PRECISION, RECALL, JACCARD):
        metric = ClassAveraged(ratio, over)
        margins = (counts.tp, counts.positives, counts.predicted_positives, counts.n[0])
        found = metric.from_margins(*margins, zero_division)
        np.testing.assert_allclose(found, metric(counts, zero_division), atol=1e-14)
        assert metric.from_margins(*margins[:3]) == pytest.approx(metric(counts), abs=1e-14)


@pytest.mark.parametrize("over", AVERAGES)
def test_shares_that_are_rounded_leave_0_0_what_it_is(over):
    # class 0 has no negatives: 1 - 0.3 - 0.7 would leave it 5e-17 of a true negative
    metric = ClassAveraged(Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity"), over)
    shares = ([0.3, 0.0], [1.0, 0.0], [0.3, 0.0], 1.0)
    assert metric.from_margins(*shares) == {"micro": 1.0, "macro": 0.5, "weighted": 0.0}[over]


def test_what_logs_call_an_average():
    names = [f_beta(2, "micro"), precision("weighted"), recall("macro", 3), jaccard("macro")]
    found = [metric.name for metric in names]
    assert found == ["f2_micro", "precision_weighted", "recall_macro", "jaccard_macro"]
    binary = [f_beta(1, "binary"), f_beta(1), precision(), recall(), jaccard()]
    assert binary == [F1, F1, PRECISION, RECALL, JACCARD]
    assert f_beta(1, average="macro", n_classes=5) == ClassAveraged(F1, "macro", 5)


TWO = as_counts([[1], [0]], [[0], [1]], [[1], [0]], [[0], [1]])
WHOLE = "y_true must be whole numbers from 0 to 2; got"
ONE_HOT = (
    "y_true must have a single 1 in each one-hot row, and else 0 (multilabel=True allows "
    "several); got"
)
SCORED = np.eye(3)[:2]
AVERAGE = "average must be binary, micro, macro or weighted; got"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: f_beta(1, "samples"), f"{AVERAGE} samples"),
        (lambda: check_metric(ClassAveraged(F1, "binary")), f"{AVERAGE} binary"),
        (lambda: recall("macro", 0), "n_classes must be a whole number >= 1; got 0"),
        (
            lambda: jaccard(n_classes=3),
            "n_classes must be combined with average micro, macro or weighted; got 3",
        ),
        (
            lambda: batch_mean(TWO, metric=ClassAveraged("f1", "macro")),
            "metric must be a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0; got 'f1'",
        ),
        (
            lambda: check_ratio(recall("macro")),
            "metric must be a Ratio, of one class, here; got recall_macro, over classes",
        ),
        (
            lambda: batch_mean(as_counts([[1], [2]], 0, 0, 0), metric=f_beta(1, "macro")),
            "counts must have the classes on the first axis, each of the same samples; "
            "got 1 and 2 samples",
        ),
        (
            lambda: class_counts([0, 1], [0.1, 0.9], 1),
            "scores must have shape (n, n_classes); got (2,)",
        ),
        (
            lambda: class_counts([0, 1], SCORED, 1, 4),
            "scores must have a column for each of the 4 classes; got (2, 3)",
        ),
        (lambda: class_counts([0, 3], SCORED, 1), f"{WHOLE} 3"),
        (lambda: class_counts([True, False], SCORED, 1), f"{WHOLE} bools"),
        (lambda: class_counts([[1, 0, 0], [0, 1, 1]], SCORED, 1), f"{ONE_HOT} [0, 1, 1]"),
        (
            lambda: class_counts([[0, 1, 0], [0, 2, 0]], SCORED, 1, multilabel=True),
            "y_true must be 0 or 1; got 2",
        ),
        (
            lambda: class_counts([0, 1], SCORED, 1, multilabel=True),
            "y_true must have the shape of the scores, (2, 3); got (2,)",
        ),
        (
            lambda: class_counts([0, 1], SCORED, 1, threshold=0.2),
            "threshold cannot be set without multilabel=True; got 0.2",
        ),
        (lambda: class_counts([0, 1], SCORED * math.nan, 1), "scores must not contain NaN"),
    ],
)
def test_nonsense_is_refused_in_one_line(call, said):
    refused(said, call)


@pytest.mark.parametrize("zero_division", [None, 0.0, 1.0, math.nan])
@pytest.mark.parametrize("over", AVERAGES)
def test_many_sums_at_once_give_what_each_alone_does(over, zero_division):
    positives = np.array([[5, 0, 3, 0], [2, 0, 0, 0], [1, 0, 4, 0]])  # of 3 classes, 4 times
    predicted = np.array([[4, 2, 3, 0], [0, 0, 1, 0], [4, 6, 4, 0]])
    hits = np.array([[3, 0, 2, 0], [0, 0, 0, 0], [1, 0, 4, 0]])
    sums = np.stack([hits, positives, predicted, np.full((3, 4), 8)]).astype(np.float64)
    metric = f_beta(1, over, 3)
    found = metric.of_sums(sums, zero_division=zero_division)
    each = [metric.of_sums(sums[..., i], zero_division=zero_division) for i in range(4)]
    np.testing.assert_array_equal(found, each)
    given = metric.undefined if zero_division is None else zero_division
    by_counts = metric.from_margins(*sums[:3], 8, zero_division=given)
    np.testing.assert_allclose(found, by_counts, atol=1e-14)
