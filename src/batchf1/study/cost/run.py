"""All measurements of a study, each in a fresh process and kept as soon as it is done."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.errors import InputError, require
from batchf1.records import provenance, tables
from batchf1.study import origin, plugins
from batchf1.study.cost.fresh import in_fresh_process
from batchf1.study.cost.rows import COST
from batchf1.study.cost.study import Cell, CostStudy, cells, plugin_of
from batchf1.study.settings import load_study
from batchf1.study.shard import Made, say

MEASURING = "batchf1.study.cost.measure"
SAY_SECONDS = 10


def execute(experiment: Path, store: Path) -> Made:
    """Measure the cells of a study; their rows, in the order of measurement, and how they came.

    `store` holds a table per measurement; one that is there, from the same settings, code, package
    versions and machine, is read instead of made. Raises `InputError` for a study that does not fit
    and for a cell whose process dies.
    """
    study = load_study(experiment, CostStudy)
    name = experiment.name.partition(".")[0]
    try:
        wanted = cells(name, study, _devices(study))
    except InputError as error:
        raise InputError(f"{experiment}: {error}") from error
    found = {cell: row for cell in wanted if (row := _kept(store, cell)) is not None}
    missing = [cell for cell in wanted if cell not in found]
    say(f"{name}: {len(wanted)} measurements, {len(found)} of them kept from before")
    found |= _measure(missing, store)
    done = [found[cell] for cell in wanted]
    table = pd.concat([tables.empty(COST), *(made.table for made in done)], ignore_index=True)
    return Made(table, _origin(name, study.question, wanted, [made.origin for made in done]))


def _origin(
    name: str, question: str, measured: list[Cell], origins: list[dict[str, Any]]
) -> dict[str, Any]:
    """What the table says of where it came from; a measurement counts as a run."""
    shuffled = origin.settings(asdict(cell) for cell in measured)
    found = {key: sorted(values) for key, values in shuffled.items()}
    return {
        "study": name,
        "question": question,
        "n_runs": len(measured),
        **origin.split(found),
        "seeds": found["repetition"],
        "threads": found["threads"],
        "devices": found["device"],
        "keras": sorted({made["versions"]["keras"] for made in origins}),
        "trained": origin.trained(origins),
    }


def _devices(study: CostStudy) -> list[str]:
    if "gpu" not in study.devices:
        return list(study.devices)
    seen = bool(in_fresh_process(MEASURING, "gpus", (), "devices"))
    left = [name for name in study.devices if name != "gpu" or seen]
    require(bool(left), "devices", "TensorFlow must see a GPU", study.devices)
    return left


def _measure(missing: list[Cell], store: Path) -> dict[Cell, Made]:
    start = said = time.monotonic()
    here, found = provenance.collect(), {}
    for i, cell in enumerate(missing, 1):
        table = pd.DataFrame([in_fresh_process(MEASURING, "measure", (cell,), cell.label)])
        found[cell] = made = Made(table, here | _stamp(cell))
        tables.write(made.table, _path(store, cell), COST, made.origin)
        now = time.monotonic()
        if now - said > SAY_SECONDS or i == len(missing):
            said = now
            say(f"{i} measurements done, {len(missing) - i} left, {now - start:.0f} s so far")
    return found


def _path(store: Path, cell: Cell) -> Path:
    return store / f"{cell.cell_id}.parquet"


def _kept(store: Path, cell: Cell) -> Made | None:
    """The row of a cell from the store; None where it is missing, damaged or of other code."""
    path = _path(store, cell)
    try:
        recorded = tables.provenance_of(path)
        now = _stamp(cell)
        if any(recorded.get(key) != now[key] for key in ("fingerprint", "machine")):
            return None
        return Made(tables.read(path, COST), recorded)
    except InputError:
        return None


def _stamp(cell: Cell) -> dict[str, Any]:
    """What a measurement depends on, beside the time of day."""
    return {
        "cell": asdict(cell),
        "device": cell.device,
        "fingerprint": _fingerprint(cell.plugin),
        "machine": [platform.node(), platform.machine(), os.cpu_count()],
    }


@cache
def _fingerprint(plugin: str | None) -> str:
    return provenance.fingerprint(
        MEASURING, *([plugins.module(plugins.STRATEGIES, plugin)] if plugin else [])
    )


def modules(study: CostStudy) -> list[str]:
    """The modules that decide what a study's cells give; plug-ins are named: imports hide them."""
    names = {*study.strategies, *(name for grid in study.grids for name in grid.strategies)}
    plugged = {plugin for name in names if (plugin := plugin_of(name))}
    of_plugins = {plugins.module(plugins.STRATEGIES, plugin) for plugin in plugged}
    return sorted({"batchf1.study.cost.run", MEASURING} | of_plugins)
