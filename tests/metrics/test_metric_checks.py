"""What a metric must be, the counts that it takes, its defaults and its old names."""

import numpy as np
import pytest

from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1, ClassAveraged, Ratio, check_metric, check_ratio
from helpers.invalid_inputs import refused

WEIGHTS = "metric must be a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0; got {}"
MACRO = ClassAveraged(F1, "macro")


@pytest.mark.parametrize(
    ("top", "bottom"),
    [
        ((-1, 0, 0, 0), (1, 1, 1, 0)),
        ((2, 0, 0, 0), (1, 1, 1, 0)),
        ((1, 0, 0, 0), (1, np.inf, 1, 0)),
        ((0, 0, 0, 0), (0, 0, 0, 0)),
        ((1, 0, 0), (1, 1, 1)),
    ],
)
def test_weights_that_are_no_share_are_refused(top, bottom):
    refused(WEIGHTS.format((top, bottom)), check_ratio, Ratio(top, bottom))
    refused(WEIGHTS.format((top, bottom)), check_metric, ClassAveraged(Ratio(top, bottom), "macro"))


def test_weights_without_a_top_are_a_ratio_of_0():
    check_ratio(Ratio((0, 0, 0, 0), (1, 0, 0, 0)))


def test_classes_are_on_the_first_axis():
    said = "counts must have classes on the first axis for f1_macro; got {}"
    refused(said.format("()"), MACRO, Counts(1, 1, 1, 1))
    refused(said.format("(0,)"), MACRO, Counts(*[[]] * 4))
    three = ClassAveraged(F1, "macro", n_classes=3)
    said = "counts must have 3 classes on the first axis for f1_macro; got (2,)"
    refused(said, three, Counts([1, 1], [1, 1], [1, 1], [1, 1]))
    one = ClassAveraged(F1, "macro", n_classes=1)
    assert one(Counts([1], [1], [1], [5])) == MACRO(Counts([1], [1], [1], [5])) == 0.5


def test_all_classes_have_the_same_samples():
    said = (
        "counts must have the classes on the first axis, each of the same samples; got 4 and "
        "5 samples"
    )
    refused(said, MACRO.sizes, Counts(*map(np.array, ([1, 1], [1, 1], [1, 1], [1, 2]))))
    assert MACRO.sizes(
        Counts(*map(np.array, ([[1, 3]], [[1, 0]], [[0, 0]], [[1, 2]])))
    ).tolist() == [3, 5]


def test_defaults():
    specificity = Ratio((0, 0, 0, 1), (0, 1, 0, 1))
    assert specificity.from_counts(0, 2, 0) == 0
    assert specificity.from_margins(0, 0, 2) == 0  # no samples: TN is -2, as shares may be
    classes = ClassAveraged(specificity, "macro")
    assert classes.from_counts([0], [2], [0]) == 0
    assert ClassAveraged(F1, "macro").from_counts([0, 1], [0, 0], [0, 0]) == 0.5
    assert classes.from_margins([0], [0], [2], 2) == 0


@pytest.mark.parametrize("metric", [F1, MACRO])
def test_old_names_answer_as_the_new_ones_with_a_warning(metric):
    counts = np.array([[0, 2], [0, 1], [0, 1]])
    with pytest.warns(FutureWarning, match=r"^of is now from_counts"):
        old = metric.of(*counts, zero_division=1.0)
    assert np.array_equal(old, metric.from_counts(*counts, zero_division=1.0))
    margins = np.array([[0, 2], [0, 3], [0, 3]])
    with pytest.warns(FutureWarning, match=r"^of_margins is now from_margins"):
        old = metric.of_margins(*margins, zero_division=1.0)
    assert np.array_equal(old, metric.from_margins(*margins, zero_division=1.0))


def test_a_class_that_is_left_out_counts_for_nothing():
    counts = Counts([0, 1, 1], [0, 1, 0], [0, 1, 1], [9, 6, 7])
    values = F1(counts, np.nan)[1:]
    assert MACRO(counts, np.nan) == pytest.approx(values.mean())
    weighted = ClassAveraged(F1, "weighted")
    assert weighted(counts, np.nan) == pytest.approx(np.average(values, weights=[2, 2]))
    without_labels = Counts([[0, 0], [0, 0]], [[1, 2], [0, 1]], [[0, 0], [0, 2]], [[2, 2], [3, 1]])
    assert weighted(without_labels, 1.0).tolist() == [0.5, 0.0]
