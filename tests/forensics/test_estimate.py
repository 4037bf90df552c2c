"""What a log says of its true F1: recovered from exact expectations; refusals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.forensics.estimate import USUAL_SIZES, estimate
from batchf1.forensics.grid import batches
from batchf1.forensics.log_values import MAX_SAMPLES
from batchf1.forensics.posterior import functions, objects
from batchf1.forensics.printed import complete, read
from batchf1.forensics.sizes import rarity
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1, PRECISION, RECALL
from batchf1.theory.expectation import expect

RATIOS = {"f1": F1, "precision": PRECISION, "recall": RECALL}


def printed(counts, size, averaging="per_batch", exact=()):
    """The values expected of an epoch, those of `exact` over all samples."""
    values = {}
    for name, metric in RATIOS.items():
        law = expect(counts, size, averaging, metric=metric)
        values[name] = law.true_f1 if name in exact else law.expected_f1
    values["accuracy"] = (counts.tp + counts.tn) / counts.n
    return {name: f"{value:.4f}" for name, value in values.items()}


def pool(n, prevalence, precision, recall):
    positives = round(n * prevalence)
    tp = round(recall * positives)
    fp = round(tp * (1 / precision - 1))
    return Counts(tp, fp, positives - tp, n - positives - fp)


def true_f1(counts):
    return float(F1.from_counts(*map(float, counts), 0.0))


@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
@pytest.mark.parametrize(
    ("size", "prevalence", "precision", "recall"),
    [(32, 0.02, 0.9, 0.8), (16, 0.3, 0.7, 0.9), (128, 0.05, 0.6, 0.5), (64, 0.4, 0.95, 0.6)],
)
def test_the_truth_of_functions_is_recovered(size, prevalence, precision, recall, averaging):
    n = 50_010
    counts = [pool(n, prevalence, precision - d, recall + d) for d in (0.1, 0.05, 0)]
    epochs = [printed(c, size, averaging) for c in counts]
    found = estimate(epochs, averaging=averaging, objects=False, samples=n)
    truth = true_f1(counts[-1])
    assert found.batch_sizes[0] == size
    assert set(found.batch_sizes) <= set(USUAL_SIZES)
    assert found.true_f1.low <= truth <= found.true_f1.high
    assert found.true_f1.best == pytest.approx(truth, abs=0.02)
    assert found.prevalence.best == pytest.approx(prevalence, rel=0.1)
    assert found.precision.best == pytest.approx(precision, abs=0.03)
    assert found.recall.best == pytest.approx(recall, abs=0.03)
    assert found.lower_bound < truth


def test_objects_are_exact():
    counts = pool(20_000, 0.03, 0.8, 0.7)
    epoch = printed(counts, 32, exact=("precision", "recall"))
    found = estimate([epoch], averaging="per_batch", objects=True)
    assert found.true_f1.low <= true_f1(counts) <= found.true_f1.high
    assert found.true_f1.high - found.true_f1.low < 2e-4
    assert found.prevalence.best == pytest.approx(0.03, rel=0.01)
    assert found.lower_bound == pytest.approx(true_f1(counts), abs=2e-4)
    assert found.batch_sizes[0] == 32


def test_of_objects_only_the_rounding_is_unknown():
    """Draw values that are printed alike at random, and compare with what they give."""
    epoch = {"f1": "0.7", "precision": "0.80", "recall": "0.70", "accuracy": "0.900"}
    found = estimate([epoch], averaging="per_batch", objects=True, batch_sizes=[512])
    drawn = np.random.default_rng(0).uniform(-1, 1, (3, 100_000))
    p, r, right = np.array([[0.8], [0.7], [0.9]]) + [[0.005], [0.005], [0.0005]] * drawn
    wanted = {
        "true_f1": 2 * p * r / (p + r),
        "prevalence": (1 - right) / (r / p + 1 - 2 * r),
        "precision": p,
        "recall": r,
    }
    for name, values in wanted.items():
        interval, sd = getattr(found, name), values.std()
        assert interval.best == pytest.approx(np.median(values), abs=0.02 * sd)
        ends = [(end - interval.best) / sd for end in (interval.low, interval.high)]
        assert ends == pytest.approx([-1.96, 1.96], rel=0.04)


def test_digits_that_are_not_printed_exclude_no_batch_size():
    """The sizes that fit digits of 0.8 and 0.7 to the end fit 0.8 and 0.7."""
    epoch = printed(pool(50_000, 0.1, 0.8, 0.7), 64, exact=("precision", "recall"))

    def sizes(precision, recall):
        row = epoch | {"precision": precision, "recall": recall}
        return estimate([row], averaging="per_batch", objects=True, samples=50_000).batch_sizes

    few = sizes("0.8", "0.7")
    assert few[0] == 64
    for pair in (("0.7700", "0.7000"), ("0.8000", "0.7000"), ("0.8200", "0.7200")):
        assert sizes(*pair)[0] in few


def test_few_digits_of_the_recall_are_made_up_for_by_the_other_values():
    counts = pool(50_000, 0.1, 0.8, 0.7)
    epoch = printed(counts, 32) | {"recall": "0.7"}
    found = estimate([epoch], averaging="per_batch", objects=False, samples=counts.n)
    assert found.true_f1.best == pytest.approx(true_f1(counts), abs=0.01)
    assert found.recall.low <= 0.7 <= found.recall.high


def test_the_evidence_for_objects_is_a_probability_density():
    """So that it can be compared with that for functions: over all values of F1 it adds up to 1.

    The accuracy has the density of the prevalence, of each ratio between 0.0003 and 0.9 alike.
    """
    f1, told = np.linspace(0.55, 0.9, 51), ((16, 64), batches((16, 64), 5000, None, "per_batch"))
    epoch = {"precision": "0.8000", "recall": "0.7000", "accuracy": "0.9500"}
    rows = [complete([epoch | {"f1": f"{value:.4f}"}]) for value in f1]
    density = [np.exp(objects(read(row, False)[0][0], *told, None).log) for row in rows]
    of_accuracy = 1 / (0.05 * np.log(0.9 / 0.0003))
    assert np.trapezoid(density, f1) == pytest.approx(of_accuracy, rel=0.02)


@pytest.mark.parametrize("exact", [(), ("precision", "recall")])
def test_several_epochs_tell_functions_from_objects(exact):
    counts = [pool(20_000, 0.03, *ratios) for ratios in ((0.6, 0.4), (0.8, 0.7), (0.9, 0.8))]
    epochs = [printed(c, 32, exact=exact) for c in counts]
    found = estimate(epochs, averaging="per_batch")
    told = estimate(epochs, averaging="per_batch", objects=bool(exact))
    assert found.true_f1 == pytest.approx(told.true_f1, abs=0.02)
    assert any("Not told whether precision and recall are functions" in s for s in found.assumed)
    assert not any("Not told" in sentence for sentence in told.assumed)


def test_what_is_known_narrows_the_interval():
    counts = pool(100_000, 0.02, 0.9, 0.8)
    epoch = printed(counts, 32)

    def width(**told):
        interval = estimate([epoch], averaging="per_batch", objects=False, **told).true_f1
        assert interval.low <= true_f1(counts) <= interval.high
        return interval.high - interval.low

    known = width(samples=100_000, batch_sizes=[32])
    assert known < width(samples=100_000) < width()
    assert known == pytest.approx(width(steps=3_125, batch_sizes=[32]), rel=0.1)
    assert width(samples=100_000, batch_sizes=[32], prevalence=0.02) < known
    assert known < width(samples=100_000, batch_sizes=[32], training=True)


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ({}, ", of 300 to 100,000 samples in all; 0/0 counts 0."),
        ({"samples": 1}, "64; 0/0 counts 0."),
        ({"steps": 9, "training": True}, "64; 0/0 counts 0; the weights move within the epoch."),
    ],
)
def test_what_is_taken_for_granted_is_said(told, end):
    found = estimate([GOOD], averaging="per_batch", objects=True, batch_sizes=[16, 64], **told)
    assert found.assumed[0].startswith("Batches are random, one of 2 sizes from 16 to 64")
    assert found.assumed[0].endswith(end)


def test_the_bound_is_1_96_standard_deviations_below_the_logged_values():
    """Compare the bound with the spread of 2PR/(P+R) over random cuts into batches."""
    counts, size = pool(16_000, 0.1, 0.7, 0.6), 32
    kind = np.repeat(np.arange(4), counts)
    cuts = [np.random.default_rng(seed).permutation(kind).reshape(-1, size) for seed in range(200)]
    tp, fp, fn = ((np.array(cuts) == k).sum(axis=-1) for k in range(3))
    p, r = (metric.from_counts(tp, fp, fn, 0, 0).mean(axis=-1) for metric in (PRECISION, RECALL))
    told = {"objects": False, "samples": counts.n, "batch_sizes": [size]}
    found = estimate([printed(counts, size)], averaging="per_batch", **told)
    logged = 2 * p * r / (p + r)
    assert found.lower_bound == pytest.approx(logged.mean() - 1.96 * logged.std(), abs=2e-3)


def test_sizes_at_least_a_hundredth_as_likely_as_the_first_are_listed():
    n, sizes = 20_000, (4, 8, 16, 20, 24, 32, 40, 48, 50, 64, 80, 128)
    epoch = printed(pool(n, 0.012, 0.75, 0.75), 32)
    data = read(complete([epoch]), training=False)[0][0]
    logs = {
        size: functions(data, (size,), batches((size,), n, None, "per_batch"), None).log
        - rarity(size) / 2
        for size in sizes
    }
    listed = [size for size in sizes if logs[size] - max(logs.values()) >= np.log(0.01)]
    found = estimate([epoch], averaging="per_batch", objects=False, samples=n, batch_sizes=sizes)
    assert len(sizes) > len(listed) > 6
    assert list(found.batch_sizes) == sorted(listed, key=lambda size: -logs[size])


def test_usual_sizes_are_no_rare_ones():
    assert {2**k for k in range(2, 12)} <= {*USUAL_SIZES}
    assert max(map(rarity, USUAL_SIZES)) <= 6


def test_a_batch_without_positives_most_of_the_time_gives_a_bound_alone():
    counts = pool(3_000, 0.005, 0.6, 0.7)
    found = estimate([printed(counts, 8)], averaging="per_batch", objects=False)
    assert found.true_f1 is found.precision is found.prevalence is None
    assert 0 <= found.lower_bound < true_f1(counts)
    assert "too wide for an estimate" in found.assumed[-1]


def test_without_an_accuracy():
    counts = pool(20_000, 0.3, 0.9, 0.8)
    epoch, told = printed(counts, 64), {"samples": 20_000, "batch_sizes": [32, 64, 128]}
    known = estimate([epoch], averaging="per_batch", objects=False, **told).true_f1
    del epoch["accuracy"]
    found = estimate([epoch] * 3, averaging="per_batch", objects=False, **told)
    assert found.true_f1.low <= true_f1(counts) <= found.true_f1.high
    assert found.true_f1.high - found.true_f1.low > known.high - known.low


def test_without_an_f1():
    counts = pool(20_000, 0.3, 0.9, 0.8)
    epoch = printed(counts, 64)
    del epoch["f1"]
    found = estimate([epoch], averaging="per_batch", objects=False)
    assert found.true_f1.low <= true_f1(counts) <= found.true_f1.high


def test_no_error_printed():
    epoch = {"f1": "0.9876", "precision": "0.9876", "recall": "0.9876", "accuracy": "1.0000"}
    found = estimate([epoch], averaging="per_batch", objects=False, samples=400)
    assert found.true_f1.high == 1


def test_solutions_apart_are_named():
    epoch = printed(pool(100_000, 0.012, 0.75, 0.75), 32)
    found = estimate([epoch], averaging="per_batch", samples=100_000)
    assert found.others
    for other in found.others:
        assert found.true_f1.low <= other.low < other.high <= found.true_f1.high
        assert not other.low <= found.true_f1.best <= other.high
    # the likeliest is that of the likeliest size, whatever lies on either side
    alone = estimate([epoch], averaging="per_batch", samples=100_000, batch_sizes=[32])
    assert found.true_f1.best == pytest.approx(alone.true_f1.best, abs=2e-4)


def test_both_kinds_leave_a_solution_where_neither_is_excluded():
    epoch, told = printed(pool(20_000, 0.05, 0.75, 0.75), 32), {"samples": 20_000}
    found, one, two = (
        estimate([epoch], averaging="per_batch", objects=kind, **told)
        for kind in (None, False, True)
    )
    assert "averaged over batches (92%), or objects, which are not (8%)" in found.assumed[-1]
    assert found.true_f1.best == pytest.approx(one.true_f1.best, abs=1e-3)
    assert any(other.low <= two.true_f1.best <= other.high for other in found.others)


DIGITS = st.sampled_from([0, 1]) | st.integers(0, 10_000).map(lambda n: n / 10_000)


@settings(max_examples=15)
@given(
    values=st.tuples(DIGITS, DIGITS, DIGITS, DIGITS),
    told=st.sampled_from([{"samples": 40, "training": True}, {}, {"prevalence": 0.1}]),
)
def test_intervals_of_any_digits_lie_within_bounds(values, told):
    names = ("f1", "precision", "recall", "accuracy")
    epoch = {name: f"{value:.4f}" for name, value in zip(names, values, strict=True)}
    found = estimate([epoch], averaging="per_batch", batch_sizes=[16, 64], **told)
    if found is None or found.true_f1 is None:
        return
    assert 0 <= found.lower_bound <= 1
    for interval in (found.true_f1, found.prevalence, found.precision, found.recall, *found.others):
        assert 0 <= interval.low <= interval.best <= interval.high <= 1
    first, last = found.true_f1.low, found.true_f1.high
    assert all(first <= other.low and other.high <= last for other in found.others)
    apart = itertools.pairwise(sorted(found.others))
    assert all(one.high < two.low for one, two in apart)


def test_micro_averages_over_classes_are_named():
    epoch = dict.fromkeys(("f1", "precision", "recall", "accuracy"), "0.9123")
    found = estimate([epoch, epoch], averaging="per_batch")
    assert found.true_f1 is found.lower_bound is None
    assert found.assumed == (
        "Precision, recall, F1 and accuracy are equal: micro averages over classes.",
    )


def test_an_f1_above_precision_and_recall_is_no_mean_over_the_same_batches():
    epoch = {"f1": "0.9100", "precision": "0.8000", "recall": "0.8000", "accuracy": "0.9100"}
    found = estimate([epoch], averaging="per_batch", objects=False)
    assert found.true_f1 is found.lower_bound is None
    assert "no means over random batches" in found.assumed[0]


@pytest.mark.parametrize(
    "epochs",
    [
        [],
        [{"f1": "0.5"}],
        [{"f1": "0.5", "recall": "0.5", "accuracy": "0.5"}],
        [{"f1": "0.0", "precision": "0.0", "recall": "0.0", "accuracy": "0.98"}],
    ],
)
def test_without_precision_and_recall_there_is_no_answer(epochs):
    assert estimate(epochs, averaging="per_batch") is None


GOOD = {"f1": "0.84", "precision": "0.9", "recall": "0.8", "accuracy": "0.95"}


@pytest.mark.parametrize(
    ("changed", "told", "message"),
    [
        ({"precision": "1.2"}, {}, r"precision must lie in \[0, 1\]; got 1.2"),
        ({"f1": "nan"}, {}, r"f1 must lie in \[0, 1\]; got nan"),
        ({"recall": "-0.1"}, {}, r"recall must lie in \[0, 1\]; got -0.1"),
        ({"accuracy": "high"}, {}, "accuracy must be a number as it is printed; got high"),
        ({"accuracy": 0.9}, {}, "accuracy must be a number as it is printed; got 0.9"),
        ({}, {"averaging": "mean"}, "averaging must be one of"),
        ({}, {"batch_sizes": [32, 0]}, "batch size must be a whole number from 1"),
        ({}, {"samples": 10.5}, "samples must be a whole number from 1"),
        ({}, {"steps": 0}, "steps must be a whole number from 1"),
        ({}, {"prevalence": 1.0}, "prevalence must lie between 0 and 1; got 1.0"),
    ],
)
def test_bad_input_is_refused(changed, told, message):
    with pytest.raises(InputError, match=message):
        estimate([GOOD | changed], **({"averaging": "per_batch"} | told))


def test_epochs_with_less_or_nothing_are_left_out():
    found = estimate([GOOD], averaging="per_batch", objects=False)
    fewer = [{"loss": "0.3"}, {"precision": "0.5", "recall": "0.5"}, GOOD | {"precision": "0.0"}]
    assert estimate([*fewer, GOOD], averaging="per_batch", objects=False) == found


def test_the_largest_number_of_samples_and_no_more():
    told = {"averaging": "per_batch", "batch_sizes": [32]}
    assert estimate([GOOD], samples=MAX_SAMPLES, **told).true_f1 is not None
    with pytest.raises(InputError, match="samples must be a whole number from 1"):
        estimate([GOOD], samples=MAX_SAMPLES + 1, **told)
