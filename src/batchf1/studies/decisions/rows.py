"""Rows of a study of decisions: the logs of each epoch, and of each threshold at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from batchf1.config.settings import Run
from batchf1.metrics.averaging import batch_mean
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.records.columns import Schema, count, number, share, text
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.sweep import rows
from batchf1.sweep.recording import Recording
from batchf1.sweep.rows import Trained
from batchf1.sweep.schema import RUNS
from batchf1.training.base import Expected, SplitResult
from batchf1.training.engines import framework_of

EMPTY = {"0": 0.0, "1": 1.0, "skip": np.nan}
"""Name of a value of F1 in batches without positives and predicted positives -> the value."""
VALIDATION, TEST = ("tp", "fp", "fn", "tn"), ("test_tp", "test_fp", "test_fn", "test_tn")
LOGGED = r"^f1_(\d+)_(0|1|skip)$"
"""Columns of the logged F1: validation batch size, and what empty batches count for."""


def column(size: int, empty: str) -> str:
    """Return the column of the logged F1 at a validation batch size, with a key of `EMPTY`."""
    return f"f1_{size}_{empty}"


EPOCHS = Schema(
    "A row is an epoch of a run at the run's threshold, or the last epoch of a run with class "
    "weight 1 at another threshold of the study.",
    {
        **RUNS.of("run_id", "study", "dataset", "n_samples", "prevalence", "batch_size"),
        **RUNS.of("seed", "epoch"),
        "threshold": share("probability above which a sample is predicted positive"),
        "val_loss": number("validation loss of the epoch, as logged", 0),
        **RUNS.of(*VALIDATION),
        **{
            f"test_{name}": column._replace(meaning=f"the same as `{name}`, of the test split")
            for name, column in RUNS.of(*VALIDATION).items()
        },
        **RUNS.of("device", "framework", "version", "averaging"),
    },
    key=("run_id", "epoch", "threshold"),
    others={
        LOGGED: share(
            "F1 as the framework averages it over validation batches of that size, where a batch "
            "without positives, real or predicted, counts 0 or 1 or is skipped"
        ),
        "role": text("`network`, `logistic` (no hidden layer), or `candidate` of the search"),
        "candidate": count("number of the network that is chosen among"),
        **RUNS.others,
    },
)


def recording(study: DecisionStudy) -> Recording:
    """Return the recording of a study of decisions: the schema and how its rows are made."""
    sizes, thresholds = list(study.validation_batch_sizes), study.thresholds
    settings = {"validation_batch_sizes": sizes, "thresholds": thresholds}
    return Recording(
        EPOCHS,
        partial(table, sizes=sizes, thresholds=thresholds),
        lambda run: run.training.epochs + len(_further(run, thresholds)),
        __name__,
        settings,
    )


def _further(run: Run, thresholds: Sequence[float]) -> list[float]:
    """Return the thresholds at which a run is evaluated, apart from its own."""
    if run.training.class_weight != 1:
        return []
    return [threshold for threshold in thresholds if threshold != run.training.threshold]


def table(
    runs: Sequence[Run],
    device: str,
    trained: Sequence[Sequence[SplitResult]],
    expected: Mapping[str, Expected],
    *,
    sizes: Sequence[int],
    thresholds: Sequence[float],
) -> pd.DataFrame:
    """Return the rows of `EPOCHS` of some runs.

    `sizes`: validation batch sizes, multiples of the first, which is the runs' own. The other
    arguments, and what raises, as in `rows.table`: what Keras itself logged is held against the
    counts of its batches, of which those of the larger batches are sums.
    """
    for name, rule in expected.items():
        pairs = zip(runs, trained, strict=True)
        passes = [Trained(run, of) for run, each in pairs for of in each if of.split != "test"]
        rows.checked(passes, name, rule)
    pairs = zip(runs, trained, strict=True)
    parts = [_of_run(run, device, passes, sizes, thresholds) for run, passes in pairs]
    return pd.concat(parts, ignore_index=True)


def _of_run(
    run: Run,
    device: str,
    passes: Sequence[SplitResult],
    sizes: Sequence[int],
    thresholds: Sequence[float],
) -> pd.DataFrame:
    validation = [of for of in passes if of.split == "validation"]
    test = [of for of in passes if of.split == "test"]
    further = _further(run, thresholds)
    batches, tested = (
        _joined([of.batches for of in validation]),
        _joined([of.full_pass for of in test]),
    )
    if further:
        batches = _joined([batches, _at(validation[-1], further, sizes[0])])
        tested = _joined([tested, _at(test[-1], further, run.dataset.n_test)])
    epochs = [of.epoch + 1 for of in validation]
    losses = [float(of.logs["val_loss"]) for of in validation]
    last = len(further)
    framework = framework_of(run)
    return pd.DataFrame(
        {
            **rows.of_run(run),
            "epoch": epochs + epochs[-1:] * last,
            "threshold": [run.training.threshold] * len(epochs) + further,
            "val_loss": losses + losses[-1:] * last,
            **dict(zip(VALIDATION, batches.pooled(), strict=True)),
            **dict(zip(TEST, tested.pooled(), strict=True)),
            **logged(batches, sizes, framework.averaging),
            "device": device,
            "framework": framework.name,
            "version": framework.version(),
            "averaging": framework.averaging,
        }
    )


def logged(batches: Counts, sizes: Sequence[int], averaging: Any) -> dict[str, Any]:
    """Return columns of logged values at each validation batch size and value of empty batches.

    `batches`: counts of shape (n, batches of `sizes[0]`); the values have shape (n,).
    """
    columns = {}
    for size in sizes:
        starts = np.arange(0, batches.tp.shape[-1], size // sizes[0])
        merged = Counts(*(np.add.reduceat(part, starts, axis=-1) for part in batches))
        for empty, value in EMPTY.items():
            columns[column(size, empty)] = batch_mean(merged, averaging, value)
    return columns


def _joined(parts: Sequence[Counts]) -> Counts:
    """Stack counts of single passes (n_batches,), or of several."""
    return Counts(*(np.vstack(each) for each in zip(*parts, strict=True)))


def _at(of: SplitResult, thresholds: Sequence[float], size: int) -> Counts:
    """Return the counts of a pass in batches at each threshold, (n_thresholds, n_batches)."""
    assert of.predictions is not None
    return _joined([batch_counts(*of.predictions, size, threshold) for threshold in thresholds])
