"""`batchf1 expect --metric`: any ratio, of one class or over those of a file."""

import json
import math

import pytest

from batchf1.cli import main as cli
from batchf1.metrics.counts import Counts, as_counts
from batchf1.metrics.factories import f_beta, jaccard, recall
from batchf1.metrics.ratios import F1
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data
from batchf1.theory.search import smallest_batch

FOUR = "--tp {} --fp {} --fn {} --tn {}"
ONE = FOUR.format(3, 1, 2, 94).split()
POOL = Counts(3, 1, 2, 94)
FILE = "class,tp,fp,fn,tn\ncut,60,10,10,20\ncolour, 20,10,10,60\n"
CLASSES = as_counts([60, 20], [10, 10], [10, 10], [20, 60])
SAME = ("true_f1", "expected_f1", "error", "error_empty", "error_curvature", "n_batches")


@pytest.fixture
def counts_file(tmp_path):
    def written(text=FILE):
        (tmp_path / "classes.csv").write_text(text, encoding="utf-8")
        return ["--counts-file", str(tmp_path / "classes.csv"), "--batch-size", "10"]

    return written


def ask(capsys, *arguments):
    assert cli.main(["expect", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("f1", F1),
        ("f0.5", f_beta(0.5)),
        ("f_beta(0.5)", f_beta(0.5)),
        ("recall", recall()),
        ("jaccard", jaccard()),
    ],
)
def test_a_ratio_of_one_class(capsys, name, metric):
    answer = json.loads(ask(capsys, *ONE, "--metric", name, "--batch-size", "9", "--json"))
    found = expect(POOL, 9, metric=metric)
    assert {key: answer[key] for key in SAME} == {key: getattr(found, key) for key in SAME}
    assert answer["sd"] == found.sd
    assert answer["metric"] == metric.name
    assert answer["smallest_batch_size"] == smallest_batch(POOL, 0.01, metric=metric)
    assert (answer["tp"], answer["precision"]) == (3, 0.75)


def test_a_ratio_of_rates_alone(capsys):
    rates = ["--prevalence", "0.05", "--precision", "0.75", "--recall", "0.6", "--batch-size", "10"]
    answer = json.loads(ask(capsys, *rates, "--metric", "f2", "--json"))
    found = large_data(0.05, 0.75, 0.6, 10, metric=f_beta(2))
    assert (answer["metric"], answer["expected_f1"]) == ("f2", found.expected_f1)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("f1-macro", f_beta(1, "macro")),
        ("f1_weighted", f_beta(1, "weighted")),
        ("f0.5-micro", f_beta(0.5, "micro")),
        ("recall-macro", recall("macro")),
    ],
)
@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
def test_an_average_over_the_classes_of_a_file(capsys, counts_file, name, metric, averaging):
    asked = [*counts_file(), "--metric", name, "--zero-division", "1", "--averaging", averaging]
    answer = json.loads(ask(capsys, *asked, "--json"))
    found = expect(CLASSES, 10, averaging, 1.0, metric)
    assert {key: answer[key] for key in SAME} == {key: getattr(found, key) for key in SAME}
    assert answer["sd"] == (None if math.isnan(found.sd) else found.sd)
    assert (answer["metric"], answer["n_samples"]) == (metric.name, 100)
    assert (answer["tp"], answer["tn"]) == ([60, 20], [20, 60])
    assert answer["recall"] == pytest.approx([6 / 7, 2 / 3])
    assert answer["smallest_batch_size"] is None


def test_what_people_read(capsys, counts_file):
    assert ask(capsys, *counts_file(), "--metric", "f1-macro").splitlines() == [
        "Do not read the log here, 2.8 points off: log counts or stream.",
        "100 samples in batches of 10, averaged per_batch, 0/0 = 0",
        "metric               f1_macro, 2 classes",
        "expected in the log  0.733542",
        "true value           0.761905",
        "error                -0.028363",
        "  of empty batches   -0.001452   (in which it is 0/0)",
        "  of curvature       -0.026911   (the metric is no linear function)",
    ]
    lines = ask(capsys, *ONE, "--metric", "recall", "--batch-size", "10").splitlines()
    assert lines[2:5] == [
        "metric               recall",
        "counts               tp 3, fp 1, fn 2, tn 94",
        "rates                prevalence 0.05, precision 0.75, recall 0.6",
    ]
    nothing = [*FOUR.format(0, 1, 0, 9).split(), "--metric", "recall", "--batch-size", "2"]
    said = "recall is 0/0 in every batch and of all, and counts as 0 everywhere."
    assert ask(capsys, *nothing).splitlines()[0] == said


def test_columns_in_any_order_and_a_byte_order_mark(capsys, counts_file):
    text = "\ufefftn,fn,name,fp,tp\r\n20,10,x,10,60\r\n60,10,y,10,20\r\n"
    asked = ["--metric", "f1-macro", "--json"]
    found = [ask(capsys, *counts_file(file), *asked) for file in (FILE, text)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must have the columns tp, fp, fn, tn; got none"),
        ("tp,fp,fn,tn\n", "must have a row for each class; got none in {}"),
        ("tp,fp,fn,tn\n1,2,x,4\n", "must hold whole numbers; got 1, 2, x, 4 in line 2 of {}"),
        (
            "tp,fp,fn,tn\n1,2,3,4,5\n",
            "cannot have more cells than columns in a row; got line 2 of {}",
        ),
    ],
)
def test_a_bad_file_gets_one_line(capsys, counts_file, text, said):
    asked = counts_file(text)
    assert cli.main(["expect", *asked, "--metric", "f1-macro"]) == 2
    wanted = f"batchf1 expect: --counts-file {said.format(asked[1])}\n"
    assert capsys.readouterr() == ("", wanted)


def test_a_file_that_is_none_gets_one_line(capsys, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "nope", tmp_path / "binary"):
        asked = ["--counts-file", str(path), "--metric", "f1-macro", "--batch-size", "2"]
        assert cli.main(["expect", *asked]) == 2
        out, said = capsys.readouterr()
        start = f"batchf1 expect: --counts-file must be a readable CSV file; got {path}: "
        assert (out, said.startswith(start), said.count("\n")) == ("", True, 1)


NAMES = (
    "f1 (the default), f0.5, f_beta(2) or another beta, precision, recall, jaccard; with -micro, "
    "-macro or -weighted over the classes of --counts-file; mcc, kappa, balanced_accuracy, "
    "estimated by random cuts; or the import path of a Ratio or SumMetric, my_module.MINE"
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--metric auc", f"--metric must be {NAMES}; got auc"),
        (
            "--metric f1-macro",
            "--counts-file must be given for f1_macro, with a row for each class",
        ),
        (
            "--counts-file x",
            "--counts-file must be combined with a metric over classes, such as f1-macro; got f1",
        ),
        (
            "--metric f1-macro --counts-file x --tp 3 --n-samples 3",
            (
                "--counts-file cannot be combined with other options than --batch-size; got --tp "
                "--n-samples"
            ),
        ),
    ],
)
def test_nonsense_gets_one_line_and_status_2(capsys, arguments, said):
    assert cli.main(["expect", "--batch-size", "2", *arguments.split()]) == 2
    assert capsys.readouterr() == ("", f"batchf1 expect: {said}\n")
