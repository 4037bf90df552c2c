"""Composition of a run from `conf/` and Hydra overrides.

Hydra composes the files of `conf/`; the dataclasses of `settings` check what comes out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from batchf1.config import registry
from batchf1.config.conf import CONF
from batchf1.config.settings import InputPipeline, Model, Run, Training
from batchf1.errors import InputError, check, one_line, raise_input_error, raise_path_error
from batchf1.sweep.old_names import new_group
from batchf1.training.engines import checked

CHOICE = re.compile(r"dataset(@[^=]*)?=")
"""Override that chooses a data set, of whatever package."""
FACTORY = re.compile(r"(?<!['\"])\b([a-z_]+\([\d.]*\))(?!['\"])")
"""Metric with a number, such as `f_beta(2)`, outside quotes."""


def compose(overrides: Iterable[str] = ()) -> Run:
    """Compose a run from `conf/` and Hydra overrides; raise `InputError` if invalid."""
    return run_of(config_of(overrides))


def config_of(overrides: Iterable[str]) -> DictConfig:
    """Compose the settings of a run, not yet checked; raise `InputError` where Hydra does."""
    overrides = registered(overrides)
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = hydra_compose("config", overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # ValueError: how Hydra refuses a config file named null or by a number
        raise_input_error("config", f"cannot be composed: {reason(error)}", " ".join(overrides))
    chosen = config.hydra.runtime.choices.get("dataset")
    with open_dict(config):
        del config["hydra"]
    return with_variant(config, chosen)


def with_variant(config: DictConfig, chosen: object) -> DictConfig:
    """Name the variant of the data set after the choice of the group `dataset`, if it has none."""
    if config.get("dataset") and not config.dataset.get("variant"):
        own = registry.PATH.fullmatch(str(chosen)) is not None
        config.dataset.variant = registry.dataset(str(chosen)).name if own else str(chosen)
    return config


def registered(overrides: Iterable[str], folder: Path | None = None) -> list[str]:
    """Register the settings and the data sets with Hydra; return the overrides by today's names.

    `folder`: a folder of further configs, as Hydra's `--config-dir`.
    """
    renamed = [metric_list(new_group(override)) for override in overrides]
    store = ConfigStore.instance()
    store.store(name="run_schema", node=Run)
    for name in _data_sets(renamed, [CONF, *([folder] if folder else [])]):
        store.store(group="dataset", name=name, node=registry.dataset(name))
    return renamed


def metric_list(override: str) -> str:
    """Return an override of `metrics` as Hydra reads it; any other as it is.

    Hydra takes `f_beta(2)` for a function of its own, unless it is quoted, and a list only in
    brackets: `metrics=f1,jaccard` becomes `metrics=[f1],[jaccard]`, a run of a multirun each.
    """
    key, equals, value = override.partition("=")
    if key.lstrip("+") != "metrics":
        return override
    value = FACTORY.sub(r"'\1'", value)
    return key + equals + (value if "[" in value else ",".join(f"[{v}]" for v in value.split(",")))


def _data_sets(overrides: Iterable[str], folders: Sequence[Path]) -> list[str]:
    """Return the data sets to register with Hydra: our own, and others that are named.

    Another package's is not loaded before it is named, since it may be broken.
    """
    texts = [override.partition("=")[2] for override in overrides if CHOICE.match(override)]
    chosen = [name.strip(" '\"()[]") for text in texts for name in text.split(",")]
    named = {name for choice in chosen for name in _with_bases(choice, folders)}
    paths = set(filter(registry.PATH.fullmatch, named))
    others = named & set(registry.names(registry.DATASETS)) | paths
    return sorted({*registry.own_names(registry.DATASETS), *others})


def _with_bases(choice: str, folders: Sequence[Path]) -> Iterator[str]:
    """Yield a data set and those in the defaults list of its file in a folder's `dataset`."""
    yield choice
    files = [folder / "dataset" / f"{choice}.yaml" for folder in folders]
    bases = [base for f in files if f.is_file() for base in read_yaml(f).get("defaults") or []]
    for base in bases:
        if isinstance(base, str) and base not in ("_self_", choice):
            yield from _with_bases(base, folders)


def values_of(config: DictConfig) -> dict[str, Any]:
    """Return the settings of a composition as plain values."""
    try:
        values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise_input_error("config", f"must have all values: {reason(error)}")
    return cast("dict[str, Any]", values)


def run_of(
    config: DictConfig,
    point: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Run:
    """Build the `Run` of a composition, with the (already typed) values of a grid's point.

    `values`: those of the composition, where they are known from another point.
    """
    settings: Any = copy.deepcopy(dict(values or values_of(config)))
    for key, value in (point or {}).items():
        group, _, name = key.rpartition(".")
        (settings[group] if group else settings)[name] = value
    parts: dict[str, Any] = {
        "dataset": OmegaConf.get_type(config.dataset),
        "model": Model,
        "training": Training,
        "input_pipeline": InputPipeline,
    }
    made = {name: _part(part, settings.get(name), f"{name}.") for name, part in parts.items()}
    return checked(_part(Run, settings | made))


def _part(kind: Any, settings: Any, group: str = "") -> Any:
    """Build a dataclass from its settings; refuse unknown and missing ones."""
    name = f"config: {group.rstrip('.') or 'settings'}"
    check(isinstance(settings, dict), name, "must be chosen", settings)
    names = {part.name for part in fields(kind)}
    for name in sorted(settings.keys() - names):
        raise_input_error(
            f"config: {group}{name}", f"cannot be set; the settings are {sorted(names)}"
        )
    for name in sorted(names - settings.keys()):
        raise_input_error(f"config: {group}{name}", "must have a value", "none")
    return kind(**settings)


def reason(error: Exception) -> str:
    """Return Hydra's or OmegaConf's message on one line, with the key, without type notes."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip().removesuffix(".") for text in texts for line in text.splitlines()]
    notes = ("object_type", "full_key", "reference_type", "set_struct", "set_readonly")
    kept_lines = [line for line in lines if line and not line.startswith(notes)]
    key = getattr(error, "full_key", None)
    return one_line("; ".join(dict.fromkeys([*([f"at {key}"] if key else []), *kept_lines])))


def read_yaml(path: Path) -> Any:
    """Read the keys and values of a YAML file; raise `InputError` if it cannot be read."""
    try:
        written = OmegaConf.load(path)
    except OSError as error:
        rule = "must be a readable file" if error.errno else "must hold keys and values"
        raise_path_error(path, rule, error)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: {one_line(error)[:500]}") from error
    mapping = isinstance(written, DictConfig)
    check(mapping, str(path), "must hold keys and values", type(written).__name__)
    return written
