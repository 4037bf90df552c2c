"""Rows of the runs' table, from what a framework logged and the counts of its batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from batchf1.config import metric_names
from batchf1.config.metric_names import DEFAULT
from batchf1.config.settings import Run
from batchf1.errors import TraceError, check
from batchf1.metrics import averaging
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import Metric
from batchf1.sweep.recording import Recording
from batchf1.sweep.schema import RUNS, runs_schema, with_metric
from batchf1.training.base import SPLITS, Expected, Log, SplitResult
from batchf1.training.engines import framework_of

TOLERANCE = 1e-6


class Trained(NamedTuple):
    """Result of a split in an epoch, with its run."""

    run: Run
    of: SplitResult

    @property
    def label(self) -> str:
        """Short description, for messages."""
        return f"{self.run.label} epoch {self.of.epoch + 1} {self.of.split}"


def table(
    runs: Sequence[Run],
    device: str,
    trained: Sequence[Sequence[SplitResult]],
    expected: Mapping[Log, Expected],
) -> pd.DataFrame:
    """Build the rows of `schema.runs_schema`: one per run, epoch, split, metric and strategy.

    `trained`: the passes of each run of one framework, as `Trainer.train` returns them, of which
    those of a test split have no rows; `device`: `CPU` or `GPU`; `expected`: what each log must
    equal, as `Trainer.expected`. Raises `TraceError` if what was logged differs from what the
    strategy's own rule says of the batches by more than 1e-6.
    """
    logged = [[each for each in of_run if each.split in SPLITS] for of_run in trained]
    pairs = zip(runs, logged, strict=True)
    passes = [Trained(run, each) for run, of_run in pairs for each in of_run]
    n_passes = [len(of_run) for of_run in logged]
    common = pd.DataFrame([of_run(run) for run in runs])
    common = common.iloc[np.repeat(np.arange(len(runs)), n_passes)]
    common = common.assign(
        epoch=[of.epoch + 1 for _, of in passes], split=[of.split for _, of in passes]
    )
    measured = _measured(passes, device)
    of_metrics = [_values(passes, name, expected) for name in runs[0].metrics]
    values = pd.concat(of_metrics).sort_index(kind="stable")
    each_pass = values.index
    parts = (common.iloc[each_pass], values, measured.iloc[each_pass])
    return pd.concat([part.reset_index(drop=True) for part in parts], axis=1)


def recording(metrics: Sequence[str]) -> Recording:
    """Return the recording of an ordinary study whose runs have these metrics."""
    return Recording(runs_schema(metrics), table, lambda run: run.n_rows, __name__, {})


RECORDING = recording([DEFAULT])
"""Recording of a study of F1."""


def _values(passes: Sequence[Trained], name: str, expected: Mapping[Log, Expected]) -> pd.DataFrame:
    """Return the columns of one metric, a row per pass and strategy; the index is the pass."""
    metric = metric_names.binary(name)
    rules = _rules(expected, metric.name)
    values = [checked(passes, strategy, rule, metric.name) for strategy, rule in rules.items()]
    columns = {"strategy": [*rules] * len(passes), "f1": np.column_stack(values).ravel()}
    each_pass = np.repeat(np.arange(len(passes)), len(rules))
    rows = pd.DataFrame(columns, index=each_pass).join(_references(passes, metric))
    return rows if runs_schema(passes[0].run.metrics) is RUNS else with_metric(rows, name)


def _rules(expected: Mapping[Log, Expected], metric: str) -> dict[str, Expected]:
    """Return what the log of each strategy must equal for a metric."""
    logs = {(DEFAULT, key) if isinstance(key, str) else key: rule for key, rule in expected.items()}
    return {strategy: rule for (name, strategy), rule in logs.items() if name == metric}


def checked(passes: Sequence[Trained], name: str, rule: Expected, metric: str = DEFAULT) -> Floats:
    """Return what a strategy logged of a metric in each pass, checked against its rule."""
    logged = np.array([_logged(each, name, metric) for each in passes])
    for indices, batches, full_pass in _stacked(passes):
        right = rule(batches, full_pass, framework_of(passes[0].run).averaging)
        if right is None:
            continue
        shape = np.shape(right)
        good = shape == (len(indices),)
        asked = f"must return shape {(len(indices),)} from expected()"
        check(good, f"strategy {name}", asked, shape)
        wrong = ~(np.abs(logged[indices] - right) <= TOLERANCE)
        for i in np.flatnonzero(wrong)[:1]:
            value = f"{logged[indices][i]}{'' if metric == DEFAULT else f' of {metric}'}"
            message = f"{name} logged {value}, its batches give {right[i]}"
            raise TraceError(f"{passes[indices[i]].label}: {message}")
    return logged


def _logged(each: Trained, name: str, metric: str) -> float:
    logs, key = each.of.logs, f"{SPLITS[each.of.split]}{metric}_{name}"
    check(key in logs, f"strategy {name}", f"must log {key} in a study", sorted(logs))
    return float(logs[key])


def _stacked(passes: Sequence[Trained]) -> Iterable[tuple[list[int], Counts, Counts]]:
    """Yield indices and stacked counts of passes of equally many batches."""
    of_size: dict[tuple[int, int], list[int]] = {}
    for index, (_, of) in enumerate(passes):
        of_size.setdefault((of.batches.tp.size, of.full_pass.tp.size), []).append(index)
    for indices in of_size.values():
        results = [passes[index].of for index in indices]
        batches = (np.stack(part) for part in zip(*(of.batches for of in results), strict=True))
        full = (np.stack(part) for part in zip(*(of.full_pass for of in results), strict=True))
        yield indices, Counts(*batches), Counts(*full)


def of_run(run: Run) -> dict[str, Any]:
    """Return the columns that identify the run of a row."""
    return {
        "run_id": run.run_id,
        "study": run.study,
        "dataset": run.dataset.label,
        "n_samples": run.dataset.n_samples,
        "prevalence": run.dataset.prevalence,
        "batch_size": run.training.batch_size,
        "seed": run.seed,
    }


def _references(passes: Sequence[Trained], metric: Metric) -> pd.DataFrame:
    """Return both references of a metric, one row per pass."""
    parts = [
        pd.DataFrame(
            {
                "reference_pooled": averaging.pooled(batches, metric=metric),
                "reference_full_pass": averaging.pooled(full_pass, metric=metric),
            },
            index=indices,
        )
        for indices, batches, full_pass in _stacked(passes)
    ]
    return pd.concat(parts).sort_index()


def _measured(passes: Sequence[Trained], device: str) -> pd.DataFrame:
    """Return the columns that depend on no strategy and no metric, one row per pass."""
    parts = []
    for indices, batches, _ in _stacked(passes):
        part = {
            "n_batches": batches.tp.shape[-1],
            "n_empty_batches": batches.empty.sum(axis=-1),
            **batches.pooled()._asdict(),
        }
        parts.append(pd.DataFrame(part, index=indices))
    columns = pd.concat(parts).sort_index()
    framework = framework_of(passes[0].run)
    return columns.assign(
        device=device,
        engine=[run.training.engine for run, _ in passes],
        framework=framework.name,
        version=framework.version(),
        averaging=framework.averaging,
        program=[run.input_pipeline.name for run, _ in passes],
        frozen=[0 < run.training.freeze_after <= of.epoch for run, of in passes],
        loss=[float(of.logs[f"{SPLITS[of.split]}loss"]) for _, of in passes],
    )
