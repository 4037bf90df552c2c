"""Measurement of a study's cells one by one, each cached at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import pandas as pd

from batchf1.records import provenance, tables
from batchf1.records.columns import Schema
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry, Requirement, RunCache
from batchf1.sweep.log import Progress, log


class Measurable(Protocol):
    """Cell of a study, with a digest of its settings."""

    @property
    def cell_id(self) -> str:
        """Twelve hexadecimal digits that depend on every setting."""


C = TypeVar("C", bound=Measurable)


@dataclass(frozen=True)
class Measurements(Generic[C]):
    """Cells of a study in the order of its table, and the way in which each is measured.

    Parameters
    ----------
    study, question
        Name of the study, and what it asks.
    noun
        What log lines call the cells.
    cells
        Each has a `cell_id`, which names its file in the cache.
    schema
        Schema of the table; the rows of a cell have its `cell_id`.
    stamp
        Cell -> the fields of its record that invalidate it when they change.
    measure
        Cell -> its rows.
    cost
        Cell -> its expected cost, in any unit.
    """

    study: str
    question: str
    noun: str
    cells: Sequence[C]
    schema: Schema
    stamp: Callable[[C], dict[str, Any]]
    measure: Callable[[C], pd.DataFrame]
    cost: Callable[[C], float]

    def execute(
        self, folder: Path, settings: Mapping[str, list[Any]], devices: Sequence[str]
    ) -> CacheEntry:
        """Return the rows of all cells and their provenance; a cell counts as a run.

        Parameters
        ----------
        folder
            Cache; a cell that is there with its stamp is read instead of measured.
        settings
            Setting -> its distinct values, for the provenance.
        devices
            Devices of the measurements, for the provenance.
        """
        cache = RunCache(folder, self.schema, "cell_id")
        with cache.held(self.study):
            paths = cache.get({c.cell_id: Requirement(self.stamp(c)) for c in self.cells})
            n_cells = f"{len(self.cells)} {self.noun}"
            log(f"{self.study}: {n_cells}, {len(paths)} of them kept from before")
            paths |= self._measure([c for c in self.cells if c.cell_id not in paths], cache)
            entries = [cache.read(paths[cell.cell_id]) for cell in self.cells]
        parts = [tables.empty(self.schema), *(entry.table for entry in entries)]
        origins = [entry.origin for entry in entries]
        origin = {
            "study": self.study,
            "question": self.question,
            "n_runs": len(self.cells),
            **provenance_summary.split(settings),
            "devices": list(devices),
            "frameworks": sorted({f"keras {origin['versions']['keras']}" for origin in origins}),
            "trained": provenance_summary.trained_on(origins),
        }
        return CacheEntry(pd.concat(parts, ignore_index=True), origin)

    def _measure(self, missing: Sequence[C], cache: RunCache) -> dict[str, Path]:
        """Measure and cache cells; map the id of each to its file."""
        environment = provenance.collect()
        paths: dict[str, Path] = {}
        progress = Progress(self.study, [self.cost(cell) for cell in missing])
        for cell in missing:
            entry = CacheEntry(self.measure(cell), environment | self.stamp(cell))
            paths |= cache.put(cell.cell_id, entry)
            progress.advance()
        return paths
