"""Assignment of a study's runs to shards of about equal expected cost."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from batchf1.config.settings import Run
from batchf1.errors import check
from batchf1.sweep.cells import Cell, RunRange, all_runs
from batchf1.training.base import CostEstimate
from batchf1.training.engines import framework_of

START = 10.0
"""Seconds of a shard before its first run: Python's and TensorFlow's imports."""
Shape = list[RunRange]
"""Runs that a trainer trains, in the order of the grid."""
T = TypeVar("T")


def assign_shards(cells: Sequence[Cell], n_shards: int) -> list[list[RunRange]]:
    """Split the runs of some cells into `n_shards` parts of about equal expected cost.

    Runs of one shape stay together, since they share a compiled model, unless they cost more than a
    fair share: then several parts have some, in whole groups of those that train together. Runs of
    two frameworks, backends, devices or numbers of threads stay apart, since a process has one of
    each. A part may be empty. Raises `InputError` for fewer parts than `min_shards`.
    """
    kinds = _kinds(cells)
    rule = "must be at least one for each framework, backend, device and number of threads"
    check(n_shards >= len(kinds), "shards", rule, n_shards)
    of_kinds = [_shapes(kind) for kind in kinds]
    shares = _shares([sum(map(_cost, shapes)) for shapes in of_kinds], n_shards)
    parts = [
        part
        for shapes, n_parts in zip(of_kinds, shares, strict=True)
        for part in _balanced(shapes, n_parts)
    ]
    index_of = {id(cell): i for i, cell in enumerate(cells)}
    return [_in_order(part, index_of) for part in parts]


def shard_seconds(part: Sequence[RunRange]) -> float:
    """Return the expected seconds of a shard, with its start; 0 for one without runs."""
    shapes = _grouped(part, lambda runs: framework_of(runs.cell.first).shape(runs.cell.first))
    return START + sum(map(_cost, shapes)) if part else 0.0


def min_shards(cells: Sequence[Cell]) -> int:
    """Return the smallest number of shards to which the runs can be assigned."""
    return len(_kinds(cells))


def _kinds(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Group the cells whose runs can share a process."""
    return _grouped(
        cells,
        lambda cell: (
            framework_of(cell.first),
            cell.first.training.backend,
            cell.first.training.device,
            cell.first.training.threads,
        ),
    )


def _shapes(cells: Sequence[Cell]) -> list[Shape]:
    """Group the cells by shape, which does not depend on the seed."""
    groups = _grouped(cells, lambda cell: framework_of(cell.first).shape(cell.first))
    return [all_runs(group) for group in groups]


def _grouped(items: Sequence[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return list(groups.values())


def _shares(costs: list[float], n_shards: int) -> list[int]:
    """Divide shards among costs: at least one each, the rest where cost per shard is largest."""
    shares = [1] * len(costs)
    for _ in range(n_shards - len(costs)) if costs else []:
        heaviest = max(range(len(costs)), key=lambda i: costs[i] / shares[i])
        shares[heaviest] += 1
    return shares


def _balanced(shapes: list[Shape], n_parts: int) -> list[list[RunRange]]:
    """Assign shapes to parts: the most expensive first, to the part with the lowest cost.

    What costs more than a fair share fills one part after the other. A share has room for a shape
    that is compiled once more: each filled part costs one.
    """
    parts: list[tuple[float, int, list[RunRange]]] = [(0.0, i, []) for i in range(n_parts)]
    once = max((_seconds(shape[0].cell.first).shape for shape in shapes), default=0.0)
    fair = sum(map(_cost, shapes)) / n_parts + once
    for shape in sorted(shapes, key=_cost, reverse=True):
        left, large = shape, _cost(shape) > fair
        while left:
            cost, i, part = heapq.heappop(parts)
            taken, left = _split_at_cost(left, fair - cost) if large else (left, [])
            heapq.heappush(parts, (cost + _cost(taken), i, part + taken))
    return [part for _, _, part in sorted(parts, key=lambda p: p[1])]


def _split_at_cost(shape: Shape, seconds: float) -> tuple[Shape, Shape]:
    """Split a shape into the first groups that fit into `seconds`, at least one, and the rest."""
    if _cost(shape) <= seconds:
        return shape, []
    first = shape[0].cell.first
    seconds -= _seconds(first).shape
    n = 0
    for run_range in shape:
        each, size = training_cost(run_range.cell.first), run_range.stop - run_range.start
        fit = size if each * size <= seconds else max(0, int(seconds / each))
        n, seconds = n + fit, seconds - fit * each
        if fit < size:
            break
    group_size = framework_of(first).group_size(first)
    return _split_at(shape, max(n // group_size, 1) * group_size)


def _split_at(shape: Shape, n: int) -> tuple[Shape, Shape]:
    """Split a shape after its first n runs."""
    before: Shape = []
    after: Shape = []
    for run_range in shape:
        middle = min(run_range.stop, run_range.start + n)
        n -= middle - run_range.start
        before += [run_range._replace(stop=middle)] if middle > run_range.start else []
        after += [run_range._replace(start=middle)] if middle < run_range.stop else []
    return before, after


def _in_order(part: list[RunRange], index_of: dict[int, int]) -> list[RunRange]:
    """Sort ranges in the order of the grid, and merge adjacent ones."""
    merged: list[RunRange] = []
    for run_range in sorted(
        part, key=lambda run_range: (index_of[id(run_range.cell)], run_range.start)
    ):
        if merged and merged[-1].cell is run_range.cell and merged[-1].stop == run_range.start:
            run_range = run_range._replace(start=merged.pop().start)
        merged.append(run_range)
    return merged


def _cost(shape: Shape) -> float:
    """Return the expected seconds of runs of one shape."""
    each = ((p.stop - p.start) * training_cost(p.cell.first) for p in shape)
    return _seconds(shape[0].cell.first).shape + sum(each)


def training_cost(run: Run) -> float:
    """Return the expected seconds of a run, without the compilation of its shape."""
    seconds, sizes = _seconds(run), (run.dataset.n_samples, run.dataset.n_validation)
    pairs = zip(sizes, run.training.sizes.values(), strict=True)
    steps = sum(-(-n // size) for n, size in pairs)
    n_samples = sum(sizes) + run.dataset.n_test
    epoch = seconds.epoch + seconds.step * steps + seconds.sample * n_samples
    return run.training.epochs * epoch


def _seconds(run: Run) -> CostEstimate:
    """Return the cost estimate of a run's engine; by default the framework's first."""
    estimates = framework_of(run).engines
    return estimates.get(run.training.engine) or next(iter(estimates.values()))
