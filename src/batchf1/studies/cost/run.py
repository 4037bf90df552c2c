"""Execution of a study of cost: each measurement in a fresh process, cached at once."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.config import registry
from batchf1.errors import InputError, check
from batchf1.records import provenance
from batchf1.studies.cost.config import CostStudy, Measurement, measurements, plugin_of
from batchf1.studies.cost.rows import COST
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry
from batchf1.sweep.grid import load_study
from batchf1.sweep.measurements import Measurements
from batchf1.training.isolated import run_in_subprocess

MEASURING = "batchf1.studies.cost.measure"


def execute(experiment: Path, folder: Path) -> CacheEntry:
    """Measure the cells of a study.

    Parameters
    ----------
    experiment
        File of the study.
    folder
        Cache with a table per measurement; one that is there, from the same settings, code, package
        versions and machine, is read instead of made.

    Returns
    -------
    CacheEntry
        The rows of `rows.COST`, in the order of measurement, and their provenance.

    Raises
    ------
    InputError
        For a study that does not fit, and for a cell whose process dies.
    """
    study = load_study(experiment, CostStudy)
    name = experiment.name.partition(".")[0]
    try:
        cells = measurements(name, study, _devices(study))
    except InputError as error:
        raise InputError(f"{experiment}: {error}") from error
    shuffled = provenance_summary.settings(asdict(cell) for cell in cells)
    settings = {key: sorted(values) for key, values in shuffled.items()}
    return Measurements(
        name, study.question, "measurements", cells, COST, _stamp, _measure, _cost
    ).execute(folder, settings, settings["device"])


def _measure(cell: Measurement) -> pd.DataFrame:
    return pd.DataFrame([run_in_subprocess(MEASURING, "measure", (cell,), cell.label)])


def _cost(cell: Measurement) -> float:
    return float(cell.n_rows * cell.epochs)


def _devices(study: CostStudy) -> list[str]:
    if "gpu" not in study.devices:
        return list(study.devices)
    seen = bool(run_in_subprocess(MEASURING, "gpus", (), "devices"))
    left = [name for name in study.devices if name != "gpu" or seen]
    check(bool(left), "devices", "needs a GPU that TensorFlow can see", study.devices)
    return left


def _stamp(cell: Measurement) -> dict[str, Any]:
    """Return what a measurement depends on, apart from the time of day."""
    return {
        "cell": asdict(cell),
        "device": cell.device,
        "fingerprint": _fingerprint(cell.plugin),
        "machine": [platform.node(), platform.machine(), os.cpu_count()],
    }


@cache
def _fingerprint(plugin: str | None) -> str:
    return provenance.fingerprint(
        MEASURING, *([registry.module(registry.STRATEGIES, plugin)] if plugin else [])
    )


def modules(study: CostStudy) -> list[str]:
    """Return the modules that determine a study's results, plug-ins included."""
    names = {*study.strategies, *(name for grid in study.grids for name in grid.strategies)}
    plugged = {plugin for name in names if (plugin := plugin_of(name))}
    of_plugins = {registry.module(registry.STRATEGIES, plugin) for plugin in plugged}
    return sorted({"batchf1.studies.cost.run", MEASURING} | of_plugins)
