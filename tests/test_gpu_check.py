"""The check of training on a GPU, on a CPU in its place."""

import importlib.util
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from batchf1.keras import BatchMean, Streaming
from batchf1.metrics.counts import as_counts
from batchf1.records import tables
from batchf1.training import backends
from batchf1.training.base import SplitResult

CPU = ["--device", "cpu"]


@pytest.fixture(scope="module")
def script(repository):
    return repository / "benchmarks" / "gpu_check.py"


@pytest.fixture
def checked(script, monkeypatch):
    """The script as a module, which takes TensorFlow as the only backend."""
    spec = importlib.util.spec_from_file_location("gpu_check", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(backends, "is_installed", lambda backend: backend == "tensorflow")
    monkeypatch.setattr(module, "EPOCHS", 1)
    return module


@pytest.fixture(scope="module")
def schema(repository):
    spec = importlib.util.spec_from_file_location("schemas", repository / "benchmarks/schemas.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.GPU


@pytest.mark.slow
def test_its_rows_are_as_described(checked, schema, tmp_path, monkeypatch):
    rows = list(checked.measured((1000, "flat", 3.0), "tensorflow", "cpu"))
    assert [row["strategy"] for row in rows] == [
        *("batch_mean", "epoch_end", "reconstructed", "streaming")
    ]
    assert {row["n_logs"] for row in rows} == {4}  # two runs, an epoch, two splits
    slower = [row | {"f1": 0.25, "epoch_s": 9.0} for row in rows]
    monkeypatch.setattr(
        checked, "in_a_process", lambda _, device: slower if device == "cpu" else rows
    )
    assert checked.check_all("gpu", tmp_path / "gpu.csv") == 0
    table = pd.read_csv(tmp_path / "gpu.csv")
    tables.validate(table, schema, "gpu")
    assert list(table) == list(schema.columns)
    assert (table["worst_error"] <= 1e-6).all()
    assert table["f1"].tolist() == [row["f1"] for row in rows]
    assert set(table["f1_cpu"]) == {0.25}
    assert set(table["epoch_s_cpu"]) == {9.0}


@pytest.mark.parametrize("where", ["gpu", "cpu"])
@pytest.mark.parametrize("error", [2e-6, float("nan")])
def test_a_log_that_is_not_its_counts_fails(checked, tmp_path, monkeypatch, capsys, error, where):
    good = [{"strategy": "streaming", "f1": 0.5, "epoch_s": 1.0, "worst_error": 0.0}]
    wrong = [good[0] | {"worst_error": error}]
    monkeypatch.setattr(
        checked, "in_a_process", lambda _, device: wrong if device == where else good
    )
    assert checked.check_all("gpu", tmp_path / "gpu.csv") == 1
    assert capsys.readouterr().out.startswith("wrong: strategy=streaming")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("off", [0.0, 0.1, float("nan")])
def test_an_error_is_the_distance_from_the_counts(checked, off):
    batches, full_pass = as_counts([1, 2], [1, 0], [0, 1], [5, 4]), as_counts([3], [1], [1], [9])
    logs = {"val_f1_streaming": 6 / 8 + off, "val_f1_batch_mean": (2 / 3 + 4 / 5) / 2 + off}
    of = SplitResult(0, "validation", logs, batches, full_pass)
    for strategy in (Streaming(), BatchMean()):
        found = checked.error(of, strategy.name, strategy.expected, "per_batch")
        assert found == pytest.approx(off, abs=1e-6, nan_ok=True)
    assert np.isnan(checked.error(of, "streaming", lambda *_: None, "per_batch"))


def test_a_process_that_fails_is_said_in_a_line(checked, tmp_path, monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(checked, "in_a_process", fails)
    assert checked.check_all("gpu", tmp_path / "gpu.csv") == 1
    assert capsys.readouterr().out == "tensorflow: out of memory\n"


def test_a_process_that_takes_too_long_is_ended(checked, monkeypatch):
    monkeypatch.setattr(checked, "TIMEOUT", 0.01)
    with pytest.raises(RuntimeError, match="^no end after 0.01 s on the cpu$"):
        checked.in_a_process("tensorflow", "cpu")


def test_without_a_gpu_it_says_so(checked, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(checked, "in_a_process", lambda *_: [])
    assert checked.check_all("gpu", tmp_path / "gpu.csv") == 77
    assert capsys.readouterr().out == "not run: no GPU seen\n"
    assert not list(tmp_path.iterdir())


def test_a_backend_sees_no_gpu_here(checked):
    assert checked.measure("tensorflow", "gpu") == []


def test_the_gpu_is_named_by_nvidias_program(checked, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checked.gpu() == ("unknown", "unknown")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA X1, 550.1'\necho 'NVIDIA X2, 550.1'\n")
    program.chmod(0o755)
    assert checked.gpu() == ("NVIDIA X1", "550.1")


@pytest.mark.slow
def test_the_whole_of_it_in_processes_of_their_own(script, tmp_path, schema):
    command = [sys.executable, str(script), *CPU, "--output", str(tmp_path / "gpu.csv")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("every log within 1e-06 of its batches' counts\n")
    table = pd.read_csv(tmp_path / "gpu.csv", dtype={"backend_version": str, "keras_version": str})
    tables.validate(table, schema, "gpu")
    of_tensorflow = table[table["backend"] == "tensorflow"]
    assert len(of_tensorflow) == 3 * 4
    assert of_tensorflow["f1"].tolist() == pytest.approx(of_tensorflow["f1_cpu"].tolist(), abs=0.05)
    assert set(of_tensorflow["n_logs"]) == {2 * 3 * 2}
