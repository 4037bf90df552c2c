"""Cells of a study's grid, each the runs that differ in seed only, and ranges of their seeds.

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
    """Runs at one point of a study's grid, in the order of their seeds."""

    first: Run
    """Run of the first seed; its checks hold for all seeds."""
    point: Mapping[str, Any]
    """Key of the grid, without the seed -> the cell's value."""
    seeds: Sequence[int]
    """At least one, none twice."""

    def run(self, seed: int) -> Run:
        """Return the run of one of the seeds, without checking it again."""
        run = copy.copy(self.first)
        run.seed = seed
        vars(run)["run_id"] = self.run_id(seed)
        return run

    def run_id(self, seed: int) -> str:
        """Return the `Run.run_id` of one of the seeds."""
        return digest(self.resolved | {"seed": seed})

    @cached_property
    def digest(self) -> str:
        """Digest of every setting except the seed, twelve hexadecimal digits."""
        return digest(self.resolved | {"seed": None})

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """All settings of the first run, as plain values."""
        return self.first.resolved


class RunRange(NamedTuple):
    """Runs of a cell whose seeds have the indices `start` to `stop` (exclusive)."""

    cell: Cell
    start: int
    stop: int

    @property
    def seeds(self) -> Sequence[int]:
        """Seeds of the range, in order."""
        return self.cell.seeds[self.start : self.stop]

    def runs(self) -> Iterator[Run]:
        """Yield the runs of the range."""
        return map(self.cell.run, self.seeds)

    def run_ids(self) -> Iterator[str]:
        """Yield the `run_id`s of the range."""
        return map(self.cell.run_id, self.seeds)


def all_runs(cells: Sequence[Cell]) -> list[RunRange]:
    """Return all runs of some cells."""
    return [RunRange(cell, 0, len(cell.seeds)) for cell in cells]


def n_runs(ranges: Sequence[RunRange]) -> int:
    """Return the number of runs in some ranges."""
    return sum(run_range.stop - run_range.start for run_range in ranges)


def runs_digest(ranges: Sequence[RunRange]) -> str:
    """Return a digest of everything that defines the runs, without making any."""
    return digest([(run_range.cell.digest, list(run_range.seeds)) for run_range in ranges])
