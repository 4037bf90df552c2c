"""The runs of a study dealt to shards, so that each process has about as much to do."""

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

Shape = list[RunRange]
"""Runs that a trainer trains, in the order of the grid."""
T = TypeVar("T")


def assign_shards(cells: Sequence[Cell], n_shards: int) -> list[list[RunRange]]:
    """The runs of some cells in `n_shards` parts of about equal expected cost, each in their order.

    Runs of one shape stay together, since they share a compiled model, unless they cost more than a
    fair share: then several parts have some, in whole groups of those that train together. Runs of
    two frameworks, devices or numbers of threads stay apart, since a process has one of each. A
    part may be empty. Raises `InputError` for fewer parts than `min_shards`.
    """
    kinds = _kinds(cells)
    rule = "must be at least one for each framework, device and number of threads"
    check(n_shards >= len(kinds), "shards", rule, n_shards)
    of_kinds = [_shapes(kind) for kind in kinds]
    shares = _shares([sum(map(_cost, shapes)) for shapes in of_kinds], n_shards)
    parts = [
        part
        for shapes, n_parts in zip(of_kinds, shares, strict=True)
        for part in _balanced(shapes, n_parts)
    ]
    place = {id(cell): i for i, cell in enumerate(cells)}
    return [_in_order(part, place) for part in parts]


def min_shards(cells: Sequence[Cell]) -> int:
    """The least number of shards that the runs can be dealt to."""
    return len(_kinds(cells))


def _kinds(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells whose runs can share a process."""
    return _grouped(
        cells,
        lambda cell: (
            framework_of(cell.first),
            cell.first.training.device,
            cell.first.training.threads,
        ),
    )


def _shapes(cells: Sequence[Cell]) -> list[Shape]:
    """The cells by shape, which no framework lets depend on the seed."""
    groups = _grouped(cells, lambda cell: framework_of(cell.first).shape(cell.first))
    return [all_runs(group) for group in groups]


def _grouped(things: Sequence[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    found: dict[Hashable, list[T]] = defaultdict(list)
    for thing in things:
        found[key(thing)].append(thing)
    return list(found.values())


def _shares(costs: list[float], n_shards: int) -> list[int]:
    """Shards for each of some costs: one at least, the others where most is left to do."""
    shares = [1] * len(costs)
    for _ in range(n_shards - len(costs)) if costs else []:
        heaviest = max(range(len(costs)), key=lambda i: costs[i] / shares[i])
        shares[heaviest] += 1
    return shares


def _balanced(shapes: list[Shape], n_parts: int) -> list[list[RunRange]]:
    """The costliest shape goes first to the part with the least to do.

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
            taken, left = _cut(left, fair - cost) if large else (left, [])
            heapq.heappush(parts, (cost + _cost(taken), i, part + taken))
    return [part for _, _, part in sorted(parts, key=lambda p: p[1])]


def _cut(shape: Shape, seconds: float) -> tuple[Shape, Shape]:
    """As many of the first whole groups as take no longer, one at least, and the others."""
    if _cost(shape) <= seconds:
        return shape, []
    first = shape[0].cell.first
    seconds -= _seconds(first).shape
    n = 0
    for piece in shape:
        each, size = training_cost(piece.cell.first), piece.stop - piece.start
        fit = size if each * size <= seconds else max(0, int(seconds / each))
        n, seconds = n + fit, seconds - fit * each
        if fit < size:
            break
    together = framework_of(first).group_size(first)
    return _at(shape, max(n // together, 1) * together)


def _at(shape: Shape, n: int) -> tuple[Shape, Shape]:
    """The first n runs, and the others."""
    before: Shape = []
    after: Shape = []
    for piece in shape:
        middle = min(piece.stop, piece.start + n)
        n -= middle - piece.start
        before += [piece._replace(stop=middle)] if middle > piece.start else []
        after += [piece._replace(start=middle)] if middle < piece.stop else []
    return before, after


def _in_order(part: list[RunRange], place: dict[int, int]) -> list[RunRange]:
    """The pieces in the order of the grid, neighbours as one."""
    found: list[RunRange] = []
    for piece in sorted(part, key=lambda piece: (place[id(piece.cell)], piece.start)):
        if found and found[-1].cell is piece.cell and found[-1].stop == piece.start:
            piece = piece._replace(start=found.pop().start)
        found.append(piece)
    return found


def _cost(shape: Shape) -> float:
    """Expected seconds of runs of one shape."""
    each = ((p.stop - p.start) * training_cost(p.cell.first) for p in shape)
    return _seconds(shape[0].cell.first).shape + sum(each)


def training_cost(run: Run) -> float:
    """Expected seconds of a run without its shape's."""
    seconds, sizes = _seconds(run), (run.dataset.n_samples, run.dataset.n_validation)
    pairs = zip(sizes, run.training.sizes.values(), strict=True)
    steps = sum(-(-n // size) for n, size in pairs)
    n_samples = sum(sizes) + run.dataset.n_test
    epoch = seconds.epoch + seconds.step * steps + seconds.sample * n_samples
    return run.training.epochs * epoch


def _seconds(run: Run) -> CostEstimate:
    """What its engine is expected to cost; one named by its import path has costs of any name."""
    known = framework_of(run).engines
    return known.get(run.training.engine) or next(iter(known.values()))
