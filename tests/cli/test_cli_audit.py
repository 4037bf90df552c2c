"""`batchf1 audit`: the numbers of the function, from files of each kind, and a status for CI."""

import json

import numpy as np
import pandas as pd
import pytest

from batchf1 import F1, audit, f_beta
from batchf1.cli import main as cli

N, SIZE = 70, 16
RNG = np.random.default_rng(2)
Y = (RNG.random(N) < 0.2).astype(int)
P = np.clip(0.4 * Y + 0.6 * RNG.random(N), 0, 1).round(3)
BATCH = np.arange(N) // SIZE
BATCHES = [(Y[i : i + SIZE], P[i : i + SIZE]) for i in range(0, N, SIZE)]
WANTED = audit(F1, BATCHES)
PER_BATCH = WANTED.pooled + WANTED.error
MODULE = '''
"""A metric of one's own, and what is none."""

three = 3


def share(y_true, y_pred):
    return float((y_true == y_pred).mean())
'''

COLUMNS = {
    "plain.csv": {"y_true": "label", "y_pred": "score"},
    "cut.csv": {"y_true": "label", "y_pred": "score", "batch": "batch"},
    "plain.parquet": {"y_true": "y", "y_pred": "pred"},
    "plain.npz": {"y_true": "y_true", "y_pred": "y_pred"},
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"label": Y, "score": P})
    table.to_csv("plain.csv", index=False)
    shuffled = table.assign(other=1, batch=7 - BATCH).sort_values("score", kind="stable")
    shuffled.sort_index(ascending=True).to_csv("cut.csv", index=False)
    table.rename(columns={"label": "y", "score": "pred"}).to_parquet("plain.parquet")
    np.savez("plain.npz", y_true=Y, y_pred=P)
    np.savez("classes.npz", y_true=Y, y_pred=np.stack([1 - P, P], axis=1), batch=BATCH)
    (tmp_path / "metrics_of_mine.py").write_text(MODULE)
    return tmp_path


def of_batch(b, scores):
    rows = b == BATCH
    return Y[rows], scores[rows]


def ask(capsys, words, status=0):
    assert cli.main(["audit", *words.split()]) == status
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


@pytest.mark.parametrize(
    "words",
    [
        "plain.csv --batch-size 16",
        "cut.csv",
        "plain.parquet --batch-size 16",
        "plain.npz --batch-size 16",
    ],
)
def test_files_of_each_kind(here, capsys, words):
    answer = json.loads(ask(capsys, f"{words} --json"))
    columns = answer.pop("columns")
    assert answer == WANTED.to_dict()
    assert columns == COLUMNS[words.split()[0]]
    named = ", ".join(f"{role} = {name}" for role, name in columns.items())
    assert ask(capsys, words) == f"{WANTED}\ncolumns: {named}\n"


def test_rows_of_a_batch_need_not_lie_together(here, capsys):
    order = RNG.permutation(N)
    np.savez("mixed.npz", label=Y[order], score=P[order], batch=BATCH[order])
    answer = json.loads(ask(capsys, "mixed.npz --json"))
    batches = [of_batch(one, P) for one in pd.unique(BATCH[order])]
    assert answer["values"] == pytest.approx(audit(F1, batches).values)


def test_metrics_by_name_and_by_place(here, capsys):
    answer = json.loads(ask(capsys, "classes.npz --metric f2-macro --json"))
    scores = np.stack([1 - P, P], axis=1)
    found = audit(f_beta(2, "macro"), [of_batch(b, scores) for b in range(5)])
    assert answer.items() >= found.to_dict().items()
    by_place = "plain.csv --batch-size 16 --metric sklearn.metrics:f1_score --threshold 0.5 --json"
    answer = json.loads(ask(capsys, by_place))
    assert answer["pooled"] == pytest.approx(WANTED.pooled, rel=1e-12)
    assert answer["metric"] == "f1_score"
    answer = json.loads(ask(capsys, "plain.csv --batch-size 16 --metric rmse --json"))
    assert answer["pooled"] == pytest.approx(np.sqrt(np.mean((P - Y) ** 2)), rel=1e-12)
    words = "plain.csv --batch-size 7 --metric metrics_of_mine:share --json"
    own = json.loads(ask(capsys, words))
    assert (own["pooled"], own["additive"]) == (0, None)
    own = json.loads(ask(capsys, f"{words} --threshold 0.5"))
    assert (own["pooled"], own["additive"]) == (np.mean((P > 0.5) == Y), True)


def test_options_reach_the_audit(here, capsys):
    words = "plain.npz --batch-size 16 --threshold 0.4 --devices 2 --logged 0.3 --json"
    answer = json.loads(ask(capsys, words))
    wanted = audit(F1, BATCHES, "0.3", threshold=0.4, devices=2)
    assert answer.items() >= wanted.to_dict().items()
    words = "classes.npz --metric f1-macro --cuts 4 --seed 9 --json"
    answer = json.loads(ask(capsys, words))
    assert (answer["cuts"], answer["seed"]) == (4, 9)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("--fail-above 0", 1),
        (f"--fail-above {abs(WANTED.error) * 1.01}", 0),
        (f"--fail-above {abs(WANTED.error) * 0.99}", 1),
        (f"--fail-above 0 --logged {WANTED.pooled:.5f}", 0),
        (f"--fail-above 0.001 --logged {PER_BATCH:.5f}", 1),
        ("--logged 0.1", 0),
        ("--logged nan --fail-above 1", 1),
    ],
)
def test_a_status_for_ci(here, capsys, words, status):
    ask(capsys, f"plain.csv --batch-size 16 {words}", status)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plain.csv", "--batch-size must be given where FILE has no column batch"),
        ("cut.csv --batch-size 3", "--batch-size cannot be combined with a column batch; got 3"),
        ("cut.csv --fail-above -1", "--fail-above must be at least 0; got -1.0"),
        (
            "cut.csv --logged high",
            "logged must be a number, or its digits as text, such as 0.473 or 47.3%",
        ),
        (
            "cut.csv --metric auc",
            "--metric must be f1 (the default), f0.5, f_beta(2) or another beta, precision",
        ),
        (
            "cut.csv --metric nope:f1",
            "--metric must name a function that can be imported, as module:function; got nope:f1",
        ),
        (
            "cut.csv --metric metrics_of_mine:f1",
            "--metric must be defined in metrics_of_mine; got f1",
        ),
        ("no.csv", "FILE must be readable; got no.csv: No such file or directory"),
        ("plain.txt", "FILE must end in .csv, .parquet or .npz; got plain.txt"),
        (
            "empty.csv",
            "FILE must have a column y_true or label or labels or target or y, or one named",
        ),
        ("header.csv", "FILE must have at least one row; got none in header.csv"),
        ("words.csv", "FILE must have numbers only; got 'x' under score in line 2"),
        ("binary.csv", "FILE must be readable; got binary.csv: 'utf-8' codec can't decode"),
        ("text.npz", "FILE must be readable; got text.npz: "),
        ("one.npz", "FILE must be an NPZ file of several arrays; got one.npz: one array"),
        (
            "objects.npz --batch-size 2",
            "FILE must be readable; got objects.npz: Object arrays cannot",
        ),
        ("lengths.npz --batch-size 2", "FILE must have columns of one length; got [2, 3]"),
        ("text.parquet", "FILE must be readable; got text.parquet: "),
    ],
)
def test_what_makes_no_sense_gets_one_line_and_status_2(here, capsys, words, said):
    (here / "folder.csv").mkdir()
    contents = {"empty.csv": b"", "half.csv": b"label\n1\n", "header.csv": b"label,score\n"}
    contents |= {"words.csv": b"label,score\n1,x\n", "nan.csv": b"label,score\n1,nan\n"}
    contents |= {"binary.csv": b"\xff\xfe\x00", "text.npz": b"a", "zip.npz": b"PK\x03\x04 nothing"}
    contents |= {"text.parquet": b"PAR1 half"}
    for name, content in contents.items():
        (here / name).write_bytes(content)
    np.save("one.npy", Y)
    (here / "one.npy").rename("one.npz")
    np.savez("objects.npz", y_true=np.array([{}, {}]), y_pred=Y[:2])
    np.savez("lengths.npz", y_true=Y[:2], y_pred=P[:3])
    assert cli.main(["audit", *words.split()]) == 2
    out, line = capsys.readouterr()
    assert (out, line.count("\n")) == ("", 1)
    assert line.startswith(f"batchf1 audit: {said}")
