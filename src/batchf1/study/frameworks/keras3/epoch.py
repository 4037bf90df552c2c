"""An epoch of many runs in one compiled call.

Keras' own in it are the model, its loss, its metric objects and Adam, all called by their public
names; ours are the loops over the batches. A run's batches are drawn, learned and measured one by
one, as `fit` does; `tf.vectorized_map` does so for all runs at once. What differs from `fit`: all
scores of the epoch's last weights are made once, in chunks, for the batches of validation too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from batchf1.study.frameworks.keras3.stacks import Stacks
from batchf1.study.frameworks.keras3.trace import cells

CHUNK = 512
"""Samples of a run that a full pass predicts at a time, whatever the batch size."""


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
    full_pass: Any
    """(tp, fp, fn, tn) of these scores, int32 of shape (n_runs, 4)."""


class CompiledEpoch:
    """The compiled call for runs of one shape.

    The number of runs is that of the stacks, always: with another one XLA would take other paths,
    and bits would change.
    """

    def __init__(self, stacks: Stacks, batch_size: int, threshold: float) -> None:
        self.stacks, self.batch_size, self.threshold = stacks, batch_size, threshold
        self.model = stacks.model
        self._compiled = tf.function(self._epoch, jit_compile=True, autograph=False)

    def __call__(self, x: Any, y: Any, order: Any, class_weight: Any) -> tuple[Seen, Seen]:
        """Train the stacks by an epoch, and measure; what was seen of training and validation.

        `x`, `y`: both splits of each run, one behind the other, float32 of shapes (n_runs, n, d)
        and (n_runs, n, 1). `order`: the places of each run's training samples, int32 of shape
        (n_runs, n_samples). `class_weight`: that of each run's positives, of shape (n_runs,).
        """
        found: tuple[Seen, Seen] = self._compiled(x, y, order, class_weight, self.stacks.reset)
        return found

    def _epoch(
        self, x: Any, y: Any, order: Any, class_weight: Any, reset: Any
    ) -> tuple[Seen, Seen]:
        n_runs, n = order.shape

        def learn(states: Any, start: Any, size: int) -> tuple[Any, Any]:
            places = tf.slice(order, [0, start], [n_runs, size])
            batch = (tf.gather(part, places, batch_dims=1) for part in (x, y))
            gradients, states, row = self._each(self._learned, states, *batch, class_weight)
            self.stacks.optimizer.apply(gradients, self.stacks.weights)
            return states, row

        def measure(states: Any, start: Any, size: int) -> tuple[Any, Any]:
            batch = (tf.slice(part, [0, n + start, 0], [n_runs, size, 1]) for part in (y, scores))
            found: tuple[Any, Any] = self._each(self._measured, states, *batch)
            return found

        trained = self._pass(n, learn, reset)
        scores = self._full_pass(x)
        validated = self._pass(x.shape[1] - n, measure, reset)
        return (
            Seen(*trained, *self._counted(y[:, :n], scores[:, :n])),
            Seen(*validated, *self._counted(y[:, n:], scores[:, n:])),
        )

    def _each(self, of_one: Callable[..., Any], *parts: Any) -> Any:
        """What a function makes of each run's weights and of its parts."""
        weights = [stack.value for stack in self.stacks.weights]
        return tf.vectorized_map(
            lambda given: of_one(*given), (weights, *parts), fallback_to_while_loop=False
        )

    def _learned(
        self, weights: Any, states: Any, x: Any, y: Any, class_weight: Any
    ) -> tuple[Any, Any, Any]:
        """Gradients of a run's batch, its metrics' states after it, and its counts."""
        weight = tf.where(y[:, 0] > 0, class_weight, 1.0)  # as Keras makes them of class_weight
        with tf.GradientTape() as tape:
            tape.watch(weights)
            scores = self._scores(weights, x, training=True)
            loss = self.model.compute_loss(x, y, scores, weight, training=True)
        return tape.gradient(loss, weights), *self._after(states, loss, y, scores, weight)

    def _measured(self, weights: Any, states: Any, y: Any, scores: Any) -> tuple[Any, Any]:
        """The states of a run's metrics after a batch of validation, and its counts."""
        loss = self.model.compute_loss(None, y, scores, training=False)
        return self._after(states, loss, y, scores, None)

    def _scores(self, weights: Any, x: Any, training: bool = False) -> Any:
        return self.model.stateless_call(self.stacks.shaped(weights), [], x, training=training)[0]

    def _after(
        self, states: Any, loss: Any, y: Any, scores: Any, weight: Any
    ) -> tuple[list[list[Any]], Any]:
        """As `keras.Model.train_step`: the loss by the size of the batch, then every metric."""
        (of_loss, *others), (first, *rest) = self.model.metrics, states
        after = [of_loss.stateless_update_state(first, loss, sample_weight=float(y.shape[0]))]
        for metric, state in zip(others, rest, strict=True):
            after.append(metric.stateless_update_state(state, y, scores, sample_weight=weight))
        return [list(state) for state in after], self._cells(y, scores)

    def _cells(self, y: Any, scores: Any) -> Any:
        return tf.cast(tf.stack(cells(y, scores, self.threshold)), tf.int32)

    def _pass(self, n: int, step: Any, states: Any) -> tuple[Any, Any, Any]:
        """The full batches in a loop, then the short one: logs, states and counts of batches."""
        size = self.batch_size
        n_full, rest = divmod(n, size)
        rows = tf.TensorArray(tf.int32, n_full, element_shape=(self.stacks.n_runs, 4))

        def body(i: Any, states: Any, rows: Any) -> tuple[Any, Any, Any]:
            states, row = step(states, i * size, size)
            return i + 1, states, rows.write(i, row)

        if n_full:
            _, states, rows = tf.while_loop(lambda i, *_: i < n_full, body, [0, states, rows])
        counts = rows.stack()
        if rest:
            states, row = step(states, n_full * size, rest)
            counts = tf.concat([counts, row[None]], axis=0)
        return self._each(self._results, states), states, counts

    def _results(self, weights: Any, states: Any) -> dict[str, Any]:
        """As `keras.Model.get_metrics_result`."""
        logs: dict[str, Any] = {}
        for metric, state in zip(self.model.metrics, states, strict=True):
            result = metric.stateless_result(state)
            logs |= result if isinstance(result, dict) else {metric.name: result}
        return logs

    def _full_pass(self, x: Any) -> Any:
        """Scores of all samples, in chunks, the last of which goes back until it is whole."""
        n_runs, n, d = x.shape
        size = min(CHUNK, n)
        n_chunks = -(-n // size)
        found = tf.TensorArray(tf.float32, n_chunks, element_shape=(n_runs, size, 1))

        def body(i: Any, found: Any) -> tuple[Any, Any]:
            part = tf.slice(x, [0, tf.minimum(i * size, n - size), 0], [n_runs, size, d])
            return i + 1, found.write(i, self._each(self._scores, part))

        _, found = tf.while_loop(lambda i, _: i < n_chunks, body, [0, found])
        chunks = tf.transpose(found.stack(), [1, 0, 2, 3])
        whole = tf.reshape(chunks[:, :-1], [n_runs, (n_chunks - 1) * size, 1])
        return tf.concat([whole, chunks[:, -1, n_chunks * size - n :]], axis=1)

    def _counted(self, y: Any, scores: Any) -> tuple[Any, Any]:
        """The scores, and their counts as one batch."""
        counts = self._each(lambda weights, y, scores: self._cells(y, scores), y, scores)
        return scores, counts
