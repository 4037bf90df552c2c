"""Logs that Keras prints are read back, and tell functions of F1 from metric objects."""

import keras
import numpy as np
import pytest

from batchf1.forensics.log import read
from batchf1.forensics.verdict import conclude
from batchf1.keras import Streaming


def true_positives(y_true, y_pred):
    return keras.ops.sum(y_true * keras.ops.round(y_pred))


def precision_m(y_true, y_pred):
    return true_positives(y_true, y_pred) / (keras.ops.sum(keras.ops.round(y_pred)) + 1e-7)


def recall_m(y_true, y_pred):
    return true_positives(y_true, y_pred) / (keras.ops.sum(y_true) + 1e-7)


def f1_m(y_true, y_pred):
    p, r = precision_m(y_true, y_pred), recall_m(y_true, y_pred)
    return 2 * p * r / (p + r + 1e-7)


FUNCTIONS = [f1_m, precision_m, recall_m]


def fitted(capsys, metrics, labels=(-1, 1), verbose=1):
    """Fit on 600 samples with 10 % positives; return the history and what Keras printed."""
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype("float32")
    x = (2 * y + rng.normal(size=600)).astype("float32")[:, None]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    options = {"metrics": ["accuracy", *metrics], "jit_compile": False}
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", **options)
    both = x, y.reshape(labels)
    capsys.readouterr()
    history = model.fit(
        *both, batch_size=20, epochs=4, verbose=verbose, validation_data=both, shuffle=True
    )
    return history.history, capsys.readouterr().out


@pytest.mark.parametrize("verbose", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_means_over_batches_are_found(capsys, verbose):
    history, text = fitted(capsys, FUNCTIONS, verbose=verbose)
    reading = read(text)
    for prefix, split in (("", "train"), ("val_", "validation")):
        epochs = reading.splits[split].epochs
        assert len(epochs) == 4
        for kind, name in (("f1", "f1_m"), ("recall", "recall_m"), ("accuracy", "accuracy")):
            shown = [float(epoch[kind]) for epoch in epochs]
            np.testing.assert_allclose(shown, history[prefix + name], atol=6e-5)
    assert (reading.log.total, reading.log.keras) == (30, "Keras 3")
    found = conclude(reading)["validation"]
    assert found.verdict == "averaged"
    assert found.lower_bound > float(found.read["f1"])


def test_objects_are_not(capsys):
    metrics = [Streaming().metrics()[0], keras.metrics.Precision(), keras.metrics.Recall()]
    history, text = fitted(capsys, metrics)
    found = conclude(read(text))["validation"]
    assert found.verdict == "object"
    assert found.true_f1.best == pytest.approx(history[found.name][-1], abs=6e-5)


@pytest.mark.slow  # of logs written by hand: tests/forensics/test_verdict.py
def test_flat_labels_are(capsys):
    _, text = fitted(capsys, FUNCTIONS, labels=(-1,))
    assert conclude(read(text))["validation"].verdict == "flat_labels"
