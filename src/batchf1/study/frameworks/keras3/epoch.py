"""An epoch of many runs: train, then validate, as `fit` does with each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from batchf1.study.frameworks.keras3.steps import Block, CompiledSteps, blocks


class Seen(NamedTuple):
    """A pass of all runs over a split."""

    logs: dict[str, Any]
    """Name -> what each run's metric says at the end, of shape (n_runs,)."""
    states: list[list[Any]]
    """The variables of each metric at the end, each of shape (n_runs, ...)."""
    batches: Any
    """(tp, fp, fn, tn) of each batch, int32 of shape (n_batches, n_runs, 4)."""
    scores: Any
    """Of all samples with the epoch's last weights, a float32 array of shape (n_runs, n, 1)."""


class Epochs:
    """The epochs of a group of runs, on their data."""

    def __init__(
        self, steps: CompiledSteps, batch_size: int, samples: Any, n_train: int, class_weight: Any
    ) -> None:
        """`samples`: both splits of each run, one behind the other, as `Block` has them.

        `class_weight`: that of each run's positives, of shape (n_runs,).
        """
        self.steps, self.batch_size = steps, batch_size
        self.samples, self.class_weight = samples, class_weight
        self.validation = list(blocks(samples[:, n_train:], batch_size))
        self.every = list(blocks(samples, 1))

    def train(self, order: Any) -> tuple[Seen, Seen]:
        """Train the stacks by an epoch; what was seen of training and of validation.

        `order`: the places of each run's training samples, int32 of shape (n_runs, n_train).
        """
        n = order.shape[1]
        drawn = blocks(tf.gather(self.samples, order, batch_dims=1), self.batch_size)
        trained = self._pass(drawn, partial(self.steps.learn, class_weight=self.class_weight))
        validated = self._pass(self.validation, self.steps.measure)
        scores = self.steps.predict(self.every).numpy()
        return Seen(*trained, scores[:, :n]), Seen(*validated, scores[:, n:])

    def _pass(self, every: Iterable[Block], step: Callable[..., Any]) -> tuple[Any, Any, Any]:
        """Logs and states at the end of a pass, and the counts of its batches."""
        states, counts = self.steps.stacks.reset, []
        for block in every:
            states, of_block = step(block, states)
            counts.append(of_block)
        return self.steps.results(states), states, tf.concat(counts, axis=0)
