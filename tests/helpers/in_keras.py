"""What ordinary Keras logs of a run of a study of decisions: `fit`, then `evaluate`."""

from dataclasses import replace

import keras
from keras import ops

from batchf1.config.seeds import generator
from batchf1.studies.decisions.rows import EMPTY, column
from batchf1.training.keras3.model import build
from batchf1.training.keras3.plain import PlainTrainer


def fitted(run):
    """Of a run trained by plain `fit`: what each epoch logged, and the last weights."""
    plain = replace(run, training=replace(run.training, engine="plain"))
    trainer = PlainTrainer(plain)
    (passes,) = trainer.train([plain])
    return [of.logs for of in passes if of.split == "validation"], trainer.last_weights(0)


def evaluated(run, weights, sizes):
    """Column of `record.EPOCHS` -> what `evaluate` says of the weights, at each batch size."""
    x, y = run.dataset.load(generator(*run.names, "data")).validation
    model = build(run.model.hidden, x.shape[1])
    model.set_weights(weights)
    found = {}
    for size in sizes:
        model.compile(loss="binary_crossentropy", metrics=_metrics())
        seen = model.evaluate(x, y, batch_size=size, verbose=0, return_dict=True)
        found |= {column(size, name): seen[f"empty_{name}"] for name in EMPTY}
    return found


def _metrics():
    """A metric for each way to count empty batches, by its name."""
    functions = {name: _f1(value) for name, value in EMPTY.items()}
    for name, function in functions.items():
        function.__name__ = f"empty_{name}"
    skipped = LeavingOut(functions.pop("skip"), "empty_skip")
    return [*functions.values(), skipped]


def _f1(empty):
    """F1 of a batch as people write it, with what stands for an empty one; NaN leaves it out."""

    def f1(y_true, y_pred):
        decided = ops.cast(y_pred > 0.5, "float32")
        tp, bottom = ops.sum(y_true * decided), ops.sum(y_true) + ops.sum(decided)
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
