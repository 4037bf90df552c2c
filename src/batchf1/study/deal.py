"""The runs of a study dealt to shards, so that each process has about as much to do."""

from __future__ import annotations

import heapq
from collections import defaultdict

from batchf1.errors import require
from batchf1.study.frameworks.base import Framework, Seconds
from batchf1.study.settings import Run


def deal(runs: list[Run], n_shards: int) -> list[list[Run]]:
    """The runs in `n_shards` parts of about equal expected cost.

    Runs of one shape stay together, since they share a compiled model, and runs of two frameworks,
    devices or numbers of threads apart, since a process has one of each. Raises `InputError` where
    there are fewer shards than these.
    """
    of_process: dict[tuple[Framework, str, int], list[Run]] = {}
    for run in runs:
        key = (run.framework, run.training.device, run.training.threads)
        of_process.setdefault(key, []).append(run)
    groups = list(of_process.values())
    rule = "are at least one for each framework, device and number of threads"
    require(n_shards >= len(groups), "shards", rule, n_shards)
    shares = _shares([sum(map(_cost, _shapes(group))) for group in groups], n_shards)
    return [
        part
        for group, n_parts in zip(groups, shares, strict=True)
        for part in _balanced(group, n_parts)
    ]


def _shares(costs: list[float], n_shards: int) -> list[int]:
    """Shards for each of some costs: one at least, the others where most is left to do."""
    shares = [1] * len(costs)
    for _ in range(n_shards - len(costs)) if costs else []:
        heaviest = max(range(len(costs)), key=lambda i: costs[i] / shares[i])
        shares[heaviest] += 1
    return shares


def _balanced(runs: list[Run], n_parts: int) -> list[list[Run]]:
    """The costliest shape goes first to the part with the least to do."""
    parts: list[tuple[float, int, list[Run]]] = [(0.0, i, []) for i in range(n_parts)]
    for group in sorted(_shapes(runs), key=_cost, reverse=True):
        cost, i, part = heapq.heappop(parts)
        heapq.heappush(parts, (cost + _cost(group), i, part + group))
    return [part for _, _, part in sorted(parts, key=lambda p: p[1])]


def _shapes(runs: list[Run]) -> list[list[Run]]:
    shapes: dict[tuple[object, ...], list[Run]] = defaultdict(list)
    for run in runs:
        shapes[run.framework.shape(run)].append(run)
    return list(shapes.values())


def _cost(group: list[Run]) -> float:
    """Expected seconds of runs of one shape."""
    return _seconds(group[0]).shape + sum(map(training_cost, group))


def training_cost(run: Run) -> float:
    """Expected seconds of a run without its shape's."""
    seconds, sizes = _seconds(run), (run.dataset.n_samples, run.dataset.n_validation)
    steps = sum(-(-n // run.training.batch_size) for n in sizes)
    epoch = seconds.epoch + seconds.step * steps + seconds.sample * sum(sizes)
    return run.training.epochs * epoch


def _seconds(run: Run) -> Seconds:
    """What its engine is expected to cost; one named by its import path has costs of any name."""
    known = run.framework.engines
    return known.get(run.training.engine) or next(iter(known.values()))
