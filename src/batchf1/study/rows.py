"""From what a framework logged and the counts of its batches to rows of the runs' table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from batchf1.errors import TraceError, require
from batchf1.metrics import averaging
from batchf1.study.frameworks.base import SPLITS, Expected, Pass
from batchf1.study.settings import Run

TOLERANCE = 1e-6


def table(
    runs: Sequence[Run],
    device: str,
    trained: Sequence[Sequence[Pass]],
    expected: Mapping[str, Expected],
) -> pd.DataFrame:
    """The rows of `schema.RUNS` that runs give: one per run, epoch, split and strategy.

    `trained`: the passes of each run, as `Trainer.train` returns them; `device`: `CPU` or `GPU`;
    `expected`: what each strategy must log. Raises `TraceError` if what was logged differs from
    what the strategy's own rule says of the batches by more than 1e-6.
    """
    return pd.DataFrame(
        [
            row
            for run, passes in zip(runs, trained, strict=True)
            for each in passes
            for row in _rows(run, device, each, expected)
        ]
    )


def _rows(
    run: Run, device: str, of: Pass, expected: Mapping[str, Expected]
) -> Iterator[dict[str, Any]]:
    common, measured = _of_run(run, of), _of_pass(run, device, of)
    for name, rule in expected.items():
        key = f"{SPLITS[of.split]}f1_{name}"
        require(key in of.logs, f"strategy {name}", f"must log {key} in a study", sorted(of.logs))
        value = float(of.logs[key])
        right = rule(of.batches, of.full_pass, run.framework.averaging)
        if right is not None and not abs(value - right) <= TOLERANCE:
            where = f"{run.label} epoch {of.epoch + 1} {of.split}"
            raise TraceError(f"{where}: {name} logged {value}, its batches give {right}")
        yield common | {"strategy": name, "f1": value} | measured


def _of_run(run: Run, of: Pass) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "study": run.study,
        "dataset": run.dataset.label,
        "n_samples": run.dataset.n_samples,
        "prevalence": run.dataset.prevalence,
        "batch_size": run.training.batch_size,
        "seed": run.seed,
        "epoch": of.epoch + 1,
        "split": of.split,
    }


def _of_pass(run: Run, device: str, of: Pass) -> dict[str, Any]:
    return {
        "reference_pooled": float(averaging.pooled(of.batches)),
        "reference_full_pass": float(averaging.pooled(of.full_pass)),
        "n_batches": of.batches.tp.size,
        "n_empty_batches": int(of.batches.empty.sum()),
        **{name: int(value) for name, value in of.batches.pooled()._asdict().items()},
        "device": device,
        "engine": run.training.engine,
        "framework": run.framework.name,
        "version": run.framework.version(),
        "averaging": run.framework.averaging,
        "program": run.program.name,
        "frozen": 0 < run.training.freeze_after <= of.epoch,
        "loss": float(of.logs[f"{SPLITS[of.split]}loss"]),
    }
