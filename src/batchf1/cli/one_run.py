"""Selection of one run of a study by its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf
from yaml import YAMLError

from batchf1.config.settings import Run
from batchf1.errors import check, raise_input_error
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.studies.experiments import load, plan
from batchf1.sweep.cells import Cell
from batchf1.sweep.grid import Study

FOLDER = Path("experiments")


class _Choice(NamedTuple):
    """Run of the study, not composed yet, and its settings by their keys."""

    cell: Cell
    seed: int
    settings: Mapping[str, Any]


def one_run(study: str, settings: Sequence[str]) -> Run:
    """Return the only run of `experiments/<study>.yaml` with settings as `training.batch_size=8`.

    A key is a setting of the run or a column of the study's grid. Raises `InputError` for a file
    that cannot be read or has no runs, for a key or a value that none of its runs has, and where
    several runs have the settings: it names the keys in which these differ.
    """
    path = FOLDER / f"{study}.yaml"
    trains = isinstance(load(path), Study | DecisionStudy)
    check(trains, "--study", "must be a study that trains runs", study)
    found = [
        _Choice(cell, seed, _flat(cell.resolved) | dict(cell.point) | {"seed": seed})
        for cell in plan(path).cells
        for seed in cell.seeds
    ]
    for text in settings:
        found = _having(found, text, study)
    if len(found) > 1:
        raise_input_error(
            "--study", f"must be narrowed to one run of {study} by {_open(found)}", len(found)
        )
    return found[0].cell.run(found[0].seed)


def _having(runs: list[_Choice], text: str, study: str) -> list[_Choice]:
    """Return the runs that have a setting."""
    key, _, written = text.partition("=")
    check(key in runs[0].settings, "--study", f"must be narrowed by a setting of {study}", key)
    value = _value(written)
    found = [run for run in runs if run.settings[key] == value]
    values = _listed(runs, key)
    check(bool(found), key, f"must be one of {values}, with the settings before it", written)
    return found


def _value(written: str) -> Any:
    """Parse a value as Hydra does; text that is not YAML is returned unchanged."""
    try:
        value: Any = OmegaConf.from_dotlist([f"value={written}"]).value
    except YAMLError:
        return written
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def _open(runs: list[_Choice]) -> str:
    """Return the keys in which runs differ, with their values."""
    keys = [key for key in runs[0].settings if len(_values(runs, key)) > 1]
    return "; ".join(f"{key} ({_listed(runs, key)})" for key in keys)


def _values(runs: list[_Choice], key: str) -> list[Any]:
    return list({repr(run.settings[key]): run.settings[key] for run in runs}.values())


def _listed(runs: list[_Choice], key: str) -> str:
    values = [str(value) for value in _values(runs, key)]
    return ", ".join(values if len(values) <= 10 else [*values[:3], "...", values[-1]])


def _flat(settings: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """Return nested settings by dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{group}{key}.") if isinstance(value, dict) else {group + key: value}
    return flat
