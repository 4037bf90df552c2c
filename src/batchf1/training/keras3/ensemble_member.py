"""One run of an ensemble, and the model that its callbacks see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchf1.config.settings import Run
from batchf1.datasets.base import Data
from batchf1.errors import raise_input_error
from batchf1.training.base import SplitResult

OF_BATCHES = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


@dataclass
class CachedPredictions:
    """What the shared model holds of a run: its weights, and its predictions of its splits."""

    weights: NDArray[np.float32] | None = None
    """All of them, one behind the other."""
    predicted: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]] = ()
    """Features of a split, and their scores."""


class SharedSequential(keras.Sequential):  # type: ignore[misc]
    """The model that the callbacks of all runs see in turn, with the weights of the one in turn.

    What it predicts of the run's own splits is known from the compiled full pass, and looked up
    while its weights are those of that pass.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.held = CachedPredictions()

    def unchanged(self) -> bool:
        """Whether the weights are those that were loaded."""
        return self.held.weights is not None and np.array_equal(self._flat(), self.held.weights)

    @cached_property
    def _flat(self) -> Any:
        """What gives all weights, one behind the other, in one call."""

        def flat() -> Any:
            return tf.concat([tf.reshape(v.value, [-1]) for v in self.trainable_variables], axis=0)

        # by its concrete function: the other way takes TensorFlow as long again
        return tf.function(flat, autograph=False).get_concrete_function()

    def predict_on_batch(self, x: Any) -> Any:
        """See `keras.Model.predict_on_batch`."""
        for samples, scores in self.held.predicted:
            if x is samples and self.unchanged():
                return scores
        return super().predict_on_batch(x)


@dataclass
class Member:
    """A run, its data and callbacks, and what it has done."""

    run: Run
    data: Data
    callbacks: list[Any]
    passes: list[SplitResult] = field(default_factory=list)
    stops: bool = False
    """`stop_training` of its model."""
    stopped: bool = False
    """By a callback, or at its last epoch."""

    def attach(self, model: Any) -> None:
        """Give the callbacks the model; `InputError` for one that wants to be called at a batch."""
        for callback in self.callbacks:
            for hook in OF_BATCHES:
                if overrides(callback, hook):
                    rule = "cannot call callbacks at batches: use training.engine=plain"
                    raise_input_error(
                        "training.engine=ensemble", rule, f"{type(callback).__name__}.{hook}"
                    )
            callback.set_model(model)
            callback.set_params({"epochs": self.run.training.epochs, "steps": None, "verbose": 0})

    def has(self, hook: str) -> bool:
        """Whether a callback does anything there."""
        return any(overrides(callback, hook) for callback in self.callbacks)

    def call(self, hook: str, *arguments: Any) -> None:
        """Call every callback, in order."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)


def overrides(callback: Any, hook: str) -> bool:
    """Whether a callback has a method of its own there."""
    method = getattr(callback, hook)
    return getattr(method, "__func__", None) is not getattr(keras.callbacks.Callback, hook)
