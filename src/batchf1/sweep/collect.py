"""The shards of a study put together, a part at a time: one table in the order of the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from batchf1.errors import check
from batchf1.records import provenance, tables
from batchf1.sweep import provenance_summary
from batchf1.sweep.cells import CHUNK_SIZE, Cell, all_runs
from batchf1.sweep.plan import Plan
from batchf1.sweep.schema import COLUMN_OF, axis, column_of

PLACE = "place"
"""Column: number of a row's run in the order of the grid."""
NAMED = 3
"""Runs that a refusal names."""
Places = NDArray[np.int64]


def collect(planned: Plan, shards: Sequence[Path], output: Path) -> None:
    """Write the rows of a study in the order of its grid, whatever the shards, and its settings.

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
    """The rows of the study, those of some hundred runs at once."""
    grid, recording = planned.cells, planned.recording
    ids = [run_id for piece in all_runs(grid) for run_id in piece.run_ids()]
    order = pd.Index(ids)
    cell_of = np.repeat(range(len(grid)), [len(cell.seeds) for cell in grid])
    sizes = np.array([recording.n_rows(cell.first) for cell in grid])[cell_of]
    inputs = [_Shard(path, order, recording.schema) for path in shards]
    for start in range(0, len(ids), CHUNK_SIZE):
        stop = min(start + CHUNK_SIZE, len(ids))
        table = pd.concat([one.below(stop) for one in inputs], ignore_index=True)
        table = table.iloc[table[PLACE].argsort(kind="stable")]
        found = np.bincount(table[PLACE] - start, minlength=stop - start)
        _check(planned.path, found, sizes[start:stop], ids[start:stop], grid, cell_of[start:stop])
        yield table.drop(columns=PLACE).assign(**_axes(grid, cell_of[table[PLACE]]))


def _check(
    experiment: Path, found: Places, sizes: Places, ids: list[str], grid: Any, cell_of: Places
) -> None:
    """Refuse a run that has no rows, and one that has fewer or more than it should."""
    lacking = [ids[i] for i in np.flatnonzero(found == 0)]
    rule = "must have every run in a shard"
    check(not lacking, str(experiment), rule, f"none for {_some(lacking)}")
    for i in np.flatnonzero(found != sizes)[:1]:
        cell = grid[cell_of[i]]
        run = next(run for run in map(cell.run, cell.seeds) if run.run_id == ids[i])
        check(False, run.label, f"must have {sizes[i]} rows in the shards", int(found[i]))


def _some(run_ids: Sequence[str]) -> str:
    """Some of many run ids, and how many there are."""
    more = f" and {len(run_ids) - NAMED} more" if len(run_ids) > NAMED else ""
    return ", ".join(run_ids[:NAMED]) + more


class _Shard:
    """The rows of a shard's file, read as they are asked for."""

    def __init__(self, path: Path, order: pd.Index, schema: pa.DataFrameSchema) -> None:
        """`order`: the run ids of the study, in the order of its grid."""
        self.path, self.order = path, order
        self.pieces = tables.iter_chunks(path, schema)
        self.last = 0
        self.rest = self._placed(next(self.pieces))

    def below(self, stop: int) -> pd.DataFrame:
        """The rows, not given before, of runs whose place is below a number."""
        found = []
        while True:
            n = int(self.rest[PLACE].searchsorted(stop))
            found.append(self.rest[:n])
            self.rest = self.rest[n:]
            piece = next(self.pieces, None) if self.rest.empty else None
            if piece is None:
                return pd.concat(found)
            self.rest = self._placed(piece)

    def _placed(self, piece: pd.DataFrame) -> pd.DataFrame:
        places = self.order.get_indexer(pd.Index(piece["run_id"]))
        strange = piece["run_id"][places < 0].unique()
        rule = "must hold runs of the study only"
        check(len(strange) == 0, str(self.path), rule, _some(list(strange)))
        following = np.diff(places, prepend=self.last)
        good = bool((following >= 0).all())
        check(
            good,
            str(self.path),
            "must have its runs in the order of the study's grid",
            "another order",
        )
        self.last = int(places[-1]) if len(places) else self.last
        return piece.assign(**{PLACE: places})


def _axes(grid: Sequence[Cell], cell_of: Places) -> dict[str, Any]:
    """What each row's run has of the settings that the grid varies and no other column tells.

    `cell_of`: the place of its cell in the grid, for each row.
    """
    further = [key for key in grid[0].point if key not in COLUMN_OF]
    values = {key: _column([axis(cell.point[key]) for cell in grid]) for key in further}
    return {column_of(key): of_cell.take(cell_of).array for key, of_cell in values.items()}


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    kinds = {isinstance(value, str) for value in values}
    # a column of a file is of one kind: null among numbers makes texts of them
    return pd.Series([str(value) for value in values] if len(kinds) > 1 else values)
