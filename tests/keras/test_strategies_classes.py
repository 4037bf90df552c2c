"""Strategies with metrics over classes, in real `fit`, against scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchf1.errors import InputError
from batchf1.keras import BatchMean, EpochEnd, Reconstructed, Streaming
from batchf1.keras.values import as_list, as_metric
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import Counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.ratios import ACCURACY, F1, ClassAveraged, Ratio
from helpers.fitting import B, compiled, fit, metrics_of
from helpers.fitting_classes import (
    FORMS,
    KINDS,
    OVER_CLASSES,
    C,
    expected,
    identity,
    model_for,
    samples,
    strategies,
)
from helpers.slow import slow

MACRO = f_beta(1, "macro", C)


def check(logs, chosen, form, train, validation=None, near=1e-6):
    """Hold the logs of an epoch against scikit-learn."""
    for prefix, pair in (("", train), ("val_", validation)):
        for s in chosen if pair else ():
            right = pytest.approx(expected(s, form, *pair), abs=near)
            assert logs[prefix + s.key] == [right], prefix + s.key


@pytest.mark.parametrize(
    ("form", "metrics"),
    [("vectors", [*OVER_CLASSES[:2], OVER_CLASSES[-1]]), *(slow(form, None) for form in FORMS)],
)
def test_every_metric_of_every_strategy_in_every_form(form, metrics):
    chosen = strategies(form, metrics=metrics)
    train, validation = samples(form), samples(form, 20, seed=1)
    model = model_for(form, metrics_of(chosen))
    batches = tf.data.Dataset.from_tensor_slices(validation).batch(16)
    logs = fit(model, chosen, train, validation, passes=(train, batches))
    check(logs, chosen, form, train, validation)
    check(logs, [s for s in chosen if not isinstance(s, BatchMean)], form, train, near=1e-14)
    if form != "binary":
        _check_arithmetic(logs, chosen, form, *train)


def _check_arithmetic(logs, chosen, form, x, y):
    for s in chosen:
        _, multilabel, threshold, from_logits, *_ = s.form
        options = {"multilabel": True} if multilabel else {}
        if multilabel:
            options["threshold"] = np.log(0.3 / 0.7) if from_logits else threshold
        batches, whole = (class_counts(y, x, size, C, **options) for size in (B, len(x)))
        said = s.expected(batches, whole, "per_batch")
        assert logs[s.key] == [pytest.approx(float(said), abs=1e-6)]


# One value from counts, on tensors as in NumPy

SPECIFICITY = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")
EVERY = [
    *OVER_CLASSES,
    ClassAveraged(ACCURACY, "weighted", C),
    ClassAveraged(SPECIFICITY, "macro", C),
    ClassAveraged(SPECIFICITY, "weighted", C),
]
RATIOS = [F1, f_beta(2), ACCURACY, SPECIFICITY]
NUMBERS = st.one_of(st.just(0), st.integers(0, 1000))


@given(arrays(np.int64, (4, C), elements=NUMBERS), st.sampled_from([*EVERY, *RATIOS]))
def test_the_value_on_tensors_is_that_of_numpy(cells, metric):
    counts = Counts(*cells)
    if isinstance(metric, Ratio):
        counts = Counts(*cells[:, :1])
    found = np.array([counts.tp, counts.positives, counts.predicted_positives, counts.n], float)
    found = keras.ops.convert_to_tensor(found)
    assert float(metric.of_sums(found, keras.ops)) == pytest.approx(
        metric(counts).item(), abs=1e-14
    )


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_one_unknown_count_makes_the_value_unknown(metric):
    for place in range(C):
        labels = np.ones((3, C))
        labels[1, place] = np.nan
        counted = metric.summary(labels, np.ones((3, C)))
        assert np.isnan(counted).sum() == 4
        counted = keras.ops.convert_to_tensor(counted)
        assert np.isnan(float(metric.of_sums(counted, keras.ops)))


@pytest.mark.parametrize("metric", [*EVERY, F1], ids=lambda metric: metric.name)
def test_a_metric_comes_back_from_what_a_saved_model_holds(metric):
    assert as_metric(as_list(metric)) == metric == as_metric(metric)
    with pytest.raises(InputError, match="metric must be a Ratio of 4 and 4 weights"):
        as_metric([[1, 2], [3, 4], "short"])


def test_shares_that_are_rounded_make_no_true_negatives():
    # every label of class 0 positive, 3 of 10 found: 1 - 0.3 - 0.7 is not 0
    s = Reconstructed(metric=ClassAveraged(SPECIFICITY, "macro", 2), multilabel=True)
    names = [s.logs(c, k) for k in s.classes for c in ("true_positives", "possible_positives")]
    logs = dict(zip(names, (0.3, 1.0, 0.0, 0.0), strict=True))
    logs |= {s.logs("predicted_positives", 0): 0.3, s.logs("predicted_positives", 1): 0.0}
    assert s.rebuild(logs) == 0.5
    logs[s.logs("predicted_positives", 1)] = np.nan
    assert np.isnan(s.rebuild(logs))


# Ties, dtypes, shapes


def updated(metric, y, x):
    metric.update_state(np.asarray(y), np.asarray(x))
    return float(metric.result())


def streaming(**options):
    (metric,) = Streaming(**({"metric": f_beta(1, "micro", 3)} | options)).metrics()
    return metric


def test_the_first_of_equal_scores_is_predicted():
    ties = [[0.0, 0.0, 0.0], [-0.0, 0.0, -1.0], [0.5, 0.7, 0.7], [-np.inf, -np.inf, -np.inf]]
    for kind in ("float32", "float16"):
        assert updated(streaming(), [0, 0, 1, 0], np.array(ties, kind)) == 1.0
    assert updated(streaming(), [0, 2], np.array([[3, 3, 1], [0, 1, 2]])) == 1.0


@pytest.mark.parametrize("dtype", ["int8", "int64", "float16"])
def test_labels_of_any_dtype(dtype):
    labels = np.array([0, 2, 1], dtype)
    for y in (labels, labels[:, None], np.eye(3, dtype=dtype)[[0, 2, 1]], np.eye(3)[[0, 2, 1]] > 0):
        assert updated(streaming(), y, np.eye(3, dtype="float32")[[0, 2, 2]]) == 2 / 3


BAD_LABELS = ([0, 3, 1], [0, -1, 1], [0, 0.5, 1], [0, np.nan, 1], [0, 2**32, 1])
BAD_TABLES = ([1, 1, 0], [0, 0, 0], [0.4, 0.3, 0.3], [2, -1, 0], [np.nan, 0, 1])


@pytest.mark.parametrize(  # labels are looked at before they are averaged
    ("kind", "average"),
    [slow(BatchMean, "macro"), (Reconstructed, "weighted"), slow(Streaming, "micro")],
)
def test_labels_and_scores_that_no_class_has_make_the_value_nan(kind, average):
    s, good = kind(metric=f_beta(1, average, 3)), np.eye(3, dtype="float32")
    wrong = np.where(good[::-1] == 1, np.nan, good)
    tables = [np.array([[1, 0, 0], bad, [0, 1, 0]]) for bad in BAD_TABLES]
    for y, x in [(y, good) for y in (*BAD_LABELS, *tables)] + [([0, 1, 2], wrong)]:
        metrics = s.metrics()
        logs = {metric.name: updated(metric, y, x) for metric in metrics}
        assert np.isnan(s.rebuild(logs) if kind is Reconstructed else logs[s.key])
    s = kind(metric=f_beta(1, average, 3), multilabel=True)
    for y, x in ((good + good, good), (good, 2 * good), (good - good[::-1], good), (good, wrong)):
        logs = {metric.name: updated(metric, y, x) for metric in s.metrics()}
        assert np.isnan(s.rebuild(logs) if kind is Reconstructed else logs[s.key])


@pytest.mark.parametrize(
    ("kind", "multilabel"),
    [
        (EpochEnd, False),
        (Reconstructed, False),
        (Streaming, True),
        *(slow(kind, multilabel) for kind in KINDS for multilabel in (False, True)),
    ],
)
def test_a_bad_label_is_refused_at_the_end_of_the_epoch(kind, multilabel):
    form = "multilabel" if multilabel else "vectors"
    (x, y), (s,) = samples(form, 40), strategies(form, [kind], [MACRO])
    wrong = y.copy()
    wrong[7] = 4
    words = "labels 0 .. 3 or one-hot and as" if form == "vectors" else "labels 0 or 1 and as"
    words += ".* got label .*4.* with output" if kind is EpochEnd else ".* got nan"
    with pytest.raises(InputError, match=words):
        fit(compiled(s.metrics(), identity(C), zero), [s], (x, wrong))


def zero(y_true, y_pred):
    """A loss that no label makes NaN."""
    return keras.ops.sum(y_pred, axis=-1) * 0


SHAPES = {
    False: [((4, 3), (4, 4)), ((4,), (4,)), ((4, 2), (4, 3)), ((4, 3, 1), (4, 3)), ((), (4, 3))],
    True: [((4, 3), (4, 4)), ((4,), (4, 3)), ((4, 1), (4, 3)), ((4, 2), (4, 3))],
}


@pytest.mark.parametrize("multilabel", [False, True])
def test_other_shapes_are_refused_before_any_batch(multilabel):
    for labels, scores in SHAPES[multilabel]:
        with pytest.raises(
            InputError, match="model output must have a column|labels must have shape"
        ):
            updated(streaming(multilabel=multilabel), np.ones(labels), np.ones(scores))
    with pytest.raises(InputError, match="labels must be as many as the scores, 4; got 1"):
        updated(streaming(multilabel=multilabel), np.ones((1, 3)), np.ones((4, 3)))


@pytest.mark.parametrize("kind", [BatchMean, Streaming, slow(Reconstructed)])
@pytest.mark.parametrize("multilabel", [False, True])
def test_labels_are_never_broadcast_where_sizes_are_not_known_beforehand(kind, multilabel):
    (metric, *_) = kind(metric=f_beta(1, "micro", 3), multilabel=multilabel).metrics()
    labels = tf.TensorSpec((None, 3) if multilabel else (None,), "float32")
    scores = tf.TensorSpec((None, 3), "float32")
    update = tf.function(metric.update_state, input_signature=[labels, scores])
    good = tf.ones((4, 3)) if multilabel else tf.zeros(4)
    update(good, tf.ones((4, 3)))
    assert float(metric.result()) > 0
    update(good[:1], tf.ones((4, 3)))
    assert np.isnan(float(metric.result()))


def test_what_does_not_go_together():
    for options, words in (
        ({"metric": f_beta(1, "macro")}, "metric must have n_classes in a model; got f1_macro"),
        ({"multilabel": True}, "multilabel must be combined with a metric over classes"),
        (
            {"metric": f_beta(1, "macro", 1)},
            "n_classes must be at least 2, or have multilabel=True beside it",
        ),
        (
            {"metric": MACRO, "threshold": 0.3},
            "threshold cannot be set for a metric over classes without multilabel=True",
        ),
        (
            {"metric": MACRO._replace(average="mean")},
            "average must be binary, micro, macro or weig",
        ),
    ):
        for kind in KINDS:
            with pytest.raises(InputError, match=words):
                kind(**options)
    assert Streaming(metric=f_beta(1, "macro", 1), multilabel=True).key == "f1_macro_streaming"
