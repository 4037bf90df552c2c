"""The command `batchf1 forensics`: JSON, text, and files that cannot be read."""

import argparse
import io
import json

import pytest

from batchf1.cli import forensics as cli_forensics
from batchf1.errors import InputError
from batchf1.forensics.sizes import SIZES
from helpers.logs import ARTICLE, article


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


def test_json_has_no_number_that_is_none(capsys, monkeypatch):
    answer = article()
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
