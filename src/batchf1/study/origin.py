"""What the table of a study says of where it came from: its settings, and how it was trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.records import tables
from batchf1.study.grid import Study, load_study
from batchf1.study.settings import Run

ALIKE = ("commit", "dirty", "device", "versions", "python", "platform")
"""Runs that agree in these stand in one entry."""


def trained(origins: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How runs were trained: an entry for those trained alike, with their number and times.

    `origins` are provenances of single runs, or such entries, which are merged.
    """
    found: dict[str, dict[str, Any]] = {}
    for origin in origins:
        alike = {key: origin.get(key) for key in ALIKE}
        first, last = (origin.get(key, origin.get("time")) for key in ("first", "last"))
        new = {**alike, "n_runs": 0, "first": first, "last": last}
        entry = found.setdefault(json.dumps(alike, sort_keys=True), new)
        entry["n_runs"] += origin.get("n_runs", 1)
        entry["first"], entry["last"] = min(entry["first"], first), max(entry["last"], last)
    return list(found.values())


def of_study(
    experiment: Path, runs: list[Run], table: pd.DataFrame, shards: list[Path]
) -> dict[str, Any]:
    """The question and settings of a study, and how its runs were trained."""
    records = [tables.provenance_of(path) for path in shards]
    found = settings(run.resolved for run in runs)
    return {
        "study": experiment.stem,
        "question": load_study(experiment, Study).question,
        "n_runs": len(runs),
        **split(found),
        "devices": sorted(table["device"].unique()),
        "frameworks": _named(table),
        "trained": trained(entry for record in records for entry in record.get("trained", [])),
    }


def _named(table: pd.DataFrame) -> list[str]:
    return sorted(set(table["framework"] + " " + table["version"]))


def settings(resolved: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Dotted name of every setting -> its values over some runs, each once."""
    found: dict[str, list[Any]] = {}
    for run in resolved:
        for key, value in _flat(run):
            values = found.setdefault(key, [])
            if value not in values:
                values.append(value)
    return found


def split(found: Mapping[str, list[Any]]) -> dict[str, dict[str, Any]]:
    """`config`: the settings that all runs share; `grid`: the others, with their values."""
    return {
        "config": {key: values[0] for key, values in found.items() if len(values) == 1},
        "grid": {key: values for key, values in found.items() if len(values) > 1},
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
