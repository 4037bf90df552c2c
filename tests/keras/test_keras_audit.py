"""`Audit`: warnings about metrics that Keras logs wrong, and none about right ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from sklearn.metrics import f1_score

from batchf1 import batch_counts, expect
from batchf1.errors import InputError
from batchf1.keras import Audit, BatchMean, Reconstructed, Streaming
from helpers.auditing import ALARM, RunningMean, alarmed, f1, fitted, mean_loss, silent
from helpers.fitting import B, data, truth, truths


def true_positives(y_true, y_pred):
    return ops.sum(y_true * ops.cast(y_pred > 0.5, "float32"))


def positives(y_true, y_pred):
    return ops.sum(y_true)


# The article's program


def test_the_article_s_program(caplog):
    n = 1200
    rng = np.random.default_rng(3)
    x = rng.random((n, 1)).astype("float32")
    y = (rng.random((n, 1)) < 0.04 + 0.1 * (x > 0.9)).astype("float32")
    x = np.where(rng.random((n, 1)) < 0.6, 0.2 + 0.6 * y, x * 0.6).astype("float32")
    right = keras.metrics.F1Score(threshold=0.5)
    audit = Audit((x, y), batch_size=B)
    with alarmed(rf"{ALARM}\S+: take"):
        logs = fitted(audit, [f1, "accuracy", right], (x, y))
    assert list(audit.found) == ["val_f1"]
    found = audit.found["val_f1"]
    said = expect(batch_counts(y.ravel(), x.ravel(), n), B)
    low, high = (float(end[0]) for end in said.interval95)
    assert low < found.logged < high
    assert high < found.pooled
    assert found.pooled == pytest.approx(float(said.true_f1[0]), abs=1e-6)
    assert found.values["per_batch"] == pytest.approx(logs["val_f1"][0], abs=1e-6)
    assert (found.rule, found.n_samples, found.n_batches) == ("per_batch", n, 38)
    (record,) = caplog.records
    assert record.getMessage().splitlines()[-1].startswith(f"val_f1 {found.logged:>13.6f}")
    assert record.getMessage().endswith("per_batch  <- wrong")


def test_a_short_last_batch_and_the_numbers_of_the_page(repository, caplog):
    x, y = data()
    audit = Audit((x, y))
    with alarmed() as told:
        fitted(audit, [f1, "accuracy", keras.metrics.F1Score(threshold=0.5)])
    right = truths(y, x)
    assert audit.found["val_f1"].logged == pytest.approx(right["batch_mean"], abs=1e-6)
    assert audit.found["val_f1"].pooled == pytest.approx(right["streaming"], abs=1e-6)
    text = (repository / "docs/audit.md").read_text().split("## In Keras")[1]
    shown = [
        line[4:] for line in text.splitlines() if line.startswith("    val") or "    log" in line
    ]
    assert caplog.records[0].getMessage().splitlines() == ["", *shown]
    warning = " ".join(text[text.index("BatchAveraged") : text.index(" ...")].split())
    assert f"BatchAveragedMetricWarning: {told[0]}".startswith(warning)


# Warnings


def by_sklearn(y_true, y_pred):
    def value(y, p):
        return np.float32(f1_score(y, p > 0.5, zero_division=0))

    return tf.numpy_function(value, (y_true, y_pred), tf.float32)


def wrapped():
    return keras.metrics.MeanMetricWrapper(f1, name="f1")


def of_sklearn():
    return keras.metrics.MeanMetricWrapper(by_sklearn, name="f1")


def test_other_ways_to_write_it_and_our_own_naive_strategy_under_the_names_that_keras_logs():
    metrics = [*BatchMean().metrics(), f1, wrapped(), RunningMean(), of_sklearn()]
    audit = Audit(data())
    with alarmed("^val_f1.*, the mean over batches", number=5):
        logs = fitted(audit, metrics)
    assert list(audit.found) == ["val_f1_batch_mean", "val_f1", "val_f1_1", "val_f1_2", "val_f1_3"]
    for found in audit.found.values():
        assert found.pooled == pytest.approx(truth(*data()[::-1]), abs=1e-6)
    assert logs["val_f1_1"] == logs["val_f1"]


def test_labels_in_float64_under_a_function_of_tensorflow():
    def as_written(y_true, y_pred):
        decided = tf.cast(y_pred > 0.5, tf.float32)
        return 2 * tf.reduce_sum(y_true * decided) / (tf.reduce_sum(y_true + decided) + 1e-7)

    x, y = data()
    audit = Audit((x, y.astype(float)))
    with alarmed():
        fitted(
            audit, [keras.metrics.MeanMetricWrapper(as_written, name="f1")], (x, y.astype(float))
        )


def test_few_sizes_are_compiled_and_few_calls_made():
    sizes = []

    def of_a_batch(y_true, y_pred):
        sizes.append(len(y_pred))
        return f1(y_true, y_pred)

    audit = Audit(data())
    metric = keras.metrics.MeanMetricWrapper(of_a_batch, name="f1")
    with alarmed():
        fitted(audit, [metric])
    # Keras trains on one sample and makes a pass; the audit that of the batches, of two cuts, and
    # one so far
    assert set(sizes) == {1, B, 11, 75, 150}
    assert [sizes.count(n) for n in (1, 11, 75, 150)] == [1, 4, 3, 1]


def test_for_ci():
    audit = Audit(data(), action="raise")
    with pytest.raises(InputError, match=ALARM) as refused:
        fitted(audit, [f1, keras.metrics.MeanMetricWrapper(f1, name="other")])
    assert "\n" not in str(refused.value)
    assert "; val_other: logged " in str(refused.value)


def test_asked_to_be_quiet(caplog):
    silent(audit := Audit(data(), action="ignore"), [f1])
    assert audit.found["val_f1"].rule == "per_batch"
    assert not caplog.records


# No warnings


def test_what_is_right_is_left_in_peace(caplog):
    audit = Audit(data(), action="raise")
    own = [*Streaming().metrics(), *Reconstructed().metrics()]
    sums = Reconstructed(logged="sum", name="sums").metrics()
    keras_own = [keras.metrics.F1Score(threshold=0.5), keras.metrics.AUC(), keras.metrics.Recall()]
    functions = [true_positives, positives, "mse", keras.losses.binary_crossentropy]
    metrics = ["accuracy", *functions, *keras_own, *own, *sums]
    caplog.set_level("INFO", "batchf1.keras")
    logs = silent(audit, metrics)
    assert (audit.found, audit.unaudited) == ({}, {})
    (record,) = caplog.records
    named = record.getMessage().removeprefix("Audit: audited ").split(", ")
    assert sorted(named) == sorted(key for key in logs if key.startswith("val_"))


def test_a_mean_over_batches_of_equal_sizes():
    silent(audit := Audit(data(), action="raise"), [mean_loss], batch_size=25)
    assert audit.found["val_mean_loss"].additive


def test_a_mean_over_batches_of_several_sizes():
    """Accuracy over batches of 4 and 1 samples: each batch counts alike, so the log is wrong."""
    x, y = np.ones((5, 1), "float32"), np.array([[1.0], [1], [1], [1], [0]], "float32")

    def accuracy(y_true, y_pred):
        return ops.mean(ops.cast(ops.equal(y_true, ops.round(y_pred)), "float32"))

    with alarmed("^val_accuracy: logged 0.5, .*all samples is 0.8: return a value for each sample"):
        fitted(Audit((x, y)), [accuracy], (x, y), batch_size=4)


def test_one_batch():
    silent(audit := Audit(data(), batch_size=100), [f1], batch_size=100)
    assert audit.found["val_f1"].rule == "pooled"


def test_several_classes():
    rng = np.random.default_rng(0)
    x = rng.random((70, 3)).astype("float32")
    y = rng.integers(0, 3, 70)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "softmax")])
    top = keras.metrics.SparseTopKCategoricalAccuracy(2)
    loss = "sparse_categorical_crossentropy"
    model.compile(loss=loss, metrics=["accuracy", top], run_eagerly=True)
    audit = Audit((x, y), action="raise")
    model.fit(x, y, validation_data=(x, y), callbacks=[audit], verbose=0)
    assert audit.found == {}


def test_a_single_positive_is_no_count():
    """F1 is 1 in its batch, 0 in others and 1 of all, so that it adds up as a count does."""
    x = np.full((64, 1), 0.1, "float32")
    x[5] = 0.9
    with alarmed():
        fitted(Audit((x, x.round())), [f1, true_positives], (x, x.round()))
