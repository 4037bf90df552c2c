"""`Audit` of a validation with sample weights: what Keras weighs, and what it does not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from sklearn.metrics import accuracy_score, f1_score

from batchf1 import mcc
from batchf1.errors import InputError
from batchf1.keras import Audit, Reconstructed, Streaming
from helpers.auditing import RunningMean, alarmed, f1, fitted, mean_loss, silent, validated
from helpers.fitting import B, callbacks_of, compiled, data
from helpers.slow import slow


def weighted_data(n=75):
    return *data(n), np.random.default_rng(1).random(n).astype("float32")


def accuracy(y_true, y_pred):
    """A value of each sample."""
    return ops.cast(ops.equal(y_true > 0.5, y_pred > 0.5), "float32")


class MeanOfBatches(RunningMean):
    """A class whose value depends on the batches, whatever their weights."""

    def __init__(self):
        super().__init__("mean_of_batches")


def audited(metrics=(), weighted=(), given=None, loss="binary_crossentropy", strategies=()):
    """The audit and the logs of a fit whose validation has weights."""
    x, y, weights = given or weighted_data()
    audit = Audit((x, y, weights), action="ignore")
    model = compiled([*metrics], loss=loss, weighted_metrics=[*weighted])
    logs = validated(model, [*callbacks_of(strategies), audit], (x, y, weights))
    return audit, {key: values[0] for key, values in logs.items()}


def test_weights_touch_no_function_in_metrics():
    x, y, weights = weighted_data()
    audit, logs = audited([f1])
    fitted(plain := Audit((x, y), action="ignore"), [f1], (x, y))
    assert str(audit.found["val_f1"]) == str(plain.found["val_f1"])
    assert audit.found["val_f1"].rule == "per_batch"
    assert audit.found["val_f1"].pooled == pytest.approx(f1_score(y, x > 0.5), abs=1e-6)
    assert logs["val_f1"] == pytest.approx(audit.found["val_f1"].values["per_batch"])
    assert audit.unaudited == {}
    with alarmed():
        fitted(Audit((x, y, weights)), [f1], (x, y, weights))


@pytest.mark.parametrize("shape", [slow((-1,)), (-1, 1)])
def test_what_is_right_with_weights(shape):
    x, y, weights = weighted_data()
    weighted = [accuracy, *Streaming().metrics(), *Streaming(metric=mcc()).metrics()]
    weighted += [keras.metrics.Precision(name="own"), keras.metrics.BinaryAccuracy()]
    ours = Reconstructed(name="ours")
    given = (x, y, weights.reshape(shape))
    audit, logs = audited([], [*weighted, *ours.metrics()], given, strategies=[ours])
    assert (audit.found, audit.unaudited) == ({}, {})
    decided = x.ravel() > 0.5
    wanted = f1_score(y.ravel(), decided, sample_weight=weights)
    for key in ("val_f1_streaming", "val_f1_ours"):
        assert logs[key] == pytest.approx(wanted, abs=1e-6)
    right = accuracy_score(y.ravel(), decided, sample_weight=weights)
    assert logs["val_accuracy"] == pytest.approx(right, abs=1e-6)
    losses = ops.convert_to_numpy(keras.losses.binary_crossentropy(y, x))
    assert logs["val_loss"] == pytest.approx((weights * losses).mean(), rel=1e-5)


def test_means_over_batches_in_weighted_metrics():
    audit, logs = audited([], [MeanOfBatches()])
    found = audit.found["val_mean_of_batches"]
    x, y = data()
    assert (found.rule, audit.unaudited) == ("per_batch", {})
    assert found.pooled == pytest.approx(f1_score(y, x > 0.5), abs=1e-6)  # it takes no weights
    assert found.values["per_batch"] == pytest.approx(logs["val_mean_of_batches"])
    with pytest.raises(tf.errors.InvalidArgumentError):  # Keras itself, of one number for a batch
        audited([], [f1])


def test_losses_with_weights():
    right = keras.losses.BinaryCrossentropy()
    by_weight = keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight")
    assert audited(loss=right)[0].unaudited == {}
    for loss in (mean_loss, by_weight):
        audit, logs = audited(loss=loss)
        assert set(audit.unaudited) == {"val_loss"}
        assert "no weighted sum by the number of samples" in audit.unaudited["val_loss"]
    x, y, weights = weighted_data()
    losses = ops.convert_to_numpy(keras.losses.binary_crossentropy(y, x))
    assert abs(logs["val_loss"] / np.average(losses, weights=weights) - 1) > 1e-4


def test_data_sets_and_no_weights():
    x, y, weights = weighted_data()
    batches = tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(B)
    model = compiled([f1], weighted_metrics=Streaming().metrics())
    audit = Audit(batches, action="ignore")
    validated(model, [audit], (x, y), validation_data=batches)
    assert (list(audit.found), audit.unaudited) == (["val_f1"], {})
    silent(Audit((x, y, None)), [accuracy], (x, y))


def test_labels_without_a_column():
    x, y, weights = weighted_data()
    audit, _ = audited([], [accuracy], (x, y.ravel(), weights))
    assert "labels must have the shape of the outputs" in audit.unaudited["val_accuracy"]


def test_weights_of_each_output():
    x, y, weights = weighted_data()
    entry = keras.Input((1,))
    heads = [keras.layers.Dense(1, "sigmoid", name=name)(entry) for name in ("a", "b")]
    model = keras.Model(entry, dict(zip("ab", heads, strict=True)))
    labels = {"a": y, "b": y}
    every = {"a": [accuracy], "b": Streaming().metrics()}
    model.compile("sgd", "mse", metrics={"b": [f1]}, weighted_metrics=every, run_eagerly=True)
    for given, unaudited in ((weights, 0), ({"a": weights, "b": weights}, 2)):
        split = (x, labels, given)
        audit = Audit(split, action="ignore")
        validated(model, [audit], split)
        assert list(audit.found) == ["val_b_f1"]
        assert len(audit.unaudited) == unaudited, audit.unaudited


def test_other_weights_than_keras_validated():
    x, y, weights = weighted_data()
    model = compiled([], weighted_metrics=Streaming().metrics())
    audit = Audit((x, y, weights[::-1]), action="raise")
    with pytest.raises(InputError, match="are the batches those of fit?"):
        validated(model, [audit], (x, y, weights))
