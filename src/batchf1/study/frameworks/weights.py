"""The weights that a run starts from, the same in every engine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from batchf1.study.frameworks.base import Trainer
from batchf1.study.seeds import generator
from batchf1.study.settings import Model, Run

_pretrained: dict[str, list[NDArray[np.float32]]] = {}


def starting_weights(
    run: Run, n_features: int, trainer_class: Callable[[Run], Trainer]
) -> list[NDArray[np.float32]]:
    """The last weights of the run's pretraining, kept for the runs that share it, or drawn ones."""
    first = run.pretraining
    if first is None:
        return first_weights(run.model, n_features, generator(*run.names, "weights"))
    if first.run_id not in _pretrained:
        trainer = trainer_class(first)
        trainer.train([first])
        _pretrained[first.run_id] = trainer.last_weights(0)
    return _pretrained[first.run_id]


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
