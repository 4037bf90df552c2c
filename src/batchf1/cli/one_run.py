"""Selection of runs of a study by their settings, and the Hydra overrides that compose them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf
from yaml import YAMLError

from batchf1.config.conf import GROUPS
from batchf1.config.settings import Run
from batchf1.errors import check, raise_input_error
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.studies.experiments import load, plan
from batchf1.sweep.cells import Cell
from batchf1.sweep.composition import reason
from batchf1.sweep.grid import Study

FOLDER = Path("experiments")
HYDRA = ("hydra.", "hydra/", "+hydra.", "+hydra/", "++hydra.", "~hydra.", "~hydra/")
"""Beginnings of the overrides of Hydra's own settings."""


class _Choice(NamedTuple):
    """Run of the study, not composed yet, and its settings by their keys."""

    cell: Cell
    seed: int
    settings: Mapping[str, Any]


class CommandLine(NamedTuple):
    """Hydra overrides that compose runs of a study, and the `run_id`s of these."""

    overrides: list[str]
    run_ids: frozenset[str]


def one_run(study: str, settings: Sequence[str]) -> Run:
    """Return the only run of `experiments/<study>.yaml` with settings as `training.batch_size=8`.

    A key is a setting of the run or a column of the study's grid. Raises `InputError` for a file
    that cannot be read or has no runs, for a key or a value that none of its runs has, and where
    several runs have the settings: it names the keys in which these differ.
    """
    chosen = _only(_choices(study), settings, study)
    return chosen.cell.run(chosen.seed)


def command_line(study: str, settings: Sequence[str], sweeps: bool) -> CommandLine:
    """Return the Hydra overrides for runs of `experiments/<study>.yaml` with these settings.

    `sweeps`: whether a setting may have several values, as `seed=0,1`; then each combination must
    be a run of the study. Overrides of Hydra's own settings are passed on. Raises `InputError` as
    `one_run` does, and for a study of another kind than `runs`.
    """
    read = load(_path(study))
    if not isinstance(read, Study):
        raise_input_error("--study", "must be a study of kind runs with options of Hydra", study)
    choices = _choices(study)
    of_hydra = [text for text in settings if text.startswith(HYDRA)]
    own = [text for text in settings if not text.startswith(HYDRA)]
    values = [_swept(text) if sweeps else [text] for text in own]
    chosen = [_only(choices, each, study) for each in product(*values)]
    given = {text.partition("=")[0] for text in own}
    fixed = [text for text in read.run_overrides if text.partition("=")[0] not in given]
    fixed += [_fixed(key, chosen, study) for key in read.grid if key not in given]
    run_ids = frozenset(each.cell.run_id(each.seed) for each in chosen)
    return CommandLine([*fixed, f"study='{study}'", *own, *of_hydra], run_ids)


def _swept(text: str) -> list[str]:
    """Return an override for each value of a sweep."""
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException as error:
        raise_input_error("config", f"cannot be composed: {reason(error)}", text)
    if not override.is_discrete_sweep():
        return [text]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _fixed(key: str, chosen: Sequence[_Choice], study: str) -> str:
    """Return the override for a key of the grid that the command line does not have."""
    values = _values(chosen, key)
    if len(values) > 1:
        rule = f"must be narrowed to one {key} of {study}"
        raise_input_error("--study", rule, _listed(chosen, key))
    return f"{key}={values[0] if key in GROUPS else json.dumps(values[0])}"


def _path(study: str) -> Path:
    return FOLDER / f"{study}.yaml"


def _choices(study: str) -> list[_Choice]:
    """Return all runs of a study."""
    path = _path(study)
    trains = isinstance(load(path), Study | DecisionStudy)
    check(trains, "--study", "must be a study that trains runs", study)
    return [
        _Choice(cell, seed, _flat(cell.resolved) | dict(cell.point) | {"seed": seed})
        for cell in plan(path).cells
        for seed in cell.seeds
    ]


def _only(choices: Sequence[_Choice], settings: Sequence[str], study: str) -> _Choice:
    """Return the only run that has the settings."""
    found = list(choices)
    for text in settings:
        found = _having(found, text, study)
    if len(found) > 1:
        raise_input_error(
            "--study", f"must be narrowed to one run of {study} by {_open(found)}", len(found)
        )
    return found[0]


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


def _values(runs: Sequence[_Choice], key: str) -> list[Any]:
    return list({repr(run.settings[key]): run.settings[key] for run in runs}.values())


def _listed(runs: Sequence[_Choice], key: str) -> str:
    values = [str(value) for value in _values(runs, key)]
    return ", ".join(values if len(values) <= 10 else [*values[:3], "...", values[-1]])


def _flat(settings: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """Return nested settings by dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{group}{key}.") if isinstance(value, dict) else {group + key: value}
    return flat
