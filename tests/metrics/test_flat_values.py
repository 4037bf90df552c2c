"""Values with labels of shape (n,): against the functions as people write them, in NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.metrics.counts import Counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.flat_labels import flat_value, pair_counts
from batchf1.metrics.ratios import ACCURACY, F1, JACCARD, PRECISION, RECALL

COUNTS = st.builds(Counts, *[st.integers(0, 12)] * 4).filter(lambda counts: counts.n > 0)


def labels_and_predictions(counts):
    """Return labels (B,) and predictions (B, 1) that have these counts."""
    labels = np.repeat([1.0, 0.0, 1.0, 0.0], counts)
    return labels, np.repeat([1.0, 1.0, 0.0, 0.0], counts)[:, None]


def by_margins(beta, y, p):
    tp, positives, predicted = (y * p).sum(), y.sum(), p.sum()
    precision = tp / predicted if predicted else 0.0
    recall = tp / positives if positives else 0.0
    bottom = beta**2 * precision + recall
    return precision, recall, (1 + beta**2) * precision * recall / bottom if bottom else 0.0


def by_cells(y, p):
    return tuple(float(part.sum()) for part in (y * p, (1 - y) * p, y * (1 - p), (1 - y) * (1 - p)))


@given(COUNTS, st.sampled_from([0.5, 1, 2]))
def test_margins_are_the_articles_functions_on_broadcast_arrays(counts, beta):
    expected = by_margins(beta, *labels_and_predictions(counts))
    metrics = (PRECISION, RECALL, f_beta(beta))
    assert [float(flat_value(counts, metric)) for metric in metrics] == pytest.approx(expected)


@given(COUNTS)
def test_cells_are_sums_over_all_pairs(counts):
    cells = by_cells(*labels_and_predictions(counts))
    assert tuple(pair_counts(counts)) == cells
    for metric in (F1, PRECISION, RECALL, JACCARD, ACCURACY):
        expected = metric.from_counts(*cells)
        assert float(flat_value(counts, metric, "cells")) == pytest.approx(float(expected))


@given(COUNTS)
def test_accuracy_is_the_agreement_of_all_pairs(counts):
    y, p = labels_and_predictions(counts)
    assert float(flat_value(counts, ACCURACY, "cells")) == pytest.approx((y == p).mean())


@given(COUNTS, st.sampled_from(["margins", "cells"]))
def test_which_samples_were_found_does_not_matter(counts, written):
    most = min(counts.positives, counts.predicted_positives)
    moved = Counts(
        tp=most,
        fp=counts.predicted_positives - most,
        fn=counts.positives - most,
        tn=counts.n - counts.predicted_positives - counts.positives + most,
    )
    assert flat_value(counts, F1, written) == flat_value(moved, F1, written)


def test_jaccard_by_margins_has_poles_and_is_negative_beyond():
    counts = Counts(tp=np.array([1, 2, 3]), fp=0, fn=0, tn=np.array([5, 5, 5]))
    assert flat_value(counts, JACCARD).tolist() == [1.0, np.inf, -3.0]


@pytest.mark.parametrize("undefined", [0.0, 1.0, np.nan])
@pytest.mark.parametrize("written", ["margins", "cells"])
def test_an_empty_batch_has_the_value_of_zero_division(undefined, written):
    value = flat_value(Counts(0, 0, 0, 4), F1, written, undefined)
    assert np.array_equal(value, undefined, equal_nan=True)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(InputError, match=r"written must be cells for accuracy.*got margins"):
        flat_value(Counts(1, 1, 1, 1), ACCURACY)
    with pytest.raises(InputError, match=r"written must be one of \('margins', 'cells'\); got x"):
        flat_value(Counts(1, 1, 1, 1), F1, "x")
