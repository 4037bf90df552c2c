"""Check of training on a GPU, for each backend of Keras that sees one: `make gpu-check`.

Or `PYTHONPATH=src python benchmarks/gpu_check.py`, with what `pip install '.[keras]'` brings and
one backend; no network, less than 5 minutes. Each backend, in a process of its own, trains networks
with every strategy in ordinary `fit`, on the GPU and then on the CPU, from the same data, first
weights and order. Every log must be what the counts of its batches give, to 1e-6; how far the F1 is
from the CPU's is stated, and need not be 0. Makes benchmarks/gpu.csv. Exit status: 77 where no
backend sees a GPU, 1 where a log is wrong or a process fails.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from batchf1.config import registry
from batchf1.config.settings import BACKENDS, Model, Run, Training
from batchf1.datasets.synthetic import Synthetic
from batchf1.errors import InputError
from batchf1.metrics.counts import Counts
from batchf1.records import provenance
from batchf1.records.files import replacing
from batchf1.training import backends, base
from batchf1.training.engines import ARRAYS, checked, framework_of

OUTPUT = Path(__file__).resolve().parent / "gpu.csv"
SKIPPED = 77
"""Exit status of a test that was not run, by the convention of Automake."""
TOLERANCE = 1e-6
CELLS = ((32, "column", 1.0), (256, "flat", 1.0), (1000, "column", 3.0))
"""Batch size, shape of the labels, and weight of a positive; each ends with a short batch."""
EPOCHS = 3
WARM, TIMED = 0, 1
"""Seeds: the first run compiles what the second then runs."""
NO_GPU = "training.device needs"
TIMEOUT = 280
"""Seconds of a process, which takes some ten on a machine at rest."""


def main() -> int:
    """Check every backend that is installed, write the table, and return the exit status."""
    parser = argparse.ArgumentParser(description="Check training on a GPU.")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--device", default="gpu", help=argparse.SUPPRESS)  # for tests: cpu
    parser.add_argument("--measure", metavar="BACKEND", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.measure:
        print(json.dumps(measure(parsed.measure, parsed.device)))  # noqa: T201
        return 0
    return check_all(parsed.device, parsed.output)


def check_all(device: str, output: Path) -> int:
    """Check each backend on a device, beside the CPU; return the exit status."""
    rows: list[dict[str, Any]] = []
    failed = False
    for backend in filter(backends.is_installed, BACKENDS):
        try:
            on_device = in_a_process(backend, device)
            if on_device:
                rows += beside_cpu(on_device, in_a_process(backend, "cpu"))
        except RuntimeError as error:
            print(f"{backend}: {error}")  # noqa: T201
            failed = True
    wrong = [row for row in rows if not row["worst_error"] <= TOLERANCE]
    for row in wrong:
        print("wrong:", *(f"{key}={value}" for key, value in row.items()))  # noqa: T201
    if rows and not wrong:
        write(rows, output)
        print(f"{output}: {len(rows)} rows, every log within {TOLERANCE:g} of its batches' counts")  # noqa: T201
    elif not failed and not wrong:
        print("not run: no GPU seen")  # noqa: T201
        return SKIPPED
    return int(failed or bool(wrong))


def in_a_process(backend: str, device: str) -> list[dict[str, Any]]:
    """Return what `measure` does in a process of its own, which has one backend and device.

    Raises `RuntimeError` with the last line of a process that fails, or takes too long.
    """
    command = [sys.executable, __file__, "--measure", backend, "--device", device]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"no end after {TIMEOUT} s on the {device}") from error
    if done.returncode:
        raise RuntimeError([*done.stderr.strip().splitlines(), "no output"][-1])
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def measure(backend: str, device: str) -> list[dict[str, Any]]:
    """Train every cell; return a row per cell and strategy, none where there is no such device."""
    try:
        backends.configure(backend, device, 0)
    except InputError as error:
        if str(error).startswith(NO_GPU):
            return []
        raise
    return [row for cell in CELLS for row in measured(cell, backend, device)]


def measured(cell: tuple[int, str, float], backend: str, device: str) -> Iterator[dict[str, Any]]:
    """Train two runs of a cell, and yield a row per strategy; the second run is timed."""
    runs = [run_of(cell, backend, device, seed) for seed in (WARM, TIMED)]
    framework = framework_of(runs[0])
    trainer = framework.trainer(runs[0])
    (warm,) = trainer.train(runs[:1])
    start = time.perf_counter()
    (timed,) = trainer.train(runs[1:])
    seconds = time.perf_counter() - start
    for name, rule in trainer.expected.items():
        errors = [error(each, str(name), rule, framework.averaging) for each in (*warm, *timed)]
        yield {
            "backend": backend,
            "backend_version": backends.versions(backend)[backend],
            "keras_version": framework.version(),
            "batch_size": cell[0],
            "labels": cell[1],
            "class_weight": cell[2],
            "strategy": name,
            "n_logs": len(errors),
            "worst_error": worst(errors),
            "f1": logged(timed[-1], str(name)),
            "epoch_s": seconds / EPOCHS,
        }


def run_of(cell: tuple[int, str, float], backend: str, device: str, seed: int) -> Run:
    """Return a run of a cell."""
    batch_size, labels, weight = cell
    training = Training(
        batch_size=batch_size,
        epochs=EPOCHS,
        threshold=0.5,
        engine="plain",
        backend=backend,
        device=device,
        threads=0,
        pretrain=0,
        freeze_after=0,
        class_weight=weight,
        validation_batch_size=0,
    )
    data = Synthetic(n_samples=8200, prevalence=0.05, validation_fraction=0.25, separation=3.0)
    program = replace(ARRAYS, labels=labels)
    strategies = registry.own_names(registry.STRATEGIES)
    model = Model(hidden=[64], learning_rate=0.01)
    return checked(Run("gpu_check", seed, strategies, data, model, training, program))


def logged(of: base.SplitResult, name: str) -> float:
    """Return the F1 that a strategy logged."""
    return float(of.logs[f"{base.SPLITS[of.split]}f1_{name}"])


def error(of: base.SplitResult, name: str, rule: base.Expected, averaging: Any) -> float:
    """Return how far a log is from what the strategy's rule says of the counts."""
    batches, full_pass = (
        Counts(*(np.atleast_1d(part)[None] for part in each)) for each in (of.batches, of.full_pass)
    )
    right = rule(batches, full_pass, averaging)
    return float("nan") if right is None else abs(logged(of, name) - float(right[0]))


def beside_cpu(rows: list[dict[str, Any]], on_cpu: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with the device, and what the CPU gives for them."""
    device, driver = gpu()
    return [
        row
        | {"f1_cpu": cpu["f1"], "epoch_s_cpu": cpu["epoch_s"]}
        | {"worst_error": worst([row["worst_error"], cpu["worst_error"]])}
        | {"device": device, "driver": driver, "commit": provenance.commit() or "unknown"}
        for row, cpu in zip(rows, on_cpu, strict=True)
    ]


def worst(errors: list[float]) -> float:
    """Return the largest error; NaN, where there is one, is the worst."""
    return float(np.max(errors))


def gpu() -> tuple[str, str]:
    """Return name and driver of the first GPU, as NVIDIA's own program says."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown", "unknown"
    name, driver = said.splitlines()[0].split(", ")
    return name, driver


def write(rows: list[dict[str, Any]], output: Path) -> None:
    """Write the table, whole or not at all."""
    with replacing(output) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
