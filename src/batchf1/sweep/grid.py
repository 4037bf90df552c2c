"""Grid of a study, and the runs composed from `conf/`, overrides and grid.

Hydra composes the files of `conf/`; the dataclasses of `settings` check what comes out.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from math import prod
from pathlib import Path
from typing import Any, TypeVar, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from batchf1.config import registry
from batchf1.config.limits import check_size
from batchf1.config.rules import COUNT, POSITIVE_COUNT, UNIQUE, check_overrides, check_settings
from batchf1.config.settings import InputPipeline, Model, Run, Training
from batchf1.errors import InputError, check, one_line, raise_input_error, raise_path_error
from batchf1.records.provenance import PACKAGE
from batchf1.sweep.cells import Cell
from batchf1.sweep.old_names import new_group, with_new_names
from batchf1.training.engines import checked

CONF = next(p for p in (PACKAGE.parents[1] / "conf", PACKAGE / "conf") if p.is_dir())
GROUPS = ("dataset", "model", "training", "input_pipeline")

T = TypeVar("T")


@dataclass
class Exclude:
    """Rules that exclude cells from a grid; an impossible cell that none excludes is refused."""

    class_below: int = 0
    """Cells with a class of fewer samples in a split."""
    batch_above_data: bool = False
    """Cells whose batch is larger than the training split."""

    def __post_init__(self) -> None:
        check_settings(self, {"class_below": COUNT}, "exclude.")


@dataclass
class Study:
    """Study: a question with its grid of runs, `experiments/<name>.yaml`."""

    question: str = MISSING
    overrides: list[str] = field(default_factory=list)
    """Hydra overrides that hold for every run."""
    grid: dict[str, list[Any]] = MISSING
    """Setting -> its values; `dataset`, `model` and `training` choose a file of `conf/`."""
    seeds: int | None = None
    """`seeds: 400` says `seed: [0, 1, ... 399]` of the grid in short."""
    exclude: Exclude = field(default_factory=Exclude)
    shards: int | None = None
    """Number of processes that the runs are dealt to; by default the machine's cores."""
    on_demand: bool = False
    """Whether the study runs only when requested by name."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the study's table."""
    extra_inputs: list[str] = field(default_factory=list)
    """Further files that the figures are made from, after the table."""

    def __post_init__(self) -> None:
        check_settings(self, {"shards": POSITIVE_COUNT, "seeds": POSITIVE_COUNT})
        if self.seeds is not None:
            check("seed" not in self.grid, "seeds", "cannot be combined with grid.seed", self.seeds)
            # not expanded: there may be more than a study may have
            self.grid = {**self.grid, "seed": cast("list[Any]", range(self.seeds))}
        rule = "cannot set the study or a key of the grid"
        check_overrides(self.overrides, ("study", *self.grid), rule)
        # another study's name would mix its rows into the table
        rule = "cannot be varied, as it is the name of the file"
        check("study" not in self.grid, "grid.study", rule)

    def check_size(self, huge: bool = False) -> None:
        """Refuse a grid of too many cells or runs, as `limits.check_size` does."""
        n_cells = prod(len(values) for key, values in self.grid.items() if key != "seed")
        check_size(n_cells, n_cells * len(self.grid.get("seed", [0])), huge)


def compose(overrides: Iterable[str] = ()) -> Run:
    """Compose a run from `conf/` and Hydra overrides; raise `InputError` if invalid."""
    return _run(_compose(overrides))


def _compose(overrides: Iterable[str]) -> DictConfig:
    overrides = [new_group(override) for override in overrides]
    store = ConfigStore.instance()
    store.store(name="run_schema", node=Run)
    for name in _data_sets(overrides):
        store.store(group="dataset", name=name, node=registry.dataset(name))
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = hydra_compose("config", overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # ValueError: how Hydra refuses a config file named null or by a number
        raise_input_error("config", f"cannot be composed: {_reason(error)}", " ".join(overrides))
    chosen = config.hydra.runtime.choices.get("dataset")
    with open_dict(config):
        del config["hydra"]
    if config.get("dataset") and not config.dataset.get("variant"):
        own = registry.PATH.fullmatch(str(chosen)) is not None
        config.dataset.variant = registry.dataset(str(chosen)).name if own else str(chosen)
    return config


def _data_sets(overrides: Iterable[str]) -> list[str]:
    """Return the data sets to register with Hydra: our own, and others that are named.

    Another package's is not loaded before it is named, since it may be broken.
    """
    chosen = [override.partition("=")[2] for override in overrides if override[:8] == "dataset="]
    named = {name.strip("'\"") for choice in chosen for name in _with_bases(choice)}
    paths = set(filter(registry.PATH.fullmatch, named))
    others = named & set(registry.names(registry.DATASETS)) | paths
    return sorted({*registry.own_names(registry.DATASETS), *others})


def _with_bases(choice: str) -> Iterator[str]:
    """Yield a data set and those in the defaults list of its file in `conf/dataset`."""
    yield choice
    file = CONF / "dataset" / f"{choice}.yaml"
    bases = read_yaml(file).get("defaults") or [] if file.is_file() else []
    for base in bases:
        if isinstance(base, str) and base not in ("_self_", choice):
            yield from _with_bases(base)


def _run(config: DictConfig, point: Mapping[str, Any] | None = None) -> Run:
    """Build the `Run` of a composition, with the (already typed) values of a grid's point."""
    try:
        settings: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise_input_error("config", f"must have all values: {_reason(error)}")
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
    label = f"config: {group.rstrip('.') or 'settings'}"
    check(isinstance(settings, dict), label, "must be chosen", settings)
    names = {part.name for part in fields(kind)}
    for name in sorted(settings.keys() - names):
        raise_input_error(
            f"config: {group}{name}", f"cannot be set; the settings are {sorted(names)}"
        )
    for name in sorted(names - settings.keys()):
        raise_input_error(f"config: {group}{name}", "must have a value", "none")
    return kind(**settings)


def _reason(error: Exception) -> str:
    """Return Hydra's or OmegaConf's message on one line, with the key, without type notes."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    notes = ("object_type", "full_key", "reference_type", "set_struct", "set_readonly")
    own_lines = [line for line in lines if line and not line.startswith(notes)]
    key = getattr(error, "full_key", None)
    return one_line("; ".join(dict.fromkeys([*([f"at {key}"] if key else []), *own_lines])))


def load_study(path: str | Path, kind: type[T]) -> T:
    """Read an experiment file as a `Study` or `WorkedExample`; `InputError` if invalid."""
    path = Path(path)
    written = with_new_names(path, read_yaml(path))
    try:
        study = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), written))
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        # RecursionError: a YAML alias to the very thing that holds it
        raise InputError(f"{path}: {_reason(error)[:500]}") from error
    return cast("T", study)


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


def runs(path: str | Path) -> list[Run]:
    """Return all runs of a study, in the order of `cells`, seeds fastest."""
    return [cell.run(seed) for cell in cells(path) for seed in cell.seeds]


def cells(path: str | Path, huge: bool = False) -> list[Cell]:
    """Return the cells of a study's grid, in its order, without the excluded ones.

    `huge`: whether it may have more than `limits.MAX_RUNS` runs.
    No check of a run depends on its seed but that of the seed's range, so a cell is checked once.
    Raises `InputError` that names the file and the key, value or cell that does not fit.
    """
    path = Path(path)
    study = load_study(path, Study)
    try:
        study.check_size(huge)
        grid = [cell for base in _bases(path.stem, study) for cell in _cells(*base, study)]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    check(bool(grid), str(path), "must have a grid of at least one cell", dict(study.grid))
    digests = set()
    for cell in grid:
        # 1 and "1", or a config file and the values in it
        good = cell.digest not in digests and len(set(cell.seeds)) == len(cell.seeds)
        check(good, f"{path}: grid", "cannot give a run twice", cell.first.label)
        digests.add(cell.digest)
    return grid


def _bases(name: str, study: Study) -> Iterator[tuple[DictConfig, dict[str, Any]]]:
    """Yield a composition, and the choice, for each choice of config files in the grid."""
    groups = {key: values for key, values in study.grid.items() if key in GROUPS}
    for choice in itertools.product(*groups.values()):
        point = dict(zip(groups, choice, strict=True))
        chosen = [f"{key}={value}" for key, value in point.items()]
        yield _compose([*chosen, *study.overrides, f"study='{name}'"]), point


def _cells(base: DictConfig, choice: dict[str, Any], study: Study) -> Iterator[Cell]:
    """Yield the cells of the remaining grid over one composition."""
    axes = {key: values for key, values in study.grid.items() if key not in GROUPS}
    for key, values in axes.items():
        # a range is not expanded
        distinct = isinstance(values, range) or len({json.dumps(v) for v in values}) == len(values)
        distinct = distinct and len(values) > 0
        check(distinct, f"grid.{key}", UNIQUE.text, values)
    typed = {key: _typed(base, key, values) for key, values in axes.items()}
    seeds = tuple(typed.pop("seed", ()))
    for point in itertools.product(*typed.values()):
        settings = dict(zip(typed, point, strict=True))
        run = _first(base, settings, seeds, study.exclude)
        if run is not None:
            yield Cell(run, choice | settings, seeds or (run.seed,))


def _typed(base: DictConfig, key: str, values: list[Any]) -> list[Any]:
    """Convert grid values to the config's type of their key."""
    if key == "seed" and (isinstance(values, range) or all(type(v) is int for v in values)):
        return values  # there may be millions
    return [_typed_one(base, key, value) for value in values]


def _typed_one(base: DictConfig, key: str, value: Any) -> Any:
    """Convert a grid value to the config's type of its key."""
    trial = copy.deepcopy(base)
    try:
        OmegaConf.update(trial, key, value)
        selected = OmegaConf.select(trial, key)
        return OmegaConf.to_container(selected) if OmegaConf.is_config(selected) else selected
    except (OmegaConfBaseException, ValueError) as error:
        raise_input_error(f"grid.{key}", f"must fit its setting: {_reason(error)}", value)


def _first(
    base: DictConfig, point: Mapping[str, Any], seeds: tuple[int, ...], exclude: Exclude
) -> Run | None:
    """Return the run of a cell's first seed, or None if the study excludes the cell."""
    n = point.get("dataset.n_samples", base.dataset.n_samples)
    batch_size = point.get("training.batch_size", base.training.batch_size)
    if exclude.batch_above_data and batch_size > n:
        return None
    run = _run(base, {**point, "seed": seeds[0]} if seeds else point)
    for seed in {min(seeds), max(seeds)} if seeds else ():
        replace(run, seed=seed)
    fewest = run.dataset.min_class_count
    if fewest < exclude.class_below:
        return None
    check(fewest >= 1, "cell", "must have both classes in each split", run.label)
    return run
