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
    """Digest of the code and package versions that would train the run."""
    n_rows: int


@dataclass(frozen=True)
class RunCache:
    """Folder of cached tables, one file per group of runs that trained together."""

    folder: Path
    recording: Recording

    def get(self, required: Mapping[str, Requirement]) -> dict[str, Path]:
        """Map the id of each required run that is cached and complete to its file.

        Files that are damaged, vanish meanwhile or hold other runs are passed over; what a killed
        process left of one is removed.
        """
        files.remove_stale(self.folder)
        paths: dict[str, Path] = {}
        for path in sorted(self.folder.glob("[!.]*.parquet")):
            try:
                paths |= dict.fromkeys(self._usable(path, required), path)
            except InputError:
                continue
        return paths

    def put(
        self, batch: Sequence[tuple[Cell, int]], table: pd.DataFrame, provenance: Mapping[str, Any]
    ) -> dict[str, Path]:
        """Store the rows of a group of runs (cell, seed) atomically; map each run id to the file.

        `provenance`: how they were made, with their `fingerprint`. Another process may store the
        same runs at the same time. The rows are checked for missing values only: their values are
        validated when many are read or written together, which is much faster.
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
            writer.record({**provenance, "runs": ids, **provenance_summary.split(settings)})
        return dict.fromkeys(ids, path)

    def _usable(self, path: Path, required: Mapping[str, Requirement]) -> list[str]:
        """Return the required runs that a file has; none if one lacks a row."""
        record = tables.provenance_of(path)
        fingerprint = record.get("fingerprint")
        run_ids = record.get("runs", [])
        usable = [
            run_id
            for run_id in run_ids
            if run_id in required and required[run_id].fingerprint == fingerprint
        ]
        sizes = Counter(tables.read(path, self.recording.schema)["run_id"]) if usable else Counter()
        return usable if all(sizes[run_id] == required[run_id].n_rows for run_id in usable) else []
