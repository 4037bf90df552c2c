"""`batchf1 expect` of a metric without a law: random cuts, whose number it states."""

import json

import pytest

from batchf1 import Counts, mcc, simulate
from batchf1.cli import main as cli

COUNTS = ["--tp", "3", "--fp", "1", "--fn", "2", "--tn", "94"]
RATES = ["--prevalence", "0.05", "--precision", "0.75", "--recall", "0.6"]


def test_the_answer_is_that_of_simulate(capsys):
    asked = ["expect", "--metric", "mcc", "--batch-size", "9", "--averaging", "size_weighted"]
    found = simulate(Counts(3, 1, 2, 94), 9, "size_weighted", 0.0, mcc())
    for given in (COUNTS, [*RATES, "--n-samples", "100"]):
        assert cli.main([*asked, *given, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        for key in ("true_f1", "expected_f1", "sd", "standard_error", "cuts", "seed", "error"):
            assert answer[key] == getattr(found, key), key
        assert answer["interval95"] == list(found.interval95)
        assert (answer["metric"], answer["n_samples"]) == ("mcc", 100)
    assert cli.main([*asked, *COUNTS]) == 0
    text = capsys.readouterr().out
    assert f"expected in the log  {found.expected_f1:.6f}   (95 % of epochs: " in text
    told = f"from 1,000 random cuts, seed 0, standard error {found.standard_error:.2g}\n"
    assert f"estimated            {told}" in text
    assert "of curvature" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--metric", "r2", *COUNTS],
            "--metric must be a function of counts; batchf1 audit FILE --metric tries random cuts"
            " of any; got r2",
        ),
        (["--metric", "mcc", *RATES], "--n-samples must be given for mcc, whose law is unknown"),
        (
            ["--metric", "mcc", *COUNTS, "--tolerance", "0.1"],
            "--tolerance must be of a ratio of counts; got mcc",
        ),
        (
            ["--metric", "kappa", *COUNTS, "--labels", "flat"],
            "--labels must be column for kappa; got flat",
        ),
        (
            ["--metric", "mcc", *COUNTS[:-1], "10000000"],
            "counts must be of at most 10,000,000 samples for mcc; got 10000006",
        ),
    ],
)
def test_what_it_does_not_do_is_refused_in_one_line(capsys, arguments, words):
    assert cli.main(["expect", *arguments, "--batch-size", "9"]) == 2
    assert capsys.readouterr().err == f"batchf1 expect: {words}\n"
