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
from batchf1.sweep.grid import runs


@pytest.mark.parametrize(
    ("command", "things"),
    [
        (
            ["expectation.py", "30"],
            [
                f"{name} of a pool in batches of {size}"
                for name in ("expect", "expected_f1")
                for size in (8, 32, 256, 1024)
            ],
        ),
        pytest.param(
            ["memory.py", "2000", "32"],
            ["arrays", "predict", "scikit-learn"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["overhead.py", "1"],
            ["no metric", "batch_mean", "streaming", "reconstructed", "three that count nothing"],
            marks=pytest.mark.slow,
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
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pipelines(repository):
    return loaded(repository, "pipelines")


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


def test_the_rows_of_sums(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "benchmarks")
    rows = loaded(repository, "sums").rows("pixels", 32, 6, 1)
    assert [row["by"] for row in rows] == ["streaming", "reconstructed"]
    for row in rows:
        assert list(row) == list(pd.read_csv(repository / "benchmarks/sums.csv"))
        assert 0 < row["ratio_low"] <= row["ratio_median"] <= row["ratio_high"]


def test_the_rows_of_simulated_logs(repository, tmp_path, monkeypatch, capsys):
    logs, path = loaded(repository, "logs"), tmp_path / "logs.csv"
    monkeypatch.setattr(sys, "argv", ["logs.py", "--logs", "8", "--output", str(path)])
    logs.main()
    table, committed = (pd.read_csv(p) for p in (path, repository / "benchmarks/logs.csv"))
    assert list(table) == list(committed)
    assert table["group"].tolist()[0] == "all"
    assert table["logs"][0] == 8
    assert set(table["group"]) <= set(committed["group"])
    assert "size_first" in capsys.readouterr().out


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


@pytest.mark.parametrize(("n_runs", "n_prevalences"), [(2, 2), (4, 4)])
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


def test_the_rows_and_the_ratio(pipelines, repository, tmp_path, monkeypatch, capsys):
    costs = iter([(20, 10, 5), (40, 30, 6), (600, 1000, 7)])
    names = ("seconds", "cpu_seconds", "peak_mb")
    monkeypatch.setattr(pipelines, "timed", lambda *_: dict(zip(names, next(costs), strict=True)))
    given = ["--ours", "8", "80", "--plain", "3", "--output", str(tmp_path / "rows.csv")]
    monkeypatch.setattr(sys, "argv", ["pipelines.py", *given])
    pipelines.main()
    table = pd.read_csv(tmp_path / "rows.csv")
    assert list(table) == ["pipeline", "n_runs", "cores", *names, "seconds_a_run"]
    assert table[["pipeline", "n_runs", "seconds", "seconds_a_run"]].to_numpy().tolist() == [
        ["this project", 8, 20, 2.5],
        ["this project", 80, 40, 0.5],
        ["plain pipeline", 3, 600, 200],
    ]
    said = "a run, plain pipeline (3) / this project (80): 400 in wall time, 888.9 in processor"
    assert said in capsys.readouterr().out
