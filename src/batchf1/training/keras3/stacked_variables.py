"""Variables of a model, its optimiser and its metrics, stacked with one row per run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


class LearningRates(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rates of shape (n_runs, 1), one per row."""

    def __init__(self, rates: tf.Variable) -> None:
        self.rates = rates

    def __call__(self, step: Any) -> Any:
        """Return the rates, which do not depend on the step."""
        return self.rates.value()

    def get_config(self) -> dict[str, Any]:
        """Return an empty configuration: the rates are a variable of the ensemble."""
        return {}


class StackedVariables:
    """Variables of `n_runs` runs of a compiled model, each stacked with one row per run.

    Rows of weights and of the optimiser are flat, so that one learning rate a row goes with every
    weight. The optimiser is Keras' Adam, as the model's own: it works element by element, so that a
    stack learns as its rows would.
    """

    def __init__(self, model: Any, n_runs: int) -> None:
        """`model`: compiled, its metrics built and reset."""
        self.model, self.n_runs = model, n_runs
        self.weights = [self._stack(variable) for variable in model.trainable_variables]
        self.rates = tf.Variable(tf.zeros((n_runs, 1)), trainable=False)
        self.optimizer = keras.optimizers.Adam(LearningRates(self.rates))
        self.optimizer.build(self.weights)
        model.optimizer.build(model.trainable_variables)
        self.reset = [[self._tiled(v) for v in metric.variables] for metric in model.metrics]
        self._states = [[tf.Variable(v, trainable=False) for v in part] for part in self.reset]
        self._slots = [v for v in self.optimizer.variables if v is not self.optimizer.iterations]
        self._pairs = self._paired()
        self._rows = [tf.constant(row) for row in range(n_runs)]
        row = tf.TensorSpec((), tf.int32)
        self._load = tf.function(self._loaded, autograph=False).get_concrete_function(row)
        self._store = tf.function(self._stored, autograph=False).get_concrete_function(row)

    def start(self, weights: Sequence[list[NDArray[np.float32]]], rates: Sequence[float]) -> None:
        """Set each row's initial weights, in Keras' order, and learning rate; reset Adam."""
        for stack, values in zip(self.weights, zip(*weights, strict=True), strict=True):
            stack.assign(np.stack([value.ravel() for value in values]))
        for slot in self._slots:
            slot.assign(np.zeros(slot.shape, np.float32))
        self.optimizer.iterations.assign(0)
        self.rates.assign(np.array(rates, np.float32)[:, None])
        self.set_states(self.reset)

    def set_states(self, states: Sequence[Sequence[Any]]) -> None:
        """Set the states of the metrics, a list of stacks for each."""
        for mine, given in zip(self._states, states, strict=True):
            for stack, values in zip(mine, given, strict=True):
                stack.assign(values)

    def stop(self, row: int) -> None:
        """Set the learning rate of a row to 0, which keeps its weights while others train."""
        self.rates.scatter_nd_update([[row]], [[0.0]])

    def shaped(self, flat: Sequence[Any]) -> list[Any]:
        """Return the weights of one row, reshaped to those of the model."""
        shapes = [variable.shape for variable in self.model.trainable_variables]
        return [tf.reshape(part, shape) for part, shape in zip(flat, shapes, strict=True)]

    @contextmanager
    def swapped_in(self, row: int) -> Iterator[None]:
        """Load a run's state into model, optimiser and metrics in the `with` block, then save it.

        What is done to the metrics is not kept: Keras resets them before the next epoch.
        """
        self._load(self._rows[row])
        yield
        self._store(self._rows[row])

    def _stack(self, variable: Any) -> Any:
        zeros = np.zeros((self.n_runs, math.prod(variable.shape)), variable.dtype)
        return keras.Variable(zeros, dtype=variable.dtype)

    def _tiled(self, variable: Any) -> Any:
        value = tf.convert_to_tensor(variable.value)
        return tf.tile(value[None], [self.n_runs] + [1] * len(value.shape))

    def _paired(self) -> list[tuple[Any, Any]]:
        """Pair each variable of the model and its optimiser with its stack."""
        own = self.model.optimizer
        apart = (own.iterations, own.learning_rate)
        slots = [v for v in own.variables if not any(v is each for each in apart)]
        ours = [*self.model.trainable_variables, *slots, own.learning_rate]
        stacks = [stack.value for stack in (*self.weights, *self._slots)]
        return list(zip(ours, [*stacks, self.rates], strict=True))

    def _loaded(self, row: Any) -> None:
        for variable, stack in self._pairs:
            variable.assign(tf.reshape(stack[row], variable.shape))
        for metric, stacks in zip(self.model.metrics, self._states, strict=True):
            for variable, stack in zip(metric.variables, stacks, strict=True):
                variable.assign(stack[row])
        self.model.optimizer.iterations.assign(self.optimizer.iterations.value)

    def _stored(self, row: Any) -> None:
        for variable, stack in self._pairs:
            stack.scatter_nd_update([[row]], [tf.reshape(variable.value, [-1])])
