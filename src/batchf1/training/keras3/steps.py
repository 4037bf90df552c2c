"""Compiled steps of many runs at once: learn from batches, measure batches, predict.

Keras' own in them are the model, its loss, its metric objects and Adam, all called by their public
names; `tf.vectorized_map` calls them for all runs at once. Ours are the loops over the batches.

What is compiled takes a block of batches of one size and knows nothing of the data's size, so that
one compilation serves every data set with such batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchf1.training.keras3.batch_counts import cells
from batchf1.training.keras3.stacked_variables import StackedVariables

BLOCK = 8192
"""Samples of a run in a block, as far as whole batches allow; what is lacking is filled up with
zeros that no batch reaches."""
CHUNK = 512
"""Samples of a run that are predicted at a time, whatever the batch size."""


class Block(NamedTuple):
    """Consecutive batches of all runs."""

    samples: Any
    """float32 of shape (n_runs, n, d + 1): features, and the label behind them."""
    size: int
    """Size of the batches."""
    n_batches: int


def blocks(
    samples: NDArray[np.float32], size: int, order: NDArray[np.int64] | None = None
) -> Iterator[Block]:
    """Yield all batches of samples (n_runs, n, d + 1); the short one comes last.

    `order`: indices of each run's samples, of shape (n_runs, n_drawn); by default each once.
    """
    n = (samples if order is None else order).shape[1]
    n_full = n // size
    for first, last, of in ((0, n_full * size, size), (n_full * size, n, n - n_full * size)):
        most = max(1, BLOCK // of) * of if of else 1
        for start in range(first, last, most):
            stop = min(start + most, last)
            chosen = _chosen(samples, order, slice(start, stop), most)
            yield Block(tf.constant(chosen), of, (stop - start) // of)


def _chosen(
    samples: NDArray[np.float32], order: NDArray[np.int64] | None, part: slice, n: int
) -> NDArray[np.float32]:
    """Return some samples of each run, filled up with zeros to `n`."""
    n_chosen = part.stop - part.start
    rows = np.empty((len(samples), n, samples.shape[2]), np.float32)
    rows[:, n_chosen:] = 0
    if order is None:
        rows[:, :n_chosen] = samples[:, part]
        return rows
    for row, of_run, indices in zip(rows, samples, order, strict=True):
        # the mode saves a copy; block by block NumPy takes half the time of TensorFlow's gather
        np.take(of_run, indices[part], axis=0, out=row[:n_chosen], mode="clip")
    return rows


class CompiledSteps:
    """Compiled functions of one kind of ensemble.

    The number of runs is that of the stacks, always: with another one XLA would take other paths,
    and bits would change.
    """

    def __init__(self, stacks: StackedVariables, threshold: float) -> None:
        self.stacks, self.threshold, self.model = stacks, threshold, stacks.model
        compiled = {"jit_compile": True, "autograph": False}
        self._learn = tf.function(self._learned_block, **compiled)
        self._measure = tf.function(self._measured_block, **compiled)
        self._predict = tf.function(self._predicted_block, **compiled)
        self._results = tf.function(self._results_of_all, **compiled)

    def learn(self, block: Block, states: Any, class_weight: Any) -> tuple[Any, Any]:
        """Learn from a block; return the metrics' states after it and its batches' counts.

        `states`: a list of stacks for each metric. `class_weight`: that of each run's positives,
        of shape (n_runs,). Counts: (tp, fp, fn, tn), int32 of shape (n_batches, n_runs, 4).
        """
        return self._stepped(self._learn, block, states, class_weight)

    def measure(self, block: Block, states: Any) -> tuple[Any, Any]:
        """Update the metrics with a block, without learning; return the same as `learn`."""
        return self._stepped(self._measure, block, states)

    def predict(self, every: Sequence[Block]) -> Any:
        """Return scores of the samples of blocks of batches of 1, float32 (n_runs, n, 1)."""
        scores = [
            self._predict(block.samples, tf.constant(-(-block.n_batches // CHUNK)))
            for block in every
        ]
        return tf.concat(scores, axis=1)[:, : sum(block.n_batches for block in every)]

    def results(self, states: Any) -> dict[str, Any]:
        """Return each metric's results by name, tensors of shape (n_runs,)."""
        results: dict[str, Any] = self._results(states)
        return results

    def _stepped(self, step: Any, block: Block, states: Any, *more: Any) -> tuple[Any, Any]:
        n_batches = tf.constant(block.n_batches)
        states, counts = step(block.samples, block.size, n_batches, states, *more)
        return states, counts[: block.n_batches]

    def _each(self, of_one: Callable[..., Any], *parts: Any) -> Any:
        """Apply a function to each run's parts, vectorized."""
        return tf.vectorized_map(lambda given: of_one(*given), parts, fallback_to_while_loop=False)

    def _weights(self) -> list[Any]:
        return [stack.value for stack in self.stacks.weights]

    def _learned_block(
        self, samples: Any, size: int, n_batches: Any, states: Any, class_weight: Any
    ) -> tuple[Any, Any]:
        def step(states: Any, x: Any, y: Any) -> tuple[Any, Any]:
            given = (self._weights(), states, x, y, class_weight)
            gradients, states, row = self._each(self._learned, *given)
            self.stacks.optimizer.apply(gradients, self.stacks.weights)
            return states, row

        return self._loop(step, samples, size, n_batches, states)

    def _measured_block(
        self, samples: Any, size: int, n_batches: Any, states: Any
    ) -> tuple[Any, Any]:
        def step(states: Any, x: Any, y: Any) -> Any:
            return self._each(self._measured, self._weights(), states, x, y)

        return self._loop(step, samples, size, n_batches, states)

    def _loop(
        self, step: Any, samples: Any, size: int, n_batches: Any, states: Any
    ) -> tuple[Any, Any]:
        """Apply a step to the batches one by one."""
        n_runs, n, width = samples.shape
        rows = tf.TensorArray(tf.int32, n // size, element_shape=(n_runs, 4))

        def body(i: Any, states: Any, rows: Any) -> tuple[Any, Any, Any]:
            batch = tf.slice(samples, [0, i * size, 0], [n_runs, size, width])
            states, row = step(states, batch[..., :-1], batch[..., -1:])
            return i + 1, states, rows.write(i, row)

        _, states, rows = tf.while_loop(lambda i, *_: i < n_batches, body, [0, states, rows])
        return states, rows.stack()

    def _learned(
        self, weights: Any, states: Any, x: Any, y: Any, class_weight: Any
    ) -> tuple[Any, Any, Any]:
        """Compute the gradients of a run's batch, its metrics' states after it, and its counts."""
        weight = tf.where(y[:, 0] > 0, class_weight, 1.0)  # as Keras makes them of class_weight
        with tf.GradientTape() as tape:
            tape.watch(weights)
            scores = self._scores(weights, x, training=True)
            loss = self.model.compute_loss(x, y, scores, weight, training=True)
        return tape.gradient(loss, weights), *self._after(states, loss, y, scores, weight)

    def _measured(self, weights: Any, states: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """Compute the states of a run's metrics after a validation batch, and its counts."""
        # the scores are made here: Keras takes the loss from the logits behind them
        scores = self._scores(weights, x)
        loss = self.model.compute_loss(x, y, scores, training=False)
        return self._after(states, loss, y, scores, None)

    def _after(
        self, states: Any, loss: Any, y: Any, scores: Any, weight: Any
    ) -> tuple[list[list[Any]], Any]:
        """Update the loss, weighted by batch size, and every metric, as `train_step` does."""
        (of_loss, *others), (first, *rest) = self.model.metrics, states
        after = [of_loss.stateless_update_state(first, loss, sample_weight=float(y.shape[0]))]
        for metric, state in zip(others, rest, strict=True):
            after.append(metric.stateless_update_state(state, y, scores, sample_weight=weight))
        counts = tf.cast(tf.stack(cells(y, scores, self.threshold)), tf.int32)
        return [list(state) for state in after], counts

    def _scores(self, weights: Any, x: Any, training: bool = False) -> Any:
        return self.model.stateless_call(self.stacks.shaped(weights), [], x, training=training)[0]

    def _predicted_block(self, samples: Any, n_chunks: Any) -> Any:
        n_runs, n, width = samples.shape
        scores = tf.TensorArray(tf.float32, n // CHUNK, element_shape=(n_runs, CHUNK, 1))

        def body(i: Any, scores: Any) -> tuple[Any, Any]:
            part = tf.slice(samples, [0, i * CHUNK, 0], [n_runs, CHUNK, width - 1])
            return i + 1, scores.write(i, self._each(self._scores, self._weights(), part))

        _, scores = tf.while_loop(lambda i, _: i < n_chunks, body, [0, scores])
        return tf.reshape(tf.transpose(scores.stack(), [1, 0, 2, 3]), [n_runs, n, 1])

    def _results_of_all(self, states: Any) -> Any:
        return self._each(self._results_of_one, states)

    def _results_of_one(self, states: Any) -> dict[str, Any]:
        """Compute a run's metric results, as `keras.Model.get_metrics_result` does."""
        logs: dict[str, Any] = {}
        for metric, state in zip(self.model.metrics, states, strict=True):
            result = metric.stateless_result(state)
            logs |= result if isinstance(result, dict) else {metric.name: result}
        return logs
