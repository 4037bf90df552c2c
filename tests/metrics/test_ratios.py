"""Each ratio, and its averages over batches, against scikit-learn and sums done by hand."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as scikit_learn

from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.averaging import batch_mean, pooled, reconstructed
from batchf1.metrics.counts import Counts, as_counts, batch_counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.ratios import F1, Ratio
from helpers.brute_force import BY_HAND, CONVENTIONS, METRICS, RULES, logs, ratio_of
from helpers.invalid_inputs import RATIO, refused

SCORES = {
    "f1": scikit_learn.f1_score,
    "f2": partial(scikit_learn.fbeta_score, beta=2),
    "f3": partial(scikit_learn.fbeta_score, beta=3),
    "f0.5": partial(scikit_learn.fbeta_score, beta=0.5),
    "precision": scikit_learn.precision_score,
    "recall": scikit_learn.recall_score,
    "specificity": partial(scikit_learn.recall_score, pos_label=0),
    "jaccard": scikit_learn.jaccard_score,
}
"""Those that can be 0/0; accuracy of a sample or more cannot."""
UNDEFINED = dict.fromkeys(SCORES, CONVENTIONS) | {"jaccard": (0.0, 1.0)}
"""What scikit-learn lets 0/0 be."""

decisions = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30)
"""Label and decision of some samples."""
orders = st.lists(st.integers(0, 3), min_size=1, max_size=30)
"""Samples of an epoch: 0 a TP, 1 an FP, 2 an FN, 3 a TN."""


def counts_of(order, size):
    """Counts of the batches of an order of kinds."""
    starts = range(0, len(order), size)
    return Counts(
        *([order[start : start + size].count(kind) for start in starts] for kind in range(4))
    )


def exactly(name, cells):
    """The metric of four numbers, in fractions; None where it is 0/0."""
    top, bottom = (
        sum(Fraction(weight) * cell for weight, cell in zip(weights, cells, strict=True))
        for weights in BY_HAND[name]
    )
    return top / bottom if bottom else None


@pytest.mark.parametrize("name", SCORES)
@given(decisions)
def test_every_ratio_is_scikit_learns(name, samples):
    labels, decided = map(np.array, zip(*samples, strict=True))
    counts = batch_counts(labels, decided, len(labels))
    for zero_division in UNDEFINED[name]:
        expected = SCORES[name](labels, decided, zero_division=zero_division)
        np.testing.assert_allclose(METRICS[name](counts, zero_division), [expected], atol=1e-15)


@pytest.mark.parametrize("name", METRICS)
def test_the_weights_of_every_ratio(name):
    assert METRICS[name][:2] == BY_HAND[name]
    cells = np.indices((2, 2, 2, 2)).reshape(4, 16)  # each count 0 or 1
    for zero_division in CONVENTIONS:
        expected = [exactly(name, cell) for cell in cells.T.tolist()]
        expected = [zero_division if value is None else float(value) for value in expected]
        found = METRICS[name](as_counts(*cells), zero_division)
        np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("name", METRICS)
def test_what_logs_call_a_ratio(name):
    assert METRICS[name].name == ("ratio" if name == "specificity" else name)


def test_values_of_any_shape():
    assert F1(as_counts([1, 2], [3, 5], [7, 11], [13, 17])).tolist() == [1 / 6, 1 / 5]
    counts = as_counts([[1, 0], [2, 0]], 1, [[0], [2]], 0)
    assert F1(counts).tolist() == [[2 / 3, 0], [4 / 7, 0]]
    assert F1(as_counts(1, 1, 0, 0)).shape == ()


def test_nothing_by_nothing_is_0_unless_it_is_said():
    assert (
        F1(as_counts(0, 0, 0, 3)) == F1.from_counts(0, 0, 0, 3) == F1.from_margins(0, 0, 0, 3) == 0
    )
    assert (
        F1.from_counts(0, 0, 0, zero_division=1) == F1.from_margins(0, 0, 0, zero_division=1) == 1
    )


@st.composite
def ratios(draw):
    """One that has a name, or another of whole weights."""
    named = draw(st.none() | st.sampled_from(sorted(METRICS)))
    if named is not None:
        return METRICS[named]
    bottom = draw(st.tuples(*[st.integers(0, 9)] * 4).filter(any))
    return Ratio(tuple(draw(st.integers(0, most)) for most in bottom), bottom)


@given(
    ratios(),
    st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), min_size=1, max_size=5),
    st.sampled_from(CONVENTIONS),
)
def test_margins_give_what_counts_give(ratio, cells, zero_division):
    tp, fp, fn, tn = (np.array(part) for part in zip(*cells, strict=True))
    found = ratio.from_margins(tp, tp + fn, tp + fp, tp + fp + fn + tn, zero_division)
    np.testing.assert_allclose(found, ratio.from_counts(tp, fp, fn, tn, zero_division), rtol=1e-14)
    if ratio.bottom[3] == ratio.top[3] == 0:
        without = ratio.from_margins(tp, tp + fn, tp + fp, zero_division=zero_division)
        np.testing.assert_array_equal(without, found)
        np.testing.assert_array_equal(
            ratio.from_counts(tp, fp, fn, zero_division=zero_division),
            ratio(Counts(tp, fp, fn, tn), zero_division),
        )


@pytest.mark.parametrize("name", METRICS)
@given(orders, st.integers(1, 31), st.sampled_from(RULES), st.sampled_from(CONVENTIONS))
def test_the_batch_mean_of_every_ratio(name, order, size, averaging, zero_division):
    found = batch_mean(counts_of(order, size), averaging, zero_division, metric=METRICS[name])
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    cut = np.arange(len(batches))[None]
    (expected,) = logs(batches, cut, averaging, zero_division, ratio_of(name))
    assert found == pytest.approx(expected, abs=1e-14, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
@given(orders, st.integers(1, 31), st.sampled_from(CONVENTIONS))
def test_the_pooled_value_of_every_ratio(name, order, size, zero_division):
    exact = exactly(name, [order.count(kind) for kind in range(4)])
    expected = zero_division if exact is None else float(exact)
    counts = counts_of(order, size)
    for found in (
        pooled(counts, zero_division, METRICS[name]),
        reconstructed(counts, zero_division=zero_division, metric=METRICS[name]),
    ):
        assert found == pytest.approx(expected, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
@given(
    orders,
    st.integers(1, 31),
    st.sampled_from(RULES),
    st.sampled_from(["sum", "mean"]),
    st.sampled_from(CONVENTIONS),
)
def test_the_rebuilt_value_of_every_ratio(name, order, size, averaging, logged, zero_division):
    counts = counts_of(order, size)
    cells = [Fraction(0)] * 4
    for batch in zip(*counts, strict=True):
        scale = Fraction(1, sum(batch)) if logged == "mean" else 1
        weight = sum(batch) if averaging == "size_weighted" else 1
        cells = [cell + weight * scale * part for cell, part in zip(cells, batch, strict=True)]
    exact = exactly(name, cells)
    expected = zero_division if exact is None else float(exact)
    found = reconstructed(counts, averaging, logged, zero_division, METRICS[name])
    assert found == pytest.approx(expected, abs=1e-14, nan_ok=True)


def test_a_ratio_is_what_is_said_where_its_denominator_is_zero():
    assert safe_divide(3, [4, 0]).tolist() == [0.75, 0.0]
    assert safe_divide([3, -1], 0, 0.25).tolist() == [0.25, 0.25]
    assert safe_divide(1, 3).dtype == np.float64
    assert safe_divide([[1], [2]], [4, -8]).tolist() == [[0.25, -0.125], [0.5, -0.25]]


@pytest.mark.parametrize("of_counts", [F1, batch_mean, pooled, reconstructed])
@pytest.mark.parametrize(("bad", "said"), [("skip", "skip"), (0.5, "0.5"), (True, "True")])
def test_another_zero_division_is_refused(of_counts, bad, said):
    refused(
        f"zero_division must be 0, 1 or NaN; got {said}",
        of_counts,
        as_counts([1], 0, 0, 0),
        zero_division=bad,
    )


@pytest.mark.parametrize("of_counts", [batch_mean, pooled, reconstructed])
@pytest.mark.parametrize("bad", ["f1", ((2, 0, 0, 0), (2, 1, 1, 0))], ids=str)
def test_another_metric_is_refused(of_counts, bad):
    refused(f"{RATIO}; got {bad!r}", of_counts, as_counts([1], 0, 0, 0), metric=bad)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: f_beta(0), "beta must be above 0 and finite; got 0"),
        (lambda: f_beta(math.inf), "beta must be above 0 and finite; got inf"),
        (lambda: f_beta("2"), "beta must be above 0 and finite; got '2'"),
    ],
)
def test_a_beta_out_of_range_is_refused(call, said):
    refused(said, call)
