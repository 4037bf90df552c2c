"""Settings: the only way in which they reach code.

A run is a Hydra composition of `conf/` and overrides, checked against the dataclasses here. A
study is a YAML file of `experiments/`: its question, and a grid over run settings.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from batchf1.datasets.base import Dataset
from batchf1.errors import InputError, one_line, refuse, require
from batchf1.records.provenance import PACKAGE
from batchf1.study import plugins

CONF = next(p for p in (PACKAGE.parents[1] / "conf", PACKAGE / "conf") if p.is_dir())
GROUPS = ("dataset", "model", "training", "program")
DEVICES = ("auto", "cpu", "gpu")
ENGINES = ("fused", "plain", "keras224")
ORIGINAL = ("batch_mean", "epoch_end", "reconstructed")
"""Strategies that the article has, so that engine keras224 has them."""

CHOICES = {
    "train": ("arrays", "generator"),
    "validation": ("arrays", "generator"),
    "short_batch": ("keep", "drop"),
    "steps": ("ceil", "floor"),
    "counts": ("per_sample", "sum", "mean"),
}
"""Setting of `program` -> its values."""

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""What studies and figures are named like: their names become parts of paths."""
COUNTS = ("tp", "fp", "fn", "tn")
MOST_UNITS, MOST_THREADS = 2**20, 1024
MOST_SEED = 2**63 - 1
"""int64 in tables."""

T = TypeVar("T")


def check_name(name: str, thing: str) -> None:
    """Refuse a name that cannot stand in a path, a wildcard or an override."""
    require(NAME.fullmatch(name) is not None, thing, "is of letters, digits, _ and -", name)


@dataclass
class Model:
    """A multilayer perceptron with ReLU layers and one sigmoid output, trained with Adam."""

    hidden: list[int] = MISSING
    learning_rate: float = MISSING

    def __post_init__(self) -> None:
        for units in self.hidden:
            rule = f"layers have at least 1 unit and at most {MOST_UNITS}"
            require(1 <= units <= MOST_UNITS, "model.hidden", rule, self.hidden)
        positive = 0 < self.learning_rate < float("inf")
        require(positive, "model.learning_rate", "must be above 0", self.learning_rate)


@dataclass
class Training:
    """How a run trains."""

    batch_size: int = MISSING
    epochs: int = MISSING
    threshold: float = MISSING
    """A score above it is a predicted positive."""
    engine: str = MISSING
    device: str = MISSING
    """`auto` takes a GPU where TensorFlow sees one."""
    threads: int = MISSING
    """Threads of one process; 0 leaves the number to TensorFlow."""
    pretrain: int = MISSING
    """Epochs on arrays, in batches of 32, before the first of the run."""
    freeze_after: int = MISSING
    """Epoch after which the weights stay fixed (learning rate 0); 0 for never."""

    def __post_init__(self) -> None:
        require(self.batch_size >= 1, "training.batch_size", "must be at least 1", self.batch_size)
        require(self.epochs >= 1, "training.epochs", "must be at least 1", self.epochs)
        require(0 < self.threshold < 1, "training.threshold", "must lie in (0, 1)", self.threshold)
        require(self.engine in ENGINES, "training.engine", f"is one of {ENGINES}", self.engine)
        require(self.device in DEVICES, "training.device", f"is one of {DEVICES}", self.device)
        for name in ("threads", "pretrain", "freeze_after"):
            value = getattr(self, name)
            require(value >= 0, f"training.{name}", "must be at least 0", value)
        rule = f"must be at most {MOST_THREADS}"
        require(self.threads <= MOST_THREADS, "training.threads", rule, self.threads)


@dataclass
class Program:
    """How a program hands its data to Keras and what its count metrics return.

    A generator is one of batches without end, made once, as `fit_generator` takes it.
    """

    name: str = MISSING
    """The file's, in `conf/program`."""
    train: str = MISSING
    validation: str = MISSING
    short_batch: str = MISSING
    """What a generator does with the incomplete last batch of a pass over the data."""
    steps: str = MISSING
    """How the number of batches asked of a generator in an epoch is rounded."""
    shuffle_validation: bool = MISSING
    """Whether a validation generator takes another order in each pass."""
    counts: str = MISSING
    """What a count metric returns for a batch: a vector, its sum or its mean."""

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            require(value in allowed, f"program.{name}", f"is one of {allowed}", value)

    @property
    def plain(self) -> bool:
        """Whether arrays are handed over for both splits."""
        return self.train == self.validation == "arrays"


ARRAYS = Program("arrays", "arrays", "arrays", "keep", "ceil", False, "per_sample")
"""`conf/program/arrays.yaml`, the program of a pretraining."""
PRETRAIN_BATCH = 32


@dataclass
class Run:
    """One training, completely."""

    study: str = MISSING
    seed: int = MISSING
    strategies: list[str] = MISSING
    dataset: Dataset = MISSING
    model: Model = MISSING
    training: Training = MISSING
    program: Program = MISSING

    def __post_init__(self) -> None:
        check_name(self.study, "study")
        known = plugins.names(plugins.STRATEGIES)
        require(bool(self.strategies), "strategies", f"are at least one of {known}", "none")
        for name in self.strategies:
            plugins.place(plugins.STRATEGIES, name)
        require(
            len(set(self.strategies)) == len(self.strategies),
            "strategies",
            "must not repeat",
            self.strategies,
        )
        require(self.seed >= 0, "seed", "must be at least 0", self.seed)
        require(self.seed <= MOST_SEED, "seed", f"must be at most {MOST_SEED}", self.seed)
        require(
            self.training.batch_size <= self.dataset.n_samples,
            "training.batch_size",
            f"must not exceed dataset.n_samples={self.dataset.n_samples}",
            self.training.batch_size,
        )
        self._check_engine()

    def _check_engine(self) -> None:
        engine = self.training.engine
        if engine == "fused":
            rule = "needs engine plain or keras224 where it has generators"
            require(self.program.plain, f"program {self.program.name}", rule, engine)
        if engine == "keras224":
            for name in self.strategies:
                require(name in ORIGINAL, "strategies", f"of Keras 2.2.4 are {ORIGINAL}", name)
            threshold = self.training.threshold
            require(threshold == 0.5, "training.threshold", "of the article is 0.5", threshold)
        if self.program.short_batch == "drop":
            rule = f"must not exceed the validation set's {self.dataset.n_validation} to be dropped"
            size = self.training.batch_size
            require(size <= self.dataset.n_validation, "training.batch_size", rule, size)

    @property
    def n_rows(self) -> int:
        """Number of the run's rows in a table: one per epoch, split and strategy."""
        return self.training.epochs * 2 * len(self.strategies)

    @property
    def names(self) -> tuple[object, ...]:
        """What the seeds of the run are hashed from.

        Runs that differ in batch size, engine or program alone share data, first weights and order.
        """
        d = self.dataset
        return (self.study, d.name, d.n_samples, d.prevalence, self.seed)

    @property
    def pretraining(self) -> Run | None:
        """The run whose last weights are this one's first; None where those are drawn."""
        if not self.training.pretrain:
            return None
        original = self.training.engine == "keras224"
        training = replace(
            self.training,
            batch_size=min(PRETRAIN_BATCH, self.dataset.n_samples),
            epochs=self.training.pretrain,
            engine="keras224" if original else "fused",
            pretrain=0,
            freeze_after=0,
        )
        return replace(self, strategies=["batch_mean"], training=training, program=ARRAYS)

    @property
    def resolved(self) -> dict[str, Any]:
        """Every setting, as plain values."""
        settings = asdict(self)
        settings["dataset"]["name"] = self.dataset.name
        return settings

    @property
    def run_id(self) -> str:
        """Twelve hexadecimal digits that depend on every setting of the run."""
        return digest(self.resolved)

    @property
    def label(self) -> str:
        """The run in words, for messages."""
        d, t = self.dataset, self.training
        return (
            f"run {self.run_id}: {d.label} n={d.n_samples} prevalence={d.prevalence} "
            f"batch={t.batch_size} seed={self.seed}"
        )


@dataclass
class LeaveOut:
    """Which cells of a grid a study leaves out; without a rule an impossible cell is refused."""

    class_below: int = 0
    """Cells with a class of fewer samples in a split."""
    batch_above_data: bool = False
    """Cells whose batch is larger than the training split."""

    def __post_init__(self) -> None:
        fewest = self.class_below
        require(fewest >= 0, "leave_out.class_below", "must be at least 0", fewest)


@dataclass
class Study:
    """A question with its grid of runs, `experiments/<name>.yaml`."""

    question: str = MISSING
    overrides: list[str] = field(default_factory=list)
    """Hydra overrides that hold for every run."""
    grid: dict[str, list[Any]] = MISSING
    """Setting -> its values; `dataset`, `model` and `training` choose a file of `conf/`."""
    leave_out: LeaveOut = field(default_factory=LeaveOut)
    shards: int = 2
    """Number of processes that the runs are dealt to."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the study's table."""
    beside: list[str] = field(default_factory=list)
    """Further files that the figures are made from, after the table."""

    def __post_init__(self) -> None:
        require(self.shards >= 1, "shards", "must be at least 1", self.shards)
        set_here = [override.lstrip("+~").partition("=")[0] for override in self.overrides]
        for key in ("study", *self.grid):
            require(key not in set_here, "overrides", "set neither study nor a grid's key", key)
        # another study's name would mix its rows into the table
        require("study" not in self.grid, "grid.study", "is the file's name", "a grid over it")


@dataclass
class WorkedExample:
    """An epoch given by the counts of its batches."""

    question: str = MISSING
    batches: list[dict[str, int]] = MISSING
    """tp, fp, fn and tn of each batch."""
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(bool(self.batches), "batches", "are at least one", "none")
        for i, batch in enumerate(self.batches):
            good = sorted(batch) == sorted(COUNTS) and min(batch.values()) >= 0
            rule = f"has {COUNTS}, whole numbers >= 0, together 1 to 2**53"
            good = good and 1 <= sum(batch.values()) <= 2**53
            require(good, f"batches[{i}]", rule, dict(batch))


def digest(value: object) -> str:
    """Twelve hexadecimal digits of the SHA-256 of a value's JSON text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def compose(overrides: Iterable[str] = ()) -> Run:
    """The run that `conf/` and Hydra overrides give; `InputError` for any that do not fit."""
    return _run(_compose(overrides))


def _compose(overrides: Iterable[str]) -> DictConfig:
    overrides = list(overrides)
    store = ConfigStore.instance()
    store.store(name="run_schema", node=Run)
    for name in _data_sets(overrides):
        store.store(group="dataset", name=name, node=plugins.dataset(name))
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = hydra_compose("config", overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # ValueError: how Hydra refuses a config file named null or by a number
        refuse("config", _reason(error), " ".join(overrides))
    chosen = config.hydra.runtime.choices.get("dataset")
    with open_dict(config):
        del config["hydra"]
    if config.get("dataset") and not config.dataset.get("variant"):
        own = plugins.PATH.fullmatch(str(chosen)) is not None
        config.dataset.variant = plugins.dataset(str(chosen)).name if own else str(chosen)
    return config


def _data_sets(overrides: Iterable[str]) -> list[str]:
    """The data sets that Hydra has to know: all that are found by name, and import paths."""
    chosen = [override.partition("=")[2] for override in overrides if override[:8] == "dataset="]
    return [*plugins.names(plugins.DATASETS), *filter(plugins.PATH.fullmatch, chosen)]


def _run(config: DictConfig, point: Mapping[str, Any] | None = None) -> Run:
    """The composition as a `Run`, with the values of `point` (already typed) in their places."""
    try:
        settings: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        refuse("config", _reason(error), "no value")
    for key, value in (point or {}).items():
        group, _, name = key.rpartition(".")
        (settings[group] if group else settings)[name] = value
    parts: dict[str, Any] = {
        "dataset": OmegaConf.get_type(config.dataset),
        "model": Model,
        "training": Training,
        "program": Program,
    }
    made = {name: _part(part, settings.get(name), f"{name}.") for name, part in parts.items()}
    run: Run = _part(Run, settings | made)
    return run


def _part(kind: Any, settings: Any, group: str = "") -> Any:
    """An object of a dataclass from all its settings: overrides can add some, and take away."""
    require(isinstance(settings, dict), f"config: {group}", "must be chosen", settings)
    known = {part.name for part in fields(kind)}
    for name in sorted(settings.keys() - known):
        refuse(f"config: {group}{name}", f"no such setting; there are {sorted(known)}", name)
    for name in sorted(known - settings.keys()):
        refuse(f"config: {group}{name}", "needs a value", "none")
    return kind(**settings)


def _reason(error: Exception) -> str:
    """What Hydra or OmegaConf say, on one line, with the key and without notes on types."""
    texts = [str(e) for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    notes = ("object_type", "full_key", "reference_type", "set_struct", "set_readonly")
    said = [line for line in lines if line and not line.startswith(notes)]
    key = getattr(error, "full_key", None)
    return one_line("; ".join(dict.fromkeys([*([f"at {key}"] if key else []), *said])))


def load_study(path: str | Path, kind: type[T]) -> T:
    """An experiment file as a `Study` or `WorkedExample`; `InputError` names what does not fit."""
    path = Path(path)
    written = read_yaml(path)
    try:
        study = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), written))
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        # RecursionError: a YAML alias to the very thing that holds it
        raise InputError(f"{path}: {_reason(error)[:500]}") from error
    assert isinstance(study, kind)
    return study


def read_yaml(path: Path) -> Any:
    """The keys and values of a YAML file; `InputError` where it cannot be read."""
    try:
        written = OmegaConf.load(path)
    except OSError as error:
        rule = "must be a readable file" if error.errno else "must hold keys and values"
        refuse(str(path), rule, error.strerror or str(error))
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: {one_line(error)[:500]}") from error
    mapping = isinstance(written, DictConfig)
    require(mapping, str(path), "must hold keys and values", type(written).__name__)
    return written


class Cell(NamedTuple):
    """A run of a study, and where in its grid it stands: key of the grid -> value."""

    run: Run
    point: dict[str, Any]


def runs(path: str | Path) -> list[Run]:
    """The runs of a study, in the order of its grid; see `cells`."""
    return [cell.run for cell in cells(path)]


def cells(path: str | Path) -> list[Cell]:
    """The cells of a study's grid, in its order, without those that it leaves out.

    Raises `InputError` that names the file and the key, value or cell that does not fit.
    """
    path = Path(path)
    study = load_study(path, Study)
    try:
        found = [cell for base in _bases(path.stem, study) for cell in _cells(*base, study)]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    require(bool(found), str(path), "the grid must have a cell", dict(study.grid))
    known = set()
    for run, _ in found:
        # 1 and "1", or a config file and the values in it
        require(run.run_id not in known, f"{path}: grid", "must not give a run twice", run.label)
        known.add(run.run_id)
    return found


def _bases(name: str, study: Study) -> Iterator[tuple[DictConfig, dict[str, Any]]]:
    """A composition for each choice of config files in the grid, and the choice."""
    groups = {key: values for key, values in study.grid.items() if key in GROUPS}
    for choice in itertools.product(*groups.values()):
        point = dict(zip(groups, choice, strict=True))
        chosen = [f"{key}={value}" for key, value in point.items()]
        yield _compose([*chosen, *study.overrides, f"study='{name}'"]), point


def _cells(base: DictConfig, choice: dict[str, Any], study: Study) -> Iterator[Cell]:
    """The cells of the rest of the grid over one composition."""
    axes = {key: values for key, values in study.grid.items() if key not in GROUPS}
    for key, values in axes.items():
        distinct = len({json.dumps(v) for v in values}) == len(values) > 0
        require(distinct, f"grid.{key}", "needs values, none twice", values)
    typed = {key: [_typed(base, key, value) for value in values] for key, values in axes.items()}
    for point in itertools.product(*typed.values()):
        settings = dict(zip(typed, point, strict=True))
        run = _cell(base, settings, study.leave_out)
        if run is not None:
            yield Cell(run, choice | settings)


def _typed(base: DictConfig, key: str, value: Any) -> Any:
    """A grid value as the config's type of its key."""
    trial = copy.deepcopy(base)
    try:
        OmegaConf.update(trial, key, value)
        selected = OmegaConf.select(trial, key)
        return OmegaConf.to_container(selected) if OmegaConf.is_config(selected) else selected
    except (OmegaConfBaseException, ValueError) as error:
        refuse(f"grid.{key}", _reason(error), value)


def _cell(base: DictConfig, point: Mapping[str, Any], leave_out: LeaveOut) -> Run | None:
    """The run of one cell, or None where the study leaves it out."""
    n = point.get("dataset.n_samples", base.dataset.n_samples)
    batch_size = point.get("training.batch_size", base.training.batch_size)
    if leave_out.batch_above_data and batch_size > n:
        return None
    run = _run(base, point)
    fewest = run.dataset.fewest_of_a_class
    if fewest < leave_out.class_below:
        return None
    require(fewest >= 1, "cell", "each split needs both classes", run.label)
    return run
