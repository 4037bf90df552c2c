"""Grid of a study, and the runs composed from `conf/`, overrides and grid."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any, TypeVar, cast

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from batchf1.config import metric_names
from batchf1.config.conf import CONF as CONF
from batchf1.config.conf import GROUPS
from batchf1.config.limits import check_size
from batchf1.config.metric_names import DEFAULT
from batchf1.config.rules import (
    COUNT,
    POSITIVE_COUNT,
    UNIQUE,
    check_among,
    check_overrides,
    check_settings,
)
from batchf1.config.settings import Run
from batchf1.errors import InputError, check, raise_input_error
from batchf1.sweep.cells import Cell
from batchf1.sweep.composition import compose as compose
from batchf1.sweep.composition import config_of, read_yaml, reason, run_of, values_of
from batchf1.sweep.old_names import with_new_names

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
    metrics: list[str] = field(default_factory=list)
    """What each strategy of each run computes: `f_beta(2)`, `my_module.MINE`; F1 by default."""
    seeds: int | None = None
    """`seeds: 400` says `seed: [0, 1, ... 399]` of the grid in short."""
    exclude: Exclude = field(default_factory=Exclude)
    shards: int | None = None
    """Number of processes that the runs are dealt to; by default the machine's cores."""
    on_demand: bool = False
    """Whether the study runs only when requested by name."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the study's table."""
    figure_metrics: dict[str, str] = field(default_factory=dict)
    """Figure -> the metric that it shows, where the runs have several."""
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
        rule = "cannot be varied: the key metrics of the file lists those of every run"
        check("metrics" not in self.grid, "grid.metrics", rule)
        check_overrides(self.overrides, ["metrics"], "cannot set what the key metrics lists")
        if self.metrics:
            self.metrics = metric_names.canonical(self.metrics)
        self._check_figures()

    def _check_figures(self) -> None:
        check_among("figure_metrics", self.figure_metrics, list(self.figures))
        for figure, name in self.figure_metrics.items():
            metric = metric_names.canonical([name])
            check_among(f"figure_metrics.{figure}", metric, self.metrics or [DEFAULT])
            self.figure_metrics[figure] = metric[0]
        unchosen = [name for name in self.figures if name not in self.figure_metrics]
        rule = f"must choose one of {', '.join(self.metrics)} for each figure"
        good = len(self.metrics) < 2 or not unchosen
        check(good, "figure_metrics", rule, f"none for {', '.join(unchosen)}")

    @property
    def run_overrides(self) -> list[str]:
        """Hydra overrides that hold for every run, the metrics among them."""
        return [*self.overrides, *[f"metrics={json.dumps(self.metrics)}"] * bool(self.metrics)]

    def check_size(self, huge: bool = False) -> None:
        """Refuse a grid of too many cells or runs, as `limits.check_size` does."""
        n_cells = prod(len(values) for key, values in self.grid.items() if key != "seed")
        check_size(n_cells, n_cells * len(self.grid.get("seed", [0])), huge)


def load_study(path: str | Path, kind: type[T]) -> T:
    """Read an experiment file as a `Study` or `WorkedExample`; `InputError` if invalid."""
    return study_of(Path(path), read_yaml(Path(path)), kind)


def study_of(path: Path, written: DictConfig, kind: type[T]) -> T:
    """Build a `Study` or `WorkedExample` of what its file holds; `InputError` if invalid."""
    written = with_new_names(path, written)
    try:
        study = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), written))
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        # RecursionError: a YAML alias to the very thing that holds it
        raise InputError(f"{path}: {reason(error)[:500]}") from error
    return cast("T", study)


def runs(path: str | Path) -> list[Run]:
    """Return all runs of a study, in the order of `cells`, seeds fastest."""
    return [cell.run(seed) for cell in cells(path) for seed in cell.seeds]


def cells(path: str | Path, huge: bool = False, study: Study | None = None) -> list[Cell]:
    """Return the cells of a study's grid, in its order, without the excluded ones.

    `huge`: whether it may have more than `limits.MAX_RUNS` runs; `study`: what the file holds,
    where it has been read.
    No check of a run depends on its seed but that of the seed's range, so a cell is checked once.
    Raises `InputError` that names the file and the key, value or cell that does not fit.
    """
    path = Path(path)
    study = study or load_study(path, Study)
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
        yield config_of([*chosen, *study.run_overrides, f"study='{name}'"]), point


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
    known = values_of(base)
    for point in itertools.product(*typed.values()):
        settings = dict(zip(typed, point, strict=True))
        run = _first(base, known, settings, seeds, study.exclude)
        if run is not None:
            yield Cell(run, choice | settings, seeds or (run.seed,))


def _typed(base: DictConfig, key: str, values: list[Any]) -> list[Any]:
    """Convert grid values to the config's type of their key."""
    if key == "seed" and (isinstance(values, range) or all(type(v) is int for v in values)):
        return values  # there may be millions
    trial = copy.deepcopy(base)  # one for all: a copy takes long, and only mappings are merged
    return [
        _typed_one(copy.deepcopy(base) if isinstance(value, dict) else trial, key, value)
        for value in values
    ]


def _typed_one(trial: DictConfig, key: str, value: Any) -> Any:
    """Convert a grid value to the type of its key in a copy of the config, which it changes."""
    try:
        OmegaConf.update(trial, key, value)
        selected = OmegaConf.select(trial, key)
        return OmegaConf.to_container(selected) if OmegaConf.is_config(selected) else selected
    except (OmegaConfBaseException, ValueError) as error:
        raise_input_error(f"grid.{key}", f"must fit its setting: {reason(error)}", value)


def _first(
    base: DictConfig,
    known: Mapping[str, Any],
    point: Mapping[str, Any],
    seeds: tuple[int, ...],
    exclude: Exclude,
) -> Run | None:
    """Return the run of a cell's first seed, or None if the study excludes the cell."""
    n = point.get("dataset.n_samples", base.dataset.n_samples)
    batch_size = point.get("training.batch_size", base.training.batch_size)
    if exclude.batch_above_data and batch_size > n:
        return None
    run = run_of(base, {**point, "seed": seeds[0]} if seeds else point, known)
    for seed in {min(seeds), max(seeds)} if seeds else ():
        replace(run, seed=seed)
    if run.dataset.min_class_count < exclude.class_below:
        return None
    run.dataset.check_drawable()
    return run
