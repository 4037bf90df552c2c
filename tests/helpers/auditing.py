"""Audited fits in Keras: the article's metric, and the warnings of one epoch."""

import re
import warnings
from contextlib import contextmanager

import keras
import tensorflow as tf
from keras import ops

from batchf1.keras import BatchAveragedMetricWarning, UnauditedLogWarning
from helpers.fitting import B, as_keras, compiled, data

ALARM = "^val_f1: logged .*, the mean over batches .*, where the metric of all samples is "


def f1(y_true, y_pred):
    """The article's, as it goes around."""
    decided = ops.cast(y_pred > 0.5, "float32")
    tp = ops.sum(y_true * decided)
    precision = tp / (ops.sum(decided) + 1e-7)
    recall = tp / (ops.sum(y_true) + 1e-7)
    return 2 * precision * recall / (precision + recall + 1e-7)


class RunningMean(keras.metrics.Metric):
    """A class that looks right and keeps the mean of batch values."""

    def __init__(self, name="f1"):
        super().__init__(name=name)
        self.total = self.add_variable((), "zeros", name="total")
        self.number = self.add_variable((), "zeros", name="number")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(f1(y_true, y_pred))
        self.number.assign_add(1.0)

    def result(self):
        return self.total / ops.maximum(self.number, 1.0)


def mean_loss(y_true, y_pred):
    """A number for a batch that is additive, though Keras counts a short last batch too much."""
    return ops.mean(ops.square(y_true - y_pred))


def fitted(audit, metrics, validation=None, model=None, **options):
    """The logs of an epoch of weights that do not move, audited."""
    validation = data() if validation is None else validation
    return validated(compiled(metrics, model), [audit], validation, **options)


def validated(model, callbacks, validation, **options):
    """The logs of an epoch that trains on one sample, as a training on all takes as long again."""
    options = {"validation_data": validation, "batch_size": B} | options
    first = keras.tree.map_structure(
        lambda part: as_keras(part[:1]), keras.tree.lists_to_tuples(validation[:2])
    )
    train = tf.data.Dataset.from_tensors(first)
    return model.fit(train, shuffle=False, verbose=0, callbacks=callbacks, **options).history


@contextmanager
def alarmed(match=ALARM, number=1, kind=BatchAveragedMetricWarning):
    """So many warnings of a kind; those of Keras itself are others' business."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", kind)
        yield (told := [])
    told += [str(one.message) for one in said]
    assert len(told) == number
    assert all(re.search(match, line) for line in told), told


def silent(audit, metrics, validation=None, **options):
    with warnings.catch_warnings():
        for kind in (BatchAveragedMetricWarning, UnauditedLogWarning):
            warnings.simplefilter("error", kind)
        return fitted(audit, metrics, validation, **options)
