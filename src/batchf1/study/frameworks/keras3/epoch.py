"""An epoch of many runs: train, then validate, as `fit` does with each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from batchf1.study.frameworks.keras3.steps import CompiledSteps, blocks


class Seen(NamedTuple):
    """A pass of all runs over a split."""

    logs: dict[str, Any]
    """Name -> what each run's metric says at the end, of shape (n_runs,)."""
    states: list[list[Any]]
    """The variables of each metric at the end, each of shape (n_runs, ...)."""
    batches: Any
    """(tp, fp, fn, tn) of each batch, int32 of shape (n_batches, n_runs, 4)."""
    scores: Any
    """Of all samples with the epoch's last weights, float32 of shape (n_runs, n, 1)."""


def train(
    steps: CompiledSteps, batch_size: int, x: Any, y: Any, order: Any, class_weight: Any
) -> tuple[Seen, Seen]:
    """Train the stacks by an epoch; what was seen of training and of validation.

    `x`, `y`: both splits of each run, one behind the other, float32 of shapes (n_runs, n, d) and
    (n_runs, n, 1). `order`: the places of each run's training samples, int32 of shape
    (n_runs, n_samples). `class_weight`: that of each run's positives, of shape (n_runs,).
    """
    n = order.shape[1]
    drawn = [tf.gather(part, order, batch_dims=1) for part in (x, y)]
    trained = _pass(steps, batch_size, drawn, partial(steps.learn, class_weight=class_weight))
    validated = _pass(steps, batch_size, [x[:, n:], y[:, n:]], steps.measure)
    scores = steps.predict(x)
    return Seen(*trained, scores[:, :n]), Seen(*validated, scores[:, n:])


def _pass(
    steps: CompiledSteps, batch_size: int, parts: list[Any], step: Callable[..., Any]
) -> tuple[Any, Any, Any]:
    """Logs and states at the end of a pass, and the counts of its batches."""
    states, counts = steps.stacks.reset, []
    for block in blocks(parts, batch_size):
        states, of_block = step(block, states)
        counts.append(of_block)
    return steps.results(states), states, tf.concat(counts, axis=0)
