"""Settings of a run, as validated dataclasses."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from omegaconf import MISSING

from batchf1.config import registry
from batchf1.config.limits import check_epochs
from batchf1.datasets.base import Dataset
from batchf1.errors import check
from batchf1.records.files import digest

DEVICES = ("auto", "cpu", "gpu")
CHOICES = {
    "train": ("arrays", "generator"),
    "validation": ("arrays", "generator"),
    "short_batch": ("keep", "drop"),
    "steps": ("ceil", "floor"),
    "counts": ("per_sample", "sum", "mean"),
}
"""Setting of `input_pipeline` -> its values."""

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""Pattern of the names of studies and figures, which become parts of paths."""
MAX_UNITS, MAX_THREADS = 2**20, 1024
MAX_SEED = 2**63 - 1
"""int64 in tables."""


def check_name(name: str, thing: str) -> None:
    """Refuse a name that cannot stand in a path, a wildcard or an override."""
    check(NAME.fullmatch(name) is not None, thing, "must consist of letters, digits, _ and -", name)


@dataclass
class Model:
    """A multilayer perceptron with ReLU layers and one sigmoid output, trained with Adam."""

    hidden: list[int] = MISSING
    learning_rate: float = MISSING

    def __post_init__(self) -> None:
        for units in self.hidden:
            rule = f"must have layers of at least 1 and at most {MAX_UNITS} units"
            check(1 <= units <= MAX_UNITS, "model.hidden", rule, self.hidden)
        positive = 0 < self.learning_rate < float("inf")
        check(positive, "model.learning_rate", "must be above 0", self.learning_rate)


@dataclass
class Training:
    """Training settings of a run."""

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
    class_weight: float = MISSING
    """Weight of a positive in the loss; that of a negative is 1. Keras' `class_weight`."""
    validation_batch_size: int = MISSING
    """Keras' own; 0 for `batch_size`."""

    def __post_init__(self) -> None:
        check(self.batch_size >= 1, "training.batch_size", "must be at least 1", self.batch_size)
        check_epochs("training.epochs", self.epochs)
        check_epochs("training.pretrain", self.pretrain, least=0)
        check(0 < self.threshold < 1, "training.threshold", "must lie in (0, 1)", self.threshold)
        registry.import_path(registry.FRAMEWORKS, self.engine)
        check(self.device in DEVICES, "training.device", f"must be one of {DEVICES}", self.device)
        for name in ("threads", "freeze_after", "validation_batch_size"):
            value = getattr(self, name)
            check(value >= 0, f"training.{name}", "must be at least 0", value)
        positive = 0 < self.class_weight < float("inf")
        check(positive, "training.class_weight", "must be above 0", self.class_weight)
        rule = f"must be at most {MAX_THREADS}"
        check(self.threads <= MAX_THREADS, "training.threads", rule, self.threads)

    @property
    def sizes(self) -> dict[str, int]:
        """Split -> the size of its batches."""
        return {
            "train": self.batch_size,
            "validation": self.validation_batch_size or self.batch_size,
        }


@dataclass
class InputPipeline:
    """How a program feeds Keras its data, and what its count metrics return.

    A generator is one of batches without end, made once, as `fit_generator` takes it.
    """

    name: str = MISSING
    """The file's, in `conf/input_pipeline`."""
    train: str = MISSING
    validation: str = MISSING
    short_batch: str = MISSING
    """Whether a generator keeps or drops the incomplete last batch of a pass over the data."""
    steps: str = MISSING
    """How the number of batches asked of a generator in an epoch is rounded."""
    shuffle_validation: bool = MISSING
    """Whether a validation generator takes another order in each pass."""
    counts: str = MISSING
    """What a count metric returns for a batch: a vector, its sum or its mean."""

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            check(value in allowed, f"input_pipeline.{name}", f"must be one of {allowed}", value)

    @property
    def plain(self) -> bool:
        """Return True if both splits are fed as arrays."""
        return self.train == self.validation == "arrays"


@dataclass
class Run:
    """All settings of one training run."""

    study: str = MISSING
    seed: int = MISSING
    strategies: list[str] = MISSING
    dataset: Dataset = MISSING
    model: Model = MISSING
    training: Training = MISSING
    input_pipeline: InputPipeline = MISSING

    def __post_init__(self) -> None:
        check_name(self.study, "study")
        known = registry.names(registry.STRATEGIES)
        check(bool(self.strategies), "strategies", f"must have at least one of {known}", "none")
        for name in self.strategies:
            registry.import_path(registry.STRATEGIES, name)
        check(
            len(set(self.strategies)) == len(self.strategies),
            "strategies",
            "cannot have a strategy twice",
            self.strategies,
        )
        check(self.seed >= 0, "seed", "must be at least 0", self.seed)
        check(self.seed <= MAX_SEED, "seed", f"must be at most {MAX_SEED}", self.seed)
        check(
            self.training.batch_size <= self.dataset.n_samples,
            "training.batch_size",
            f"must not exceed dataset.n_samples={self.dataset.n_samples}",
            self.training.batch_size,
        )
        if self.input_pipeline.short_batch == "drop":
            size, n = self.training.batch_size, self.dataset.n_validation
            rule = f"must not exceed the {n} of the validation set, as a short batch is dropped"
            check(size <= n, "training.batch_size", rule, size)
        self._check_validation()

    def _check_validation(self) -> None:
        size, n = self.training.validation_batch_size, self.dataset.n_validation
        thing = "training.validation_batch_size"
        check(size <= n, thing, f"must not exceed the size of the validation set, {n}", size)
        pipeline = self.input_pipeline.name
        rule = f"must be 0 with input_pipeline {pipeline}, whose generators cut the batches"
        check(self.input_pipeline.plain or size == 0, thing, rule, size)

    @property
    def n_rows(self) -> int:
        """Number of the run's rows in a table: one per epoch, split and strategy."""
        return self.training.epochs * 2 * len(self.strategies)

    @property
    def names(self) -> tuple[object, ...]:
        """Values from which the seeds of the run are hashed.

        Runs that differ in batch size, engine or program alone share data, first weights and order.
        """
        d = self.dataset
        return (self.study, d.name, d.n_samples, d.prevalence, self.seed)

    @property
    def resolved(self) -> dict[str, Any]:
        """Every setting, as plain values."""
        settings = asdict(self)
        # tables and digests keep the name that they were written with
        settings["program"] = settings.pop("input_pipeline")
        settings["dataset"]["name"] = self.dataset.name
        return settings

    @cached_property
    def run_id(self) -> str:
        """Twelve hexadecimal digits that depend on every setting of the run."""
        return digest(self.resolved)

    @property
    def label(self) -> str:
        """Short description of the run, for messages."""
        d, t = self.dataset, self.training
        return (
            f"run {self.run_id}: {d.label} n={d.n_samples} prevalence={d.prevalence} "
            f"batch={t.batch_size} seed={self.seed}"
        )
