"""Batch counts and F1 against brute force and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import confusion_matrix, f1_score

from batchf1.counts import as_counts, batch_counts, f1, predicted_positive
from batchf1.errors import InputError

labels_and_scores = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.int8, n, elements=st.integers(0, 1)),
        hnp.arrays(np.float32, n, elements=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0])),
    )
)


@given(labels_and_scores, st.integers(1, 70))
def test_each_batch_agrees_with_scikit_learn(sample, batch_size):
    y_true, scores = sample
    counts = batch_counts(y_true, scores, batch_size)
    starts = range(0, len(y_true), batch_size)
    assert counts.tp.shape == (len(starts),)
    for b, start in enumerate(starts):
        y, p = y_true[start : start + batch_size], scores[start : start + batch_size] > 0.5
        tn, fp, fn, tp = confusion_matrix(y, p, labels=[0, 1]).ravel()
        assert [part[b] for part in counts] == [tp, fp, fn, tn]
        for zero_division in (0.0, 1.0, np.nan):
            expected = f1_score(y, p, zero_division=zero_division)
            np.testing.assert_allclose(f1(counts, zero_division)[b], expected, atol=1e-15)


@given(labels_and_scores, st.integers(1, 70))
def test_leading_axes_are_carried_along(sample, batch_size):
    y_true, scores = sample
    both = batch_counts(np.stack([y_true, 1 - y_true]), np.stack([scores, scores]), batch_size)
    for row, y in enumerate((y_true, 1 - y_true)):
        single = batch_counts(y, scores, batch_size)
        for part, expected in zip(both, single, strict=True):
            np.testing.assert_array_equal(part[row], expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_a_score_at_the_threshold_is_negative_in_its_own_dtype(dtype, threshold):
    at = dtype(threshold)
    assert not predicted_positive(np.array([at]), threshold)[0]
    assert predicted_positive(np.array([np.nextafter(at, dtype(1))]), threshold)[0]


def test_rounding_half_to_even_agrees_at_one_half():
    scores = np.array([0.0, 0.49, 0.5, 0.51, 1.0], np.float32)
    np.testing.assert_array_equal(predicted_positive(scores), np.round(scores) == 1)


def test_counts_beyond_two_to_the_24_and_32_are_exact():
    big = 2**40
    counts = as_counts([big, 1], [1, 0], [0, 1], [0, 0]).pooled()
    assert counts.tp == big + 1
    assert f1(counts) == 2 * (big + 1) / (2 * (big + 1) + 2)
    assert counts.tp.dtype == np.int64


def test_boolean_labels_count_like_numbers():
    y, p = np.array([True, False, True]), np.array([0.9, 0.9, 0.1])
    assert batch_counts(y, p, 3) == batch_counts(y.astype(int), p, 3)


def test_empty_is_where_f1_is_undefined():
    counts = as_counts([0, 0, 1], [0, 1, 0], [0, 0, 0], [5, 5, 5])
    np.testing.assert_array_equal(counts.empty, [True, False, False])
    np.testing.assert_array_equal(np.isnan(f1(counts, np.nan)), counts.empty)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0, 2], [0.1, 0.9], 1), "labels are 0 or 1"),
        (([0, 1], [0.1, np.nan], 1), "must not be NaN"),
        (([0, 1], [[0.1], [0.9]], 1), "one shape"),
        (([0, 1], [0.1, 0.9], 0), "batch_size: must be at least 1; got 0"),
        (([], [], 1), "needs a sample"),
    ],
)
def test_bad_samples_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        batch_counts(*arguments)


@pytest.mark.parametrize("bad", [-1, 0.5, np.nan])
def test_bad_counts_are_refused_by_name(bad):
    with pytest.raises(InputError, match=r"fn: counts are whole numbers >= 0; got"):
        as_counts(1, 1, bad, 1)
