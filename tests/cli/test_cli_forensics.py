"""The command `batchf1 forensics`: JSON, text, and files that cannot be read."""

import argparse
import io
import json

import pytest

from batchf1.cli import forensics as cli_forensics
from batchf1.errors import InputError
from batchf1.forensics.answer import investigate
from batchf1.forensics.sizes import SIZES
from helpers.logs import ARTICLE, fit_on_arrays


def command(*arguments):
    parser = argparse.ArgumentParser()
    cli_forensics.add(parser.add_subparsers(dest="name"))
    parsed = parser.parse_args(["forensics", *arguments])
    parsed.command(parsed)


def standard_input(text):
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")


def test_the_command_prints_json(capsys, tmp_path):
    path = tmp_path / "log"
    path.write_text(ARTICLE, encoding="utf-8")
    command(str(path), "--json", "--max-tp", "2000")
    answer = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    best = answer["candidates"][0]
    assert best["batch_size"] == 50
    assert (best["train"]["tp"], best["train"]["errors"]) == (599, 3)
    assert best["train"]["n_samples"] == 42700
    assert best["validation"]["tp"] == 94
    assert answer["log"]["validation"]["accuracy"] == "0.9982"
    assert answer["averaging"] == "size_weighted"
    assert answer["batch_sizes"] == sorted(SIZES)


PRINTED = """\
125/125 [=====] - 1s 5ms/step - loss: 0.1511 - f1: 0.5780 - val_loss: 0.1602 - \
val_accuracy: 0.9670 - val_f1: 0.5441 - val_precision: 0.6068 - val_recall: 0.5333
Test F1 Score: 0.7213
"""


def test_json_has_the_verdict_of_each_split_beside_what_it_had(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", standard_input(PRINTED))
    command("-", "--json", "--samples", "1000")
    answer = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert {"candidates", "left_out", "undetermined", "log", "batch_sizes", "averaging"} <= {
        *answer
    }
    assert answer["candidates"] == []
    assert "needs a true F1" in answer["undetermined"][0]
    found = answer["validation"]
    assert found["verdict"] == answer["train"]["verdict"] == "averaged"
    assert found["read"] == {
        "f1": "0.5441",
        "precision": "0.6068",
        "recall": "0.5333",
        "accuracy": "0.9670",
    }
    assert found["lower_bound"] == pytest.approx(0.5677, abs=5e-5)
    low, best, high = (found["true_f1"][key] for key in ("low", "best", "high"))
    assert low < best < high
    assert low < 0.708 < high
    assert 32 in found["batch_size"][:3]
    assert found["prevalence"] == pytest.approx(0.06, abs=0.02)
    assert found["assumed"]
    assert answer["test"]["read"] == {"true_f1": "0.7213"}


def test_what_was_read_is_shown_line_by_line(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", standard_input(PRINTED))
    command("-", "--read")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("    1 progress   125/125 [=====]")
    assert "train: f1 0.5780; validation: f1 0.5441, precision 0.6068" in lines[1]
    assert lines[3].strip() == "-> true F1 0.7213 of test (Test F1 Score)"


def test_counts_in_the_same_proportion_are_one_row(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", standard_input(f"{PRINTED}val f1 0.7079646017699115"))
    command("-", "--all", "--batch-size", "32")
    text = capsys.readouterr().out
    assert text.count(" validation  ") == 1
    assert "counts that are in the same proportion" in text


def test_json_has_no_number_that_is_none(capsys, monkeypatch):
    answer = investigate(fit_on_arrays("0.9000"), batch_sizes=[32])
    worst = answer.candidates[0]._replace(score=float("inf"))
    monkeypatch.setattr(
        "batchf1.forensics.answer.search", lambda *_: answer._replace(candidates=[worst])
    )
    monkeypatch.setattr("sys.stdin", standard_input(ARTICLE))
    command("-", "--json")
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["candidates"][0]["score"] is None


def test_the_command_prints_text_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", standard_input(ARTICLE))
    command("-", "--all", "--max-tp", "2000", "--batch-size", "49", "--batch-size", "64")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("val_f1 is averaged over parts of the data: batches")
    assert lines[1].startswith("The true F1 is 0.93532336, of line 3 (f1score_test)")
    assert lines[2].startswith("Log batchf1.keras.Streaming()")
    assert lines[4] == "read: 854 steps; Keras 2"
    assert {line.split()[0] for line in lines if line[5:14] == " training"} == {"49", "64"}
    assert "Batch sizes tried: 49, 64, as asked." in lines
    assert any(line.startswith("The training counts are determined") for line in lines)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="LOG must be a readable text file; got .*nothere"):
        command(str(tmp_path / "nothere"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="LOG must be a text file; its bytes are no UTF-16 text"):
        command(str(tmp_path / "binary"))
