"""Execution of a study of labels of shape (n,): its two tables and their provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.records import provenance
from batchf1.studies.flat_labels.config import FlatLabelsStudy, checked_networks, networks
from batchf1.sweep import provenance_summary, shard
from batchf1.sweep.grid import load_study
from batchf1.sweep.log import log
from batchf1.training.engines import framework_of

MEASURING = tuple(f"batchf1.studies.flat_labels.{name}" for name in ("train", "logs", "choices"))


class Tables(NamedTuple):
    """Tables of `schema.LOGS` and `schema.CHOICES`, and the record of their provenance."""

    logs: pd.DataFrame
    choices: pd.DataFrame
    record: dict[str, Any]


def execute(experiment: Path) -> Tables:
    """Train and evaluate the networks of a study.

    Raises `InputError` for a study that does not fit, and `TraceError` for a log that is not the
    arithmetic of its batches.
    """
    study = load_study(experiment, FlatLabelsStudy)
    name = experiment.name.partition(".")[0]
    runs = checked_networks(name, study)
    device = framework_of(runs[0]).configure(runs[0])  # before TensorFlow is used
    from batchf1.studies.flat_labels.logs import check_logs

    logs, choices = _measured(study, runs)
    log(f"{name}: {len(runs)} networks evaluated; now the search")
    choices += _search(study, runs)
    tables = check_logs(pd.DataFrame(logs)), pd.DataFrame(choices)
    return Tables(*tables, _record(name, study, runs, device))


def _measured(
    study: FlatLabelsStudy, runs: Sequence[Run]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train each network by `fit`; return the rows of logs, and those of its thresholds."""
    from batchf1.studies.flat_labels import choices, logs, train

    evaluator, trainer = logs.Evaluator(), None
    rows: list[dict[str, Any]] = []
    chosen: list[dict[str, Any]] = []
    for run in runs:
        data = run.dataset.load(generator(*run.names, "data"))
        trainer = trainer or train.FitTrainer(run, data.train.x.shape[1])
        fit = trainer.fit(run, data)
        rows += logs.fit_rows(run, fit)
        rows += logs.evaluate_rows(evaluator, run, fit.validation, study.batch_sizes)
        options = choices.threshold_options(fit.validation, fit.test, study.n_thresholds)
        chosen += choices.choice_rows(run, choices.THRESHOLD, options, study.batch_sizes)
    return rows, chosen


def _search(study: FlatLabelsStudy, runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    from batchf1.studies.flat_labels import choices, train

    for run, scored in train.searched(runs, study.search):
        options = choices.search_options(run, scored)
        yield from choices.choice_rows(run, choices.SEARCH, options, study.batch_sizes)


def _record(name: str, study: FlatLabelsStudy, runs: Sequence[Run], device: str) -> dict[str, Any]:
    """Return the provenance of the tables; a network counts as a run."""
    own = {"validation_batch_sizes": study.batch_sizes, "n_thresholds": [study.n_thresholds]}
    search = {f"search.{key}": [value] for key, value in asdict(study.search).items()}
    of_runs = provenance_summary.settings(run.resolved for run in runs)
    packages = (*provenance.RECORDED, *runs[0].dataset.packages)
    return {
        "study": name,
        "question": study.question,
        "versions": provenance.versions(*packages),
        "n_runs": len(runs) * (1 + study.search.candidates),
        **provenance_summary.split(of_runs | own | search),
        "devices": [device],
        "frameworks": [f"keras {version('keras')}"],
    }


def modules(name: str, study: FlatLabelsStudy) -> list[str]:
    """Return the modules that determine the results of a study."""
    first = next(networks(name, study))
    return sorted({__name__, *MEASURING, *shard.modules([first])})
