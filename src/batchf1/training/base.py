"""Contract of a framework: its trainers, and how it averages a metric over batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from batchf1.config.settings import BACKENDS, LABELS, Run
from batchf1.datasets.base import Dataset
from batchf1.errors import announce_renamed, check
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Counts, Floats
from batchf1.records import provenance
from batchf1.records.files import digest

OF_EVERY_DATASET = {setting.name for setting in fields(Dataset)}
SPLITS = {"train": "", "validation": "val_"}
"""Split that is logged -> the prefix of its keys in the logs."""

Expected = Callable[[Counts, Counts, Averaging], Floats | None]
"""`keras.base.Strategy.expected`: what each epoch's log must equal, or None where nothing says."""


Log = str | tuple[str, str]
"""Strategy, of whose F1 it is the log; or another metric and a strategy."""


class CostEstimate(NamedTuple):
    """Expected seconds of a step, of an epoch beside its steps, of a new shape, and of a sample."""

    step: float
    epoch: float
    shape: float
    sample: float = 0.0


class Predictions(NamedTuple):
    """Labels of samples and the scores a model gives them, both float32 of shape (n,)."""

    labels: NDArray[np.float32]
    scores: NDArray[np.float32]


class SplitResult(NamedTuple):
    """Result of one epoch of a run on one split."""

    epoch: int
    """From 0."""
    split: str
    """One of `SPLITS`, or `test`, which is predicted but not logged."""
    logs: Mapping[str, Any]
    """All that the epoch logged, with `SPLITS`' prefixes; nothing of `test`."""
    batches: Counts
    """Counts per batch that the metrics saw, shape (n_batches,), in order; `test` is one batch."""
    full_pass: Counts
    """Counts of a pass over the split with the epoch's last weights, as one batch."""
    predictions: Predictions | None = None
    """The split's samples in order, scored with the run's last weights: in its last epoch alone."""


class Trainer(Protocol):
    """Compiled model for the runs of one shape (`Framework.shape`)."""

    @property
    def expected(self) -> Mapping[Log, Expected]:
        """Log -> what it must equal."""

    def train(self, runs: Sequence[Run], verbose: int = 0) -> list[list[SplitResult]]:
        """Train runs, at most `Framework.group_size` of them, each as if it were alone.

        For each a pass per epoch and split, in order; of `test` too, where there is one. `verbose`
        is Keras' own. Nothing of the runs before is left in the model.
        """

    def last_weights(self, index: int) -> list[NDArray[np.float32]]:
        """Return the final weights of a run of the last `train` call, to start other runs from."""


class SequentialTrainer(ABC):
    """Trainer that trains runs one after the other in one Keras model."""

    model: Any = None
    """Keras model, which has `get_weights()` once a run has trained."""

    @abstractmethod
    def train_one(self, run: Run, verbose: int) -> list[SplitResult]:
        """Train a run, as `Trainer.train` does."""

    def train(self, runs: Sequence[Run], verbose: int = 0) -> list[list[SplitResult]]:
        """See `Trainer`."""
        results, self._last = [], []
        for run in runs:
            results.append(self.train_one(run, verbose))
            self._last.append(self.model.get_weights())
        return results

    def last_weights(self, index: int) -> list[NDArray[np.float32]]:
        """See `Trainer`."""
        weights: list[NDArray[np.float32]] = self._last[index]
        return weights


class Framework(ABC):
    """Framework chosen by the setting `training.engine`, imported only when it is used."""

    name: ClassVar[str]
    """Name of the framework in the table."""
    averaging: ClassVar[Averaging]
    """Averaging rule for a metric that returns a scalar for a batch."""
    engines: ClassVar[Mapping[str, CostEstimate]]
    """Values of `training.engine` that mean it; their costs balance the shards, and say in advance
    how long a study takes."""
    of_generators: ClassVar[tuple[str, ...]] = ()
    """Engines of the framework that accept generators."""
    strategies: ClassVar[tuple[str, ...] | None] = None
    """Strategies that the framework supports; None for any."""
    of_backends: ClassVar[tuple[str, ...]] = ()
    """Engines of the framework that run on each backend of Keras, not on TensorFlow alone."""
    of_flat_labels: ClassVar[tuple[str, ...]] = ()
    """Engines of the framework that can feed labels of shape (n,)."""
    metrics: ClassVar[tuple[str, ...] | None] = ("f1",)
    """Metrics that the framework logs; None for any of a binary output."""
    loses_prefetched: ClassVar[bool] = False
    """Whether each pass over a validation generator loses the batches fetched in advance: how many
    is a matter of timing, so that no two runs log the same."""
    pretraining: ClassVar[str]
    """The engine of a pretraining."""
    module: ClassVar[str]
    """The module that holds its trainer."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for old, new in {"together": "group_size", "needs": "required_files"}.items():
            if old in vars(cls):
                announce_renamed(f"{cls.__name__}.{old}", new)
                setattr(cls, new, vars(cls)[old])

    @abstractmethod
    def version(self) -> str:
        """Return the framework's version without importing it."""

    @abstractmethod
    def configure(self, run: Run) -> str:
        """Set up this process' devices and threads for a run; return the device, `CPU` or `GPU`.

        Raises `InputError` where a GPU is wanted and there is none.
        """

    def group_size(self, run: Run) -> int:
        """Return the largest number of runs of this shape that train together."""
        return 1

    def shape(self, run: Run) -> tuple[object, ...]:
        """Return a key that is equal for runs of the framework that can share a trainer.

        They may differ in seed, prevalence, variant, epochs, learning rate, class weight,
        pretraining and freezing; the threshold is a constant in the strategies' metrics. Any
        setting of a data set's own may change its features; of those that all data sets have, the
        sizes alone do.
        """
        d, t = run.dataset, run.training
        own = {name: value for name, value in asdict(d).items() if name not in OF_EVERY_DATASET}
        sizes = (d.n_samples, d.n_validation, d.n_test, *t.sizes.values())
        data = (d.name, digest(own), *sizes)
        program = (t.threshold, t.engine, t.backend, *astuple(run.input_pipeline), *run.strategies)
        program += tuple(run.metrics)
        return (*data, tuple(run.model.hidden), *program)

    @abstractmethod
    def trainer(self, run: Run) -> Trainer:
        """Return a trainer for runs of this shape, after `configure`; it replaces the last."""

    def check(self, run: Run) -> None:
        """Raise `InputError` for a run that the framework cannot train."""
        engine = run.training.engine
        rule = f"needs an engine for generators, of {self.name} {list(self.of_generators)}"
        good = run.input_pipeline.plain or engine in self.of_generators
        check(good, f"input_pipeline {run.input_pipeline.name}", rule, engine)
        rule = f"needs an engine that feeds labels (n,), of {self.name} {list(self.of_flat_labels)}"
        good = run.input_pipeline.labels == LABELS[0] or engine in self.of_flat_labels
        check(good, f"input_pipeline {run.input_pipeline.name}", rule, engine)
        backend, default = run.training.backend, BACKENDS[0]
        rule = f"must be {default} with engine {engine}: set training.engine=plain"
        check(backend == default or engine in self.of_backends, "training.backend", rule, backend)
        for name in run.strategies if self.strategies is not None else []:
            rule = f"must be among those of {engine}, {self.strategies}"
            check(name in (self.strategies or ()), "strategies", rule, name)
        for name in run.metrics if self.metrics is not None else []:
            rule = (
                f"must be among {list(self.metrics or ())} with engine {engine} (ensemble and "
                "plain compute any ratio of counts)"
            )
            check(name in (self.metrics or ()), "metrics", rule, name)

    def modules(self, run: Run) -> set[str]:
        """Return the modules that decide a run's results; imports do not reveal plug-ins."""
        return {self.module, type(self).__module__}

    def versions(self, *packages: str) -> dict[str, str]:
        """Return versions of packages, by default the decisive ones, as this framework uses."""
        return provenance.versions(*packages)

    def required_files(self) -> list[Path]:
        """Return files and folders that must exist before the framework is used."""
        return []
