"""Labels of shape (n,): what has no answer is refused, and nothing else."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import ACCURACY, F1, JACCARD, ClassAveraged, Ratio
from batchf1.theory.expectation import expect, expected_f1
from helpers.brute_force import every_log, pairs
from helpers.invalid_inputs import refused


def reachable(counts, size):
    """All batches of this size and of the rest."""
    for one in {size, sum(counts) % size} - {0}:
        for cells in itertools.product(*(range(min(count, one) + 1) for count in counts)):
            if sum(cells) == one:
                yield cells


INFINITE = [  # metrics by margins, and positives and predicted positives that divide them by 0
    (JACCARD, 2, 2),
    (Ratio((1, 0, 0, 0), (1, 2, 1, 0)), 2, 1),
    (Ratio((1, 0, 0, 0), (1, 1, 2, 0)), 1, 2),
]


@given(st.tuples(*[st.integers(0, 4)] * 4).filter(any), st.sampled_from(INFINITE), st.data())
def test_a_metric_by_margins_is_refused_where_a_batch_may_be_divided_by_0(counts, case, data):
    metric, p, q = case
    size = data.draw(st.integers(1, sum(counts)))
    pole = any((tp + fn, tp + fp) == (p, q) for tp, fp, fn, _ in reachable(counts, size))
    rules = {"metric": metric, "labels": "flat"}
    if not pole:
        value = expect(Counts(*counts), size, **rules).expected_f1
        if math.comb(sum(counts), size) < 5000 and sum(counts) <= 8:
            logs = every_log(
                counts, size, "per_batch", 0.0, lambda batch: pairs(batch, metric, "margins")
            )
            assert value == pytest.approx(logs.mean(), abs=1e-11)
        return
    words = f"a batch with {p} positives, {q} predicted, is divided by 0; got margins"
    with pytest.raises(InputError, match=words):
        expect(Counts(*counts), size, **rules)


def test_one_pool_of_several_whose_batch_may_be_divided_by_0_is_enough():
    metric = Ratio((1, 0, 0, 0), (1, 2, 1, 0))  # 2 positives, of which 1 is found
    rules = {"metric": metric, "labels": "flat"}
    all_found = Counts(np.array([3, 4]), 0, 0, [[5], [6]])
    assert np.isfinite(expect(all_found, 2, **rules).expected_f1).all()
    for fn in ([0, 2], [2, 0]):
        with pytest.raises(InputError, match="a batch with 2 positives, 1 predicted, is divided"):
            expect(all_found._replace(fn=fn), 2, **rules)


def test_a_pole_among_thousands_of_predicted_positives_is_not_lost_in_rounding():
    metric = Ratio((0.5, 0, 0, 0), (0.999, 1, 1, 0))  # 1 positive, 1000 predicted positives
    few, many = Counts(1, 998, 0, 9), Counts(1, 999, 0, 9)
    assert math.isfinite(expect(few, 1000, metric=metric, labels="flat").expected_f1)
    with pytest.raises(InputError, match="a batch with 1 positives, 1000 predicted, is divided"):
        expect(many, 1000, metric=metric, labels="flat")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "row"}, "labels must be one of ('column', 'flat'); got row"),
        ({"labels": "flat", "written": "x"}, "written must be one of ('margins', 'cells'); got x"),
        (
            {"labels": "flat", "metric": ClassAveraged(F1, "macro")},
            "metric must be a Ratio, of one class, with labels of shape (n,); got f1_macro",
        ),
        (
            {"labels": "flat", "metric": ACCURACY},
            "written must be cells for accuracy, which counts true negatives; got margins",
        ),
        (
            {
                "labels": "flat",
                "metric": Ratio((0, 1, 0, 0), (1, 2, 0, 0)),
                "zero_division": math.nan,
            },
            "zero_division must be 0 or 1 for ratio with labels of shape (n,); got nan",
        ),
        (
            {"labels": "flat", "metric": Ratio((1, 0, 0, 0), (1, 0, 0, 0))},
            "metric must have in its denominator all of a row or a column of the table of "
            "confusion; got ((1, 0, 0, 0), (1, 0, 0, 0))",
        ),
    ],
)
@pytest.mark.parametrize("function", [expect, expected_f1])
def test_what_has_no_answer_is_refused_in_one_line(function, options, message):
    refused(message, function, Counts(3, 1, 2, 94), 10, **options)
