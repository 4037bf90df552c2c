"""The variables of many runs: those of one model and its optimiser, stacked, a row a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


class LearningRates(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A learning rate for each row, of shape (n_runs, 1)."""

    def __init__(self, rates: tf.Variable) -> None:
        self.rates = rates

    def __call__(self, step: Any) -> Any:
        """The rates, whatever the step."""
        return self.rates.value()

    def get_config(self) -> dict[str, Any]:
        """Nothing: the rates are a variable of the ensemble."""
        return {}


class Stacks:
    """Weights and optimiser of `n_runs` runs of a compiled model, of shapes (n_runs, size).

    Rows are flat, so that one learning rate a row goes with every weight. The optimiser is Keras'
    Adam, as the model's own: it works element by element, so that a stack learns as its rows would.
    """

    def __init__(self, model: Any, n_runs: int) -> None:
        self.model, self.n_runs = model, n_runs
        self.weights = [self._stack(variable) for variable in model.trainable_variables]
        self.rates = tf.Variable(tf.zeros((n_runs, 1)), trainable=False)
        self.optimizer = keras.optimizers.Adam(LearningRates(self.rates))
        self.optimizer.build(self.weights)
        model.optimizer.build(model.trainable_variables)
        self._slots = [v for v in self.optimizer.variables if v is not self.optimizer.iterations]
        self._pairs = self._paired()
        self.load = tf.function(self._load, autograph=False)
        self.store = tf.function(self._store, autograph=False)

    def start(
        self, weights: Sequence[Sequence[NDArray[np.float32]]], rates: Sequence[float]
    ) -> None:
        """Give each row its first weights, in Keras' order, and learning rate; Adam starts anew."""
        for stack, values in zip(self.weights, zip(*weights, strict=True), strict=True):
            stack.assign(np.stack([value.ravel() for value in values]))
        for slot in self._slots:
            slot.assign(np.zeros(slot.shape, np.float32))
        self.optimizer.iterations.assign(0)
        self.rates.assign(np.array(rates, np.float32)[:, None])

    def shaped(self, flat: Sequence[Any]) -> list[Any]:
        """The weights of one row in the shapes of the model's."""
        shapes = [variable.shape for variable in self.model.trainable_variables]
        return [tf.reshape(part, shape) for part, shape in zip(flat, shapes, strict=True)]

    def weights_of(self, place: int) -> list[NDArray[np.float32]]:
        """The weights of a row, in the model's shapes."""
        return [part.numpy() for part in self.shaped([stack[place] for stack in self.weights])]

    def _stack(self, variable: Any) -> Any:
        zeros = np.zeros((self.n_runs, math.prod(variable.shape)), variable.dtype)
        return keras.Variable(zeros, dtype=variable.dtype)

    def _paired(self) -> list[tuple[Any, Any]]:
        """Each variable of the model and its optimiser, with its stack."""
        own = self.model.optimizer
        apart = (own.iterations, own.learning_rate)
        slots = [v for v in own.variables if not any(v is each for each in apart)]
        ours = [*self.model.trainable_variables, *slots, own.learning_rate]
        stacks = [stack.value for stack in (*self.weights, *self._slots)]
        return list(zip(ours, [*stacks, self.rates], strict=True))

    def _load(self, place: Any, states: Any) -> None:
        """Give the model, its optimiser and its metrics what row `place` has.

        `states`: the variables of each of the model's metrics, stacked.
        """
        for variable, stack in self._pairs:
            variable.assign(tf.reshape(stack[place], variable.shape))
        for metric, parts in zip(self.model.metrics, states, strict=True):
            for variable, part in zip(metric.variables, parts, strict=True):
                variable.assign(part[place])
        self.model.optimizer.iterations.assign(self.optimizer.iterations.value)

    def _store(self, place: Any) -> None:
        """Take over what somebody may have done to the model and its optimiser."""
        for variable, stack in self._pairs:
            stack.scatter_nd_update([[place]], [tf.reshape(variable.value, [-1])])
