"""Merging of a study's shards, chunk by chunk, into one table in the order of the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchf1.errors import check
from batchf1.records import provenance, tables
from batchf1.records.columns import Schema
from batchf1.sweep import provenance_summary
from batchf1.sweep.cells import CHUNK_SIZE, Cell, all_runs
from batchf1.sweep.plan import Plan
from batchf1.sweep.schema import COLUMN_OF, axis, column_of

INDEX = "run_index"
"""Column: number of a row's run in the order of the grid."""
MAX_NAMED = 3
"""Runs that a refusal names."""
Indices = NDArray[np.int64]


def collect(planned: Plan, shards: Sequence[Path], output: Path) -> None:
    """Write the rows of a study in the order of its grid, with its settings as the record.

    The rows say every setting that the grid varies (`schema.COLUMN_OF`, `schema.SETTING`). Each
    shard is read once, from its start to its end. Raises `InputError` where a
    run or a row is missing, stands twice, is not of the study, or not in the order of its grid.
    """
    seen: dict[str, set[str]] = {"devices": set(), "frameworks": set()}
    with tables.writing(output, planned.recording.schema) as writer:
        for table in _merged(planned, shards):
            seen["devices"].update(table["device"].unique())
            seen["frameworks"].update((table["framework"] + " " + table["version"]).unique())
            writer.add(table)
        writer.record(provenance.collect(**provenance_summary.of_study(planned, shards, seen)))


def _merged(planned: Plan, shards: Sequence[Path]) -> Iterator[pd.DataFrame]:
    """Yield the rows of the study, `CHUNK_SIZE` runs at a time."""
    grid, recording = planned.cells, planned.recording
    ids = [run_id for part in all_runs(grid) for run_id in part.run_ids()]
    order = pd.Index(ids)
    cell_of = np.repeat(range(len(grid)), [len(cell.seeds) for cell in grid])
    sizes = np.array([recording.n_rows(cell.first) for cell in grid])[cell_of]
    inputs = [_Shard(path, order, recording.schema) for path in shards]
    for start in range(0, len(ids), CHUNK_SIZE):
        stop = min(start + CHUNK_SIZE, len(ids))
        table = pd.concat([one.below(stop) for one in inputs], ignore_index=True)
        table = table.iloc[table[INDEX].argsort(kind="stable")]
        n_found = np.bincount(table[INDEX] - start, minlength=stop - start)
        _check(planned.path, n_found, sizes[start:stop], ids[start:stop], grid, cell_of[start:stop])
        yield table.drop(columns=INDEX).assign(**_axes(grid, cell_of[table[INDEX]]))


def _check(
    experiment: Path, n_found: Indices, sizes: Indices, ids: list[str], grid: Any, cell_of: Indices
) -> None:
    """Refuse a run without rows, and one with fewer or more rows than it should have."""
    missing = [ids[i] for i in np.flatnonzero(n_found == 0)]
    rule = "must have every run in a shard"
    check(not missing, str(experiment), rule, f"none for {_some(missing)}")
    for i in np.flatnonzero(n_found != sizes)[:1]:
        cell = grid[cell_of[i]]
        run = next(run for run in map(cell.run, cell.seeds) if run.run_id == ids[i])
        check(False, run.label, f"must have {sizes[i]} rows in the shards", int(n_found[i]))


def _some(run_ids: Sequence[str]) -> str:
    """Return the first run ids as a text, and the number of the others."""
    more = f" and {len(run_ids) - MAX_NAMED} more" if len(run_ids) > MAX_NAMED else ""
    return ", ".join(run_ids[:MAX_NAMED]) + more


class _Shard:
    """Rows of a shard's file, read on demand."""

    def __init__(self, path: Path, order: pd.Index, schema: Schema) -> None:
        """`order`: the run ids of the study, in the order of its grid."""
        self.path, self.order = path, order
        self.chunks = tables.iter_chunks(path, schema)
        self.last = 0
        self.rest = self._with_index(next(self.chunks))

    def below(self, stop: int) -> pd.DataFrame:
        """Return the rows, not returned before, of runs whose index is below `stop`."""
        parts = []
        while True:
            n = int(self.rest[INDEX].searchsorted(stop))
            parts.append(self.rest[:n])
            self.rest = self.rest[n:]
            chunk = next(self.chunks, None) if self.rest.empty else None
            if chunk is None:
                return pd.concat(parts)
            self.rest = self._with_index(chunk)

    def _with_index(self, chunk: pd.DataFrame) -> pd.DataFrame:
        indices = self.order.get_indexer(pd.Index(chunk["run_id"]))
        unknown = chunk["run_id"][indices < 0].unique()
        rule = "must hold runs of the study only"
        check(len(unknown) == 0, str(self.path), rule, _some(list(unknown)))
        following = np.diff(indices, prepend=self.last)
        good = bool((following >= 0).all())
        rule = "must have its runs in the order of the study's grid"
        check(good, str(self.path), rule, "another order")
        self.last = int(indices[-1]) if len(indices) else self.last
        return chunk.assign(**{INDEX: indices})


def _axes(grid: Sequence[Cell], cell_of: Indices) -> dict[str, Any]:
    """Return the columns of grid settings that have no column in the shards.

    `cell_of`: the place of its cell in the grid, for each row.
    """
    keys = [key for key in grid[0].point if key not in COLUMN_OF]
    values = {key: as_column([axis(cell.point[key]) for cell in grid]) for key in keys}
    return {column_of(key): of_cell.take(cell_of).array for key, of_cell in values.items()}


def as_column(values: Sequence[Any]) -> pd.Series[Any]:
    """Return the values of an `axis` as a column of one kind: of texts where one is a text."""
    kinds = {isinstance(value, str) for value in values}
    # a column of a file is of one kind: null among numbers makes texts of them
    return pd.Series([str(value) for value in values] if len(kinds) > 1 else values)
