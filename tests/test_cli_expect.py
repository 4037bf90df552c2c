"""`batchf1 expect`: the same numbers as the function, for people and for programs."""

import json

import pytest

from batchf1 import cli
from batchf1.expectation import expect, large_data, smallest_batch

COUNTS = ["--tp", "3", "--fp", "1", "--fn", "2", "--tn", "94"]


def ask(capsys, *arguments):
    assert cli.main(["expect", *arguments]) == 0
    return capsys.readouterr().out


def ask_json(capsys, *arguments):
    return json.loads(ask(capsys, *arguments, "--json"))


@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
@pytest.mark.parametrize(("word", "value"), [("0", 0.0), ("1", 1.0), ("skip", float("nan"))])
def test_counts(capsys, averaging, word, value):
    rules = ["--averaging", averaging, "--zero-division", word]
    answer = ask_json(capsys, *COUNTS, "--batch-size", "9", *rules)
    found = expect(3, 1, 2, 94, 9, averaging, value)
    for key in ("true_f1", "expected_f1", "sd", "error", "error_empty", "error_curvature"):
        assert answer[key] == getattr(found, key), key
    assert answer["interval95"] == list(found.interval95)
    assert answer["error"] == pytest.approx(answer["error_empty"] + answer["error_curvature"])


def test_rates_with_a_number_of_samples_are_the_nearest_counts(capsys):
    rates = ["--prevalence", "0.05", "--precision", "0.75", "--recall", "0.6"]
    answer = ask_json(capsys, *rates, "--n-samples", "100", "--batch-size", "10")
    assert [answer[name] for name in ("tp", "fp", "fn", "tn")] == [3, 1, 2, 94]
    assert answer["expected_f1"] == expect(3, 1, 2, 94, 10).expected_f1


def test_rates_alone_give_the_limit(capsys):
    rates = ["--prevalence", "0.05", "--precision", "0.75", "--recall", "0.6"]
    answer = ask_json(capsys, *rates, "--batch-size", "10")
    assert answer["expected_f1"] == large_data(0.05, 0.75, 0.6, 10).expected_f1
    assert answer["n_samples"] is None


def test_tolerance_asks_for_the_batch_size(capsys):
    answer = ask_json(capsys, *COUNTS, "--tolerance", "0.1")
    assert answer["batch_size"] == answer["smallest_batch_size"] == smallest_batch(3, 1, 2, 94, 0.1)
    assert abs(answer["error"]) <= 0.1


def test_text_for_people_ends_with_advice(capsys):
    said = ask(capsys, *COUNTS, "--batch-size", "10")
    assert "expected in the log  0.250200" in said
    assert said.strip().splitlines()[-1].startswith("Do not read the batch mean here, 41.6 points")
    said = ask(capsys, *COUNTS, "--batch-size", "100")
    assert "The batch mean may be read here" in said
    assert "very many samples" in ask(
        capsys, "--prevalence", "0.1", "--precision", "1", "--recall", "1", "--batch-size", "10"
    )


RATES = ["--prevalence", "0.1", "--precision", "0.9", "--recall", "0.9"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--batch-size", "3"], "--tp: needed with the others"),
        ([*COUNTS], "--batch-size: needed, unless --tolerance asks for it"),
        ([*COUNTS, "--batch-size", "101"], "got 101"),
        ([*COUNTS, "--batch-size", "0"], "got 0"),
        ([*COUNTS, "--batch-size", "x"], "--batch-size: invalid int value: 'x'"),
        ([*COUNTS[2:], "--batch-size", "3"], "--tp: needed with the others"),
        (
            [*COUNTS[:-2], "--tn", "-4", "--batch-size", "3"],
            "tn: counts are whole numbers >= 0; got -4",
        ),
        ([*COUNTS[:-2], "--tn", "1.5", "--batch-size", "3"], "--tn: invalid int value: '1.5'"),
        ([*COUNTS, *RATES, "--batch-size", "3"], "cannot be mixed"),
        (
            [*COUNTS, "--n-samples", "100", "--batch-size", "3"],
            "--n-samples: is the sum of the counts",
        ),
        ([*RATES[:4], "--batch-size", "3"], "--recall: needed with the others"),
        (
            ["--prevalence", "0", *RATES[2:], "--batch-size", "3"],
            "--prevalence: must lie in (0, 1]; got 0",
        ),
        (
            ["--prevalence", "nan", *RATES[2:], "--batch-size", "3"],
            "--prevalence: must lie in (0, 1]; got nan",
        ),
        ([*RATES[:2], "--precision", "1.1", *RATES[4:], "--batch-size", "3"], "got 1.1"),
        (
            [*RATES, "--n-samples", "0", "--batch-size", "3"],
            "--n-samples: must be at least 1; got 0",
        ),
        ([*RATES, "--tolerance", "0.01"], "--tolerance: needs --n-samples"),
        (
            [
                "--prevalence",
                "0.9",
                "--precision",
                "0.1",
                "--recall",
                "1",
                "--n-samples",
                "10",
                "--batch-size",
                "3",
            ],
            "more false positives than there are negatives",
        ),
        ([*COUNTS, "--tolerance", "-1"], "-1"),
        ([*COUNTS, "--batch-size", "3", "--averaging", "weekly"], "invalid choice: 'weekly'"),
        ([*COUNTS, "--batch-size", "3", "--zero-division", "2"], "invalid choice: '2'"),
        ([*COUNTS, "--batch-size", "3", "--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_nonsense_gets_one_line_and_status_2(arguments, words, capsys):
    try:
        status = cli.main(["expect", *arguments])
    except SystemExit as left:
        status = left.code
    said = capsys.readouterr()
    assert status == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not said.out
