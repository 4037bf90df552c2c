"""Base classes of Keras 3 objects that raise one clear error in a model of Keras 2 (tf_keras)."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import keras

from batchf1.errors import raise_input_error

RULE = "needs a model of Keras 3, made with `import keras`; tf_keras is Keras 2"


def raise_for_tf_keras(name: str) -> NoReturn:
    """Raise `InputError` for a model of tf_keras."""
    raise_input_error(name, RULE, "a tf_keras model")


class Callback(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback of Keras 3 that raises `InputError` in tf_keras, which `tf.keras` may be."""

    def _implements_train_batch_hooks(self) -> NoReturn:
        """Raise `InputError`: tf_keras alone calls this method of each callback."""
        raise_for_tf_keras(type(self).__name__)


class Metric(keras.metrics.Metric):  # type: ignore[misc]
    """Metric of Keras 3 that raises `InputError` in tf_keras, which `tf.keras` may be."""

    @property
    def variables(self) -> list[Any]:
        """State variables; `InputError` where tf_keras reads them, since its variables differ."""
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith("tf_keras."):
            raise_for_tf_keras(self.name)
        variables: list[Any] = super().variables
        return variables
