"""From an epoch's logs and the counts of its batches to rows of the runs' table, in any Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from batchf1.datasets.base import Features, Split
from batchf1.errors import TraceError
from batchf1.metrics import averaging
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.study.settings import Run

TOLERANCE = 1e-6
SPLITS = {"train": "", "validation": "val_"}
"""Split -> the prefix of its keys in Keras' logs."""


Expected = Callable[[Counts, Counts, Averaging], float | None]
"""`strategies.Strategy.expected`: what an epoch's log must equal, or None where nothing says."""


class Software(NamedTuple):
    """What trained: Keras' version, its averaging rule, and the device, `CPU` or `GPU`.

    `expected`: what each strategy must log.
    """

    keras: str
    averaging: Averaging
    device: str
    expected: Mapping[str, Expected]


def rows(
    run: Run,
    software: Software,
    epoch: int,
    split: str,
    logs: Mapping[str, Any],
    counts: Counts,
    full_pass: Counts,
) -> list[dict[str, Any]]:
    """A row of `tables.RUNS` per strategy, for one split in one epoch (from 0).

    `counts` are those of the batches that Keras saw, `full_pass` those of a pass over the split
    with the epoch's last weights. Raises `TraceError` if what Keras logged differs from what the
    strategy's own rule says of them by more than 1e-6.
    """
    prefix = SPLITS[split]
    f1s = {name: float(logs[f"{prefix}f1_{name}"]) for name in software.expected}
    for name, f1 in f1s.items():
        right = software.expected[name](counts, full_pass, software.averaging)
        if right is not None and not abs(f1 - right) <= TOLERANCE:
            where = f"{run.label} epoch {epoch + 1} {split}"
            raise TraceError(f"{where}: {name} logged {f1}, its batches give {right}")
    common = {
        "run_id": run.run_id,
        "study": run.study,
        "dataset": run.dataset.label,
        "n_samples": run.dataset.n_samples,
        "prevalence": run.dataset.prevalence,
        "batch_size": run.training.batch_size,
        "seed": run.seed,
        "epoch": epoch + 1,
        "split": split,
    }
    measured = {
        "reference_pooled": float(averaging.pooled(counts)),
        "reference_full_pass": float(averaging.pooled(full_pass)),
        "n_batches": counts.tp.size,
        "n_empty_batches": int(counts.empty.sum()),
        **{name: int(value) for name, value in counts.pooled()._asdict().items()},
        "device": software.device,
        "engine": run.training.engine,
        "keras": software.keras,
        "averaging": software.averaging,
        "program": run.program.name,
        "frozen": 0 < run.training.freeze_after <= epoch,
        "loss": float(logs[f"{prefix}loss"]),
    }
    return [common | {"strategy": name, "f1": f1} | measured for name, f1 in f1s.items()]


def counts_of(split: Split, scores: Features, threshold: float) -> Counts:
    """The counts of a split as one batch, from a score of each sample."""
    return batch_counts(split.y.ravel(), scores.ravel(), len(split.y), threshold)
