"""One run: one fit with all strategies attached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.base import Data
from batchf1.study import plugins
from batchf1.study.frameworks.base import SPLITS, Expected, Pass
from batchf1.study.frameworks.feed import counts_of
from batchf1.study.frameworks.keras3 import fused, plain
from batchf1.study.frameworks.keras3 import model as network
from batchf1.study.frameworks.keras3.callbacks import Freeze
from batchf1.study.frameworks.keras3.trace import BatchTrace, TraceReader
from batchf1.study.frameworks.order import shuffled
from batchf1.study.frameworks.weights import starting_weights
from batchf1.study.seeds import generator
from batchf1.study.settings import Run

ENGINES: dict[str, Any] = {"fused": fused, "plain": plain}


class Keras3Trainer:
    """A compiled model with its strategies, for the runs of one shape (`Framework.shape`)."""

    def __init__(self, run: Run) -> None:
        self.engine = ENGINES[run.training.engine]
        options: dict[str, Any] = {"reconstructed": {"logged": run.program.counts}}
        self.strategies = [
            plugins.strategy(name)(run.training.threshold, **options.get(name, {}))
            for name in run.strategies
        ]
        self.trace = BatchTrace(_most_batches(run), run.training.threshold)
        self.model: Any = None

    @property
    def expected(self) -> dict[str, Expected]:
        """See `frameworks.base.Trainer`."""
        return {strategy.name: strategy.expected for strategy in self.strategies}

    def train(self, runs: Sequence[Run], verbose: int = 0) -> list[list[Pass]]:
        """See `frameworks.base.Trainer`."""
        return [self._train(run, verbose) for run in runs]

    def last_weights(self, place: int) -> list[NDArray[np.float32]]:
        """See `frameworks.base.Trainer`; of the last run."""
        weights: list[NDArray[np.float32]] = self.model.get_weights()
        return weights

    def _train(self, run: Run, verbose: int) -> list[Pass]:
        data = run.dataset.load(generator(*run.names, "data"))
        self._start_anew(run, data.train.x.shape[1])
        recorder = Recorder(data, run.training.threshold, TraceReader(self.trace))
        # as data sets of one batch: `predict` of arrays takes Keras ten times as long
        passes = {"train": [data.train], "validation": [data.validation]}
        callbacks = [callback for s in self.strategies for callback in s.callbacks(**passes)]
        callbacks = [Freeze(run.training.freeze_after), recorder.reader, *callbacks, recorder]
        self.engine.fit(self.model, data, run, shuffled(run), callbacks, verbose)
        return recorder.passes

    def _start_anew(self, run: Run, n_features: int) -> None:
        """Give the model the run's first weights, and the optimiser its first state."""
        if self.model is None:
            self.model = network.build(run.model.hidden, n_features, self.engine.model_class)
            self.model.compile(
                keras.optimizers.Adam(run.model.learning_rate),
                "binary_crossentropy",
                metrics=[self.trace, *(metric for s in self.strategies for metric in s.metrics())],
                **self.engine.compile_options,
            )
            self.model.optimizer.build(self.model.trainable_variables)
            self.first_state = [variable.numpy() for variable in self.model.optimizer.variables]
        for variable, value in zip(self.model.optimizer.variables, self.first_state, strict=True):
            variable.assign(value)
        self.model.set_weights(starting_weights(run, n_features, Keras3Trainer))


def _most_batches(run: Run) -> int:
    largest = max(run.dataset.n_samples, run.dataset.n_validation)
    return -(-largest // min(run.training.batch_size, plain.VALIDATION_BATCH))


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps what each epoch logged, the counts of its batches, and those of a full pass."""

    def __init__(self, data: Data, threshold: float, reader: TraceReader) -> None:
        super().__init__()
        self.data, self.threshold, self.reader = data, threshold, reader
        self.passes: list[Pass] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at both splits."""
        for split, samples in zip(SPLITS, self.data, strict=True):
            scores = self.model.predict_on_batch(samples.x)
            full_pass = counts_of(samples, scores, self.threshold)
            seen = self.reader.counts[split]
            self.passes.append(Pass(epoch, split, dict(logs or {}), seen, full_pass))
