"""One run: one fit with all strategies attached, and the rows of the table it gives."""

from __future__ import annotations

from typing import Any

import keras
import pandas as pd
import tensorflow as tf

from batchf1.datasets.base import Data, Split
from batchf1.metrics.counts import Counts
from batchf1.study import plugins
from batchf1.study.frameworks import devices
from batchf1.study.frameworks.keras3 import fused, plain
from batchf1.study.frameworks.keras3 import model as network
from batchf1.study.frameworks.keras3.callbacks import Freeze
from batchf1.study.frameworks.keras3.trace import BatchTrace, TraceReader
from batchf1.study.frameworks.order import shuffled
from batchf1.study.frameworks.weights import starting_weights
from batchf1.study.rows import SPLITS, Software, counts_of, rows
from batchf1.study.seeds import generator
from batchf1.study.settings import Run

ENGINES: dict[str, Any] = {"fused": fused, "plain": plain}


def configure(run: Run) -> str:
    """Set TensorFlow's devices and threads as the run wants; the device's kind, `CPU` or `GPU`.

    Raises `InputError` where a GPU is wanted and TensorFlow sees none.
    """
    kind = devices.kind(run)
    if kind == "CPU":
        tf.config.set_visible_devices([], "GPU")
    for gpu in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    if run.training.threads:
        tf.config.threading.set_intra_op_parallelism_threads(run.training.threads)
        tf.config.threading.set_inter_op_parallelism_threads(run.training.threads)
    return kind


class Trainer:
    """A compiled model with its strategies, for the runs of one shape (`shard.shape`)."""

    def __init__(self, run: Run) -> None:
        self.engine = ENGINES[run.training.engine]
        options: dict[str, Any] = {"reconstructed": {"logged": run.program.counts}}
        self.strategies = [
            plugins.strategy(name)(run.training.threshold, **options.get(name, {}))
            for name in run.strategies
        ]
        self.trace = BatchTrace(_most_batches(run), run.training.threshold)
        self.model: Any = None

    def train(self, run: Run, device: str, verbose: int = 0) -> pd.DataFrame:
        """Train a run; its rows of `tables.RUNS`, one per epoch, split and strategy.

        Nothing of the runs before it is left in the model. `verbose` is Keras' own. Raises
        `TraceError` if what Keras logged differs from what the arithmetic says of the recorded
        batches by more than 1e-6.
        """
        data = run.dataset.load(generator(*run.names, "data"))
        self._start_anew(run, data.train.x.shape[1], device)
        expected = {strategy.name: strategy.expected for strategy in self.strategies}
        software = Software(keras.__version__, "per_batch", device, expected)
        recorder = Recorder(run, data, software, TraceReader(self.trace))
        # as data sets of one batch: `predict` of arrays takes Keras ten times as long
        passes = {"train": [data.train], "validation": [data.validation]}
        callbacks = [callback for s in self.strategies for callback in s.callbacks(**passes)]
        callbacks = [Freeze(run.training.freeze_after), recorder.reader, *callbacks, recorder]
        self.engine.fit(self.model, data, run, shuffled(run), callbacks, verbose)
        return pd.DataFrame(recorder.rows)

    def _start_anew(self, run: Run, n_features: int, device: str) -> None:
        """Give the model the run's first weights, and the optimiser its first state."""
        if self.model is None:
            self.model = network.build(run.model, n_features, self.engine.model_class)
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
        self.model.set_weights(starting_weights(run, n_features, Trainer, device))


def _most_batches(run: Run) -> int:
    largest = max(run.dataset.n_samples, run.dataset.n_validation)
    return -(-largest // min(run.training.batch_size, plain.VALIDATION_BATCH))


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Turns the logs of each epoch into rows, with both references beside each strategy's F1."""

    def __init__(self, run: Run, data: Data, software: Software, reader: TraceReader) -> None:
        super().__init__()
        self.run, self.data, self.software, self.reader = run, data, software, reader
        self.rows: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the logs against the recorded batches and append the epoch's rows."""
        for split, samples in zip(SPLITS, self.data, strict=True):
            counts, full_pass = self.reader.counts[split], self._full_pass(samples)
            self.rows += rows(self.run, self.software, epoch, split, logs or {}, counts, full_pass)

    def _full_pass(self, samples: Split) -> Counts:
        scores = self.model.predict_on_batch(samples.x)
        return counts_of(samples, scores, self.run.training.threshold)
