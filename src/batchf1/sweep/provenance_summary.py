"""Provenance of a study's table: its settings, and how its runs were trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchf1.records import tables
from batchf1.sweep.cells import all_runs, n_runs
from batchf1.sweep.plan import Plan

SHARED_FIELDS = ("commit", "dirty", "device", "versions", "python", "platform")
"""Runs that agree in these stand in one entry."""
MAX_VALUES = 500
"""Largest number of values of a setting that a record lists."""


def trained_on(origins: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Summarize how runs were trained: one entry per environment, with their number and times.

    `origins` are such entries, which are merged, or provenances of single runs, and of as many as
    their `n_runs` says.
    """
    entries: dict[str, dict[str, Any]] = {}
    for origin in origins:
        alike = {key: origin.get(key) for key in SHARED_FIELDS}
        first, last = (origin.get(key, origin.get("time")) for key in ("first", "last"))
        new = {**alike, "n_runs": 0, "first": first, "last": last}
        entry = entries.setdefault(json.dumps(alike, sort_keys=True), new)
        entry["n_runs"] += origin.get("n_runs", 1)
        entry["first"], entry["last"] = min(entry["first"], first), max(entry["last"], last)
    return list(entries.values())


def of_study(planned: Plan, shards: Sequence[Path], seen: Mapping[str, set[str]]) -> dict[str, Any]:
    """Return the question and settings of a study, and how its runs were trained.

    `seen`: its `devices` and `frameworks`.
    """
    grid = planned.cells
    records = [tables.provenance_of(path) for path in shards]
    entries = settings(cell.first.resolved for cell in grid) | {"seed": list(grid[0].seeds)}
    return {
        "study": planned.path.stem,
        "question": planned.question,
        "n_runs": n_runs(all_runs(grid)),
        **split(entries),
        **{key: sorted(values) for key, values in seen.items()},
        "trained": trained_on(entry for record in records for entry in record.get("trained", [])),
    }


def settings(resolved: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Map the dotted name of every setting to its distinct values over some runs."""
    entries: dict[str, list[Any]] = {}
    for run in resolved:
        for key, value in flat(run):
            values = entries.setdefault(key, [])
            if value not in values:
                values.append(value)
    return entries


def split(entries: Mapping[str, list[Any]]) -> dict[str, dict[str, Any]]:
    """Split settings into `config`, shared by all runs, and `grid`, the others with their values.

    Of numbers beyond `MAX_VALUES`, as of a random search, only how many there are and their range.
    """
    return {
        "config": {key: values[0] for key, values in entries.items() if len(values) == 1},
        "grid": {key: _summarized(values) for key, values in entries.items() if len(values) > 1},
    }


def _summarized(values: list[Any]) -> Any:
    if len(values) <= MAX_VALUES or not all(isinstance(v, int | float) for v in values):
        return values
    return {"values": len(values), "least": min(values), "greatest": max(values)}


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield nested settings by their dotted names."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
