"""Cache of trained runs: written one group at a time, looked up run by run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from batchf1.errors import InputError
from batchf1.records import files, tables
from batchf1.records.files import digest
from batchf1.sweep import provenance_summary
from batchf1.sweep.cells import Cell
from batchf1.sweep.recording import Recording


class Requirement(NamedTuple):
    """Requirement that a cached run must meet to be used."""

    fingerprint: str
    """Of the code and package versions that would train it."""
    n_rows: int


@dataclass(frozen=True)
class RunCache:
    """Folder of cached tables, one file per group of runs that trained together."""

    folder: Path
    recording: Recording

    def get(self, wanted: Mapping[str, Requirement]) -> dict[str, Path]:
        """Map the id of each required run that is cached and complete to its file.

        Files that are damaged, vanish meanwhile or hold other runs are passed over; what a killed
        process left of one is removed.
        """
        files.remove_stale(self.folder)
        found: dict[str, Path] = {}
        for path in sorted(self.folder.glob("[!.]*.parquet")):
            try:
                found |= dict.fromkeys(self._whole(path, wanted), path)
            except InputError:
                continue
        return found

    def put(
        self, batch: Sequence[tuple[Cell, int]], table: pd.DataFrame, made: Mapping[str, Any]
    ) -> dict[str, Path]:
        """Store the rows of a group of runs (cell, seed) atomically; map each run id to the file.

        `made`: how they were made, with their `fingerprint`. Another process may keep the same
        runs at the same time. Of the rows no more is checked than that nothing is missing: they are
        checked one by one when many are read or written together, which is much faster.
        """
        ids = [cell.run_id(seed) for cell, seed in batch]
        path = self.folder / f"{digest(ids)}.parquet"
        settings = provenance_summary.settings(
            cell.resolved for cell in dict.fromkeys(c for c, _ in batch)
        )
        settings["seed"] = sorted({seed for _, seed in batch})
        with tables.writing(
            path, self.recording.schema, tables.check_columns, swept=True
        ) as writer:
            writer.add(table)
            writer.record({**made, "runs": ids, **provenance_summary.split(settings)})
        return dict.fromkeys(ids, path)

    def _whole(self, path: Path, wanted: Mapping[str, Requirement]) -> list[str]:
        """Return the required runs that a file has; none if one lacks a row."""
        record = tables.provenance_of(path)
        stamp = record.get("fingerprint")
        known = record.get("runs", [])
        mine = [one for one in known if one in wanted and wanted[one].fingerprint == stamp]
        sizes = Counter(tables.read(path, self.recording.schema)["run_id"]) if mine else Counter()
        return mine if all(sizes[one] == wanted[one].n_rows for one in mine) else []
