"""`Audit` with labels of shape (n,) and outputs of (n, 1), or the reverse: broadcasting."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from batchf1 import batch_counts
from batchf1.keras import Audit
from batchf1.metrics.flat_labels import flat_value
from helpers.auditing import RunningMean, alarmed, f1, fitted, silent, validated
from helpers.fitting import B, compiled, data, layers, truth

LABELS = np.array([0.0, 1, 0, 0], "float32")
"""Also the outputs, so that every accuracy is 1 and every error 0."""


def accuracy(y_true, y_pred):
    return ops.mean(ops.cast(ops.equal(y_true, ops.round(y_pred)), "float32"))


def accuracy_of_each(y_true, y_pred):
    return ops.mean(ops.cast(ops.equal(y_true, ops.round(y_pred)), "float32"), axis=-1)


def mae(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def rms(y_true, y_pred):
    return ops.sqrt(ops.mean(ops.square(y_true - y_pred)))


def _decided(y_pred):
    return ops.cast(y_pred > 0.5, "float32")


def precision(y_true, y_pred):
    p = _decided(y_pred)
    return ops.sum(y_true * p) / (ops.sum(p) + 1e-7)


def recall(y_true, y_pred):
    return ops.sum(y_true * _decided(y_pred)) / (ops.sum(y_true) + 1e-7)


def recall_by_cells(y_true, y_pred):
    p = _decided(y_pred)
    tp = ops.sum(y_true * p)
    return tp / (tp + ops.sum(y_true * (1 - p)) + 1e-7)


def by_cells(y_true, y_pred):
    p = _decided(y_pred)
    tp, fp, fn = (ops.sum(part) for part in (y_true * p, (1 - y_true) * p, y_true * (1 - p)))
    return 2 * tp / (2 * tp + fp + fn + 1e-7)


def by_numpy(y_true, y_pred):
    def value(y, p):
        p = p > 0.5
        return np.float32(2 * np.sum(y * p) / max(np.sum(y) + np.sum(p), 1))

    return tf.numpy_function(value, (y_true, y_pred), tf.float32)


def squeezing(y_true, y_pred):
    return f1(ops.squeeze(y_true), ops.squeeze(y_pred))


def of_columns(y_true, y_pred):
    return f1(y_true, y_pred[:, 0])


def expanding(y_true, y_pred):
    return f1(ops.expand_dims(y_true, -1), y_pred)


def flattening(y_true, y_pred):
    return f1(ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,)))


class SummedCounts(keras.metrics.Metric):
    """A class that keeps the counts of pairs."""

    def __init__(self):
        super().__init__(name="f1")
        self.tp, self.margins = (
            self.add_variable((), "zeros", name=name) for name in ("tp", "margins")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        p = _decided(y_pred)
        self.tp.assign_add(ops.sum(y_true * p))
        self.margins.assign_add(ops.sum(y_true) + ops.sum(p))

    def result(self):
        return 2 * self.tp / self.margins


@pytest.mark.parametrize(
    ("size", "values"),
    [(4, {accuracy_of_each: (0.625, 1), mae: (0.375, 0)}), (2, {accuracy: (0.75, 1)})],
)
def test_by_hand(size, values):
    audit, given = Audit((LABELS[:, None], LABELS)), (LABELS[:, None], LABELS)
    with alarmed(
        r"logged .*, the mean over batches of a value that compares every prediction with "
        r"every label \(broadcast\), where the metric of all samples is .*: write "
        r"y\[:, None\] for the labels$",
        len(values),
    ) as told:
        logs = fitted(audit, [*values], given, batch_size=size)
    for line, found, (metric, (logged, true)) in zip(
        told, audit.found.values(), values.items(), strict=True
    ):
        assert f"logged {logged}, " in line
        assert f"of all samples is {true}: " in line
        assert found.logged == logs[f"val_{metric.__name__}"][0] == logged
        assert found.pooled == true


def test_the_article_s_function(repository):
    x, y = data()
    with alarmed() as told:
        fitted(audit := Audit((x, y.ravel())), [f1], (x, y.ravel()))
    assert told == [
        "val_f1: logged 10.0593, the mean over batches of 2PQ/(P+Q) (P: positives, Q: predicted "
        "positives), which compares every prediction with every label (broadcast), where the "
        "metric of all samples is 0.5: write y[:, None] for the labels, which leaves a mean over "
        "batches, or take batchf1.keras.Streaming or another metric object that keeps counts"
    ]
    page = " ".join((repository / "docs/audit.md").read_text().split())
    assert f"BatchAveragedMetricWarning: {told[0]}" in page
    found = audit.found["val_f1"]
    assert found.pooled == pytest.approx(truth(y, x), abs=1e-6)
    assert (found.rule, found.rules, found.ok) == ("broadcast", ("broadcast",), False)
    assert found.error == pytest.approx(10.059259 - 0.5, abs=1e-5)
    assert found.values["broadcast"] == pytest.approx(pairs_f1(y, x), rel=1e-6)
    assert found.values["per_batch"] == pytest.approx(0.42037, abs=1e-6)


def pairs_f1(y, x):
    return float(flat_value(batch_counts(y.ravel(), x.ravel(), B)).mean())


FORMULAS = {
    precision: "P",
    recall_by_cells: "Q/B",
    RunningMean: "2PQ/(P+Q)",
    rms: "",
    by_cells: "2PQ/(B(P+Q))",
    recall: "Q",
    by_numpy: "2PQ/(P+Q)",
}


def test_other_functions():
    x, y = data()
    made = [metric() if isinstance(metric, type) else metric for metric in FORMULAS]
    with alarmed(
        r"every label \(broadcast\), .*: write y\[:, None\] for the labels, which leaves a",
        len(made),
    ):
        fitted(audit := Audit((x, y.ravel())), made, (x, y.ravel()))
    fitted(column := Audit((x, y), action="ignore"), made, (x, y))
    assert len(audit.found) == len(made)
    for (name, found), formula in zip(audit.found.items(), FORMULAS.values(), strict=True):
        right = column.found[name]
        assert (found.rule, found.formula, right.rule) == ("broadcast", formula, "per_batch"), name
        assert found.pooled == pytest.approx(right.pooled, rel=1e-6)
        assert found.values["per_batch"] == pytest.approx(right.logged, rel=1e-6)


def test_counts_of_pairs_in_a_class():
    """The log is F1 of the sums over batches, and no mean of batches."""
    x, y = data()
    with alarmed("^val_f1: logged [0-9.]+, a value that compares every .* of all samples is 0.5:"):
        fitted(audit := Audit((x, y.ravel())), [SummedCounts()], (x, y.ravel()))
    assert audit.found["val_f1"].formula == ""


def test_a_model_that_predicts_all_positive():
    """Predictions that are all alike have no order to find; the labels decide."""
    y = data()[1].ravel()
    x = np.full((len(y), 1), 0.9, "float32")
    with alarmed("^val_(f1: logged .* of 2PQ|of_columns: .*, the mean over batches .per_batch)", 2):
        fitted(Audit((x, y)), [f1, of_columns], (x, y))


def test_labels_sorted_so_that_every_batch_has_one():
    y = np.repeat([0.0, 1.0], B).astype("float32")
    x = np.linspace(0, 1, 2 * B, dtype="float32")[:, None] ** 2
    with alarmed("^val_(f1: logged .* of 2PQ|of_columns: logged .*per_batch)", 2):
        fitted(Audit((x, y)), [f1, of_columns], (x, y))


def test_functions_that_bring_them_to_one_shape():
    """Such a function logs a mean over batches, which is right with one batch."""
    (x, y), metrics = data(), [squeezing, of_columns, expanding, flattening]
    given = (x, y.ravel())
    with alarmed("^val_.*: logged 0.42037, the mean over batches .per_batch.", len(metrics)):
        fitted(Audit(given), metrics, given)
    silent(audit := Audit(given, action="raise"), metrics, given, batch_size=len(y))
    assert audit.unaudited == {}


def test_batches_of_one_sample():
    x, y = data(20)
    silent(Audit((x, y.ravel()), action="raise"), [accuracy], (x, y.ravel()), batch_size=1)


def test_columns():
    x, y = data()
    silent(Audit((x, y), action="raise"), [accuracy_of_each, mae], (x, y))


def test_outputs_without_a_column():
    model = compiled([mae], keras.Sequential(layers(squeeze=True)), "mse")
    x, y = data()
    with alarmed(r"every prediction with every label .*: write y\[:, 0\] for the labels$"):
        validated(model, [Audit((x, y))], (x, y))


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


@pytest.mark.parametrize("label", [0, 1])
def test_equal_labels_are_listed_where_their_shape_makes_a_difference(label):
    x, _ = data()
    split = (x, np.full(len(x), label, "float32"))
    audit, metrics = Audit(split, action="ignore"), [f1, recall, squeezing, mae]
    fitted(audit, metrics, validation_data=split)
    expected = {"val_f1", "val_recall"} if label == 1 else set()  # else 0 in either shape
    reason = "all labels of the split are equal"
    assert {name for name, why in audit.unaudited.items() if reason in why} == expected
    assert {f"val_{metric.__name__}" for metric in metrics} & audit.unaudited.keys() == expected
    assert not expected & audit.found.keys()
