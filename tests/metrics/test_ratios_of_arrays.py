"""Ratios and their averages called on labels and predictions, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as scikit_learn

from batchf1 import F1, Counts, f_beta, jaccard, precision, recall
from batchf1.errors import InputError
from batchf1.metrics.classes import class_counts
from batchf1.metrics.counts import batch_counts
from batchf1.metrics.ratios import ACCURACY, ClassAveraged

FACTORIES = {
    "f1": (lambda **over: f_beta(1, **over), scikit_learn.f1_score, {}),
    "f2": (lambda **over: f_beta(2, **over), scikit_learn.fbeta_score, {"beta": 2}),
    "precision": (precision, scikit_learn.precision_score, {}),
    "recall": (recall, scikit_learn.recall_score, {}),
    "jaccard": (jaccard, scikit_learn.jaccard_score, {}),
}
BAD = "must be 0 or 1 for each class of the last axis, or have no such axis, as y_true.ravel()"


@st.composite
def samples(draw, n_classes, axes=()):
    """Labels, predictions and weights, of which some may be 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(1, 30))
    y, p = rng.integers(0, n_classes, (2, n, *axes))
    weights = rng.integers(0, 3, n)
    weights[-1] = 1  # scikit-learn refuses weights that are all 0
    return y, np.where(rng.random((n, *axes)) < 0.5, y, p), weights


def check_weighted(metric, theirs, sample, **options):
    y, p, weights = sample
    zero = options["zero_division"]
    for weight in (None, weights):
        found = metric(y, p, weight, zero_division=zero)
        assert isinstance(found, float)
        wanted = theirs(y, p, sample_weight=weight, **options)
        assert found == pytest.approx(wanted, abs=1e-14)


NAMES = st.sampled_from(list(FACTORIES))


@given(NAMES, samples(2), st.sampled_from([0.0, 1.0]))
def test_a_binary_ratio(name, sample, zero_division):
    factory, theirs, options = FACTORIES[name]
    check_weighted(factory(), theirs, sample, zero_division=zero_division, **options)


@pytest.mark.parametrize("axes", [(), (4,)], ids=["multiclass", "multilabel"])
@given(
    NAMES,
    st.sampled_from(["micro", "macro", "weighted"]),
    st.data(),
    st.booleans(),
    st.sampled_from([0.0, 1.0]),
)
def test_an_average_over_classes(axes, name, average, data, named, zero_division):
    factory, theirs, options = FACTORIES[name]
    sample = data.draw(samples(2 if axes else 4, axes))
    options = {"average": average, "zero_division": zero_division, **options}
    if named:
        options["labels"] = range(4)
    metric = factory(average=average, n_classes=4 if named else None)
    check_weighted(metric, theirs, sample, **options)


@given(samples(3, (3,)), st.integers(0, 2**32))
def test_scores_are_decided_as_they_are_in_counts(sample, seed):
    y, scores = sample[0][:, 0], np.random.default_rng(seed).random(sample[0].shape)
    macro = f_beta(1, "macro", n_classes=3)
    assert macro(y, scores) == macro(class_counts(y, scores, len(y)))
    binary = y > 0
    assert F1(binary, scores[:, 0]) == F1(batch_counts(binary, scores[:, 0], len(y)))
    assert F1(binary[:, None], scores[:, :1]) == F1(binary, scores[:, 0])


def test_elements_and_text():
    y, p = np.random.default_rng(0).integers(0, 2, (2, 5, 4, 4))
    weights = np.arange(5)
    each = np.broadcast_to(weights[:, None, None], y.shape).ravel()
    wanted = scikit_learn.f1_score(y.ravel(), p.ravel(), sample_weight=each)
    assert F1(y, p, weights) == pytest.approx(wanted)
    names = np.array(["cat", "dog"])
    wanted = scikit_learn.f1_score(names[y.ravel()], names[p.ravel()], average="macro")
    assert f_beta(1, "macro")(names[y.ravel()], names[p.ravel()]) == pytest.approx(wanted)


def test_a_weight_of_one_sample_s_class_and_of_none():
    assert jaccard("macro")([[1, 0], [0, 1]], [[1, 0], [1, 1]], [1, 0]) == 0.5
    assert np.isnan(F1([0], [0], zero_division=np.nan))
    assert ACCURACY([0, 1], [0, 0]) == 0.5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: F1([0, 1]), "y_pred must be given beside y_true, unless that is a batchf1.Counts"),
        (lambda: F1([0, 2], [0, 1]), "y_true must be classes from 0 to 1; got 2"),
        (lambda: F1([0, 1], [0.5, 1.5]), "y_pred must be labels, or scores in [0, 1] of class 1"),
        (lambda: F1([0, 1], [0, 1, 1]), "y_true and y_pred must have one shape"),
        (lambda: F1([[0, 1], [1]], [0, 1]), "y_true and y_pred must be arrays; got lists of"),
        (lambda: F1([], []), "y_true must have at least one sample"),
        (lambda: F1([0, 1], [0, 1], zero_division=2), "zero_division must be 0, 1 or NaN"),
        (lambda: F1([0, 1], [0, 1], [1, -1]), "sample_weight must be finite and at least 0"),
        (
            lambda: F1(Counts(1, 1, 1, 1), sample_weight=[1.0]),
            "sample_weight cannot be combined with a batchf1.Counts; got list",
        ),
        (
            lambda: f_beta(1, "macro")(np.eye(3), np.full((3, 3), 0.3)),
            f"y_pred {BAD}; got 0.3",
        ),
        (lambda: f_beta(1, "macro")([[0, 2]], [[0, 1]]), f"y_true {BAD}; got 2"),
        (
            lambda: f_beta(1, "macro", n_classes=4)(np.eye(3), np.eye(3)),
            "y_true must have a last axis of 4 classes; got (3, 3)",
        ),
        (lambda: f_beta(1, "macro", n_classes=2)([0, 2], [0, 1]), "y_true must be classes from 0"),
        (lambda: ClassAveraged(F1, "mean")([0, 1], [0, 1]), "average must be binary, micro, macro"),
    ],
)
def test_bad_arrays_get_one_line(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(said)
