"""The network of a run, with first weights of our own drawing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchf1.config import Model


def build(settings: Model, n_features: int, model_class: Any = keras.Sequential) -> Any:
    """A network from (batch, n_features) to one sigmoid output (batch, 1), not compiled."""
    hidden = [keras.layers.Dense(units, activation="relu") for units in settings.hidden]
    output = keras.layers.Dense(1, activation="sigmoid")
    return model_class([keras.Input((n_features,)), *hidden, output])


def first_weights(
    settings: Model, n_features: int, rng: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Glorot-uniform kernels and zero biases, in Keras' order of the weights.

    Keras' own initialisers are left aside, so that a run starts alike in every engine.
    """
    sizes = [n_features, *settings.hidden, 1]
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        limit = np.sqrt(6 / (fan_in + fan_out))
        weights.append(rng.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32))
        weights.append(np.zeros(fan_out, np.float32))
    return weights
