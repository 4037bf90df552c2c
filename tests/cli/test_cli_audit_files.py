"""Files of `batchf1 audit`: which columns are read, and what no reader may guess."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from batchf1 import F1, audit, f_beta
from batchf1.cli import main as cli

N = 40
RNG = np.random.default_rng(3)
Y = (RNG.random(N) < 0.4).astype(int)
P = np.clip(0.4 * Y + 0.6 * RNG.random(N), 0.01, 0.99).round(3)
LOGITS = np.log(P / (1 - P))
ROWS = b"1,0.9\n0,0.2\n1,0.7\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(capsys, words):
    assert cli.main(["audit", *words.split()]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, words):
    assert cli.main(["audit", *words.split()]) == 2
    out, line = capsys.readouterr()
    assert (out, line.count("\n"), line[-1]) == ("", 1, "\n")
    return line[:-1]


# Columns


def write(path, columns):
    if path.suffix == ".csv":
        pd.DataFrame(columns).to_csv(path, index=False)
    elif path.suffix == ".parquet":
        pd.DataFrame(columns).to_parquet(path)
    else:
        np.savez(path, **columns)


KINDS = ("csv", "parquet", "npz")


@pytest.mark.parametrize("kind", KINDS)
def test_two_columns_for_one_role_are_refused_unless_one_is_chosen(here, capsys, kind):
    path, wrong = here / f"table.{kind}", np.zeros(N)
    write(path, {"y": 1 - Y, "label": Y, "score": P, "y_pred": wrong, "fold": np.arange(N) // 8})
    said = "batchf1 audit: FILE must have one column for y_{} (choose it by --y-{}); got {}"
    words = f"{path.name} --batch-size 8"
    assert refused(capsys, words) == said.format("true", "true", "label and y")
    words += " --y-true label"
    assert refused(capsys, words) == said.format("pred", "pred", "y_pred and score")
    answer = ask(capsys, f"{words} --y-pred score --json")
    assert answer["pooled"] == pytest.approx(f1_score(Y, P > 0.5), rel=1e-12)
    assert answer["columns"] == {"y_true": "label", "y_pred": "score"}
    words = f"{path.name} --y-true label --y-pred score --batch fold --json"
    assert ask(capsys, words)["values"] == answer["values"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_any_name_may_be_chosen(here, capsys, kind):
    write(here / f"table.{kind}", {"truth": Y, "p": P, "batch": np.arange(N) // 16})
    answer = ask(capsys, f"table.{kind} --y-true truth --y-pred p --json")
    batches = [(Y[i : i + 16], P[i : i + 16]) for i in range(0, N, 16)]
    assert answer["values"] == pytest.approx(audit(F1, batches).values, rel=1e-12)
    assert answer["columns"] == {"y_true": "truth", "y_pred": "p", "batch": "batch"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--y-true nope", "--y-true must be a column of FILE; got nope"),
        ("--batch 16", "--batch must be a column of FILE; got 16"),
        ("--y-true score", "--y-true must name a column that no other option names; got score"),
        ("--batch label", "--y-true must name a column that no other option names; got label"),
    ],
)
def test_a_column_that_cannot_be_chosen(here, capsys, words, said):
    write(here / "table.csv", {"label": Y, "score": P})
    assert refused(capsys, f"table.csv --batch-size 8 {words}") == f"batchf1 audit: {said}"


def test_two_columns_of_one_name_are_refused(here, capsys):
    from pyarrow import parquet, table

    (here / "two.csv").write_bytes(b"label,score,score\n1,0.9,0.1\n0,0.2,0.8\n")
    (here / "spaces.csv").write_bytes(b"label, label ,score\n1,0,0.9\n0,1,0.2\n")
    parquet.write_table(table([Y, P, 1 - P], names=["label", "score", "score"]), "two.parquet")
    for words, name in (("two.csv", "score"), ("spaces.csv", "label"), ("two.parquet", "score")):
        said = f"batchf1 audit: FILE cannot have two columns of one name; got {name}"
        assert refused(capsys, f"{words} --batch-size 2") == said
    (here / "others.csv").write_bytes(b",label,score,\n,1,0.9,x\n,0,0.2,y\n")
    assert ask(capsys, "others.csv --batch-size 1 --json")["pooled"] == 1.0


def test_batches_without_a_number_are_refused(here, capsys):
    write(here / "table.parquet", {"label": Y, "score": P, "batch": [np.nan, *[1.0] * (N - 1)]})
    assert refused(capsys, "table.parquet") == "batchf1 audit: batch must not contain NaN"


# Rows of a CSV

HEAD = b"label,score\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + ROWS + b"0,0,48\n", "3 cells under 2 columns in line 5"),
        (HEAD + b"0,0,48\n0,0,13\n", "3 cells under 2 columns in line 2"),
        (HEAD + ROWS + b"\n\n1\n", "1 cells under 2 columns in line 7"),
        (HEAD + b"# split: test\n" + ROWS, "1 cells under 2 columns in line 2"),
        (HEAD + ROWS + b"1,0.4,\n", "3 cells under 2 columns in line 5"),
        (HEAD + b'1,"0.9"\n\n0,"0,48"\n', "'0,48' under score in line 4"),
        (HEAD + b"1,0.9\n#1,0.2\n", "'#1' under label in line 3"),
        (HEAD + b"1,0.9\r\n1,\r\n", "'' under score in line 3"),
        (HEAD + b"1,0.9\r1,high\r", "'high' under score in line 3"),
        (b'note,label,score\n"two\nlines",1,0.9\na,1,?\n', "'?' under score in line 4"),
        (HEAD + b"1,0.9\n1,\x1b[31m\n", "'\\x1b[31m' under score in line 3"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_line(here, capsys, content, said):
    (here / "table.csv").write_bytes(content)
    rule = (
        "must have a cell for each column, with decimal points and no commas in numbers"
        if "cells" in said
        else "must have numbers only"
    )
    line = refused(capsys, "table.csv --batch-size 2")
    assert line == f"batchf1 audit: FILE {rule}; got {said}"


def test_what_is_no_fault_of_a_csv(here, capsys):
    plain = b"label,score\n1,0.9\n0,0.2\n1,0.3\n"
    for content in (
        plain,
        plain.rstrip(),
        plain + b"\n\n",
        plain.replace(b"\n", b"\r\n"),
        plain.replace(b",", b", "),
        b"\xef\xbb\xbf" + plain,
        b'"label","score"\n"1","0.9"\n"0","2e-1"\n"1"," .3"\n',
    ):
        (here / "table.csv").write_bytes(content)
        assert ask(capsys, "table.csv --batch-size 2 --json")["pooled"] == pytest.approx(2 / 3)


def test_an_open_quotation_mark_is_refused(here, capsys):
    (here / "table.csv").write_bytes(HEAD + b'1,"0.9\n0,0.2\n')
    assert "FILE must be readable; got table.csv: unexpected end" in refused(capsys, "table.csv")


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b[0m", "\x9b31m", "right\u202eleft", "\x07"])
def test_no_control_character_reaches_the_terminal(here, capsys, name):
    (here / "table.csv").write_text(f"{name},score\n1,0.9\n0,0.2\n", newline="")
    line = refused(capsys, "table.csv --batch-size 2")
    assert line.isprintable()
    assert "FILE must have a column y_true or label" in line
    words = ["audit", "table.csv", "--batch-size", "2", "--y-true", name]
    assert cli.main(words) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()


# Scores


def test_logits_and_percentages(here, capsys):
    write(here / "logits.csv", {"label": Y, "score": LOGITS})
    write(here / "percent.csv", {"label": Y, "score": 100 * P})
    for name in ("logits", "percent"):
        said = "batchf1 audit: y_pred must lie in [0, 1] (set from_logits for logits; a threshold"
        assert refused(capsys, f"{name}.csv --batch-size 8").startswith(said)
    for words, above in (
        ("logits.csv --from-logits", 0.5),
        ("logits.csv --from-logits --threshold 0.3", 0.3),
        ("logits.csv --threshold 0", 0.5),
        ("logits.csv --threshold=-1", 1 / (1 + np.e)),
        ("percent.csv --threshold 30", 0.3),
    ):
        for metric in ("f1", "sklearn.metrics:f1_score"):
            answer = ask(capsys, f"{words} --metric {metric} --batch-size 8 --json")
            true = f1_score(Y, np.greater(P, above))
            assert answer["pooled"] == pytest.approx(true, rel=1e-12), words


def test_several_classes_a_sample(here, capsys):
    labels, decided = (RNG.random((2, N, 3)) < 0.4).astype(int)
    np.savez("labels.npz", label=labels, pred=decided, batch=np.arange(N) // 8)
    words = "labels.npz --metric f1-macro --json"
    answer = ask(capsys, f"{words} --multilabel")
    assert answer["pooled"] == pytest.approx(f1_score(labels, decided, average="macro"), rel=1e-12)
    batches = [(labels[i : i + 8], decided[i : i + 8]) for i in range(0, N, 8)]
    wanted = audit(f_beta(1, "macro"), batches, multilabel=True).to_dict()
    assert answer.items() >= wanted.items()
    assert "(multilabel=True allows several)" in refused(capsys, words)


def test_a_number_beyond_float64_is_refused(here, capsys):
    write(here / "table.csv", {"label": Y, "score": P})
    line = refused(capsys, "table.csv --batch-size 8 --logged 1e400")
    assert line.endswith(
        "must be a number, or its digits as text, such as 0.473 or 47.3%; got '1e400'"
    )
