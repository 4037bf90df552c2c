"""Counts of batches against counting sample by sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from batchf1.errors import InputError
from batchf1.metrics.averaging import batch_mean, pooled, reconstructed
from batchf1.metrics.counts import Counts, as_counts, batch_counts, predicted_positive
from batchf1.metrics.ratios import F1
from helpers.invalid_inputs import COUNT, refused

labels_and_scores = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.int8, n, elements=st.integers(0, 1)),
        hnp.arrays(np.float32, n, elements=st.sampled_from([0.0, 0.3, 0.5, 0.52, 0.7, 1.0])),
    )
)


def counted(y_true, scores, threshold=0.5):
    """TP, FP, FN and TN of some samples, one by one."""
    found = {(1, True): 0, (0, True): 0, (1, False): 0, (0, False): 0}
    for y, score in zip(y_true, scores, strict=True):
        found[int(y), bool(score > threshold)] += 1
    return list(found.values())


@given(labels_and_scores, st.integers(1, 70))
def test_each_batch_is_counted_sample_by_sample(sample, batch_size):
    y_true, scores = sample
    counts = batch_counts(y_true, scores, batch_size)
    starts = range(0, len(y_true), batch_size)
    assert counts.tp.shape == (len(starts),)
    for b, start in enumerate(starts):
        part = slice(start, start + batch_size)
        assert [cell[b] for cell in counts] == counted(y_true[part], scores[part])


@given(labels_and_scores, st.integers(1, 70))
def test_leading_axes_are_carried_along(sample, batch_size):
    y_true, scores = sample
    both = batch_counts(np.stack([y_true, 1 - y_true]), np.stack([scores, scores]), batch_size)
    for row, y in enumerate((y_true, 1 - y_true)):
        for b, start in enumerate(range(0, len(y), batch_size)):
            part = slice(start, start + batch_size)
            assert [cell[row, b] for cell in both] == counted(y[part], scores[part])


def test_what_counts_are_made_of():
    counts = as_counts([1, 2], [3, 5], [7, 11], [13, 17])
    assert counts.n.tolist() == [24, 35]
    assert counts.positives.tolist() == [8, 13]
    assert counts.predicted_positives.tolist() == [4, 7]
    assert counts.errors.tolist() == [10, 16]
    assert [int(part) for part in counts.pooled()] == [3, 8, 18, 30]


def test_counts_are_broadcast_and_pooled_along_any_axis():
    counts = as_counts([[1, 2, 3], [4, 5, 6]], 1, [[0], [2]], np.float32(7))
    assert all(part.shape == (2, 3) and part.dtype == np.int64 for part in counts)
    assert counts.fn.tolist() == [[0, 0, 0], [2, 2, 2]]
    assert counts.pooled().tp.tolist() == [6, 15]
    assert counts.pooled(axis=0).tp.tolist() == [5, 7, 9]
    counts.fp[0, 0] = 9  # each part is an array of its own
    assert counts.fp.tolist() == [[9, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_a_score_at_the_threshold_is_negative_in_its_own_dtype(dtype, threshold):
    at = dtype(threshold)
    assert not predicted_positive(np.array([at]), threshold)[0]
    assert predicted_positive(np.array([np.nextafter(at, dtype(1))]), threshold)[0]


def test_a_bfloat16_is_compared_as_such():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    at = bfloat16(0.3)
    assert float(at) > 0.3
    assert predicted_positive(np.array([at, 0.31], bfloat16), 0.3).tolist() == [False, True]


def test_the_threshold_is_one_half_unless_it_is_given():
    scores = [0.0, 0.45, 0.5, 0.5 + 1e-12, 0.52, 1.0]
    assert predicted_positive(scores).tolist() == [False] * 3 + [True] * 3
    assert [part.tolist() for part in batch_counts([0, 1, 1, 0, 1, 1], scores, 6)] == [
        [2],
        [1],
        [2],
        [1],
    ]
    assert [part.tolist() for part in batch_counts([0, 1, 1, 0, 1, 1], scores, 6, 0.51)] == [
        [2],
        [0],
        [2],
        [2],
    ]


def test_whole_numbers_and_bools_are_scores_too():
    assert predicted_positive([0, 1, 2]).tolist() == [False, True, True]
    assert predicted_positive([True, False]).tolist() == [True, False]
    assert predicted_positive(0.75) == np.True_


def test_counts_beyond_two_to_the_24_and_32_are_exact():
    big = 2**40
    counts = as_counts([big, 1], [1, 0], [0, 1], [0, 0]).pooled()
    assert counts.tp == big + 1
    assert counts.tp.dtype == np.int64


def test_empty_is_where_f1_is_undefined():
    cells = np.indices((2, 2, 2)).reshape(3, 8)  # each of TP, FP and FN 0 or 1
    assert as_counts(*cells, 5).empty.tolist() == [True] + 7 * [False]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (-1, "-1"),
        (0.5, "0.5"),
        (np.nan, "nan"),
        (2**53 + 1, "9007199254740993"),
        (np.uint64(2**63), "9223372036854775808"),
        ("3", "'3'"),
        (True, "True"),
        (1 + 0j, "(1+0j)"),
        ([1, 2, -3, -4], "-3"),
        ([1, 0.25], "0.25"),
        ([[1], [1, 2]], "[[1], [1, 2]]"),
    ],
)
def test_bad_counts_are_refused_by_name(bad, said):
    for place, name in enumerate(("tp", "fp", "fn", "tn")):
        counts = [1, 1, 1, 1]
        counts[place] = bad
        refused(f"{name} {COUNT}; got {said}", as_counts, *counts)


def test_the_largest_count_is_two_to_the_53():
    assert as_counts(2**53, 0, float(2**53), np.uint64(7)) == (2**53, 0, 2**53, 7)


def test_shapes_that_do_not_go_together_are_refused():
    with pytest.raises(InputError) as caught:
        as_counts([1, 2], [1, 2, 3], 0, 0)
    rule = "must have one shape, or broadcast to one"
    assert str(caught.value) == f"tp, fp, fn, tn {rule}; got (2,) and (3,) and () and ()"


@pytest.mark.parametrize("of_counts", [F1, batch_mean, pooled, reconstructed])
def test_counts_made_by_hand_are_checked(of_counts):
    for counts, said in [
        (Counts([-1], [0], [0], [1]), f"tp {COUNT}; got -1"),
        (Counts([1], [0], ["x"], [1]), f"fn {COUNT}; got ['x']"),
        (
            ([1], [0], [0], [1]),
            "counts must be a batchf1.metrics.counts.Counts; got ([1], [0], [0], [1])",
        ),
        (None, "counts must be a batchf1.metrics.counts.Counts; got None"),
    ]:
        if of_counts is F1 and not isinstance(counts, Counts):
            said = "y_pred must be given beside y_true, unless that is a batchf1.Counts; got None"
        refused(said, of_counts, counts)
    assert of_counts(Counts([2], [1], [1], [0])) == pytest.approx(2 / 3)  # lists do


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0, 2, 3], [0.1, 0.9, 0.1], 1), "y_true must be 0 or 1; got 2"),
        (([0, np.nan], [0.1, 0.9], 1), "y_true must be 0 or 1; got nan"),
        (([0, 1], [0.1, np.nan], 1), "scores must not contain NaN"),
        (([0, 1], ["0.1", "0.9"], 1), "scores must be numbers; got ['0.1', '0.9']"),
        (([0, 1], [[0.1], [0.9]], 1), "y_true and scores must have one shape; got (2,) and (2, 1)"),
        (([0, 1], [0.1, 0.9], 0), "batch_size must be a whole number >= 1; got 0"),
        (([0, 1], [0.1, 0.9], True), "batch_size must be a whole number >= 1; got True"),
        (([0, 1], [0.1, 0.9], 2**70), f"batch_size must be at most 2**53; got {2**70}"),
        (([0, 1], [0.1, 0.9], 1, -np.inf), "threshold must be a finite number; got -inf"),
        (([0, 1], [0.1, 0.9], 1, [0.5, 0.6]), "threshold must be a finite number; got [0.5, 0.6]"),
        (([], [], 1), "y_true must have at least one sample; got (0,)"),
        ((1, 0.9, 1), "y_true must have at least one sample; got ()"),
        ((np.ones((2, 0)), np.ones((2, 0)), 1), "y_true must have at least one sample; got (2, 0)"),
    ],
)
def test_bad_samples_are_refused(arguments, said):
    refused(said, batch_counts, *arguments)


def test_any_integer_type_is_a_batch_size():
    for size in (np.int32(2), np.uint8(2), np.array(2), 2**53):
        assert batch_counts([0, 1, 1], [0.1, 0.9, 0.1], size).n.tolist() in ([2, 1], [3])
