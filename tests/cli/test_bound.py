"""The command `batchf1 bound`: from a logged F1 to the true ones that can have led to it."""

import json

import pytest

from batchf1.cli.main import main
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from batchf1.theory.search import compatible_f1

GIVEN = ["bound", "--logged", "0.47", "--prevalence", "0.014", "--batch-size", "50"]


def test_the_range_of_the_expectation(capsys):
    assert main([*GIVEN, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    low, high = compatible_f1(0.47, 50, 0.014, within=0.005)
    assert answer["expectation"] == {"low": low, "high": high}
    assert answer["true_f1"] is None
    assert main([*GIVEN]) == 0
    assert f"between {low:.2f} and {high:.2f}" in capsys.readouterr().out


def test_the_chance_of_one_epoch_widens_it(capsys):
    """Of 7,000 samples: the truth of counts whose log is 1.9 standard deviations off."""
    law = expect(Counts(tp=90, fp=8, fn=8, tn=6894), 50)
    logged = f"{law.expected_f1 + 1.9 * law.sd:.4f}"
    options = ["--prevalence", "1,4%", "--n-samples", "7000", "--json"]
    assert main(["bound", "--logged", logged, "--batch-size", "50", *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    one, mean = answer["true_f1"], answer["expectation"]
    assert one["low"] < law.true_f1 < one["high"]
    assert one["low"] < mean["low"] < mean["high"] < one["high"]
    assert law.true_f1 < mean["low"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--logged", "x"], "--logged must be a number such as 0.5, 0,5 or 50%; got x"),
        (["--logged", "1.5"], "logged must lie in [0, 1]; got 1.5"),
        (
            ["--logged", "0.99"],
            "logged cannot be reached at this prevalence and batch size; got 0.99",
        ),
        (["--prevalence", "2"], "prevalence must lie in (0, 1]; got 2"),
    ],
)
def test_bad_input_is_one_line(capsys, changed, words):
    assert main([*GIVEN, *changed]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["--prevalence", "--batch-size"])
def test_what_is_missing_is_asked_for(capsys, name):
    at = GIVEN.index(name)
    assert main([*GIVEN[:at], *GIVEN[at + 2 :]]) == 2
    assert capsys.readouterr().err == f"batchf1 bound: {name} must be given\n"
