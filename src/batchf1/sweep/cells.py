"""Runs that differ in their seed alone: a cell of a study's grid, and a piece of its seeds.

A study of many runs is few cells; a run is made only where one is trained.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from batchf1.config.settings import Run
from batchf1.records.files import digest

CHUNK_SIZE = 512
"""Runs whose rows are in memory together, and in a row group of a file."""


@dataclass(frozen=True, eq=False)
class Cell:
    """The runs at one place of a study's grid, in the order of their seeds."""

    first: Run
    """That of the first seed; all are checked like it."""
    point: Mapping[str, Any]
    """Key of the grid, without the seed -> the cell's value."""
    seeds: Sequence[int]
    """At least one, none twice."""

    def run(self, seed: int) -> Run:
        """The run of one of the seeds, not checked again."""
        made = copy.copy(self.first)
        made.seed = seed
        vars(made)["run_id"] = self.run_id(seed)
        return made

    def run_id(self, seed: int) -> str:
        """The `Run.run_id` of one of the seeds."""
        return digest(self.resolved | {"seed": seed})

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that depend on every setting but the seed."""
        return digest(self.resolved | {"seed": None})

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """Every setting of the first run, as plain values."""
        return self.first.resolved


class RunRange(NamedTuple):
    """The runs of a cell whose seeds stand at `start` to `stop` (exclusive) in its list."""

    cell: Cell
    start: int
    stop: int

    @property
    def seeds(self) -> Sequence[int]:
        """Their seeds, in order."""
        return self.cell.seeds[self.start : self.stop]

    def runs(self) -> Iterator[Run]:
        """The runs, each made when it is asked for."""
        return map(self.cell.run, self.seeds)

    def run_ids(self) -> Iterator[str]:
        """Their `run_id`s."""
        return map(self.cell.run_id, self.seeds)


def all_runs(cells: Sequence[Cell]) -> list[RunRange]:
    """All runs of some cells."""
    return [RunRange(cell, 0, len(cell.seeds)) for cell in cells]


def n_runs(pieces: Sequence[RunRange]) -> int:
    """How many runs some pieces have together."""
    return sum(piece.stop - piece.start for piece in pieces)


def runs_digest(pieces: Sequence[RunRange]) -> str:
    """A digest of all that decides which runs these are, found without making one."""
    return digest([(piece.cell.digest, list(piece.seeds)) for piece in pieces])
