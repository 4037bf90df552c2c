"""Settings of a run, as validated dataclasses."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from batchf1.config import metric_names, registry, rules
from batchf1.config.limits import MAX_EPOCHS, MAX_SEED, MAX_THREADS
from batchf1.config.rules import Rule, Rules, at_most, check_settings, one_of
from batchf1.datasets.base import Dataset
from batchf1.errors import check
from batchf1.records.files import digest

MISSING: Any = "???"
"""`omegaconf.MISSING`, which would be the only need of OmegaConf to train without `conf/`."""
BACKENDS = ("tensorflow", "jax", "torch")
"""Backends of Keras 3; the first is the default."""
LABELS = ("column", "flat")
"""Shapes of the labels that Keras is fed: (n, 1), the default, and (n,)."""
DEVICES = ("auto", "cpu", "gpu")
PIPELINE_RULES: Rules = {
    "train": one_of(("arrays", "generator")),
    "validation": one_of(("arrays", "generator")),
    "short_batch": one_of(("keep", "drop")),
    "steps": one_of(("ceil", "floor")),
    "counts": one_of(("per_sample", "sum", "mean")),
    "labels": one_of(LABELS),
}
SEED_RULES: Rules = {
    "seed": (rules.COUNT, Rule(f"must be at most {MAX_SEED}", lambda seed: seed <= MAX_SEED))
}

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""Pattern of the names of studies and figures, which become parts of paths."""


def check_name(name: str, label: str) -> None:
    """Refuse a name, called `label`, that cannot stand in a path, a wildcard or an override."""
    check(NAME.fullmatch(name) is not None, label, "must consist of letters, digits, _ and -", name)


@dataclass
class Model:
    """A multilayer perceptron with ReLU layers and one sigmoid output, trained with Adam."""

    hidden: list[int] = MISSING
    learning_rate: float = MISSING

    def __post_init__(self) -> None:
        check_settings(self, {"hidden": rules.LAYERS, "learning_rate": rules.POSITIVE}, "model.")


TRAINING_RULES: Rules = {
    "batch_size": rules.POSITIVE_COUNT,
    "epochs": rules.EPOCHS,
    "pretrain": (rules.COUNT, at_most(MAX_EPOCHS)),
    "threshold": rules.FRACTION,
    "backend": one_of(BACKENDS),
    "device": one_of(DEVICES),
    "threads": (rules.COUNT, Rule(f"must be at most {MAX_THREADS}", lambda n: n <= MAX_THREADS)),
    "freeze_after": rules.COUNT,
    "validation_batch_size": rules.COUNT,
    "class_weight": rules.POSITIVE,
}


@dataclass
class Training:
    """Training settings of a run."""

    batch_size: int = MISSING
    epochs: int = MISSING
    threshold: float = MISSING
    """A score above it is a predicted positive."""
    engine: str = MISSING
    backend: str = BACKENDS[0]
    """Backend of Keras, one of a process."""
    device: str = MISSING
    """`auto` takes a GPU where the backend sees one."""
    threads: int = MISSING
    """Threads of one process; 0 leaves the number to the backend."""
    pretrain: int = MISSING
    """Epochs on arrays, in batches of 32, before the first of the run."""
    freeze_after: int = MISSING
    """Epoch after which the weights stay fixed (learning rate 0); 0 for never."""
    class_weight: float = MISSING
    """Weight of a positive in the loss; that of a negative is 1. Keras' `class_weight`."""
    validation_batch_size: int = MISSING
    """Keras' own; 0 for `batch_size`."""

    def __post_init__(self) -> None:
        check_settings(self, TRAINING_RULES, "training.")
        registry.import_path(registry.FRAMEWORKS, self.engine)

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
    labels: str = LABELS[0]
    """Shape of the labels: `column`, (n, 1), or `flat`, (n,)."""

    def __post_init__(self) -> None:
        check_settings(self, PIPELINE_RULES, "input_pipeline.")

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
    metrics: list[str] = field(default_factory=lambda: [metric_names.DEFAULT])
    """Metrics that each strategy computes; names as in tables (`metric_names.canonical`)."""

    def __post_init__(self) -> None:
        check_name(self.study, "study")
        strategies = registry.names(registry.STRATEGIES)
        rule = f"must have at least one of {strategies}"
        check(bool(self.strategies), "strategies", rule, "none")
        for name in self.strategies:
            registry.import_path(registry.STRATEGIES, name)
        check(
            len(set(self.strategies)) == len(self.strategies),
            "strategies",
            "cannot have a strategy twice",
            self.strategies,
        )
        self.metrics = metric_names.canonical(self.metrics)
        check_settings(self, SEED_RULES)
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
        name = "training.validation_batch_size"
        check(size <= n, name, f"must not exceed the size of the validation set, {n}", size)
        pipeline = self.input_pipeline.name
        rule = f"must be 0 with input_pipeline {pipeline}, whose generators cut the batches"
        check(self.input_pipeline.plain or size == 0, name, rule, size)

    @property
    def n_rows(self) -> int:
        """Number of the run's rows in a table: one per epoch, split, strategy and metric."""
        return self.training.epochs * 2 * len(self.strategies) * len(self.metrics)

    @property
    def names(self) -> tuple[object, ...]:
        """Values from which the seeds of the run are hashed.

        Runs that differ in batch size, engine, backend, program or metrics alone share data, first
        weights and order.
        """
        d = self.dataset
        return (self.study, d.name, d.n_samples, d.prevalence, self.seed)

    @property
    def resolved(self) -> dict[str, Any]:
        """Every setting, as plain values."""
        settings = asdict(self)
        # tables and digests keep the name that they were written with
        settings["program"] = settings.pop("input_pipeline")
        # the defaults of newer settings are left out, as before there were others
        if self.metrics == [metric_names.DEFAULT]:
            del settings["metrics"]
        if self.training.backend == BACKENDS[0]:
            del settings["training"]["backend"]
        if self.input_pipeline.labels == LABELS[0]:
            del settings["program"]["labels"]
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
