"""A pool and its cut: weights, the order of the batches, and what is refused."""

import math

import numpy as np
import pytest

from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.ratios import Ratio
from batchf1.theory.expectation import expect, expected_f1
from batchf1.theory.search import smallest_batch
from helpers.brute_force import RULES
from helpers.invalid_inputs import AVERAGING, COUNT, RATIO, refused


@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("pool", [(1, 1, 9998, 7), (3, 2, 9995, 11), (6, 4, 3990, 3)], ids=str)
def test_many_empty_batches_left_out(pool, averaging):
    # the first non-empty batch in random order, term by term
    tp, errors, others, size = pool
    total, relevant = tp + errors + others, tp + errors
    full, rest = divmod(total, size)
    rate = rest / size if averaging == "size_weighted" else 1.0

    def given(d):
        return sum(
            math.comb(tp, k) * math.comb(errors, d - k) * 2 * k / (k + d) for k in range(1, d + 1)
        ) / math.comb(relevant, d)

    def leads(batch, used):
        left, ways = total - used - batch, math.comb(total, relevant)
        numbers = range(1, min(relevant, batch) + 1) if left >= 0 else ()
        return sum(
            given(d) * math.comb(batch, d) * (math.comb(left, relevant - d) / ways) for d in numbers
        )

    mean, waits = 0.0, 1.0
    for passed in range(full + 1):
        now = waits * rate / (full - passed + rate)
        mean += now * leads(rest, passed * size)
        waits -= now
        if passed < full:
            mean += waits * leads(size, passed * size)
            mean += (1 - waits) * leads(size, passed * size + rest)
    found = expect(Counts(tp, 0, errors, others), size, averaging, math.nan)
    np.testing.assert_allclose(found.expected_f1, mean, rtol=1e-11)


def metric_of(top, bottom=(2, 1, 1, 0)):
    return {"metric": Ratio(top, bottom)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tp": -1}, f"tp {COUNT}; got -1"),
        (
            dict.fromkeys(("tp", "fp", "fn", "tn"), 0),
            "tp + fp + fn + tn must lie in 1 .. 2**53; got 0",
        ),
        ({"tn": 2**53}, f"tp + fp + fn + tn must lie in 1 .. 2**53; got {2**53 + 1}"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1; got 0"),
        ({"batch_size": 6}, "batch_size must be at most the number of samples, 5; got 6"),
        ({"averaging": "weekly"}, f"{AVERAGING}; got weekly"),
        ({"zero_division": 0.5}, "zero_division must be 0, 1 or NaN; got 0.5"),
        ({"metric": "f1"}, f"{RATIO}; got 'f1'"),
        (metric_of((3, 0, 0, 0)), f"{RATIO}; got ((3, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((0,) * 4, (0,) * 4), f"{RATIO}; got ((0, 0, 0, 0), (0, 0, 0, 0))"),
        (metric_of((1, 0), (1, 1)), f"{RATIO}; got ((1, 0), (1, 1))"),
    ],
)
def test_nonsense_is_refused_in_one_line(changed, said):
    arguments = {"tp": 1, "fp": 0, "fn": 0, "tn": 4, "batch_size": 2} | changed
    counts = Counts(*(arguments.pop(name) for name in Counts._fields))
    for call in (expect, expected_f1):
        refused(said, call, counts, **arguments)
    if "batch_size" not in changed:
        del arguments["batch_size"]
        refused(said, smallest_batch, counts, tolerance=0.1, **arguments)


@pytest.mark.parametrize(
    ("changed", "said"), [({"tp": [1, 2]}, "tp must be a single number; got [1, 2]")]
)
def test_the_smallest_batch_is_that_of_a_single_pool(changed, said):
    cells = {"tp": 1, "fp": 0, "fn": 0, "tn": 4} | changed
    refused(said, smallest_batch, Counts(**cells), tolerance=0.1)


def test_the_counts_of_an_epoch_are_those_of_its_batches_added_up():
    batches = as_counts([3, 1], [1, 0], [0, 2], [6, 7])
    assert expect(batches.pooled(), 10) == expect(Counts(tp=4, fp=1, fn=2, tn=13), 10)
