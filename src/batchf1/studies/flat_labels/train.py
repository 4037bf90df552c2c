"""Training of the networks: by Keras' `fit` with labels (n,), and those of the search together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.datasets.base import Data
from batchf1.metrics.counts import Counts
from batchf1.studies.flat_labels.config import Search
from batchf1.studies.flat_labels.functions import FUNCTIONS
from batchf1.studies.flat_labels.predictions import Scores
from batchf1.training.base import Predictions, SplitResult
from batchf1.training.engines import framework_of
from batchf1.training.initial_weights import first_weights
from batchf1.training.keras3 import model as network
from batchf1.training.keras3.batch_counts import BatchTrace, TraceReader

PREFIX = {"train": "", "validation": "val_"}
STEPS = 32
"""Batches that Keras takes in one call of its compiled step, which changes no result."""


class Fit(NamedTuple):
    """Result of `fit` with labels of shape (n,)."""

    logs: list[dict[str, float]]
    """All that Keras logged, for each epoch."""
    batches: list[dict[str, Counts]]
    """For each epoch and split the counts of the batches that the metrics saw."""
    validation: Predictions
    test: Predictions


class FitTrainer:
    """Compiled model that trains one network after the other."""

    def __init__(self, run: Run, n_features: int) -> None:
        sizes = (run.dataset.n_samples, run.dataset.n_validation)
        self.trace = BatchTrace(max(sizes) // run.training.batch_size, run.training.threshold)
        self.model = network.build(run.model.hidden, n_features)
        self.model.compile(
            keras.optimizers.Adam(run.model.learning_rate),
            "binary_crossentropy",
            metrics=[self.trace, *FUNCTIONS.values()],
            jit_compile=False,
            steps_per_execution=STEPS,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.initial = [variable.numpy() for variable in self.model.optimizer.variables]

    def fit(self, run: Run, data: Data) -> Fit:
        """Train a network from its own initial weights, with labels of shape (n,)."""
        for variable, value in zip(self.model.optimizer.variables, self.initial, strict=True):
            variable.assign(value)
        n_features = data.train.x.shape[1]
        self.model.set_weights(
            first_weights(run.model, n_features, generator(*run.names, "weights"))
        )
        recorder = _EpochRecorder(self.trace)
        train, validation = ((split.x, split.y.ravel()) for split in (data.train, data.validation))
        self.model.fit(
            *train,
            batch_size=run.training.batch_size,
            epochs=run.training.epochs,
            shuffle=False,  # the samples are in random order already
            validation_data=validation,
            validation_batch_size=run.training.batch_size,
            callbacks=[recorder],
            verbose=0,
        )
        assert data.test is not None
        scored = (self._predict(split) for split in (data.validation, data.test))
        return Fit(recorder.logs, recorder.batches, *scored)

    def _predict(self, split: Any) -> Predictions:
        scores: Scores = np.asarray(self.model.predict_on_batch(split.x))[:, 0]
        return Predictions(split.y.ravel(), scores)


class _EpochRecorder(TraceReader):
    """Callback that records logs and counts of each epoch."""

    def __init__(self, trace: BatchTrace) -> None:
        super().__init__(trace)
        self.logs: list[dict[str, float]] = []
        self.batches: list[dict[str, Counts]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record both splits."""
        self.logs.append({name: float(value) for name, value in (logs or {}).items()})
        self.batches.append(dict(self.counts))


def candidates(run: Run, search: Search) -> list[Run]:
    """Return the candidates of a network's search; they share its data and initial weights."""
    rng = generator(run.study, "candidates", run.seed)
    least, greatest = np.log([search.learning_rate, search.class_weight]).T
    drawn = np.exp(rng.uniform(least, greatest, size=(search.candidates, 2)))
    training = replace(run.training, batch_size=search.batch_size, epochs=search.epochs)
    return [
        replace(
            run,
            model=replace(run.model, learning_rate=float(rate)),
            training=replace(training, class_weight=float(weight)),
        )
        for rate, weight in drawn
    ]


def searched(
    runs: Sequence[Run], search: Search
) -> Iterator[tuple[Run, list[tuple[Predictions, Predictions]]]]:
    """Train the candidates of each network; yield it with their validation and test predictions."""
    first = candidates(runs[0], search)[0]
    framework = framework_of(first)
    trainer, size = framework.trainer(first), framework.group_size(first)
    together = max(1, size // search.candidates)
    for start in range(0, len(runs), together):
        some = runs[start : start + together]
        results = trainer.train([one for run in some for one in candidates(run, search)])
        for i, run in enumerate(some):
            mine = results[i * search.candidates : (i + 1) * search.candidates]
            yield run, [(_last(one, "validation"), _last(one, "test")) for one in mine]


def _last(passes: Sequence[SplitResult], split: str) -> Predictions:
    predictions = [each.predictions for each in passes if each.split == split][-1]
    assert predictions is not None
    return predictions
