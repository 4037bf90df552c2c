"""`batchf1 compare`: the same numbers as the functions, for people and for programs."""

import json
import math

import pytest

from batchf1.cli import main as cli
from batchf1.theory.precision_recall_plane import exchange_rate
from batchf1.theory.preference import compare

FIRST, SECOND = (0.9, 0.6), (0.3, 0.9)
TWO = "--precision {} --recall {} --precision {} --recall {}"
PAIR = TWO.format(*FIRST, *SECOND)
WHERE = "--prevalence 0.01 --batch-size 32"


def ask(capsys, line):
    assert cli.main(["compare", *line.split()]) == 0
    return capsys.readouterr().out


def no_json(name):
    raise AssertionError(f"{name} is no JSON")


def ask_json(capsys, line):
    return json.loads(ask(capsys, f"{line} --json"), parse_constant=no_json)


def as_lists(found):
    fields = {key: list(x) if isinstance(x, tuple) else x for key, x in found._asdict().items()}
    fields["counts"] = found.counts and [each._asdict() for each in found.counts]
    return fields | {
        name: getattr(found, name) for name in ("true_choice", "logged_choice", "agree")
    }


@pytest.mark.parametrize("n", [None, 10_000])
@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
@pytest.mark.parametrize(("word", "value"), [("0", 0.0), ("1", 1.0), ("skip", math.nan)])
def test_json(capsys, averaging, word, value, n):
    samples = "" if n is None else f"--n-samples {n}"
    rules = f"--averaging {averaging} --zero-division {word} {samples}"
    answer = ask_json(capsys, f"{PAIR} {WHERE} {rules}")
    both = [each[0] for each in (FIRST, SECOND)], [each[1] for each in (FIRST, SECOND)]
    where = (FIRST, SECOND, 0.01, 32, n, averaging)
    assert answer == {
        "precision": both[0],
        "recall": both[1],
        "prevalence": 0.01,
        "batch_size": 32,
        "n_samples": n,
        "averaging": averaging,
        "zero_division": word,
        **as_lists(compare(*where, value)),
        "left_out": as_lists(compare(*where, math.nan)),
        "true_alarms_per_hit": exchange_rate(*both, 0.01).tolist(),
        "logged_alarms_per_hit": exchange_rate(*both, 0.01, 32, value).tolist(),
    }


def test_no_number_of_false_alarms_is_null(capsys):
    answer = ask_json(capsys, f"{PAIR} --prevalence 0.01 --batch-size 1")
    assert answer["logged_alarms_per_hit"] == [None, None]


def test_text_for_people(capsys):
    found, left_out = (
        compare(FIRST, SECOND, 0.01, 32, 10_000, zero_division=z) for z in (0, math.nan)
    )
    assert ask(capsys, f"{PAIR} {WHERE} --n-samples 10000").splitlines() == [
        "10,000 samples in batches of 32, 0.32 positives in each, averaged per_batch, 0/0 = 0",
        "                                     first    second",
        "precision                              0.9       0.3",
        "recall                                 0.6       0.9",
        "nearest counts of the first       precision 0.896, 60 of 67 (asked 0.9)",
        "true F1                             0.7186    0.4500",
        f"expected in the log                 {found.logged[0]:.4f}    {found.logged[1]:.4f}",
        "false alarms that outweigh one more hit",
        "  in the true F1                      1.78      3.44",
        "  in the log (very many samples)      16.5      12.1",
        f"The log puts the second ahead by {-found.logged_gap:.4f} (one epoch strays by about "
        f"{found.sd:.4f}): the worse one, by 0.2686 of true F1.",
        f"With empty batches left out it would put the first ahead by {left_out.logged_gap:.4f} "
        f"(one epoch strays by about {left_out.sd:.4f}): the better one, by 0.2686 of true F1.",
    ]


def test_nearest_counts_are_printed_where_their_rates_differ(capsys):
    asked = f"{TWO.format('85%', '0,85', '0.5', '0.9')} --prevalence 5% --batch-size 32"
    said = ask(capsys, f"{asked} --n-samples 300").splitlines()
    assert said[4:6] == [
        "nearest counts of the first       precision 0.867, 13 of 15 (asked 0.85); recall 0.867, "
        "13 of 15 (asked 0.85)",
        "nearest counts of the second      recall 0.933, 14 of 15 (asked 0.9)",
    ]
    assert "nearest" not in ask(capsys, asked)


def test_text_of_very_many_samples(capsys):
    said = ask(capsys, f"{PAIR} --prevalence 0.3 --batch-size 32 --zero-division skip")
    assert said.splitlines()[0] == (
        "very many samples in batches of 32, 9.6 positives in each, averaged per_batch, 0/0 = skip"
    )
    gap = compare(FIRST, SECOND, 0.3, 32, zero_division=math.nan).logged_gap
    assert said.splitlines()[9:] == [
        f"The log puts the first ahead by {gap:.4f}: the better one, by 0.2700 of true F1."
    ]


@pytest.mark.parametrize(
    ("pair", "words", "verdict"),
    [
        ("0.9 0.6 0.6 0.9", "0", "the second ahead by 0.0030: their true F1 is the same."),
        ("0.9 0.6 0.6 0.9", "skip", "neither ahead: their true F1 is the same."),
        (
            "0.9 0.6 0.5 0.6",
            "0",
            "neither ahead: the first is the better one, by 0.1745 of true F1.",
        ),
        (
            "0.5 0.6 0.9 0.7",
            "0",
            "the second ahead by 0.0010: the better one, by 0.2420 of true F1.",
        ),
    ],
)
def test_verdicts_on_single_samples(capsys, pair, words, verdict):
    asked = f"{TWO.format(*pair.split())} --prevalence 0.01 --batch-size 1 --zero-division {words}"
    assert f"The log puts {verdict}" in ask(capsys, asked).splitlines()
