"""Execution of a study of metrics; each network is cached as soon as it is measured."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.records import provenance
from batchf1.studies.atlas.config import AtlasStudy, Cell, cells
from batchf1.studies.atlas.rows import ATLAS
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry, Progress, TableCache, log
from batchf1.sweep.grid import load_study
from batchf1.training import keras_defaults

MEASURING = "batchf1.studies.atlas.measure"


def execute(experiment: Path, folder: Path) -> CacheEntry:
    """Train and measure the networks of a study; return their rows and their provenance.

    `folder` keeps a table per network; one that is there, from the same settings, code and package
    versions, is read instead of made. Raises `InputError` for a study that does not fit.
    """
    study = load_study(experiment, AtlasStudy)
    name = experiment.name.partition(".")[0]
    wanted, store = cells(name, study), TableCache(folder, ATLAS)
    with store.held(name):
        found = {c: kept for c in wanted if (kept := store.get(c.cell_id, _stamp(c))) is not None}
        missing = [cell for cell in wanted if cell not in found]
        log(f"{name}: {len(wanted)} networks, {len(found)} of them kept from before")
        found |= _measure(name, missing, store)
    done = [found[cell] for cell in wanted]
    table = pd.concat([made.table for made in done], ignore_index=True)
    return CacheEntry(table, _origin(name, study.question, wanted, [made.origin for made in done]))


def _measure(name: str, missing: list[Cell], store: TableCache) -> dict[Cell, CacheEntry]:
    if not missing:
        return {}
    keras_defaults.load()
    from batchf1.studies.atlas.measure import measure  # TensorFlow takes seconds to import

    here, found = provenance.collect(device="CPU"), {}
    progress = Progress(name, [1.0] * len(missing))
    for cell in missing:
        found[cell] = made = CacheEntry(measure(cell), here | _stamp(cell))
        store.put(cell.cell_id, made)
        progress.advance()
    return found


def _stamp(cell: Cell) -> dict[str, Any]:
    """Return what the rows of a cell depend on."""
    return {"cell": asdict(cell), "fingerprint": _fingerprint()}


@cache
def _fingerprint() -> str:
    software = provenance.versions(*provenance.DECISIVE, "scipy")
    return provenance.fingerprint(MEASURING, software=software)


def modules() -> list[str]:
    """Return the modules that determine the results of a study of metrics."""
    return ["batchf1.studies.atlas.run", MEASURING]


def _origin(
    name: str, question: str, networks: list[Cell], origins: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the provenance of the table; a network counts as a run."""
    return {
        "study": name,
        "question": question,
        "n_runs": len(networks),
        **provenance_summary.split(provenance_summary.settings(asdict(cell) for cell in networks)),
        "devices": ["CPU"],
        "frameworks": sorted({f"keras {made['versions']['keras']}" for made in origins}),
        "trained": provenance_summary.trained_on(origins),
    }
