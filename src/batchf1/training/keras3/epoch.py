"""One epoch of many runs: training, then validation, as `fit` does for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchf1.config.settings import Run
from batchf1.training.keras3.steps import Block, CompiledSteps, blocks


class SplitPass(NamedTuple):
    """Result of one pass of all runs over a split."""

    logs: dict[str, Any]
    """Name -> what each run's metric says at the end, of shape (n_runs,)."""
    states: list[list[Any]]
    """The variables of each metric at the end, each of shape (n_runs, ...)."""
    batches: Any
    """(tp, fp, fn, tn) of each batch, int32 of shape (n_batches, n_runs, 4)."""


class Epoch(NamedTuple):
    """Result of one epoch of all runs: both logged passes and the final scores."""

    train: SplitPass
    validation: SplitPass
    scores: Any
    """Scores of all samples with the epoch's last weights, float32 of shape (n_runs, n, 1)."""


class Epochs:
    """Training loop of a group of runs over their data, one epoch per call."""

    def __init__(
        self, steps: CompiledSteps, run: Run, samples: NDArray[np.float32], class_weight: Any
    ) -> None:
        """`run`: one of them. `samples`: the splits of each, one behind the other, as in `Block`.

        `class_weight`: that of each run's positives, of shape (n_runs,).
        """
        self.steps, self.sizes = steps, run.training.sizes
        self.samples, self.class_weight = samples, class_weight
        first, n = run.dataset.n_samples, run.dataset.n_validation
        self.validation = list(blocks(samples[:, first : first + n], self.sizes["validation"]))
        self.every = list(blocks(samples, 1))

    def train(self, order: NDArray[np.int64]) -> Epoch:
        """Train all runs for one epoch, then validate and predict.

        `order`: indices of each run's training samples, of shape (n_runs, n_train).
        """
        drawn = blocks(self.samples, self.sizes["train"], order)
        trained = self._pass(drawn, partial(self.steps.learn, class_weight=self.class_weight))
        validated = self._pass(self.validation, self.steps.measure)
        return Epoch(trained, validated, self.steps.predict(self.every).numpy())

    def _pass(self, every: Iterable[Block], step: Callable[..., Any]) -> SplitPass:
        states, counts = self.steps.stacks.reset, []
        for block in every:
            states, of_block = step(block, states)
            counts.append(of_block)
        return SplitPass(self.steps.results(states), states, tf.concat(counts, axis=0))
