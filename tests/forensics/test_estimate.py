"""What a log says of its true F1: recovered from exact expectations; refusals."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.forensics.estimate import USUAL_SIZES, estimate
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
