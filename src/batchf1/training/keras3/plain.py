"""Engine `plain`: Keras' ordinary `fit`, the reference for engine `ensemble`."""

from __future__ import annotations

from typing import Any

import keras

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.datasets.base import Data
from batchf1.training import batches
from batchf1.training.base import SPLITS, Predictions, SequentialTrainer, SplitResult, Trainer
from batchf1.training.initial_weights import starting_weights
from batchf1.training.keras3 import model as network
from batchf1.training.keras3.array_batches import batches_of
from batchf1.training.keras3.batch_counts import BatchTrace, TraceReader
from batchf1.training.keras3.callbacks import (
    Shuffle,
    callbacks_of,
    expected_of,
    metrics_of,
    strategies_of,
)
from batchf1.training.shuffle import Order, shuffled

ENGINE = "plain"
VALIDATION_BATCH = 32
"""The size in which Keras validates arrays if `fit` is told none."""


class PlainTrainer(SequentialTrainer):
    """Compiled model with its strategies, for the runs of one shape (`Framework.shape`)."""

    def __init__(self, run: Run) -> None:
        self.strategies = strategies_of(run)
        self.expected = expected_of(self.strategies)
        self.trace = BatchTrace(_most_batches(run), run.training.threshold)

    def train_one(self, run: Run, verbose: int) -> list[SplitResult]:
        """See `SequentialTrainer`."""
        data = run.dataset.load(generator(*run.names, "data"))
        self._start_anew(run, data.train.x.shape[1])
        recorder = Recorder(run, data, TraceReader(self.trace))
        fed = _with_labels(data, run.input_pipeline.labels)
        callbacks = [recorder.reader, recorder, *callbacks_of(run, self.strategies, fed)]
        _fit(self.model, fed, run, shuffled(run), callbacks, verbose)
        return recorder.finished()

    def _start_anew(self, run: Run, n_features: int) -> None:
        """Reset the model to the run's initial weights, and the optimiser to its initial state."""
        if self.model is None:
            self._build(run, n_features)
        for variable, value in zip(self.model.optimizer.variables, self.first_state, strict=True):
            variable.assign(value)
        self.model.optimizer.learning_rate.assign(run.model.learning_rate)
        (weights,) = starting_weights([run], n_features, _pretrainer)
        self.model.set_weights(weights)

    def _build(self, run: Run, n_features: int) -> None:
        self.model = network.build(run.model.hidden, n_features)
        metrics = [self.trace, *metrics_of(self.strategies)]
        self.model.compile(keras.optimizers.Adam(), "binary_crossentropy", metrics=metrics)
        self.model.optimizer.build(self.model.trainable_variables)
        self.first_state = [variable.numpy() for variable in self.model.optimizer.variables]


def _pretrainer(run: Run) -> Trainer:
    """Return a trainer for a pretraining, in the engine that its settings have."""
    if run.training.engine == ENGINE:
        return PlainTrainer(run)
    from batchf1.training.keras3.ensemble import EnsembleTrainer  # on TensorFlow alone

    return EnsembleTrainer(run)


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that records each epoch's logs, counts per batch and counts of a full pass.

    It comes first, so that no callback has changed the weights, and keeps the logs themselves, into
    which the callbacks after it write.
    """

    def __init__(self, run: Run, data: Data, reader: TraceReader) -> None:
        super().__init__()
        self.run, self.data, self.reader = run, data, reader
        self.passes: list[SplitResult] = []
        self.scored: list[Predictions] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the results of every split."""
        self.scored = [
            Predictions(split.y[:, 0], self.model.predict_on_batch(split.x)[:, 0])
            for split in self.data
        ]
        for (name, split), scored in zip(self.data.splits.items(), self.scored, strict=True):
            full_pass = batches.counts_of(self.run, split, scored.scores)
            logged = name in SPLITS
            seen = self.reader.counts[name] if logged else full_pass
            self.passes.append(
                SplitResult(epoch, name, (logs or {}) if logged else {}, seen, full_pass)
            )

    def finished(self) -> list[SplitResult]:
        """Return all results, those of the last epoch with their scores."""
        n = len(self.scored)
        pairs = zip(self.passes[-n:], self.scored, strict=True)
        return self.passes[:-n] + [of._replace(predictions=scored) for of, scored in pairs]


def _with_labels(data: Data, shape: str) -> Data:
    """Return the data with labels of the shape that Keras is fed, see `InputPipeline.labels`."""
    if shape == "column":
        return data
    return Data(*(split._replace(y=split.y[:, 0]) for split in data))


def _fit(
    model: Any, data: Data, run: Run, order: Order, callbacks: list[Any], verbose: int
) -> None:
    """Train the compiled model on the run's input pipeline.

    Arrays are validated in fixed order in batches of the validation's size, except beside a
    training generator, where Keras knows no size and takes its own.
    """
    weight = run.training.class_weight
    sizes = run.training.sizes
    steps = {name: batches.steps(run, data.splits[name]) for name in SPLITS}
    from_generator = run.input_pipeline.train == "generator"
    if from_generator:
        train: Any = batches.train_batches(run, data.train, order)
    else:
        arrays = batches_of(data.train, sizes["train"])
        train = arrays.dataset
        callbacks = [Shuffle(order, arrays.set_order), *callbacks]
    if run.input_pipeline.validation == "generator":
        validation: Any = batches.validation_batches(run, data.validation)
    elif from_generator:
        validation = tuple(data.validation)
    else:
        in_order = batches_of(data.validation, sizes["validation"])
        validation = in_order.dataset
    model.fit(
        train,
        epochs=run.training.epochs,
        steps_per_epoch=steps["train"] if from_generator else None,
        shuffle=False,  # the order is ours
        validation_data=validation,
        validation_steps=steps["validation"]
        if run.input_pipeline.validation == "generator"
        else None,
        class_weight=None if weight == 1 else {0: 1.0, 1: weight},
        callbacks=callbacks,
        verbose=verbose,
    )


def _most_batches(run: Run) -> int:
    largest = max(run.dataset.n_samples, run.dataset.n_validation)
    return -(-largest // min(*run.training.sizes.values(), VALIDATION_BATCH))
