"""A pool and its cut: weights, the order of the batches, and what is refused."""

import math

import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.ratios import Ratio
from batchf1.theory.expectation import expect, expected_f1
from batchf1.theory.pool import Cut, short_comes_later, short_comes_next
from batchf1.theory.search import smallest_batch
from helpers.brute_force import RULES
from helpers.refusals import AVERAGING, COUNT, RATIO


def test_a_cut():
    plain = Cut(8, 5, 2, False, 0.0)
    assert (plain.batches, plain.weight, plain.rate) == (6, 1 / 6, 1)
    weighted = plain._replace(size_weighted=True)
    assert (weighted.batches, weighted.weight, weighted.rate) == (6, 8 / 42, 1 / 4)
    whole = plain._replace(rest=0)
    assert (whole.batches, whole.weight) == (5, 1 / 5)


def test_the_race_of_the_short_batch():
    # the chance that it comes after `passed` full ones: m/(m + rate) (m - 1)/(m - 1 + rate) ...
    for size_weighted, rate in ((True, 0.25), (False, 1.0)):
        cut = Cut(8, 5, 2, size_weighted, math.nan)
        assert cut.rate == rate
        waits = 1.0
        for passed in range(6):
            assert short_comes_later(cut, np.array([passed])) == pytest.approx(waits, rel=1e-13)
            now = waits * rate / (5 - passed + rate)
            assert short_comes_next(cut, np.array([passed])) == pytest.approx(now, rel=1e-13)
            waits -= now
        assert waits == pytest.approx(0, abs=1e-15)


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


def refused(call, said, *arguments, **named):
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    assert str(caught.value) == said


def metric_of(top, bottom=(2, 1, 1, 0)):
    return {"metric": Ratio(top, bottom)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tp": -1}, f"tp: {COUNT}; got -1"),
        ({"fp": 0.5}, f"fp: {COUNT}; got 0.5"),
        ({"fn": math.nan}, f"fn: {COUNT}; got nan"),
        ({"tn": math.inf}, f"tn: {COUNT}; got inf"),
        ({"tn": 10**30}, f"tn: {COUNT}; got {10**30}"),
        ({"tp": "3"}, f"tp: {COUNT}; got '3'"),
        ({"fp": None}, f"fp: {COUNT}; got None"),
        ({"fn": True}, f"fn: {COUNT}; got True"),
        (
            {"tp": [1, 2], "fp": [0, 0, 0]},
            "tp, fp, fn, tn: must have one shape, or broadcast to one; got (2,) and (3,) and () "
            "and ()",
        ),
        (
            dict.fromkeys(("tp", "fp", "fn", "tn"), 0),
            "tp + fp + fn + tn: lies in 1 .. 2**53; got 0",
        ),
        ({"tn": 2**53}, f"tp + fp + fn + tn: lies in 1 .. 2**53; got {2**53 + 1}"),
        ({"batch_size": 0}, "batch_size: is a whole number >= 1; got 0"),
        ({"batch_size": 2.0}, "batch_size: is a whole number >= 1; got 2.0"),
        ({"batch_size": "3"}, "batch_size: is a whole number >= 1; got '3'"),
        ({"batch_size": True}, "batch_size: is a whole number >= 1; got True"),
        ({"batch_size": None}, "batch_size: is a whole number >= 1; got None"),
        ({"batch_size": [2]}, "batch_size: is a whole number >= 1; got [2]"),
        ({"batch_size": 6}, "batch_size: is at most the number of samples, 5; got 6"),
        ({"averaging": "weekly"}, f"{AVERAGING}; got weekly"),
        ({"averaging": None}, f"{AVERAGING}; got None"),
        ({"zero_division": 0.5}, "zero_division: is 0, 1 or NaN; got 0.5"),
        ({"zero_division": "skip"}, "zero_division: is 0, 1 or NaN; got skip"),
        ({"zero_division": None}, "zero_division: is 0, 1 or NaN; got None"),
        ({"zero_division": math.inf}, "zero_division: is 0, 1 or NaN; got inf"),
        ({"metric": None}, f"{RATIO}; got None"),
        ({"metric": "f1"}, f"{RATIO}; got 'f1'"),
        ({"metric": ((2, 0, 0, 0), (2, 1, 1, 0))}, f"{RATIO}; got ((2, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((3, 0, 0, 0)), f"{RATIO}; got ((3, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((-1, 0, 0, 0)), f"{RATIO}; got ((-1, 0, 0, 0), (2, 1, 1, 0))"),
        (metric_of((0,) * 4, (0,) * 4), f"{RATIO}; got ((0, 0, 0, 0), (0, 0, 0, 0))"),
        (
            metric_of((0,) * 4, (math.inf,) * 4),
            f"{RATIO}; got ((0, 0, 0, 0), (inf, inf, inf, inf))",
        ),
        (metric_of((0,) * 4, (1, math.nan, 0, 0)), f"{RATIO}; got ((0, 0, 0, 0), (1, nan, 0, 0))"),
        (metric_of((1, 0), (1, 1)), f"{RATIO}; got ((1, 0), (1, 1))"),
        (metric_of((1, 0, 0)), f"{RATIO}; got ((1, 0, 0), (2, 1, 1, 0))"),
        (metric_of(("1", 0, 0, 0)), f"{RATIO}; got (('1', 0, 0, 0), (2, 1, 1, 0))"),
    ],
)
def test_nonsense_is_refused_in_one_line(changed, said):
    arguments = {"tp": 1, "fp": 0, "fn": 0, "tn": 4, "batch_size": 2} | changed
    counts = Counts(*(arguments.pop(name) for name in Counts._fields))
    refused(expect, said, counts, **arguments)
    refused(expected_f1, said, counts, **arguments)
    if "batch_size" not in changed:
        del arguments["batch_size"]
        refused(smallest_batch, said, counts, tolerance=0.1, **arguments)


@pytest.mark.parametrize("given", [(1, 0, 0, 4), [1, 0, 0, 4], 1, None, "1"], ids=str)
def test_what_is_no_counts_is_refused(given):
    said = f"counts: are a batchf1.metrics.counts.Counts; got {given!r}"
    for call in (expect, expected_f1, smallest_batch):
        refused(call, said, given, 2)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tp": [1, 2]}, "tp: is a single number; got [1, 2]"),
        ({"fn": [1]}, "fn: is a single number; got [1]"),
        ({"tn": np.array([[4, 4]])}, "tn: is a single number; got array([[4, 4]])"),
    ],
)
def test_the_smallest_batch_is_that_of_a_single_pool(changed, said):
    cells = {"tp": 1, "fp": 0, "fn": 0, "tn": 4} | changed
    refused(smallest_batch, said, Counts(**cells), tolerance=0.1)


def test_the_counts_of_an_epoch_are_those_of_its_batches_added_up():
    batches = as_counts([3, 1], [1, 0], [0, 2], [6, 7])
    assert expect(batches.pooled(), 10) == expect(Counts(tp=4, fp=1, fn=2, tn=13), 10)
