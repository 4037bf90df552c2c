"""Cache of finished results, invalidated when their inputs change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from batchf1.errors import InputError
from batchf1.records import files, locks, tables
from batchf1.records.columns import Schema
from batchf1.sweep.log import log


class CacheEntry(NamedTuple):
    """Table of one or more results, with the record of its provenance.

    Its field `runs` lists the keys of the results; without it there is one, which names the file.
    """

    table: pd.DataFrame
    origin: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Requirement:
    """Requirement that a cached result must meet to be used."""

    stamp: Mapping[str, Any]
    """Fields of the record that the result depends on, with the value that each must have."""
    n_rows: int | None = None
    """Rows of the result in its table; None for any number."""

    def met_by(self, record: Mapping[str, Any]) -> bool:
        """Return True if a record has the stamp."""
        return all(record.get(name) == value for name, value in self._written.items())

    @cached_property
    def _written(self) -> dict[str, Any]:
        written: dict[str, Any] = json.loads(json.dumps(dict(self.stamp)))  # tuples become lists
        return written


@dataclass(frozen=True)
class RunCache:
    """Folder of cached tables, one file per result or per group of results made together.

    Parameters
    ----------
    folder
        Created with the first entry.
    schema
        Schema of every table.
    key
        Column with the key of a row's result.
    """

    folder: Path
    schema: Schema
    key: str = "run_id"

    def get(self, required: Mapping[str, Requirement]) -> dict[str, Path]:
        """Map the key of each required result that is cached and complete to its file.

        Files that are damaged, vanish meanwhile or hold other results are passed over; partial
        files that a killed process left are removed.
        """
        files.remove_stale(self.folder)
        paths: dict[str, Path] = {}
        for path in sorted(self.folder.glob("[!.]*.parquet")):
            with suppress(InputError):
                paths |= dict.fromkeys(self._usable(path, required), path)
        return paths

    def read(self, path: Path) -> CacheEntry:
        """Return the entry in a file that `get` or `put` named."""
        return CacheEntry(tables.read(path, self.schema), tables.provenance_of(path))

    def put(self, name: str, entry: CacheEntry) -> dict[str, Path]:
        """Store an entry atomically under a file name; map the key of each result to the file.

        Another process may store the same results at the same time.
        """
        path = self.folder / f"{name}.parquet"
        with tables.writing(path, self.schema, swept=True) as writer:
            writer.add(entry.table)
            writer.record(entry.origin)
        return dict.fromkeys(_keys(path, entry.origin), path)

    def held(
        self, name: str, verb: str = "measures", file: str = ".lock"
    ) -> AbstractContextManager[None]:
        """Hold a lock of the folder; wait while another process, such as an orphan, holds it."""
        waiting = f"{name}: waits for a process that {verb} the same"
        return locks.held(self.folder / file, lambda: log(waiting))

    def _usable(self, path: Path, required: Mapping[str, Requirement]) -> list[str]:
        """Return the required results in a file; none if one lacks a row."""
        record = tables.provenance_of(path)
        keys = [k for k in _keys(path, record) if k in required and required[k].met_by(record)]
        sizes = Counter(tables.read(path, self.schema)[self.key]) if keys else Counter()
        complete = all(required[key].n_rows in (None, sizes[key]) for key in keys)
        return keys if complete else []


def _keys(path: Path, record: Mapping[str, Any]) -> Iterable[str]:
    keys: list[str] = record.get("runs", [path.stem])
    return keys
