"""Labels of shape (n,): expectation and spread against every cut, random cuts, and limits."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.metrics.averaging import average
from batchf1.metrics.counts import Counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.flat_labels import flat_value
from batchf1.metrics.ratios import F1, JACCARD, PRECISION, RECALL, Ratio
from batchf1.theory.expectation import expect, expected_f1
from batchf1.theory.flat_labels import flat_reconstructed
from batchf1.theory.limits import large_data, rare_positives
from helpers.brute_force import (
    CONVENTIONS,
    METRICS,
    RULES,
    arrangements,
    every_log,
    pairs,
)
from helpers.invalid_inputs import refused
from helpers.slow import one_in, slow

WAYS = [
    *((name, "margins") for name in ("f1", "f2", "precision", "recall")),
    *((name, "cells") for name in ("f1", "f0.5", "precision", "recall", "jaccard", "accuracy")),
    ("specificity", "cells"),
]
SMALL = [  # TP, FP, FN, TN, batch size
    (2, 1, 1, 3, 3),
    (2, 1, 1, 4, 4),
    (1, 2, 1, 2, 2),
    (1, 1, 2, 3, 6),
    (0, 2, 1, 4, 3),
    (2, 0, 2, 3, 3),
    (0, 0, 3, 3, 2),
    (0, 2, 0, 4, 4),
    (0, 0, 0, 4, 3),
    (3, 0, 0, 0, 2),
    (2, 1, 1, 1, 5),
    (1, 1, 1, 3, 1),
    (1, 0, 1, 5, 5),
]


@pytest.mark.parametrize(("way", "zero_division"), one_in(4, WAYS, CONVENTIONS), ids=str)
def test_expectation_and_spread_against_every_cut(way, zero_division):
    name, written = way
    metric = METRICS[name]
    for (*counts, size), averaging in itertools.product(SMALL, RULES):
        logs = every_log(
            counts, size, averaging, zero_division, lambda batch: pairs(batch, metric, written)
        )
        found = expect(Counts(*counts), size, averaging, zero_division, metric, "flat", written)
        case = f"{counts} in batches of {size}, {averaging}"
        np.testing.assert_allclose(found.expected_f1, logs.mean(), rtol=0, atol=1e-12, err_msg=case)
        np.testing.assert_allclose(found.sd**2, logs.var(), rtol=0, atol=1e-12, err_msg=case)
        true = metric(Counts(*counts), zero_division)
        np.testing.assert_allclose(found.true_f1, true, rtol=0, atol=1e-15)
        np.testing.assert_allclose(found.error, logs.mean() - true, rtol=0, atol=1e-12)
        alone = expected_f1(
            Counts(*counts), size, averaging, zero_division, metric, "flat", written
        )
        np.testing.assert_allclose(alone, found.expected_f1, rtol=0, atol=1e-14)


def test_the_parts_of_the_error_are_those_of_batches_that_are_0_over_0_and_of_the_others():
    counts, size = (1, 1, 1, 4), 2
    for name, written in WAYS:
        metric = METRICS[name]
        found = expect(Counts(*counts), size, metric=metric, labels="flat", written=written)
        shares = []
        for order in arrangements(counts):
            batches = [order[start : start + size] for start in range(0, 7, size)]
            shares.append(np.mean([math.isnan(pairs(b, metric, written)) for b in batches]))
        assert found.error_empty == pytest.approx(-np.mean(shares) * found.true_f1, abs=1e-13)
        assert found.error_empty + found.error_curvature == pytest.approx(found.error, abs=1e-13)


POOLS = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda counts: sum(counts) > 0)


@given(POOLS, st.data())
def test_in_one_batch_it_does_not_matter_which_samples_were_found(counts, data):
    """Samples move from TP and TN to FP and FN or back, which leaves P and Q."""
    tp, fp, fn, tn = counts
    moved = data.draw(st.integers(-min(fp, fn), min(tp, tn)))
    other = Counts(tp - moved, fp + moved, fn + moved, tn - moved)
    name, written = data.draw(st.sampled_from(WAYS))
    rules = (data.draw(st.sampled_from(RULES)), data.draw(st.sampled_from([0.0, 1.0])))
    rules = (sum(counts), *rules, METRICS[name], "flat", written)
    one, two = expect(Counts(*counts), *rules), expect(other, *rules)
    assert one.expected_f1 == pytest.approx(two.expected_f1, rel=1e-12, abs=1e-12)
    assert one.sd == two.sd == 0
    value = flat_value(Counts(*counts), METRICS[name], written, rules[2])
    assert one.expected_f1 == pytest.approx(float(value), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_a_metric_that_is_0_over_0_in_every_batch_is_what_0_over_0_is(zero_division):
    nothing_predicted = Counts(0, 0, 3, 4)
    for written in ("margins", "cells"):
        rules = ("per_batch", zero_division, PRECISION, "flat", written)
        found = expect(nothing_predicted, 2, *rules)
        np.testing.assert_array_equal([found.true_f1, found.expected_f1], zero_division)
        np.testing.assert_array_equal([found.error, found.sd], 0 * zero_division)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200), st.data())
def test_as_many_predicted_positives_as_positives_log_within_a_half(tp, errors, tn, data):
    counts = Counts(tp, errors, errors, tn)
    size = data.draw(st.integers(1, max(counts.n, 1))) if counts.n else 0
    if not size:
        return
    found = expect(counts, size, "size_weighted", labels="flat")
    sizes = np.array([size] * (counts.n // size) + [counts.n % size])
    per_batch = (sizes**2).sum() * counts.positives / counts.n**2
    assert per_batch - 0.5 - 1e-12 <= found.expected_f1 <= per_batch + 1e-12


def test_without_empty_batches_precision_logs_the_positives_of_a_batch_whatever_was_found():
    for counts in (Counts(90, 10, 10, 10), Counts(80, 20, 20, 0), Counts(81, 19, 19, 1)):
        for metric in (PRECISION, RECALL):
            found = expect(counts, 60, metric=metric, labels="flat")
            assert found.expected_f1 == pytest.approx(50, rel=1e-13)  # 60 and 60 of 100 in 120


@pytest.mark.parametrize("cells", [(0, 1), (0, 2), (3, 1), (3, 2)])
def test_a_share_of_two_cells_is_the_same_however_large_its_weights_are(cells):
    """Precision, recall, specificity and the negative predictive value, their weights doubled."""
    right, _ = cells
    single, double = (
        Ratio([w * (c == right) for c in range(4)], [w * (c in cells) for c in range(4)])
        for w in (1, 2)
    )
    counts = (2, 1, 1, 3)
    log = lambda batch: pairs(batch, single, "cells")  # noqa: E731
    for size, averaging in zip((3, 4), RULES, strict=True):
        logs = every_log(counts, size, averaging, math.nan, log)
        rules = (Counts(*counts), size, averaging, math.nan)
        for metric in (single, double):
            found = expect(*rules, metric, "flat", "cells")
            assert found.true_f1 == pytest.approx(float(single(Counts(*counts))), abs=1e-15)
            assert found.expected_f1 == pytest.approx(logs.mean(), abs=1e-12)
            assert found.sd == pytest.approx(logs.std(), abs=1e-7)


@cache
def random_batches(counts, size, cuts=1200):
    """Counts of the batches of random cuts: shuffled kinds, counted per batch."""
    kinds = np.repeat(np.arange(4), counts)
    rng, starts = np.random.default_rng(0), np.arange(0, len(kinds), size)
    orders = [rng.permutation(kinds) for _ in range(cuts)]
    cells = [[np.add.reduceat(order == kind, starts) for order in orders] for kind in range(4)]
    return Counts(*map(np.array, cells))


LARGER = [((160, 60, 40, 3740), 32), ((90, 60, 70, 380), 250)]


@pytest.mark.parametrize(
    ("pool", "zero_division", "way"), one_in(3, LARGER, [0.0, math.nan], WAYS), ids=str
)
def test_larger_pools_against_random_cuts(pool, zero_division, way):
    (counts, size), (name, written) = pool, way
    rules = ("per_batch", zero_division, METRICS[name])
    batches = random_batches(counts, size)
    values = flat_value(batches, METRICS[name], written, zero_division)
    logs = average(values, batches.n, "per_batch")
    found = expect(Counts(*counts), size, *rules, "flat", written)
    error = found.sd / math.sqrt(len(logs))
    assert abs(logs.mean() - found.expected_f1) < 4 * error + 1e-7
    assert logs.std() == pytest.approx(found.sd, rel=0.1, abs=1e-5)
    low, high = found.interval95
    assert ((low - 1e-6 <= logs) & (logs <= high + 1e-6)).mean() > 0.9


@pytest.mark.parametrize("zero_division", [1.0, slow(math.nan)])
def test_many_pools_at_once_and_one_by_one(zero_division):
    counts = Counts(np.array([[3, 0, 5], [1, 3, 0]]), [2, 0, 4], 1, np.array([[9], [8]]))
    for name, written in WAYS:
        rules = (5, "size_weighted", zero_division, METRICS[name], "flat", written)
        found = expect(counts, *rules)
        for index in np.ndindex(2, 3):
            single = expect(Counts(*(part[index] for part in np.broadcast_arrays(*counts))), *rules)
            for field in ("true_f1", "expected_f1", "sd", "error", "error_empty", "n_batches"):
                wanted = getattr(single, field)
                assert getattr(found, field)[index] == pytest.approx(
                    wanted, rel=1e-9, abs=1e-9, nan_ok=True
                )


def test_the_interval_is_clipped_where_the_value_lies_between_0_and_1():
    counts = Counts(1, 1, 1, 17)
    low, high = expect(counts, 9, labels="flat", written="cells").interval95
    assert low == 0 < high < 1
    assert expect(Counts(500, 10, 10, 480), 100, labels="flat").interval95[0] > 45


@pytest.mark.parametrize("name", ["f1", "f2", "precision", "recall", "accuracy"])
@pytest.mark.parametrize(("counts", "size"), [((2, 1, 1, 4), 3), ((1, 2, 0, 5), 4)])
def test_counts_per_sample_on_all_pairs_against_every_cut(name, counts, size):
    metric, n = METRICS[name], sum(counts)
    values = []
    for order in arrangements(counts):
        shares = np.zeros(4)
        for start in range(0, n, size):
            batch = np.array(order[start : start + size])
            y, p = np.isin(batch, (0, 2)) * 1.0, np.isin(batch, (0, 1))[:, None] * 1.0
            cells = y * p, (1 - y) * p, y * (1 - p), (1 - y) * (1 - p)
            shares += [len(batch) * cell.mean() for cell in cells]
        values.append(metric.from_counts(*shares))
    found = flat_reconstructed(Counts(*counts), size, metric)
    assert found == pytest.approx(np.mean(values), abs=1e-13)


def test_counts_per_sample_are_right_in_batches_of_one_and_chance_in_a_single_batch():
    counts = Counts(tp=np.array([6, 2]), fp=2, fn=[4, 8], tn=28)
    assert flat_reconstructed(counts, 1) == pytest.approx(F1(Counts(*map(np.array, counts))))
    chance = f_beta(1).from_margins(
        counts.positives * counts.predicted_positives / 40, 10, np.array([8, 4])
    )
    assert flat_reconstructed(counts, 40) == pytest.approx(chance)
    with pytest.raises(InputError, match="metric must have a denominator of margins alone here"):
        flat_reconstructed(counts, 2, JACCARD)


@pytest.mark.parametrize(("name", "written"), WAYS, ids=str)
@pytest.mark.parametrize("zero_division", CONVENTIONS)
def test_the_limit_of_large_data_and_how_fast_it_is_reached(name, written, zero_division):
    rules = (20, zero_division, METRICS[name], "flat", written)
    limit, gaps = large_data(0.1, 0.75, 0.8, *rules), []
    for total in (6 * 10**4, 6 * 10**5):
        tp, fp, fn = 8 * total // 100, 8 * total // 300, 2 * total // 100
        counts = Counts(tp, fp, fn, total - tp - fp - fn)
        found = expect(counts, 20, "per_batch", *rules[1:])
        gaps.append((found.expected_f1 - limit.expected_f1) * total)
    assert gaps[1] == pytest.approx(limit.per_sample, rel=1e-3, abs=1e-6)
    assert abs(gaps[1] - limit.per_sample) <= abs(gaps[0] - limit.per_sample) + 1e-6
    assert found.sd * math.sqrt(total / 20) == pytest.approx(limit.sd_batch, rel=1e-3, abs=1e-6)
    for field in ("true_f1", "error_empty", "error_curvature"):
        assert getattr(limit, field) == pytest.approx(getattr(found, field), abs=1e-4)


@pytest.mark.parametrize("zero_division", CONVENTIONS)
@pytest.mark.parametrize("positives", [0.1, 1, 10])
def test_rare_positives_are_the_limit_of_large_batches(positives, zero_division):
    rates = (0.9, 0.8, zero_division, f_beta(2), "flat")
    large = large_data(1e-6, *rates[:2], round(positives * 1e6), *rates[2:])
    rare = rare_positives(positives, *rates)
    for field in ("true_f1", "expected_f1", "sd_batch", "error_empty", "error_curvature"):
        assert getattr(rare, field) == pytest.approx(getattr(large, field), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("rate", [0.9, 0.5, 0.02])
def test_large_batches_log_their_positives_less_half_the_error(rate):
    for positives in (30, 100):
        found = rare_positives(positives, rate, rate, labels="flat")
        assert found.expected_f1 == pytest.approx(positives - (1 - rate) / 2, abs=1 / positives)


@pytest.mark.parametrize("zero_division", [0.0, 1.0])
def test_a_limit_that_is_0_over_0_in_every_batch_is_what_0_over_0_is(zero_division):
    without_negatives = (1.0, 1.0, 0.5, 8, zero_division, METRICS["specificity"], "flat", "cells")
    assert large_data(*without_negatives)[:3] == (zero_division, zero_division, 0)


def test_the_limits_refuse_what_has_no_answer():
    said = "metric must be finite in every batch by margins; got jaccard"
    refused(said, large_data, 0.1, 0.5, 0.5, 8, metric=JACCARD, labels="flat")
    refused(said, rare_positives, 1.0, 0.5, 0.5, metric=JACCARD, labels="flat")
    said = "labels must be one of ('column', 'flat'); got row"
    refused(said, rare_positives, 1.0, 0.5, 0.5, labels="row")
