"""What a log proves: averaged, an object, the accuracy, labels of shape (n,), or nothing."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.forensics import summary
from batchf1.forensics.estimate import estimate
from batchf1.forensics.log import read
from batchf1.forensics.log_numbers import below_harmonic_mean
from batchf1.forensics.proof import Known
from batchf1.forensics.verdict import conclude
from batchf1.metrics.counts import Counts
from batchf1.metrics.flat_labels import flat_value
from batchf1.theory.search import compatible_f1
from helpers.slow import slow


def logged(*epochs, after=""):
    """A log of validation with these values, `f1=0.5441` or of other names."""
    bars = [
        "9/9 [==] - 1s 9ms/step - loss: 1 - " + " - ".join(f"val_{k}: {v}" for k, v in e.items())
        for e in epochs
    ]
    return "\n".join([*bars, after])


def verdict(*epochs, after="", known=None):
    return conclude(read(logged(*epochs, after=after)), known)["validation"]


ROW = {"f1": "0.5441", "precision": "0.6068", "recall": "0.5333"}


def test_below_the_harmonic_mean_it_is_averaged():
    found = verdict(ROW)
    assert found.verdict == "averaged"
    assert found.lower_bound == pytest.approx(2 * 0.6068 * 0.5333 / (0.6068 + 0.5333))
    assert "0.5441 is below the harmonic mean 0.5677" in found.evidence[0]
    two = verdict({**ROW, "f1": "0.5676"}, ROW, known=Known((32,)))
    assert two.evidence[0].count("1 of 2 epochs") == 1


@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3).filter(any), min_size=1, max_size=6))
def test_no_f1_of_all_samples_is_ever_called_averaged(batches):
    """Of counts of batches: the F1 of their sums is never below, their mean never above."""
    tp, fp, fn = np.array(batches, float).T
    with np.errstate(invalid="ignore"):
        rates = [np.nan_to_num(tp / (tp + other)) for other in (fp, fn)]
        f1 = np.nan_to_num(2 * tp / (2 * tp + fp + fn))
    p, r = (rate.mean() for rate in rates)
    assert f1.mean() <= (2 * p * r / (p + r) if p + r else 0) + 1e-12
    sums = tp.sum(), fp.sum(), fn.sum()
    whole = [2 * sums[0] / (2 * sums[0] + sums[1] + sums[2])]
    whole += [sums[0] / max(sums[0] + other, 1) for other in sums[1:]]
    kinds = ("f1", "precision", "recall")
    row = {kind: f"{value:.4f}" for kind, value in zip(kinds, whole, strict=True)}
    assert not below_harmonic_mean(row)


def test_the_harmonic_mean_is_of_an_object():
    rows = [{"f1": "0.7080", "precision": "0.7547", "recall": "0.6667"}] * 2
    found = verdict(*rows)
    assert found.verdict == "object"
    assert found.true_f1 == pytest.approx((0.70795, 0.7080, 0.70805))
    assert found.lower_bound == found.true_f1.low
    assert "F1 is the harmonic mean of precision and recall in 2 epochs" in found.evidence[0]
    touching = {"f1": "0.7081", "precision": "0.7080", "recall": "0.7080"}  # all at 0.70805
    assert verdict(touching).verdict == "object"
    few = verdict({"f1": "0.71", "precision": "0.75", "recall": "0.67"}, known=Known((32,)))
    assert few.verdict == "unknown"
    assert "only to the few digits printed" in few.evidence[0]
    assert verdict(dict.fromkeys(rows[0], "0.0000")).verdict == "unknown"  # 0/0 of any batches
    above = verdict({**rows[0], "f1": "0.7180"}, known=Known((32,)))
    assert (above.verdict, above.lower_bound) == ("unknown", None)
    assert "no means over the same parts" in above.evidence[0]


def test_equal_values_are_the_accuracy():
    same = dict.fromkeys(("f1", "precision", "recall", "categorical_accuracy"), "0.7911")
    assert verdict(same).verdict == "accuracy"
    two = [{"f1": x, "accuracy": x} for x in ("0.7911", "0.8123")]
    assert verdict(*two).verdict == "accuracy"
    assert verdict(two[0]).verdict == "unknown"
    ones = dict.fromkeys(("f1", "precision", "recall", "accuracy"), "1.0000")
    assert verdict(ones).verdict == "unknown"
    other = {**same, "categorical_accuracy": "0.7912"}
    assert verdict(other).verdict != "accuracy"


def test_values_above_1_are_of_flat_labels():
    for row in ({"f1": "1.327"}, {"f1": "0.9", "precision": "1.6", "recall": "0.7"}):
        found = verdict(row)
        assert (found.verdict, found.true_f1, found.lower_bound) == ("flat_labels", None, None)
        assert "is above 1: labels of shape (n,) log 2PQ/(P+Q)" in found.evidence[0]
    assert verdict({"f1": "1.0000"}).verdict == "unknown"


def test_flat_labels_of_few_positives_show_with_prevalence_and_batch_size():
    """Batches of 16 at 5 %: precision logs 0.8 in each epoch, the positives of a batch."""
    rows = [
        {"f1": f1, "precision": "0.8000", "recall": r}
        for f1, r in (("0.62", "0.7"), ("0.58", "0.6"))
    ]
    known = Known((16,), 0.05)
    assert verdict(*rows, known=known).verdict == "flat_labels"
    assert verdict(*rows, known=Known((16,))).verdict == "averaged"
    assert verdict(*rows, known=Known((32,), 0.05)).verdict == "averaged"
    value = flat_value(Counts(tp=1, fp=0, fn=0, tn=15))
    assert value == 1  # one positive and one prediction: whoever it is
    # no classifier logs more than 0.56; a quarter more or less than 0.8 is that of flat labels
    for f1, wanted in (("0.8123", "flat_labels"), ("0.6100", "flat_labels"), ("0.5900", "unknown")):
        assert verdict({"f1": f1}, known=known).verdict == wanted


def test_a_dice_below_that_of_the_iou_is_averaged():
    found = verdict({"f1-score": "0.6000", "iou_score": "0.5000"})
    assert found.verdict == "averaged"
    below = (
        "val_f1-score 0.6000 is below 2J/(1+J) = 0.6667 of val_iou_score J = 0.5000, in one epoch."
    )
    assert found.evidence == [below]
    assert verdict({"f1-score": "0.6667", "iou_score": "0.5000"}).verdict == "object"
    assert verdict({"f1-score": "0.6767", "iou_score": "0.5000"}).verdict == "unknown"


def test_a_true_value_decides():
    found = verdict({"f1": "0.5441"}, after="val f1 0.707965")
    assert found.verdict == "averaged"
    assert found.true_f1 == pytest.approx((0.7079645, 0.707965, 0.7079655))
    assert found.read == {"f1": "0.5441", "true_f1": "0.707965"}
    equal = verdict({"f1": "0.7080"}, after="val f1 0.7079646017699115")
    assert equal.verdict == "object"
    above = verdict({**ROW, "f1": "0.7080"}, after="val f1 0.707965")
    assert above.verdict == "object"
    for again in ("0.7080", "0.707965", "0.7079645991325378"):  # the last is a float32
        found = verdict({"f1": "0.7080"}, after=f"val f1 {again}")
        assert (found.verdict, "true_f1" in found.read) == ("unknown", False)
    assert verdict({"f1": "0.8"}, after="val f1 0.707965").verdict == "unknown"


@pytest.mark.parametrize(
    ("values", "wanted", "words"),
    [
        ("f1: 0.5441", "unknown", "0.707965 (line 2) and logs 0.5441, while the weights moved."),
        ("f1: 0.5441 - precision: 0.6068 - recall: 0.5333 - acc: 0.9", "averaged", "logs 0.5441."),
    ],
)
def test_a_true_value_of_training_decides_only_where_the_epoch_itself_does(values, wanted, words):
    found = conclude(read(f"9/9 [==] - 1s 9ms/step - loss: 1 - {values}\ntrain f1 0.707965"))
    assert found["train"].verdict == wanted
    assert found["train"].evidence[0].endswith(words)


def test_the_other_split_has_the_same_function():
    found = conclude(read(logged(ROW).replace("loss: 1", "loss: 1 - f1: 0.4")))
    assert found["train"].verdict == found["validation"].verdict == "averaged"
    assert found["train"].evidence[-1] == "It is the function of val_f1."


def test_splits_with_proofs_of_their_own_keep_them():
    row = {**ROW, "accuracy": "0.9670"}
    found = conclude(read(logged(row).replace("loss: 1", "loss: 1 - f1: 1.5")))
    verdicts = {split: finding.verdict for split, finding in found.items()}
    assert verdicts == {"train": "flat_labels", "validation": "averaged"}


HEADER = "Train on 3000 samples, validate on 500 samples\n"
SHOWN = ("0.5441", "0.6068", "0.5333", "0.9670")
KINDS = ("f1", "precision", "recall", "accuracy")


@pytest.mark.parametrize(
    ("header", "names", "told"),
    [
        (HEADER, ("f1_m", "precision_m", "recall_m"), {"objects": False, "samples": 3000}),
        ("", ("f1", "precision_1", "recall_1"), {"objects": True, "steps": 3000}),
        ("", ("f1", "precision_1", "recall"), {"objects": None, "steps": 3000}),
        ("", ("val_f1_m", "val_precision_m", "val_recall_m"), {"objects": False}),
    ],
)
def test_the_numbers_are_those_of_the_estimate(header, names, told):
    """Estimate with what the log states: samples or steps, and whether names are of objects."""
    split, of = ("validation", "val_") if names[0].startswith("val_") else ("train", "")
    names = *names, f"{of}acc"
    shown = " - ".join(f"{name}: {value}" for name, value in zip(names, SHOWN, strict=True))
    text = f"{header}3000/3000 [==] - 0s 9us/step - loss: 0.1 - {shown}"
    sizes = [16, 32, 64]
    found = conclude(read(text), Known(sizes, averaging="per_batch"))[split]
    epoch = dict(zip(KINDS, SHOWN, strict=True))
    told = {**told, "batch_sizes": sizes, "training": split == "train"}
    wanted = estimate([epoch], averaging="per_batch", **told)
    assert found.true_f1 == wanted.true_f1
    assert found.lower_bound_975 == wanted.lower_bound
    assert (found.prevalence, found.prevalence_interval) == (
        wanted.prevalence.best,
        wanted.prevalence,
    )
    assert (found.batch_size, found.others) == ([*wanted.batch_sizes], [*wanted.others])


def test_a_recall_that_is_not_logged_raises_nothing():
    row = {"f1_m": "0.5441", "precision_m": "0.6068"}
    assert verdict(row).verdict == "unknown"


def test_an_f1_alone_with_prevalence_and_batch_size():
    found = verdict({"f1": "0.4700"}, known=Known((50,), 0.014, 7000))
    low, high = compatible_f1(0.47, 50, 0.014, 7000, 5e-5)
    assert (found.true_f1.low, found.true_f1.high) == (low, high)
    assert verdict({"f1": "0.4700"}).true_f1 is None


def test_a_log_without_an_f1_is_refused_with_what_it_has():
    with pytest.raises(InputError, match="must have an F1 of an epoch.*accuracy: 0.9'") as caught:
        conclude(read("9/9 - 1s - loss: 0.3 - accuracy: 0.9"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "after", "second"),
    [
        slow([ROW], "", "The true F1 is at least 0.5"),
        ([ROW], "val f1 0.7080", "The true F1 is 0.7080, of line 2 (val f1); 0.5441 is logged."),
        ([{"f1": "1.5"}], "", "The true F1 is not in this log"),
        ([{"f1": "0.47"}], "", "`batchf1 bound --logged 0.47 --prevalence R --batch-size B`"),
    ],
)
def test_three_lines_first(rows, after, second):
    reading = read(logged(*rows, after=after))
    lines = summary.headline(conclude(reading), reading)
    assert len(lines) == 3
    assert second in lines[1]
    assert lines[0].count("val_f1") == 1


def test_assumptions_are_named_once():
    reading = read(logged({**ROW, "accuracy": "0.9670"}, after="test f1 0.72\nmacro f1 val 0.7"))
    text = summary.evidence(conclude(reading), reading)
    assert len(set(text)) == len(text)
    assert (
        "line 3: passed over: macro f1 val 0.7 is an average over classes, no truth of this F1"
        in text
    )
    assert any(line.startswith("test: true F1 0.72") for line in text)
    assert not math.isnan(len(text))


def test_the_least_f1_of_the_answer_is_no_more_than_its_interval():
    reading = read(logged(ROW))
    second = summary.headline(conclude(reading), reading)[1]
    least, low = (float(re.search(rf"{words}([0-9.]+)", second)[1]) for words in ("least ", r"\("))
    assert least <= low
