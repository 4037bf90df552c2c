"""What the table of a study says of where it came from: its settings, and how it was trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.records import tables
from batchf1.study.grid import Study, load_study
from batchf1.study.schema import RUNS
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
        # None where an older version of this package recorded nothing
        entry["first"] = min(filter(None, (entry["first"], first)), default=None)
        entry["last"] = max(filter(None, (entry["last"], last)), default=None)
    return list(found.values())


def of_study(
    experiment: Path, runs: list[Run], table: pd.DataFrame, shards: list[Path]
) -> dict[str, Any]:
    """The question and settings of a study, how its runs were trained, and which code read them.

    `checked` are the shards' commits: of that code each run has the fingerprint, whichever
    trained it.
    """
    records = [tables.provenance_of(path) for path in shards]
    found = settings(run.resolved for run in runs)
    return {
        "study": experiment.stem,
        "question": load_study(experiment, Study).question,
        "n_runs": len(runs),
        **split(found),
        "seeds": found["seed"],
        "threads": found["training.threads"],
        "devices": sorted(table["device"].unique()),
        "frameworks": _named(table),
        "trained": trained(_entries(shards, records)),
        "checked": _distinct({key: r.get(key) for key in ("commit", "dirty")} for r in records),
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


def _entries(shards: list[Path], records: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for path, record in zip(shards, records, strict=True):
        if "trained" in record:
            yield from record["trained"]
        else:  # of an older version of this package
            yield {"n_runs": int(tables.read(path, RUNS)["run_id"].nunique())}


def _distinct(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
