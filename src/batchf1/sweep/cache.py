"""Finished work: kept as soon as it is done, found again while nothing that it rests on changed."""

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

SAY_SECONDS = 10


class CacheEntry(NamedTuple):
    """A table, and what is recorded with it of where its rows came from."""

    table: pd.DataFrame
    origin: dict[str, Any]


@dataclass(frozen=True)
class TableCache:
    """A folder with a table for each piece of work, under its digest."""

    folder: Path
    schema: pa.DataFrameSchema

    def get(self, key: str, stamp: Mapping[str, Any]) -> CacheEntry | None:
        """What was kept under `key`; None where it is missing, damaged or of another stamp.

        `stamp`: what the work depends on, each part as the table's record must have it.
        """
        path, wanted = self._path(key), json.loads(json.dumps(dict(stamp)))  # tuples become lists
        try:
            recorded = tables.provenance_of(path)
            if any(recorded.get(name) != value for name, value in wanted.items()):
                return None
            return CacheEntry(tables.read(path, self.schema), recorded)
        except InputError:
            return None

    def put(self, key: str, made: CacheEntry) -> None:
        """Keep a table and its record, which holds the stamp, whole or not at all."""
        tables.write(made.table, self._path(key), self.schema, made.origin)

    def held(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock for work of this name, once no other process, such as an orphan, holds it."""
        waiting = f"{name}: waits for a process that measures the same"
        return locks.held(self.folder / ".lock", lambda: log(waiting))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.parquet"


class Progress:
    """A line now and then of how far some work is, on standard error."""

    def __init__(
        self, name: str, costs: Sequence[float], sizes: Sequence[int] | None = None
    ) -> None:
        """`costs`: those expected of the pieces, in any unit, in their order.

        `sizes`: what each counts for in the line, by default 1.
        """
        self.name, self.costs, self.n_done = name, costs, 0
        self.sizes = sizes or [1] * len(costs)
        self.done, self.left = 0, sum(self.sizes)
        self.began = self.said = time.monotonic()

    def advance(self, more: str = "") -> None:
        """One more piece is done; `more` stands behind."""
        self.done += self.sizes[self.n_done]
        self.left -= self.sizes[self.n_done]
        self.n_done += 1
        now = time.monotonic()
        if now - self.said > SAY_SECONDS or self.left == 0:
            spent = sum(self.costs[: self.n_done])
            # pieces that are said to cost nothing are no measure of the others
            to_go = (now - self.began) * sum(self.costs[self.n_done :]) / spent if spent else 0.0
            self.said = now
            left = f"{self.left} left, about {to_go:.0f} s to go"
            log(f"{self.name}: {self.done} done, {left}{more}")


def log(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
