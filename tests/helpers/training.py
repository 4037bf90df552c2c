"""Small runs, and what training them gives."""

import copy
from dataclasses import replace
from functools import cache

from batchf1.sweep import rows
from batchf1.sweep.grid import compose
from batchf1.training.engines import framework_of


def run(seed=0, **settings):
    """A run of 400 diamonds over two epochs; `dataset__x=3` sets `dataset.x` to 3."""
    defaults = {"dataset.n_samples": 400, "dataset.prevalence": 0.1, "training.epochs": 2}
    overrides = defaults | {key.replace("__", "."): value for key, value in settings.items()}
    composed = _composed(tuple(f"{key}={value}" for key, value in overrides.items()))
    return replace(copy.deepcopy(composed), seed=seed)


@cache
def _composed(overrides):
    """A run by its overrides: Hydra takes a tenth of a second."""
    return compose(overrides)


def trained(one, trainer=None):
    """The rows of a run, of a trainer of its own or of one that is given."""
    trainer = trainer or framework_of(one).trainer(one)
    return rows.table([one], "CPU", trainer.train([one]), trainer.expected)
