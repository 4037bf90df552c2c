"""Groups of runs that trained together: kept as soon as they are done, found again run by run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.records.files import digest
from batchf1.study import origin
from batchf1.study.schema import RUNS
from batchf1.study.settings import Run


class Wanted(NamedTuple):
    """What a kept run must be to be used."""

    fingerprint: str
    """Of the code and package versions that would train it."""
    n_rows: int


@dataclass(frozen=True)
class Groups:
    """A folder with a table for each group of runs, whose record names them."""

    folder: Path

    def find(self, wanted: Mapping[str, Wanted]) -> dict[str, Path]:
        """Run id -> a file that has its rows, of those runs that are kept whole.

        Files that are damaged, vanish meanwhile or hold other runs are passed over.
        """
        found: dict[str, Path] = {}
        for path in sorted(self.folder.glob("[!.]*.parquet")):
            try:
                found |= dict.fromkeys(_whole(path, wanted), path)
            except InputError:
                continue
        return found

    def keep(self, runs: Sequence[Run], table: pd.DataFrame, made: Mapping[str, Any]) -> Path:
        """Keep the rows of some runs, whole or not at all; the file.

        `made`: how they were made, with their `fingerprint`. Another process may keep the same
        runs at the same time.
        """
        ids = [run.run_id for run in runs]
        path = self.folder / f"{digest(ids)}.parquet"
        settings = origin.split(origin.settings(run.resolved for run in runs))
        tables.write(table, path, RUNS, {**made, "runs": ids, **settings})
        return path


def _whole(path: Path, wanted: Mapping[str, Wanted]) -> list[str]:
    """Those of the wanted runs that a file has; none where a row of one is missing."""
    record = tables.provenance_of(path)
    stamp = record.get("fingerprint")
    known = record.get("runs", [])
    mine = [one for one in known if one in wanted and wanted[one].fingerprint == stamp]
    sizes = Counter(tables.read(path, RUNS)["run_id"]) if mine else Counter()
    return mine if all(sizes[one] == wanted[one].n_rows for one in mine) else []
