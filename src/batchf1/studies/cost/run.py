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
from batchf1.records import provenance, tables
from batchf1.studies.cost.config import CostStudy, Measurement, measurements, plugin_of
from batchf1.studies.cost.isolated import run_in_subprocess
from batchf1.studies.cost.rows import COST
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry, Progress, TableCache, log
from batchf1.sweep.grid import load_study

MEASURING = "batchf1.studies.cost.measure"


def execute(experiment: Path, folder: Path) -> CacheEntry:
    """Measure the cells of a study; return their rows, in order, and their provenance.

    `folder` keeps a table per measurement; one that is there, from the same settings, code, package
    versions and machine, is read instead of made. Raises `InputError` for a study that does not fit
    and for a cell whose process dies.
    """
    study = load_study(experiment, CostStudy)
    name = experiment.name.partition(".")[0]
    try:
        wanted = measurements(name, study, _devices(study))
    except InputError as error:
        raise InputError(f"{experiment}: {error}") from error
    store = TableCache(folder, COST)
    with store.held(name):
        found = {c: row for c in wanted if (row := store.get(c.cell_id, _stamp(c))) is not None}
        missing = [cell for cell in wanted if cell not in found]
        log(f"{name}: {len(wanted)} measurements, {len(found)} of them kept from before")
        found |= _measure(missing, store)
    done = [found[cell] for cell in wanted]
    table = pd.concat([tables.empty(COST), *(made.table for made in done)], ignore_index=True)
    return CacheEntry(table, _origin(name, study.question, wanted, [made.origin for made in done]))


def _origin(
    name: str, question: str, measured: list[Measurement], origins: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the provenance of the table; a measurement counts as a run."""
    shuffled = provenance_summary.settings(asdict(cell) for cell in measured)
    found = {key: sorted(values) for key, values in shuffled.items()}
    return {
        "study": name,
        "question": question,
        "n_runs": len(measured),
        **provenance_summary.split(found),
        "devices": found["device"],
        "frameworks": sorted({f"keras {made['versions']['keras']}" for made in origins}),
        "trained": provenance_summary.trained_on(origins),
    }


def _devices(study: CostStudy) -> list[str]:
    if "gpu" not in study.devices:
        return list(study.devices)
    seen = bool(run_in_subprocess(MEASURING, "gpus", (), "devices"))
    left = [name for name in study.devices if name != "gpu" or seen]
    check(bool(left), "devices", "needs a GPU that TensorFlow can see", study.devices)
    return left


def _measure(missing: list[Measurement], store: TableCache) -> dict[Measurement, CacheEntry]:
    here, found = provenance.collect(), {}
    progress = Progress("measurements", [float(cell.n_rows * cell.epochs) for cell in missing])
    for cell in missing:
        table = pd.DataFrame([run_in_subprocess(MEASURING, "measure", (cell,), cell.label)])
        found[cell] = made = CacheEntry(table, here | _stamp(cell))
        store.put(cell.cell_id, made)
        progress.advance()
    return found


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
