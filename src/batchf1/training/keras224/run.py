"""Trainer of runs in Keras 2.2.4, with the article's program and the same data as any engine.

Import it after `keras224.activate()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import keras
import tensorflow as tf
from keras import backend as K  # noqa: N812
from keras.backend import tensorflow_backend

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.datasets.base import Data, Split
from batchf1.metrics.averaging import Logged
from batchf1.metrics.counts import Counts, as_counts
from batchf1.training import batches as training_batches
from batchf1.training import devices
from batchf1.training.base import SPLITS, Expected, Log, SequentialTrainer, SplitResult
from batchf1.training.batches import counts_of
from batchf1.training.initial_weights import starting_weights
from batchf1.training.keras224 import article
from batchf1.training.shuffle import Order, shuffled


def _start_session(run: Run) -> None:
    """Start a session with the run's devices and threads, after `clear_session`.

    A model keeps to its session, so that one in use is left as it is.
    """
    if tensorflow_backend._SESSION is not None:
        return
    threads = run.training.threads
    options = tf.ConfigProto(
        intra_op_parallelism_threads=threads,
        inter_op_parallelism_threads=-1,  # in the caller's thread, one after the other
        device_count={"GPU": 0} if devices.kind(run.training.device) == "CPU" else {},
    )
    options.gpu_options.allow_growth = True
    K.set_session(tf.Session(config=options))


class Keras224Trainer(SequentialTrainer):
    """Compiled model for the runs of one shape (`Framework.shape`)."""

    def __init__(self, run: Run) -> None:
        _start_session(run)
        self.threshold = run.training.threshold
        self.metrics = [
            article.f1_batch_mean,
            *article.count_metrics(cast(Logged, run.input_pipeline.counts)),
            *article.cells(self.threshold),
        ]
        rules = article.expected(cast(Logged, run.input_pipeline.counts))
        self.expected: Mapping[Log, Expected] = {name: rules[name] for name in run.strategies}

    def train_one(self, run: Run, verbose: int) -> list[SplitResult]:
        """See `SequentialTrainer`."""
        data = run.dataset.load(generator(*run.names, "data"))
        self._start_anew(run, data.train.x.shape[1])
        recorder = Recorder(run, data)
        callbacks = [
            Freeze(run.training.freeze_after),
            article.F1Callback(),
            article.VerifyCallback(*data),
            recorder,
        ]
        order = shuffled(run)
        fit = _fit if run.input_pipeline.train == "arrays" else _fit_generator
        fit(self.model, data, run, order, callbacks, verbose)
        return recorder.passes

    def _start_anew(self, run: Run, n_features: int) -> None:
        """Reset the model to the run's initial weights, and the optimiser to its initial state."""
        if self.model is None:
            self._build(run, n_features)
        self.model.optimizer.set_weights(self.first_state)
        K.set_value(self.model.optimizer.lr, run.model.learning_rate)
        (weights,) = starting_weights([run], n_features, Keras224Trainer)
        self.model.set_weights(weights)
        for batches in (self.model.train_function, self.model.test_function):
            batches.seen.clear()

    def _build(self, run: Run, n_features: int) -> None:
        layers = keras.layers
        hidden = [layers.Dense(units, activation="relu") for units in run.model.hidden]
        output = layers.Dense(1, activation="sigmoid")
        first = layers.InputLayer((n_features,))
        self.model = model = keras.models.Sequential([first, *hidden, output])
        model.compile(
            keras.optimizers.Adam(run.model.learning_rate),
            "binary_crossentropy",
            metrics=self.metrics,
        )
        model._make_train_function()
        model._make_test_function()
        _count_steps_last(model.optimizer.iterations)
        self.first_state = model.optimizer.get_weights()
        indices = [model.metrics_names.index(f"cell_{name}") for name in Counts._fields]
        model.train_function = CountingFunction(model.train_function, indices)
        model.test_function = CountingFunction(model.test_function, indices)


def _count_steps_last(iterations: Any) -> None:
    """Make the optimiser read its step count before the step is counted.

    Keras 2.2.4 leaves the order open, and TensorFlow takes now the one, now the other: Adam's first
    steps then differ, and no run can be repeated.
    """
    uses = [op for op in iterations.graph.get_operations() if iterations.handle in op.inputs]
    reads = [
        op for op in uses if any(c.type == "Cast" for out in op.outputs for c in out.consumers())
    ]
    for op in uses:
        if op.type == "AssignAddVariableOp":
            op._add_control_inputs(reads)


class CountingFunction:
    """Wrapper of a Keras step function that records the counts of each batch."""

    def __init__(self, function: Any, indices: list[int]) -> None:
        self.function, self.indices = function, indices
        self.seen: list[list[float]] = []

    def __call__(self, inputs: Any) -> Any:
        """Run the step and record its counts."""
        outputs = self.function(inputs)
        self.seen.append([outputs[index] for index in self.indices])
        return outputs

    def counts(self) -> Counts:
        """Return the counts of the batches since the last call, shape (n_batches,)."""
        counts = as_counts(*zip(*self.seen, strict=True))
        self.seen.clear()
        return counts


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that records each epoch's logs, counts per batch and counts of a full pass."""

    def __init__(self, run: Run, data: Data) -> None:
        super().__init__()
        self.run, self.data = run, data
        self.passes: list[SplitResult] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the results of both splits."""
        functions = (self.model.train_function, self.model.test_function)
        for split, samples, batches in zip(SPLITS, self.data, functions, strict=True):
            scores = self.model.predict_on_batch(samples.x)
            full_pass = counts_of(self.run, samples, scores)
            self.passes.append(
                SplitResult(epoch, split, dict(logs or {}), batches.counts(), full_pass)
            )


class Freeze(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that freezes the weights after epoch `last`; 0 for never."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate to 0."""
        if self.last and epoch == self.last:
            K.set_value(self.model.optimizer.lr, 0.0)


class Shuffle(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that reorders, in place, the arrays that `fit` slices, at each epoch."""

    def __init__(self, data: Split, fed: Split, order: Order) -> None:
        super().__init__()
        self.data, self.fed, self.order = data, fed, order

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Order the samples before Keras takes the first batch."""
        indices = self.order(epoch)
        for fed, samples in zip(self.fed, self.data, strict=True):
            fed[:] = samples[indices]


def _fit(
    model: Any, data: Data, run: Run, order: Order, callbacks: list[Any], verbose: int
) -> None:
    fed = Split(*(part.copy() for part in data.train))
    model.fit(
        *fed,
        batch_size=run.training.batch_size,
        epochs=run.training.epochs,
        shuffle=False,  # the order is ours
        validation_data=tuple(data.validation),
        callbacks=[Shuffle(data.train, fed, order), *callbacks],
        verbose=verbose,
    )


def _fit_generator(
    model: Any, data: Data, run: Run, order: Order, callbacks: list[Any], verbose: int
) -> None:
    from_generator = run.input_pipeline.validation == "generator"
    validation: Any = tuple(data.validation)
    if from_generator:
        validation = training_batches.validation_batches(run, data.validation)
    model.fit_generator(
        training_batches.train_batches(run, data.train, order),
        steps_per_epoch=training_batches.steps(run, data.train),
        epochs=run.training.epochs,
        validation_data=validation,
        validation_steps=training_batches.steps(run, data.validation) if from_generator else None,
        callbacks=callbacks,
        verbose=verbose,
    )
