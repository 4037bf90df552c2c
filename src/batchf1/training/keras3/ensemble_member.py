"""One run of an ensemble, and the shared model that its callbacks see."""

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
from batchf1.keras.epoch_end import PassAtEpochEnd
from batchf1.keras.log_validator import LogValidator
from batchf1.keras.reconstructed import Rebuild
from batchf1.training.base import SplitResult

OF_BATCHES = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)

LOOKUP_ONLY = (LogValidator, Rebuild, PassAtEpochEnd)
"""Callbacks that use nothing of a model's state but predictions of the run's own splits; a subclass
may use more."""


@dataclass
class CachedPredictions:
    """Weights of a run and their predictions of its splits, for lookup by the shared model."""

    weights: NDArray[np.float32] | None = None
    """All of them, one behind the other."""
    predicted: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]] = ()
    """Features of a split, and their scores."""
    loaded: bool = True
    """Whether the model holds the weights of this run."""


class SharedSequential(keras.Sequential):  # type: ignore[misc]
    """Model shared by the callbacks of all runs, which holds one run's weights at a time.

    What it predicts of the run's own splits is known from the compiled full pass, and looked up
    while its weights are those of that pass.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cached = CachedPredictions()

    def unchanged(self) -> bool:
        """Return True if the weights are those that were loaded."""
        return self.cached.weights is not None and np.array_equal(self._flat(), self.cached.weights)

    @cached_property
    def _flat(self) -> Any:
        """Compiled function that returns all weights concatenated."""

        def flat() -> Any:
            return tf.concat([tf.reshape(v.value, [-1]) for v in self.trainable_variables], axis=0)

        # by its concrete function: the other way takes TensorFlow as long again
        return tf.function(flat, autograph=False).get_concrete_function()

    def predict_on_batch(self, x: Any) -> Any:
        """See `keras.Model.predict_on_batch`."""
        for samples, scores in self.cached.predicted:
            if x is samples and (not self.cached.loaded or self.unchanged()):
                return scores
        if not self.cached.loaded:
            raise RuntimeError("the shared model holds the weights of another run")
        return super().predict_on_batch(x)


@dataclass
class Member:
    """Run of an ensemble with its data, callbacks and progress."""

    run: Run
    data: Data
    callbacks: list[Any]
    passes: list[SplitResult] = field(default_factory=list)
    stops: bool = False
    """`stop_training` of its model."""
    stopped: bool = False
    """By a callback, or at its last epoch."""

    def attach(self, model: Any) -> None:
        """Attach the callbacks to the model; raise `InputError` for one with hooks at batches."""
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
        """Return True if a callback overrides the hook."""
        return any(overrides(callback, hook) for callback in self.callbacks)

    @cached_property
    def needs_model(self) -> bool:
        """True if a callback may use more of the model than cached predictions."""
        return not all(map(self._only_looks_up, self.callbacks))

    def _only_looks_up(self, callback: Any) -> bool:
        """Return True for a callback of ours that predicts no other data than the run's splits."""
        given = getattr(callback, "splits", {}).values()
        own = all(
            isinstance(batches, list) and all(any(x is s for s in self.data) for x in batches)
            for batches in given
        )
        return type(callback) in LOOKUP_ONLY and own

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of every callback, in order."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)


def overrides(callback: Any, hook: str) -> bool:
    """Return True if a callback overrides the hook of Keras' base class."""
    method = getattr(callback, hook)
    return getattr(method, "__func__", None) is not getattr(keras.callbacks.Callback, hook)
