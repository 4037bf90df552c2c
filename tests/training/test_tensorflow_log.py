"""Standard error while TensorFlow starts: its notes go, errors and other lines stay."""

import os
import subprocess
import sys

import pytest

from batchf1.training import tensorflow_log

NOISE = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1796019993.277483   10166 port.cc:153] oneDNN custom operations are on.",
    "W0000 00:00:1796019993.277483   10166 gpu_device.cc:2342] Cannot dlopen some GPU libraries.",
    "E0000 00:00:1796019996.401780   10166 cuda_platform.cc:52] failed call to cuInit",
    "2026-11-30 06:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow",
]
ERRORS = [
    "E0000 00:00:1796019996.401780   10166 op_kernel.cc:52] out of memory",
    "F0000 00:00:1796019996.401780   10166 tensor.cc:52] Check failed",
    "2026-11-30 06:00:00.123456: E tensorflow/core/framework/op_kernel.cc:52] out of memory",
    "a plug-in warns",
]


def test_only_tensorflows_notes_are_dropped(monkeypatch, capfd):
    monkeypatch.delenv(tensorflow_log.LEVEL, raising=False)
    monkeypatch.setattr(tensorflow_log, "has_gpu", lambda: False)
    for _ in range(2):  # the second block finds the level that the first one set
        with pytest.raises(ValueError, match="it"), tensorflow_log.silenced():
            os.write(2, "\n".join([*NOISE, *ERRORS, ""]).encode())
            raise ValueError("it")
        assert capfd.readouterr().err.splitlines() == ERRORS


def test_a_machine_with_a_gpu_and_a_level_of_ones_own_get_every_line(monkeypatch, capfd):
    for level, gpu in (("0", False), (None, True)):
        monkeypatch.delenv(tensorflow_log.LEVEL, raising=False)
        if level:
            monkeypatch.setenv(tensorflow_log.LEVEL, level)
        monkeypatch.setattr(tensorflow_log, "has_gpu", lambda gpu=gpu: gpu)
        with tensorflow_log.silenced():
            os.write(2, b"I0000 00:00:1796019993.277483 1 port.cc:153] oneDNN\n")
        assert "oneDNN" in capfd.readouterr().err
        assert os.environ[tensorflow_log.LEVEL] == (level or "2")


SHARD = """
kind: runs
question: q
overrides: [dataset.n_samples=200, training.epochs=1, "model.hidden=[4]", training.threads=1]
grid: {training.batch_size: [40], dataset.prevalence: [0.3], seed: [0]}
"""
COST = """
kind: cost
question: q
strategies: [none, batch_mean]
models: {small: [4]}
repetitions: 1
most_calls: 1000
least_batches: 1
grids: [{models: [small], engines: [plain], batch_sizes: [32], n_samples: [64]}]
"""
JOBS = {"shard": (SHARD, ["--shard", "0", "--shards", "1"]), "cost": (COST, [])}


@pytest.mark.slow
@pytest.mark.parametrize("step", JOBS)
def test_a_job_of_the_workflow_prints_its_own_lines_alone(step, tmp_path):
    if tensorflow_log.has_gpu():
        pytest.skip("has a GPU")
    text, options = JOBS[step]
    (tmp_path / "mine.yaml").write_text(text)
    files = ["--store", "store", "--output", "out.parquet"]
    done = subprocess.run(
        [sys.executable, "-m", "batchf1.cli.main", "workflow", step, "mine.yaml", *files, *options],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != tensorflow_log.LEVEL},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr
    for line in done.stderr.splitlines():
        assert line.startswith(("shard 0: ", "mine: ")), done.stderr
