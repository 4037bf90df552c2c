"""The contract of a framework: what trains a run, and what it is known to do with a metric."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from batchf1.config.settings import Run
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


class CostEstimate(NamedTuple):
    """Expected cost of a step, of an epoch beside its steps, of a new shape, and of a sample."""

    step: float
    epoch: float
    shape: float
    sample: float = 0.0


class Predictions(NamedTuple):
    """Samples and what a model makes of them, both float32 of shape (n,)."""

    labels: NDArray[np.float32]
    scores: NDArray[np.float32]


class SplitResult(NamedTuple):
    """What a framework did with a split in one epoch of a run."""

    epoch: int
    """From 0."""
    split: str
    """Of `SPLITS`, or `test`, which is predicted but not logged."""
    logs: Mapping[str, Any]
    """All that the epoch logged, with `SPLITS`' prefixes; nothing of `test`."""
    batches: Counts
    """Of the batches that the metrics saw, of shape (n_batches,), in order; of `test` one batch."""
    full_pass: Counts
    """Of a pass over the split with the epoch's last weights, as one batch."""
    predictions: Predictions | None = None
    """The split's samples in order, scored with the run's last weights: in its last epoch alone."""


class Trainer(Protocol):
    """A compiled model for the runs of one shape (`Framework.shape`)."""

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Strategy -> what its log must equal."""

    def train(self, runs: Sequence[Run], verbose: int = 0) -> list[list[SplitResult]]:
        """Train runs, at most `Framework.group_size` of them, each as if it were alone.

        For each a pass per epoch and split, in order; of `test` too, where there is one. `verbose`
        is Keras' own. Nothing of the runs before is left in the model.
        """

    def last_weights(self, place: int) -> list[NDArray[np.float32]]:
        """The last weights of a run of the last call, for runs that start from them."""


class SequentialTrainer(ABC):
    """A trainer of one run after the other, in one Keras model."""

    model: Any = None
    """With `get_weights()`, once a run has trained."""

    @abstractmethod
    def train_one(self, run: Run, verbose: int) -> list[SplitResult]:
        """Train a run, as `Trainer.train` does."""

    def train(self, runs: Sequence[Run], verbose: int = 0) -> list[list[SplitResult]]:
        """See `Trainer`."""
        found, self._last = [], []
        for run in runs:
            found.append(self.train_one(run, verbose))
            self._last.append(self.model.get_weights())
        return found

    def last_weights(self, place: int) -> list[NDArray[np.float32]]:
        """See `Trainer`."""
        weights: list[NDArray[np.float32]] = self._last[place]
        return weights


class Framework(ABC):
    """A framework, told by the setting `training.engine`; nothing is imported before it is used."""

    name: ClassVar[str]
    """What the table calls it."""
    averaging: ClassVar[Averaging]
    """Its rule for a metric that returns a scalar for a batch."""
    engines: ClassVar[Mapping[str, CostEstimate]]
    """Values of `training.engine` that mean it; their costs only balance the shards."""
    of_generators: ClassVar[tuple[str, ...]] = ()
    """Those of its engines that can be fed by generators."""
    strategies: ClassVar[tuple[str, ...] | None] = None
    """Those that it has; None for any."""
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
        """Its version, without importing it."""

    @abstractmethod
    def configure(self, run: Run) -> str:
        """Prepare this process for the run's devices and threads; the device, `CPU` or `GPU`.

        Raises `InputError` where a GPU is wanted and there is none.
        """

    def group_size(self, run: Run) -> int:
        """How many runs of its shape train together at most."""
        return 1

    def shape(self, run: Run) -> tuple[object, ...]:
        """What runs that share a trainer have in common, beside the framework.

        They may differ in seed, prevalence, variant, epochs, learning rate, class weight,
        pretraining and freezing; the threshold is a constant in the strategies' metrics. Any
        setting of a data set's own may change its features; of those that all data sets have, the
        sizes alone do.
        """
        d, t = run.dataset, run.training
        own = {name: value for name, value in asdict(d).items() if name not in OF_EVERY_DATASET}
        sizes = (d.n_samples, d.n_validation, d.n_test, *t.sizes.values())
        data = (d.name, digest(own), *sizes)
        program = (t.threshold, t.engine, *astuple(run.input_pipeline), *run.strategies)
        return (*data, tuple(run.model.hidden), *program)

    @abstractmethod
    def trainer(self, run: Run) -> Trainer:
        """A trainer for runs of this shape, once the process is configured; it drops the last."""

    def check(self, run: Run) -> None:
        """Raise `InputError` for a run that it cannot train."""
        engine = run.training.engine
        rule = f"needs an engine for generators, of {self.name} {list(self.of_generators)}"
        good = run.input_pipeline.plain or engine in self.of_generators
        check(good, f"input_pipeline {run.input_pipeline.name}", rule, engine)
        for name in run.strategies if self.strategies is not None else []:
            rule = f"must be among those of {engine}, {self.strategies}"
            check(name in (self.strategies or ()), "strategies", rule, name)

    def modules(self, run: Run) -> set[str]:
        """The modules that decide what a run gives; plug-ins are named, since imports hide them."""
        return {self.module, type(self).__module__}

    def versions(self, *packages: str) -> dict[str, str]:
        """Versions of packages, by default the decisive ones, as they are beside this framework."""
        return provenance.versions(*packages)

    def required_files(self) -> list[Path]:
        """Files or folders that must be there before it runs."""
        return []
