"""Initial weights of a run, the same in every engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.config.settings import Model, Run
from batchf1.training.base import Trainer
from batchf1.training.engines import pretraining_of

Weights = list[NDArray[np.float32]]

_pretrained: dict[str, Weights] = {}


def starting_weights(
    runs: Sequence[Run], n_features: int, trainer_class: Callable[[Run], Trainer]
) -> list[Weights]:
    """Return the initial weights of runs of one shape, random or from each run's pretraining.

    Those of a pretraining are kept for the runs that share it.
    """
    first = {one.run_id: one for run in runs if (one := pretraining_of(run)) is not None}
    _pretrain([one for run_id, one in first.items() if run_id not in _pretrained], trainer_class)
    return [_of_one(run, n_features) for run in runs]


def _pretrain(runs: list[Run], trainer_class: Callable[[Run], Trainer]) -> None:
    """Pretrain runs of one shape and keep their final weights."""
    if runs:
        trainer = trainer_class(runs[0])
        trainer.train(runs)
        _pretrained.update({run.run_id: trainer.last_weights(i) for i, run in enumerate(runs)})


def _of_one(run: Run, n_features: int) -> Weights:
    first = pretraining_of(run)
    if first is not None:
        return _pretrained[first.run_id]
    return first_weights(run.model, n_features, generator(*run.names, "weights"))


def first_weights(settings: Model, n_features: int, rng: np.random.Generator) -> Weights:
    """Return Glorot-uniform kernels and zero biases, in Keras' order of the weights.

    Keras' own initialisers are left aside, so that a run starts alike in every engine.
    """
    weights = []
    for fan_in, fan_out in pairwise([n_features, *settings.hidden, 1]):
        limit = np.sqrt(6 / (fan_in + fan_out))
        weights.append(rng.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32))
        weights.append(np.zeros(fan_out, np.float32))
    return weights


def n_weights(hidden: Sequence[int], n_features: int) -> int:
    """Return the number of weights of a network with these hidden layers."""
    return sum((a + 1) * b for a, b in pairwise([n_features, *hidden, 1]))
