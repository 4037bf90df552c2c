"""A figure says what it was made from, the same wherever the same is made; git says the commit."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from batchf1.cli import main as cli
from batchf1.figures import base as figures
from batchf1.records import provenance, provenance_of_file, tables
from batchf1.records.files import sha256_of
from batchf1.sweep import schema
from helpers.commits import commit, git

TRAINED = {"commit": "old", "dirty": True, "n_runs": 3, "first": "a", "last": "b"}
STUDY = {
    "study": "s",
    "question": "Why (not) \\ é?",
    "n_runs": 3,
    "frameworks": ["keras 3.0.0"],
    "devices": ["CPU"],
    "config": {"dataset.name": "d", "training.threads": 1},
    "grid": {"seed": [0, 1, 2]},
}
STEP = {"commit": "c", "dirty": False, "versions": {"numpy": "2"}, "python": "3", "platform": "p"}


@pytest.fixture
def table(repository, tmp_path):
    """A CSV of a figure with its record, made from a study's table with another."""
    runs, path = tmp_path / "runs.parquet", tmp_path / "x.csv"
    made = STEP | STUDY | {"time": "2026-01-01", "trained": [TRAINED]}
    tables.write(tables.empty(schema.RUNS), runs, schema.RUNS, made)
    path.write_bytes((repository / "figures/worked_example.csv").read_bytes())
    provenance_of_file.write_record(path, "worked_example", [runs])
    return path


def drawn(table, folder):
    outputs = [folder / f"x.{kind}" for kind in ("png", "pdf")]
    return figures.draw("worked_example", table, outputs), outputs


def test_a_record_has_what_decides_the_numbers_and_neither_commit_nor_clock(table, tmp_path):
    record = json.loads(table.with_suffix(".json").read_text())
    assert record == {
        "module": "worked_example",
        "sha256": sha256_of(table),
        "versions": provenance.versions(*provenance.RECORDED),
        "sources": [{"file": str(tmp_path / "runs.parquet"), **STUDY}],
    }
    first = table.with_suffix(".json").read_bytes()
    provenance_of_file.write_record(table, "worked_example", [tmp_path / "runs.parquet"])
    assert table.with_suffix(".json").read_bytes() == first


def test_a_plain_source_is_told_by_its_digest(table, tmp_path):
    (tmp_path / "log.txt").write_text("log")
    provenance_of_file.write_record(table, "original_log", [tmp_path / "log.txt"])
    (source,) = provenance_of_file.of_csv(table)["sources"]
    assert source == {"file": str(tmp_path / "log.txt"), "sha256": sha256_of(tmp_path / "log.txt")}


def test_a_picture_carries_its_record_its_headline_and_its_caption(table, tmp_path):
    (headline, caption, said, _), outputs = drawn(table, tmp_path / "a")
    record = provenance_of_file.of_csv(table)
    for path in outputs:
        found = provenance_of_file.provenance_of(path)
        assert {key: found[key] for key in record} == record
    assert said == "Study s: 3 runs on CPU in keras 3.0.0."
    with Image.open(outputs[0]) as picture:
        assert picture.text["Title"] == headline
        assert headline.startswith("Accuracy survives averaging over batches")
        assert picture.text["Description"] == caption
        assert "Data: three batches of 100 samples" in caption
    assert b"/Title (Accuracy survives averaging over batches" in outputs[1].read_bytes()


def test_a_csv_that_was_changed_says_so_and_is_not_drawn(table, tmp_path, capsys):
    assert "changed" not in provenance_of_file.provenance_of(table)
    table.write_text(f"{table.read_text()}\n")
    assert provenance_of_file.provenance_of(table)["changed"]
    assert cli.main(["provenance", str(table)]) == 0
    assert "not the file that this was written for" in capsys.readouterr().out
    assert "x.csv must be the file that x.json was written for" in not_drawn(table, capsys)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "x.json must be a readable file"),
        (b"", "x.json must hold its record as JSON"),
        (b'{"sha256"', "x.json must hold its record as JSON"),
        (b"\xff", "x.json must hold its record as JSON"),
        (b"[1]", "x.json must hold its record as a JSON object"),
        (b"{}", "x.csv must be the file that x.json was written for"),
    ],
)
def test_a_csv_without_its_record_is_not_drawn(record, said, table, capsys):
    beside = table.with_suffix(".json")
    beside.unlink() if record is None else beside.write_bytes(record)
    assert said in not_drawn(table, capsys)


def test_a_csv_that_was_cut_is_not_drawn(table, capsys):
    table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[:-1]))
    assert "x.csv must be the file that x.json was written for" in not_drawn(table, capsys)


def not_drawn(table, capsys):
    """The line by which `draw` refuses a CSV."""
    picture = table.with_name("never.png")
    command = ["workflow", "draw", "worked_example", str(table), "--output", str(picture)]
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not picture.exists()
    return said


@pytest.fixture
def repo(table, tmp_path):
    """A repository that holds the CSV, its record and a picture of it."""
    folder = tmp_path / "repo"
    folder.mkdir()
    for suffix in (".csv", ".json"):
        shutil.copy(table.with_suffix(suffix), folder)
    drawn(folder / "x.csv", folder)
    commit(folder)
    return folder


def test_git_tells_the_commit_and_whether_the_file_is_of_it(repo, table):
    first = git(repo, "rev-parse", "HEAD")
    for name in ("x.csv", "x.png", "x.pdf"):
        found = provenance_of_file.provenance_of(repo / name)
        assert (found["commit"], found["uncommitted"]) == (first, False)
    (repo / "other").write_text("1")
    commit(repo)
    assert provenance_of_file.provenance_of(repo / "x.csv")["commit"] == first
    (repo / "x.csv").write_text("a\n")
    assert provenance_of_file.provenance_of(repo / "x.csv")["uncommitted"]
    found = provenance_of_file.provenance_of(table)  # in no repository
    assert (found["commit"], found["uncommitted"]) == (None, None)


def test_the_trainings_are_told_where_their_table_lies(repo, tmp_path):
    assert provenance_of_file.provenance_of(repo / "x.csv")["trained"] == [
        TRAINED
    ]  # by an absolute path
    (tmp_path / "runs.parquet").unlink()
    assert provenance_of_file.provenance_of(repo / "x.csv")["trained"] == []


def test_a_record_in_a_line():
    assert provenance_of_file.summary({}) == provenance_of_file.summary({"sources": []}) == ""
    of_study, plain = {"file": "runs.parquet", **STUDY}, {"file": "log.txt", "sha256": "0"}
    other = of_study | {"study": "t", "n_runs": 1302, "devices": ["CPU", "GPU"]}
    said = "Study s: 3 runs on CPU in keras 3.0.0"
    assert provenance_of_file.summary({"sources": [of_study]}) == f"{said}."
    more = "Study t: 1,302 runs on CPU and GPU in keras 3.0.0"
    found = provenance_of_file.summary({"sources": [of_study, plain, other]})
    assert found == f"{said}; {more}; log.txt."


def test_a_record_in_words():
    record = {
        "module": "collapse",
        "changed": True,
        "commit": "c",
        "uncommitted": True,
        "versions": {"numpy": "2"},
        "sources": [{"file": "runs.parquet", **STUDY}, {"file": "log.txt", "sha256": "ab"}],
        "trained": [TRAINED, TRAINED | {"commit": None, "dirty": None}],
    }
    assert provenance_of_file.text(Path("x.csv"), record).split("\n\n") == [
        "x.csv\n"
        "  changed    not the file that this was written for\n"
        "  made by    collapse\n"
        "  commit     c, uncommitted changes\n"
        "  versions   numpy=2\n"
        "  trained    3 runs at old, uncommitted changes, a to b\n"
        "  trained    3 runs at none, a to b",
        "runs.parquet\n"
        "  study      s: Why (not) \\ é?\n"
        "  made of    3 runs on CPU in keras 3.0.0\n"
        "  settings   dataset.name=d; training.threads=1\n"
        "  grid       seed=0, 1, 2",
        "log.txt\n  sha256     ab",
    ]


def test_whence_tells_people_and_programs(table, tmp_path, capsys):
    drawn(table, tmp_path)
    for path in (tmp_path / "x.png", tmp_path / "x.pdf", table, tmp_path / "runs.parquet"):
        assert cli.main(["provenance", str(path)]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"{path}\n")
        for words in ("s: Why (not) \\ é?", "3 runs on CPU in keras 3.0.0", "seed=0, 1, 2"):
            assert words in said
    assert "3 runs at old, uncommitted changes, a to b" in said
    assert "machine    Python 3, p" in said
    assert cli.main(["provenance", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["study"] == "s"


def nothing(folder):
    """Files of each kind that do not say where they came from."""
    figure = plt.figure()
    for kind in ("png", "pdf"):
        figure.savefig(folder / f"n.{kind}")
    plt.close(figure)
    (folder / "n.csv").write_text("a\n1\n")
    pd.DataFrame({"a": [1]}).to_parquet(folder / "n.parquet")
    (folder / "half.png").write_bytes((folder / "n.png").read_bytes()[:100])
    (folder / "text.png").write_text("no picture")
    (folder / "n.txt").write_text("")
    for name, text in (("bad", "{"), ("list", "[]")):
        (folder / f"{name}.csv").write_text("a\n")
        (folder / f"{name}.json").write_text(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(
            (f"n.{kind}", "must have a record of what it was made from")
            for kind in ("png", "pdf", "csv", "parquet")
        ),
        ("n.txt", "must end in one of .parquet, .csv, .png, .pdf"),
        ("none.png", "must be a readable file"),
        ("none.csv", "must be a readable file"),
        ("half.png", "must be a whole PNG"),
        ("text.png", "must be a whole PNG"),
        ("bad.csv", "must hold its record as JSON"),
        ("list.csv", "must hold its record as a JSON object"),
    ],
)
def test_a_file_without_a_record_gets_one_line_and_status_2(name, words, tmp_path, capsys):
    nothing(tmp_path)
    assert cli.main(["provenance", str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert name.removesuffix(".csv") in said.err
    assert said.err.count("\n") == 1


def test_every_committed_figure_says_what_it_was_made_from(repository):
    paths = list(repository.glob("figures/*.csv"))
    assert {"theory", "worked_example"} <= {path.stem for path in paths}
    for path in paths:
        record = provenance_of_file.of_csv(path)
        assert set(record) == {"module", "sha256", "versions", "sources"}, path
        for kind in ("png", "pdf"):
            found = provenance_of_file.provenance_of(path.with_suffix(f".{kind}"))
            assert {key: found[key] for key in record} == record


def test_bibtex_names_the_file_and_its_commit(repository, capsys):
    path = repository / "figures/worked_example.csv"
    assert cli.main(["provenance", "--bibtex", str(path)]) == 0
    entry = capsys.readouterr().out
    assert entry.startswith("@software{batchf1_worked_example,\n")
    assert "title = {{worked_example.csv of batchf1:" in entry
    commit = provenance.commit_of(path)
    assert commit is None or f"note = {{Commit {commit}" in entry
    assert entry.count("{") == entry.count("}")
