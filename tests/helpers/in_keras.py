"""What ordinary Keras logs of a run of a study of decisions: `fit`, then `evaluate`."""

from dataclasses import replace

import keras
from keras import ops

from batchf1.study.decisions.record import EMPTY, column
from batchf1.study.frameworks.keras3.plain import PlainTrainer
from batchf1.study.seeds import generator


def naive(empty):
    """F1 of a batch as people write it, with what stands for an empty one; NaN leaves it out."""

    def f1(y_true, y_pred):
        y_pred = ops.cast(y_pred > 0.5, "float32")
        tp = ops.sum(y_true * y_pred)
        bottom = ops.sum(y_true) + ops.sum(y_pred)
        return ops.where(bottom == 0, empty, 2 * tp / ops.maximum(bottom, 1))

    return f1


class LeavingOut(keras.metrics.Mean):
    """The mean of a function over the batches in which it is not NaN."""

    def __init__(self, function, name):
        super().__init__(name=name)
        self.function = function

    def update_state(self, y_true, y_pred, sample_weight=None):
        value = self.function(y_true, y_pred)
        known = ops.cast(value == value, "float32")
        super().update_state(ops.nan_to_num(value), sample_weight=known)


def metrics():
    """A metric for each way to count empty batches, by its name."""
    found = []
    for name, value in EMPTY.items():
        function = naive(value)
        function.__name__ = f"empty_{name}"
        found.append(LeavingOut(function, f"empty_{name}") if name == "skip" else function)
    return found


def logged(run, sizes):
    """Of a run trained by plain `fit`: what each epoch logged, and columns of `record.EPOCHS` at
    the end, from `evaluate` in batches of each size."""
    plain = replace(run, training=replace(run.training, engine="plain"))
    trainer = PlainTrainer(plain)
    (passes,) = trainer.train([plain])
    data = run.dataset.load(generator(*run.names, "data"))
    model = trainer.model  # with the run's last weights
    model.compile(loss="binary_crossentropy", metrics=metrics())
    found = {}
    for size in sizes:
        seen = model.evaluate(*data.validation, batch_size=size, verbose=0, return_dict=True)
        found |= {column(size, name): seen[f"empty_{name}"] for name in EMPTY}
    return [of.logs for of in passes if of.split == "validation"], found
