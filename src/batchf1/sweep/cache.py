"""Cache of finished results, invalidated when their inputs change; and progress lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pandera.pandas as pa

from batchf1.errors import InputError
from batchf1.records import locks, tables

LOG_SECONDS = 10


class CacheEntry(NamedTuple):
    """Cached table with the record of its provenance."""

    table: pd.DataFrame
    origin: dict[str, Any]


@dataclass(frozen=True)
class TableCache:
    """Folder of cached tables, one file per key."""

    folder: Path
    schema: pa.DataFrameSchema

    def get(self, key: str, stamp: Mapping[str, Any]) -> CacheEntry | None:
        """Return the entry under `key`; None if it is missing, damaged or has another stamp.

        `stamp`: what the work depends on, each part as the table's record must have it.
        """
        path, required = self._path(key), json.loads(json.dumps(dict(stamp)))  # tuples become lists
        try:
            record = tables.provenance_of(path)
            if any(record.get(name) != value for name, value in required.items()):
                return None
            return CacheEntry(tables.read(path, self.schema), record)
        except InputError:
            return None

    def put(self, key: str, entry: CacheEntry) -> None:
        """Store a table atomically with its record, which includes the stamp."""
        tables.write(entry.table, self._path(key), self.schema, entry.origin)

    def held(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock of the folder; wait while another process, such as an orphan, holds it."""
        waiting = f"{name}: waits for a process that measures the same"
        return locks.held(self.folder / ".lock", lambda: log(waiting))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.parquet"


class Progress:
    """Progress of some work, logged to standard error every few seconds."""

    def __init__(
        self, name: str, costs: Sequence[float], sizes: Sequence[int] | None = None
    ) -> None:
        """Start the clock; `costs`: expected ones of the steps, in any unit, in order.

        `sizes`: what each counts for in the line, by default 1.
        """
        self.name, self.costs, self.n_done = name, costs, 0
        self.sizes = sizes or [1] * len(costs)
        self.done, self.left = 0, sum(self.sizes)
        self.began = self.last_logged = time.monotonic()

    def advance(self, more: str = "") -> None:
        """Count one more step as done; `more` is appended to the line."""
        self.done += self.sizes[self.n_done]
        self.left -= self.sizes[self.n_done]
        self.n_done += 1
        now = time.monotonic()
        if now - self.last_logged > LOG_SECONDS or self.left == 0:
            spent = sum(self.costs[: self.n_done])
            # pieces that are said to cost nothing are no measure of the others
            to_go = (now - self.began) * sum(self.costs[self.n_done :]) / spent if spent else 0.0
            self.last_logged = now
            left = f"{self.left} left, about {to_go:.0f} s to go"
            log(f"{self.name}: {self.done} done, {left}{more}")


def log(text: str) -> None:
    """Print a line to standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
