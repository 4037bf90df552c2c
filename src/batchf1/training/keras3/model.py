"""The network of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def build(hidden: Sequence[int], n_features: int, model_class: Any = keras.Sequential) -> Any:
    """Build a network from (batch, n_features) to one sigmoid output (batch, 1), not compiled.

    `hidden`: units of its ReLU layers.
    """
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    output = keras.layers.Dense(1, activation="sigmoid")
    return model_class([keras.Input((n_features,)), *layers, output])
