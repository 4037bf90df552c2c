"""An epoch of many runs in one compiled call.

Keras' own in it are the model, its loss, its metric objects and Adam, all called by their public
names; ours are the loops over the batches. A run's batches are drawn, learned and measured one by
one, as `fit` does; `tf.vectorized_map` does so for all runs at once.
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


class FullPass(NamedTuple):
    """What the epoch's last weights say of a split."""

    scores: Any
    """float32 of shape (n_runs, n, 1)."""
    counts: Any
    """(tp, fp, fn, tn), int32 of shape (n_runs, 4)."""


class Epoch(NamedTuple):
    """An epoch of all runs: both splits as their batches were seen, and with the last weights."""

    train: Seen
    validation: Seen
    full_train: FullPass
    full_validation: FullPass


class CompiledEpoch:
    """The compiled call for runs of one shape.

    `model`: compiled, its metrics built. The number of runs is that of the stacks, always: another
    one would make XLA take other paths, and bits would change.
    """

    def __init__(self, stacks: Stacks, batch_size: int, threshold: float) -> None:
        self.stacks, self.batch_size, self.threshold = stacks, batch_size, threshold
        self.model = stacks.model
        self.reset = [[self._tiled(v) for v in metric.variables] for metric in self.model.metrics]
        self._compiled = tf.function(self._epoch, jit_compile=True, autograph=False)

    def __call__(self, train: Any, validation: Any, order: Any, class_weight: Any) -> Epoch:
        """Train the stacks by an epoch, and measure.

        `train`, `validation`: (x, y) of shapes (n_runs, n, d) and (n_runs, n, 1), float32. `order`:
        the places of each run's training samples, int32 of shape (n_runs, n). `class_weight`: that
        of each run's positives, of shape (n_runs,).
        """
        return Epoch(*self._compiled(train, validation, order, class_weight, self.reset))

    def _tiled(self, variable: Any) -> Any:
        value = tf.convert_to_tensor(variable.value)
        return tf.tile(value[None], [self.stacks.n_runs] + [1] * len(value.shape))

    def _epoch(
        self, train: Any, validation: Any, order: Any, class_weight: Any, reset: Any
    ) -> Epoch:
        n_runs, (x, _) = self.stacks.n_runs, validation

        def drawn(start: Any, size: int) -> list[Any]:
            places = tf.slice(order, [0, start], [n_runs, size])
            return [tf.gather(part, places, batch_dims=1) for part in train]

        def in_order(start: Any, size: int) -> list[Any]:
            return [
                tf.slice(part, [0, start, 0], [n_runs, size, part.shape[2]]) for part in validation
            ]

        def learn(states: Any, batch: Any) -> tuple[Any, Any]:
            gradients, states, row = self._each(self._learned, states, *batch, class_weight)
            self.stacks.optimizer.apply(gradients, self.stacks.weights)
            return states, row

        def measure(states: Any, batch: Any) -> tuple[Any, Any]:
            found: tuple[Any, Any] = self._each(self._measured, states, *batch)
            return found

        return Epoch(
            self._pass(order.shape[1], drawn, learn, reset),
            self._pass(x.shape[1], in_order, measure, reset),
            self._full_pass(*train),
            self._full_pass(*validation),
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

    def _measured(self, weights: Any, states: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """The states of a run's metrics after a batch of validation, and its counts."""
        scores = self._scores(weights, x, training=False)
        loss = self.model.compute_loss(x, y, scores, training=False)
        return self._after(states, loss, y, scores, None)

    def _scores(self, weights: Any, x: Any, training: bool) -> Any:
        return self.model.stateless_call(self.stacks.shaped(weights), [], x, training=training)[0]

    def _after(
        self, states: Any, loss: Any, y: Any, scores: Any, weight: Any
    ) -> tuple[list[list[Any]], Any]:
        """As `keras.Model.train_step`: the loss by the size of the batch, then every metric."""
        (of_loss, *others), (first, *rest) = self.model.metrics, states
        after = [of_loss.stateless_update_state(first, loss, sample_weight=float(y.shape[0]))]
        for metric, state in zip(others, rest, strict=True):
            after.append(metric.stateless_update_state(state, y, scores, sample_weight=weight))
        counts = tf.cast(tf.stack(cells(y, scores, self.threshold)), tf.int32)
        return [list(state) for state in after], counts

    def _pass(self, n: int, batch: Any, step: Any, states: Any) -> Seen:
        """The full batches in a loop, then the short one."""
        size = self.batch_size
        n_full, rest = divmod(n, size)
        rows = tf.TensorArray(tf.int32, n_full, element_shape=(self.stacks.n_runs, 4))

        def body(i: Any, states: Any, rows: Any) -> tuple[Any, Any, Any]:
            states, row = step(states, batch(i * size, size))
            return i + 1, states, rows.write(i, row)

        if n_full:
            _, states, rows = tf.while_loop(lambda i, *_: i < n_full, body, [0, states, rows])
        counts = rows.stack()
        if rest:
            states, row = step(states, batch(n_full * size, rest))
            counts = tf.concat([counts, row[None]], axis=0)
        return Seen(self._each(self._results, states), states, counts)

    def _results(self, weights: Any, states: Any) -> dict[str, Any]:
        """As `keras.Model.get_metrics_result`."""
        logs: dict[str, Any] = {}
        for metric, state in zip(self.model.metrics, states, strict=True):
            result = metric.stateless_result(state)
            logs |= result if isinstance(result, dict) else {metric.name: result}
        return logs

    def _full_pass(self, x: Any, y: Any) -> FullPass:
        """In chunks, the last of which goes back as far as it needs to be whole."""
        n_runs, n, d = x.shape
        size = min(CHUNK, n)
        n_chunks = -(-n // size)
        found = tf.TensorArray(tf.float32, n_chunks, element_shape=(n_runs, size, 1))

        def predicted(weights: Any, part: Any) -> Any:
            return self._scores(weights, part, training=False)

        def body(i: Any, found: Any) -> tuple[Any, Any]:
            part = tf.slice(x, [0, tf.minimum(i * size, n - size), 0], [n_runs, size, d])
            return i + 1, found.write(i, self._each(predicted, part))

        _, found = tf.while_loop(lambda i, _: i < n_chunks, body, [0, found])
        chunks = tf.transpose(found.stack(), [1, 0, 2, 3])
        whole = tf.reshape(chunks[:, :-1], [n_runs, (n_chunks - 1) * size, 1])
        last = chunks[:, -1, n_chunks * size - n :]
        scores = tf.concat([whole, last], axis=1)

        def counted(weights: Any, y: Any, scores: Any) -> Any:
            return tf.cast(tf.stack(cells(y, scores, self.threshold)), tf.int32)

        return FullPass(scores, self._each(counted, y, scores))
