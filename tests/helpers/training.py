"""Small runs, and what training them gives."""

from batchf1.sweep import rows
from batchf1.sweep.grid import compose
from batchf1.training.engines import framework_of


def run(**settings):
    """A run of 400 diamonds over two epochs; `dataset__x=3` sets `dataset.x` to 3."""
    defaults = {"dataset.n_samples": 400, "dataset.prevalence": 0.1, "training.epochs": 2}
    overrides = defaults | {key.replace("__", "."): value for key, value in settings.items()}
    return compose([f"{key}={value}" for key, value in overrides.items()])


def trained(one, trainer=None):
    """The rows of a run, of a trainer of its own or of one that is given."""
    trainer = trainer or framework_of(one).trainer(one)
    return rows.table([one], "CPU", trainer.train([one]), trainer.expected)
