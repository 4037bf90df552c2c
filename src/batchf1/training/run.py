"""One run: one fit with all strategies attached, and the rows of the table it gives."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from batchf1 import averaging, strategies
from batchf1.config import Run
from batchf1.counts import Counts, batch_counts
from batchf1.datasets import Data, Split
from batchf1.errors import TraceError, require
from batchf1.seeds import generator
from batchf1.training import fused, plain
from batchf1.training import model as network
from batchf1.training.order import shuffled
from batchf1.training.trace import BatchTrace, TraceReader

ENGINES: dict[str, Any] = {"fused": fused, "plain": plain}
TOLERANCE = 1e-6
SPLITS = {"train": "", "validation": "val_"}
"""Split -> the prefix of its keys in Keras' logs."""


def configure(run: Run) -> str:
    """Set TensorFlow's devices and threads as the run wants; the device's kind, `CPU` or `GPU`.

    Raises `InputError` where a GPU is wanted and TensorFlow sees none.
    """
    wanted, gpus = run.training.device, tf.config.list_physical_devices("GPU")
    require(bool(gpus) or wanted != "gpu", "training.device", "TensorFlow must see a GPU", wanted)
    if wanted == "cpu":
        tf.config.set_visible_devices([], "GPU")
    for gpu in gpus if wanted != "cpu" else []:
        tf.config.experimental.set_memory_growth(gpu, True)
    if run.training.threads:
        tf.config.threading.set_intra_op_parallelism_threads(run.training.threads)
        tf.config.threading.set_inter_op_parallelism_threads(run.training.threads)
    return "GPU" if gpus and wanted != "cpu" else "CPU"


class Trainer:
    """A compiled model with its strategies, for the runs of one shape (`shard.shape`)."""

    def __init__(self, run: Run) -> None:
        self.engine = ENGINES[run.training.engine]
        self.strategies = [
            strategies.create(name, run.training.threshold) for name in run.strategies
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
        self._start_anew(run, data.train.x.shape[1])
        recorder = Recorder(run, data, device, TraceReader(self.trace))
        # as data sets of one batch: `predict` of arrays takes Keras ten times as long
        passes = {"train": [data.train], "validation": [data.validation]}
        callbacks = [callback for s in self.strategies for callback in s.callbacks(**passes)]
        order = shuffled(run)
        self.engine.fit(
            self.model, data, run, order, [recorder.reader, *callbacks, recorder], verbose
        )
        return pd.DataFrame(recorder.rows)

    def _start_anew(self, run: Run, n_features: int) -> None:
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
        rng = generator(*run.names, "weights")
        self.model.set_weights(network.first_weights(run.model, n_features, rng))


def _most_batches(run: Run) -> int:
    largest = max(run.dataset.n_samples, run.dataset.n_validation)
    return -(-largest // run.training.batch_size)


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Turns the logs of each epoch into rows, with both references beside each strategy's F1."""

    def __init__(self, run: Run, data: Data, device: str, reader: TraceReader) -> None:
        super().__init__()
        self.run, self.data, self.device, self.reader = run, data, device, reader
        self.rows: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the logs against the recorded batches and append the epoch's rows."""
        for (split, prefix), samples in zip(SPLITS.items(), self.data, strict=True):
            counts = self.reader.counts[split]
            f1s = {name: float((logs or {})[f"{prefix}f1_{name}"]) for name in self.run.strategies}
            check(f1s, counts, f"{self.run.label} epoch {epoch + 1} {split}")
            # validation is such a pass already
            last_weights = counts if split == "validation" else self._full_pass(samples)
            full_pass = float(averaging.pooled(last_weights))
            self.rows += [
                self._row(epoch + 1, split, name, f1, counts, full_pass) for name, f1 in f1s.items()
            ]

    def _full_pass(self, samples: Split) -> Counts:
        scores = self.model.predict_on_batch(samples.x)
        return batch_counts(
            samples.y.ravel(), scores.ravel(), len(scores), self.run.training.threshold
        )

    def _row(
        self, epoch: int, split: str, strategy: str, f1: float, counts: Counts, full_pass: float
    ) -> dict[str, Any]:
        run, totals = self.run, counts.pooled()
        return {
            "run_id": run.run_id,
            "study": run.study,
            "dataset": run.dataset.name,
            "n_samples": run.dataset.n_samples,
            "prevalence": run.dataset.prevalence,
            "batch_size": run.training.batch_size,
            "seed": run.seed,
            "epoch": epoch,
            "split": split,
            "strategy": strategy,
            "f1": f1,
            "reference_pooled": float(averaging.pooled(counts)),
            "reference_full_pass": full_pass,
            "n_batches": counts.tp.size,
            "n_empty_batches": int(counts.empty.sum()),
            **{name: int(value) for name, value in totals._asdict().items()},
            "device": self.device,
        }


def check(f1s: dict[str, float], counts: Counts, where: str) -> None:
    """Hold what Keras logged against the arithmetic on the recorded batches.

    `epoch_end` and a strategy of somebody else's are not about those batches, and not checked.
    """
    expected = {
        "batch_mean": averaging.batch_mean(counts, dtype=np.float32),
        "reconstructed": averaging.reconstructed(counts),
        "streaming": averaging.pooled(counts),
    }
    for name in f1s.keys() & expected.keys():
        said, right = f1s[name], float(expected[name])
        if not np.isclose(said, right, rtol=0, atol=TOLERANCE):
            raise TraceError(f"{where}: {name} logged {said}, its batches give {right}")
