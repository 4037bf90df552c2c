"""The network of a run."""

from __future__ import annotations

from typing import Any

import keras

from batchf1.study.settings import Model


def build(settings: Model, n_features: int, model_class: Any = keras.Sequential) -> Any:
    """A network from (batch, n_features) to one sigmoid output (batch, 1), not compiled."""
    hidden = [keras.layers.Dense(units, activation="relu") for units in settings.hidden]
    output = keras.layers.Dense(1, activation="sigmoid")
    return model_class([keras.Input((n_features,)), *hidden, output])
