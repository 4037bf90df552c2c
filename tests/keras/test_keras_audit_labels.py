"""`Audit` with labels of shape (n,) and outputs of (n, 1), or the reverse: broadcasting."""

import keras
import numpy as np
import pytest
from keras import ops

from batchf1.keras import Audit
from helpers.auditing import alarmed, f1, fitted, silent
from helpers.fitting import B, compiled, data, layers, truth

LABELS = np.array([0.0, 1, 0, 0], "float32")
"""Also the outputs, so that every accuracy is 1 and every error 0."""


def accuracy(y_true, y_pred):
    return ops.mean(ops.cast(ops.equal(y_true, ops.round(y_pred)), "float32"))


def accuracy_of_each(y_true, y_pred):
    return ops.mean(ops.cast(ops.equal(y_true, ops.round(y_pred)), "float32"), axis=-1)


def mae(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    ("metric", "size", "logged", "true"),
    [(accuracy_of_each, 4, 0.625, 1), (mae, 4, 0.375, 0), (accuracy, 2, 0.75, 1)],
)
def test_by_hand(metric, size, logged, true):
    audit, given = Audit((LABELS[:, None], LABELS)), (LABELS[:, None], LABELS)
    with alarmed(
        rf"logged {logged}, by broadcasting labels of shape \(n,\) against outputs of shape "
        rf"\(n, 1\) to \(n, n\), where the metric of all samples is {true}: give labels of the "
        r"outputs' shape, y\[:, None\]$"
    ):
        logs = fitted(audit, [metric], given, batch_size=size)
    (found,) = audit.found.values()
    assert (
        (found.logged, found.pooled) == (logs[f"val_{metric.__name__}"][0], true) == (logged, true)
    )


def test_f1():
    x, y = data()
    with alarmed("^val_f1: logged 10.0593, by broadcasting labels"):
        fitted(audit := Audit((x, y.ravel())), [f1], (x, y.ravel()))
    assert audit.found["val_f1"].pooled == pytest.approx(truth(y, x), abs=1e-6)


def test_outputs_without_a_column():
    model = compiled([mae], keras.Sequential(layers(squeeze=True)), "mse")
    x, y = data()
    with alarmed(r"labels of shape \(n, 1\) against outputs of shape \(n,\) .*, y\[:, 0\]$"):
        model.fit(x, y, B, validation_data=(x, y), callbacks=[Audit((x, y))], verbose=0)


def test_what_keras_reshapes_itself_is_right():
    x, y = data()
    audit = Audit((x, y.ravel()), action="raise")
    silent(audit, ["accuracy", "mae", keras.metrics.AUC()], (x, y.ravel()))
    assert audit.found == {}


def test_labels_that_only_the_callback_has_without_a_column():
    """Labels of shape (n, 1) are not broadcast: the log is a mean over batches."""
    x, y = data()
    with alarmed("^val_f1: logged 0.42037, the mean over batches .per_batch."):
        fitted(Audit((x, y.ravel())), [f1])
