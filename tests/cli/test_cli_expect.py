"""`batchf1 expect`: the same numbers as the function, for people and for programs."""

import json
import math

import pytest

from batchf1.cli import main as cli
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1, RECALL
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data
from batchf1.theory.search import smallest_batch

COUNTS = ["--tp", "3", "--fp", "1", "--fn", "2", "--tn", "94"]
POOL = Counts(3, 1, 2, 94)


FOUR = "--tp {} --fp {} --fn {} --tn {}"
RATES = "--prevalence {} --precision {} --recall {}"


READ = "The log may be read here, for this classifier"


def ask(capsys, *arguments):
    assert cli.main(["expect", *arguments]) == 0
    return capsys.readouterr().out


def no_json(name):
    raise AssertionError(f"{name} is no JSON")


def ask_json(capsys, *arguments):
    return json.loads(ask(capsys, *arguments, "--json"), parse_constant=no_json)


@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
@pytest.mark.parametrize(("word", "value"), [("0", 0.0), ("1", 1.0), ("skip", float("nan"))])
def test_counts(capsys, averaging, word, value):
    rules = ["--averaging", averaging, "--zero-division", word]
    answer = ask_json(capsys, *COUNTS, "--batch-size", "9", *rules)
    found = expect(POOL, 9, averaging, value)
    for key in ("true_f1", "expected_f1", "sd", "error", "error_empty", "error_curvature"):
        assert answer[key] == getattr(found, key), key
    assert answer["interval95"] == list(found.interval95)
    assert answer["n_batches"] == 12
    assert (answer["averaging"], answer["zero_division"]) == (averaging, word)
    assert (answer["n_samples"], answer["batch_size"], answer["tolerance"]) == (100, 9, 0.01)
    assert answer["smallest_batch_size"] == smallest_batch(POOL, 0.01, averaging, value)
    rates = (answer["prevalence"], answer["precision"], answer["recall"])
    assert rates == (0.05, 0.75, 0.6)


def test_rates_with_a_number_of_samples_are_the_nearest_counts(capsys):
    asked = RATES.format(0.05, 0.75, 0.6).split()
    answer = ask_json(capsys, *asked, "--n-samples", "100", "--batch-size", "10")
    assert [answer[name] for name in ("tp", "fp", "fn", "tn")] == [3, 1, 2, 94]
    assert answer["expected_f1"] == expect(POOL, 10).expected_f1
    assert answer["asked"] == {"prevalence": 0.05, "precision": 0.75, "recall": 0.6}
    assert "nearest" not in ask(capsys, *asked, "--n-samples", "100", "--batch-size", "10")


def test_round_rates_that_no_counts_have_are_those_of_the_nearest(capsys):
    asked = [*RATES.format("5%", "0,85", ".85").split(), "--n-samples", "300", "--batch-size", "32"]
    answer = ask_json(capsys, *asked)
    assert [answer[name] for name in ("tp", "fp", "fn", "tn")] == [13, 2, 2, 283]
    assert answer["asked"] == {"prevalence": 0.05, "precision": 0.85, "recall": 0.85}
    assert answer["precision"] == answer["recall"] == answer["true_f1"] == 13 / 15
    assert ask(capsys, *asked).splitlines()[3:5] == [
        "rates                prevalence 0.05, precision 0.866667, recall 0.866667",
        "nearest counts       precision 0.867, 13 of 15 (asked 0.85); recall 0.867, 13 of 15 "
        "(asked 0.85)",
    ]


def test_rates_alone_give_the_limit(capsys):
    asked = RATES.format(0.05, 0.75, 0.6).split()
    found = large_data(0.05, 0.75, 0.6, 10, 1)
    assert ask_json(capsys, *asked, "--batch-size", "10", "--zero-division", "1") == {
        "averaging": "per_batch",
        "zero_division": "1",
        "metric": "f1",
        "batch_size": 10,
        "n_samples": None,
        "prevalence": 0.05,
        "precision": 0.75,
        "recall": 0.6,
        "true_f1": pytest.approx(2 / 3),
        "expected_f1": found.expected_f1,
        "error": found.error,
        "error_empty": found.error_empty,
        "error_curvature": found.error_curvature,
        "sd": 0.0,
    }


def test_tolerance_asks_for_the_batch_size(capsys):
    answer = ask_json(capsys, *COUNTS, "--tolerance", "0.1")
    assert answer["batch_size"] == answer["smallest_batch_size"] == smallest_batch(POOL, 0.1)
    assert abs(answer["error"]) <= 0.1
    assert answer["tolerance"] == 0.1
    both = ask_json(capsys, *COUNTS, "--tolerance", "0.1", "--batch-size", "2")
    assert both["batch_size"] == 2
    assert both["smallest_batch_size"] == answer["smallest_batch_size"]


def test_text_for_people(capsys):
    found, size = expect(POOL, 10), smallest_batch(POOL, 0.01)
    low, high = found.interval95
    assert ask(capsys, *COUNTS, "--batch-size", "10").splitlines() == [
        "Do not read the log here, 41.6 points off: log counts or stream; for this classifier "
        f"batches of {size} would keep its expectation within 0.01.",
        "100 samples in batches of 10, averaged per_batch, 0/0 = 0",
        "counts               tp 3, fp 1, fn 2, tn 94",
        "rates                prevalence 0.05, precision 0.75, recall 0.6",
        f"expected in the log  {found.expected_f1:.6f}   (95 % of epochs: {low:.4f} to {high:.4f})",
        "true F1              0.666667",
        f"error                {found.error:+.6f}",
        f"  of empty batches   {found.error_empty:+.6f}   (no positive, real or predicted)",
        f"  of curvature       {found.error_curvature:+.6f}   (F1 is no linear function)",
    ]


def test_text_of_a_large_split_and_of_rates(capsys):
    asked = [*RATES.format(0.02, 0.8, 0.8).split(), "--zero-division", "skip"]
    said = ask(capsys, *asked, "--n-samples", "1000000", "--batch-size", "2000").splitlines()
    assert said[1:4] == [
        "1,000,000 samples in batches of 2,000, averaged per_batch, 0/0 = skip",
        "counts               tp 16,000, fp 4,000, fn 4,000, tn 976,000",
        "rates                prevalence 0.02, precision 0.8, recall 0.8",
    ]
    assert said[0] == f"{READ}: 95 % of epochs lie within 0.01 of the truth."
    said = ask(capsys, *asked, "--batch-size", "1", "--averaging", "size_weighted").splitlines()
    assert said == [
        "Do not read the log here, 13.3 points off: log counts or stream.",
        "very many samples in batches of 1, averaged size_weighted, 0/0 = skip",
        "rates                prevalence 0.02, precision 0.8, recall 0.8",
        "expected in the log  0.666667",  # that of Jaccard, TP / (TP + FP + FN)
        "true F1              0.800000",
        "error                -0.133333",
        "  of empty batches   +0.000000   (no positive, real or predicted)",
        "  of curvature       -0.133333   (F1 is no linear function)",
    ]
    said = ask(capsys, *asked, "--batch-size", "2000").splitlines()[0]
    assert said == f"{READ}: with very many samples it lies within 0.01 of the truth."


@pytest.mark.parametrize("size", [10, 50])
def test_the_advice_is_about_the_tolerance(capsys, size):
    """For an epoch: what the expectation keeps, an epoch may break."""
    found = expect(POOL, size)
    reach = abs(found.error) + 1.959963984540054 * found.sd
    assert found.sd > 0.02
    for tolerance, words in (
        (1.001 * reach, f"{READ}: 95 % of epochs lie within {1.001 * reach:g} of the truth."),
        (
            0.999 * reach,
            "Do not read one epoch's log here: for this classifier 95 % of epochs lie within "
            f"{math.ceil(1e4 * reach) / 1e4:.4f} of the truth, not within {0.999 * reach:g}; log "
            "counts or stream.",
        ),
        (1.001 * abs(found.error), "Do not read one epoch's log here: for this classifier 95 %"),
        (0.999 * abs(found.error), f"Do not read the log here, {-100 * found.error:.1f} points"),
    ):
        asked = ["--batch-size", str(size), "--tolerance", repr(tolerance)]
        assert ask(capsys, *COUNTS, *asked).splitlines()[0].startswith(words)


@pytest.mark.parametrize(
    ("word", "rest", "value"),
    [
        ("skip", "so there is nothing to average", None),
        ("0", "and counts as 0 everywhere", 0),
        ("1", "and counts as 1 everywhere", 1),
    ],
)
def test_nothing_positive_is_said_plainly(capsys, word, rest, value):
    nothing = [*FOUR.format(0, 0, 0, 5).split(), "--batch-size", "2", "--zero-division"]
    assert ask(capsys, *nothing, word).splitlines() == [
        f"No positive, real or predicted: F1 is 0/0 in every batch and of all, {rest}.",
        f"5 samples in batches of 2, averaged per_batch, 0/0 = {word}",
        "counts               tp 0, fp 0, fn 0, tn 5",
        "rates                prevalence 0, precision undefined, recall undefined",
    ]
    answer = ask_json(capsys, *nothing, word)
    none = None if value is None else 0
    assert [answer[name] for name in ("true_f1", "expected_f1", "interval95")] == [
        *(value, value, [value, value])
    ]
    assert [answer[name] for name in ("sd", "error", "error_empty", "error_curvature")] == [
        none
    ] * 4
    assert [answer[name] for name in ("prevalence", "precision", "recall")] == [0, None, None]
    assert (answer["n_batches"], answer["smallest_batch_size"]) == (3, 1)


@pytest.mark.parametrize(
    ("counts", "rates"),
    [
        ("0 0 2 3", "prevalence 0.4, precision undefined, recall 0"),
        ("0 2 0 3", "prevalence 0, precision 0, recall undefined"),
        ("1 2 3 0", "prevalence 0.666667, precision 0.333333, recall 0.25"),
    ],
)
def test_rates_that_are_0_of_0_are_undefined(capsys, counts, rates):
    asked = [*FOUR.format(*counts.split()).split(), "--batch-size", "1"]
    assert ask(capsys, *asked).splitlines()[3] == f"rates                {rates}"
    found = ask_json(capsys, *asked)
    for name, value in (pair.split() for pair in rates.split(", ")):
        wanted = None if value == "undefined" else pytest.approx(float(value), abs=5e-7)
        assert found[name] == wanted


FEW = "among 1,000 samples (give more samples, counts or no n_samples)"


@pytest.mark.parametrize(
    ("rates", "n", "said"),
    [
        ("0.0004 0.8 0.8", 1000, f"prevalence must leave a positive {FEW}; got 0.0004"),
        ("0.04 1 0.01", 1000, f"recall must leave a true positive {FEW}; got 0.01"),
    ],
)
def test_rates_that_no_whole_counts_have_are_refused(capsys, rates, n, said):
    asked = RATES.format(*rates.split()).split()
    for size in ("--batch-size", "--tolerance"):
        assert cli.main(["expect", *asked, "--n-samples", str(n), size, "1"]) == 2
        found = capsys.readouterr()
        assert (found.out, found.err) == ("", f"batchf1 expect: {said}\n")


FORMS = "0.5, 0,5 or 50%"
GIVEN = ["--prevalence", "0.1", "--precision", "0.9", "--recall", "0.9"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--batch-size", "3"], "--tp must be given together with --fp and --fn and --tn"),
        ([*COUNTS], "--batch-size must be given where --tolerance is not"),
        (
            [*COUNTS[2:], "--batch-size", "3"],
            "--tp must be given together with --fp and --fn and --tn",
        ),
        (
            [*COUNTS[:-2], "--batch-size", "3"],
            "--tn must be given together with --tp and --fp and --fn",
        ),
        (
            [*COUNTS, *GIVEN[:2], "--batch-size", "3"],
            "--precision must be given together with --prevalence and --recall",
        ),
        (
            [*COUNTS[:4], *GIVEN, "--batch-size", "3"],
            "rates and counts cannot be mixed; got --tp --fp",
        ),
        (
            [*COUNTS, "--n-samples", "100", "--batch-size", "3"],
            "--n-samples cannot be combined with counts, whose sum it is; got 100",
        ),
        (
            [*GIVEN[:4], "--batch-size", "3"],
            "--recall must be given together with --prevalence and --precision",
        ),
        *(
            (
                [*GIVEN, f"--{name}", value, "--batch-size", "3"],
                f"--{name} must lie in (0, 1]; got {value}",
            )
            for name in ("prevalence", "precision", "recall")
            for value in ("0.0", "1.1")
        ),
        (
            [*GIVEN, "--tolerance", "0.01"],
            "--tolerance cannot be used without --n-samples; got 0.01",
        ),
        (
            [*RATES.format(0.9, 0.1, 1).split(), "--batch-size", "3"],
            "precision cannot be so low: it needs more negatives than there are; got 0.1",
        ),
    ],
)
def test_nonsense_gets_one_line_and_status_2(arguments, said, capsys):
    assert cli.main(["expect", *arguments]) == 2
    found = capsys.readouterr()
    assert (found.out, found.err) == ("", f"batchf1 expect: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*COUNTS, "--batch-size", "x"], "--batch-size: invalid int value: 'x'"),
        *(
            (
                [*GIVEN, f"--{name}", value],
                f"--{name} must be a number such as {FORMS}; got {value}",
            )
            for name in ("prevalence", "precision", "recall", "tolerance")
            for value in ("x", "nan", "1e400", "1.2.3")
        ),
        (
            [*GIVEN, "--precision", "1,400"],
            "--precision must be 1400 or 1.400, as the comma can mean both; got 1,400",
        ),
        ([*COUNTS, "--batch-size", "1,400"], "--batch-size: invalid int value: '1,400'"),
    ],
)
def test_what_argparse_refuses_gets_one_line_and_status_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["expect", *arguments])
    found = capsys.readouterr()
    assert left.value.code == 2
    assert words in found.err
    assert found.err.count("\n") == 1
    assert not found.out


@pytest.mark.parametrize("written", ["margins", "cells"])
@pytest.mark.parametrize(("name", "metric"), [("f1", F1), ("recall", RECALL)])
def test_labels_of_shape_n(capsys, written, name, metric):
    asked = [*COUNTS, "--batch-size", "9", "--labels", "flat", "--metric", name]
    answer = ask_json(capsys, *asked, "--written", written)
    found = expect(POOL, 9, metric=metric, labels="flat", written=written)
    for key in ("true_f1", "expected_f1", "sd", "error", "error_empty", "error_curvature"):
        assert answer[key] == getattr(found, key), key
    assert answer["interval95"] == list(found.interval95)
    assert (answer["labels"], answer["written"], answer["metric"]) == ("flat", written, name)
    assert "smallest_batch_size" not in answer
    lines = ask(capsys, *asked, "--written", written).splitlines()
    assert lines[2] == (
        "labels               shape (n,): Keras 3 compares each prediction with every label of "
        "the batch"
    )
    value = {"margins": ": 2 P Q / (P + Q) of a batch with", "cells": ": 2 P Q / (B (P + Q)) of a"}
    assert lines[3].startswith(f"function             by {written}")
    assert (value[written] in lines[3]) == (name == "f1")
    assert f"expected in the log  {found.expected_f1:.6f}   (95 % of epochs: " in "\n".join(lines)
    assert lines[0].startswith("Do not read the log at any batch size: ")
    assert "y[:, None]" in lines[0]


def test_labels_of_shape_n_from_rates_are_the_limit(capsys):
    asked = [*RATES.format(0.05, 0.75, 0.6).split(), "--batch-size", "10", "--labels", "flat"]
    found = large_data(0.05, 0.75, 0.6, 10, labels="flat", written="cells")
    answer = ask_json(capsys, *asked, "--written", "cells")
    assert answer["expected_f1"] == found.expected_f1
    assert answer["labels"] == "flat"


def test_labels_of_shape_n_one_way_to_write_it_is_nothing_for_columns(capsys):
    asked = [*COUNTS, "--batch-size", "9"]
    assert ask(capsys, *asked) == ask(capsys, *asked, "--labels", "column", "--written", "cells")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "f1-macro"], "--labels must be column for f1_macro, a metric over classes"),
        (["--tolerance", "0.1"], "--tolerance cannot be combined with --labels flat, whose log no"),
        (["--metric", "jaccard"], "written must be cells for jaccard: by margins a batch with 2"),
    ],
)
def test_labels_of_shape_n_refused(capsys, options, message):
    assert cli.main(["expect", *COUNTS, "--batch-size", "9", "--labels", "flat", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"batchf1 expect: {message}")
    assert error.count("\n") == 1
