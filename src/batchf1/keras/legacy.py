"""Refusal of models of Keras 2, under whatever name, which cannot use objects of Keras 3."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import keras

from batchf1.errors import raise_input_error

RULE = "needs a model of Keras 3, made with `import keras`; tf_keras is Keras 2"


def refuse_legacy(name: str) -> NoReturn:
    """Raise the `InputError` for a tf_keras model."""
    raise_input_error(name, RULE, "a tf_keras model")


class Callback(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback of Keras 3 that tf_keras, which `tf.keras` may be, is refused by in one line."""

    def _implements_train_batch_hooks(self) -> NoReturn:
        """Refuse tf_keras, which asks this of each callback; Keras 3 does not."""
        refuse_legacy(type(self).__name__)


class Metric(keras.metrics.Metric):  # type: ignore[misc]
    """A metric of Keras 3 that tf_keras, which `tf.keras` may be, is refused by in one line."""

    @property
    def variables(self) -> list[Any]:
        """The state; `InputError` where tf_keras asks for it, since its variables are others."""
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith("tf_keras."):
            refuse_legacy(self.name)
        found: list[Any] = super().variables
        return found
