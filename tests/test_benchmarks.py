"""The small scripts of benchmarks/ run, and print what they are about; pipelines.py's studies."""

import importlib.util
import itertools
import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.figures import scaling
from batchf1.sweep.grid import runs
from helpers.slow import slow


@pytest.mark.parametrize(
    ("command", "things"),
    [
        (
            ["expectation.py", "4"],
            [
                f"{name} of a pool in batches of {size}"
                for name in ("expect", "expected_f1")
                for size in (8, 32, 256, 1024)
            ],
        ),
        slow(["memory.py", "2000", "32"], ["arrays", "predict", "scikit-learn"]),
        slow(
            ["overhead.py", "1"],
            ["no metric", "batch_mean", "streaming", "reconstructed", "three that count nothing"],
        ),
    ],
)
def test_a_script_prints_its_answers(repository, command, things):
    script, *arguments = command
    done = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / script), *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = [re.fullmatch(r"([^:]+): (?:x )?-?([\d.]+) ?.*", s) for s in done.stdout.splitlines()]
    assert [line and line[1] for line in found] == things


def loaded(repository, name):
    """A module of benchmarks/, which is no part of the package."""
    spec = importlib.util.spec_from_file_location(name, repository / f"benchmarks/{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "benchmarks")  # as Python does for a script
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pipelines(repository):
    return loaded(repository, "pipelines")


@pytest.mark.slow
def test_the_recorder_s_row(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(repository / "benchmarks")
    recorder, path = loaded(repository, "recorder"), tmp_path / "row.csv"
    given = ["--epochs", "1", "--batches", "1024", "--rows", "1000", "--output", str(path)]
    monkeypatch.setattr(sys, "argv", ["recorder.py", *given])
    recorder.main()
    (row,) = pd.read_csv(path).to_dict("records")
    assert list(row) == list(pd.read_csv(repository / "benchmarks/recorder.csv"))
    assert list(row) == [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert all(value > 0 for name, value in row.items() if "bytes" not in name)


@pytest.mark.slow
def test_the_rows_of_sums(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "benchmarks")
    rows = loaded(repository, "sums").rows("pixels", 32, 6, 1)
    assert [row["by"] for row in rows] == ["streaming", "reconstructed"]
    for row in rows:
        assert list(row) == list(pd.read_csv(repository / "benchmarks/sums.csv"))
        assert 0 < row["ratio_low"] <= row["ratio_median"] <= row["ratio_high"]


def test_the_rows_of_simulated_logs(repository, tmp_path, monkeypatch, capsys):
    logs, path = loaded(repository, "logs"), tmp_path / "logs.csv"
    monkeypatch.setattr(sys, "argv", ["logs.py", "--logs", "4", "--output", str(path)])
    logs.main()
    table, committed = (pd.read_csv(p) for p in (path, repository / "benchmarks/logs.csv"))
    assert list(table) == list(committed)
    assert table["group"].tolist()[0] == "all"
    assert table["logs"][0] == 4
    assert set(table["group"]) <= set(committed["group"])
    assert "size_first" in capsys.readouterr().out


AVERAGED = """
import keras
from keras import backend as K
def f1(y, p):
    return 2 * K.sum(y * p) / (K.sum(y) + K.sum(p))
model.compile(metrics=[f1])
model.compile(metrics=[f1])
"""
POOLED = "import torch\nfrom sklearn.metrics import f1_score\nprint(f1_score(y, p))\n"


@pytest.fixture
def two_repositories(tmp_path):
    """A census of two repositories, and their clones."""
    commits = {}
    for name, code in (("one/averages", AVERAGED), ("two/pools", POOLED)):
        folder = tmp_path / "clones" / name
        folder.mkdir(parents=True)
        (folder / "train.py").write_text(code)
        (folder / "old.py").write_text("print 1\n")
        git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
        for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "code"]):
            subprocess.run([*git, *command], check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, check=True)
        commits[name] = head.stdout.decode().strip()
    census = tmp_path / "census.yaml"
    census.write_text(json.dumps({"searches": [{"name": "a", "repositories": commits}]}))
    return census


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_census_counts_and_names_nobody(
    repository, tmp_path, monkeypatch, two_repositories, at_hand
):
    census, output = loaded(repository, "census"), tmp_path / "census.csv"
    monkeypatch.setattr(census, "HOST", (tmp_path / "clones").as_uri())
    clones = [str(tmp_path / "clones")] if at_hand else []
    given = ["--census", str(two_repositories), "--output", str(output)]
    assert census.main([*clones, *given, "--sample", str(tmp_path / "sample")]) == 0
    table = pd.read_csv(output).set_index(["framework", "rule", "level"])
    assert list(table.columns) == list(census.COLUMNS)[3:]
    assert table.loc[("all", "any", "scanned"), "repositories"] == 2
    assert table.loc[("all", "any", "not parsed"), "files"] == 2
    assert table.loc[("all", "any", "read"), "files"] == 2
    assert table.loc[("all", "any", "named"), "repositories"] == 2
    assert table.loc[("Keras", "BF101", "sure")].tolist() == [2, 1, 1, 1, 1]
    assert table.loc[("all", "any", "sure or choice")].tolist() == [2, 1, 1, 0.5, 0.5]
    assert table.loc[("own loop", "any", "sure")].tolist() == [0, 0, 0, 0, 0]
    assert not re.search("averages|pools|train", output.read_text())
    *findings, clean = (tmp_path / "sample").read_text().split("\n")[:-1]
    assert len(findings) == 2
    assert all("averages/train.py" in one and "BF101 sure" in one for one in findings)
    assert clean.endswith("pools/train.py")


def test_a_census_of_nothing_names_what_is_absent(repository, tmp_path, two_repositories, capsys):
    census, output = loaded(repository, "census"), tmp_path / "census.csv"
    given = ["--census", str(two_repositories), "--output", str(output)]
    assert census.main([str(tmp_path / "empty"), *given]) == 1
    absent = [line.split()[:2] for line in capsys.readouterr().err.splitlines()]
    assert absent == [["absent:", "one/averages"], ["absent:", "two/pools"]]
    assert not output.exists()


@pytest.mark.slow
def test_intervals_hold_about_as_often_as_they_say(repository):
    logs = loaded(repository, "logs")
    drawn = (logs.simulated(seed) for seed in itertools.count(500))
    rows = [logs.outcome(log) for log in itertools.islice((d for d in drawn if not d.objects), 30)]
    answered = [row for row in rows if row["answered"]]
    assert len(answered) >= 24
    assert sum(row["covered"] for row in answered) >= len(answered) - 4
    assert sum(row["bound_above"] for row in rows if row["bounded"]) <= 2
    assert sum(row["width"] < 0.15 for row in answered) > len(answered) / 2


@given(sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)).map(sorted))
def test_places_are_spread_from_end_to_end(pipelines, sizes):
    n, length = sizes
    places = pipelines.spread(n, length)
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert len(places) == n
    assert places[0] == 0
    assert n == 1 or places[-1] == length - 1
    assert not gaps or (min(gaps) >= 1 and max(gaps) - min(gaps) <= 2)
    with pytest.raises(InputError, match=f"must be 1 to {length}"):
        pipelines.spread(length + 1, length)


@pytest.mark.parametrize(("n_runs", "n_prevalences"), [slow(2, 2), (4, 4)])
def test_few_plain_runs_are_of_all_parts_of_the_subgrid(
    pipelines, repository, tmp_path, n_runs, n_prevalences
):
    pipelines.plain(repository / "benchmarks/subgrid.yaml", n_runs, tmp_path, 2)
    chosen = json.loads((tmp_path / "config.json").read_text())
    every = {run.run_id: run for run in runs(chosen["experiment"])}
    found = [every[name] for name in chosen["runs"]]
    assert len(found) == n_runs
    assert {run.dataset.n_samples for run in found} == {40_000, 44_000}
    assert len({run.dataset.prevalence for run in found}) == n_prevalences
    assert {run.seed for run in found} == {0}
    assert chosen["strategies"] == list(found[0].strategies)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_runs", "words"),
    [("this project", 16, r"shard +3\n"), ("plain pipeline", 2, r"fit +8\n")],
)
def test_a_pipeline_plans_its_jobs(pipelines, repository, tmp_path, name, n_runs, words):
    experiment = repository / "benchmarks/subgrid.yaml"
    command = pipelines.PIPELINES[name](experiment, n_runs, tmp_path, 3)
    done = subprocess.run([*command, "--dry-run"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(words, done.stdout)


def test_the_rows_and_the_ratio_of_equally_many_runs(
    pipelines, repository, tmp_path, monkeypatch, capsys
):
    costs = iter([(20, 10, 5), (40, 30, 6), (600, 1000, 7), (1600, 2000, 8)])
    names = ("seconds", "cpu_seconds", "peak_mb")
    monkeypatch.setattr(pipelines, "timed", lambda *_: dict(zip(names, next(costs), strict=True)))
    given = ["--ours", "8", "80", "--plain", "3", "8", "--output", str(tmp_path / "rows.csv")]
    monkeypatch.setattr(sys, "argv", ["pipelines.py", *given])
    pipelines.main()
    table = pd.read_csv(tmp_path / "rows.csv")
    assert list(table) == ["pipeline", "n_runs", "cores", *names, "seconds_a_run"]
    assert table[["pipeline", "n_runs", "seconds", "seconds_a_run"]].to_numpy().tolist() == [
        ["this project", 8, 20, 2.5],
        ["this project", 80, 40, 0.5],
        ["plain pipeline", 3, 600, 200],
        ["plain pipeline", 8, 1600, 200],
    ]
    assert capsys.readouterr().out.splitlines()[4:] == [
        "8 runs, plain pipeline / this project: 80 in wall time, 200 in processor time"
    ]


@pytest.mark.slow
def test_the_engines_rows_and_ratios(repository, tmp_path):
    code = "import engines; engines.CELLS = [(1000, 64)]; engines.main()"
    given = ["--repeats", "1", "--output", str(tmp_path / "rows.csv")]
    done = subprocess.run(
        [sys.executable, "-c", code, *given],
        cwd=repository / "benchmarks",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    table = scaling.table(tmp_path / "rows.csv")
    assert set(table["engine"]) == set(scaling.LOOKS)
    assert dict(zip(table["engine"], table["n_runs"], strict=True)) == {
        engine: 1 if engine in ("plain", "bare loop") else 32 for engine in scaling.LOOKS
    }
    (compared,) = scaling.ratios(table).to_dict("records")
    assert f"{compared['compiled']:.4g}" in done.stdout
    assert f"{compared['of_steps']:.4g}" in done.stdout
