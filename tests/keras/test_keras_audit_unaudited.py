"""`Audit` audits each log or reports it as unaudited, with the reason."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from sklearn.metrics import f1_score

from batchf1.errors import InputError
from batchf1.keras import Audit, EpochEnd, Reconstructed, Streaming, UnauditedLogWarning
from helpers.auditing import alarmed, f1, fitted, validated
from helpers.fitting import compiled, data, layers, truth
from helpers.slow import slow


def named(*logs, metrics=(), train=None, **options):
    """The reasons for logs that are not audited, each of which stops a training in CI."""
    reasons = {}
    with alarmed("^Audit: audited .*; not audited: ", kind=UnauditedLogWarning):
        fitted(audit := Audit(data(), **options), [*metrics], train)
    reasons |= audit.unaudited
    assert set(reasons) == set(logs)
    return reasons


class Kept(keras.metrics.Metric):
    """Keeps a value beside the counts that it forgets."""

    def __init__(self, name="kept"):
        super().__init__(name=name)
        self.value = self.add_variable((), "zeros", name="value")

    def result(self):
        return self.value


class LastBatch(Kept):
    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(f1(y_true, y_pred))


class Largest(Kept):
    """The largest F1 of a batch."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(ops.maximum(self.value, f1(y_true, y_pred)))


class RunningF1(Kept):
    """Adds up the F1 of all samples so far."""

    def __init__(self):
        super().__init__("running")
        self.f1 = keras.metrics.F1Score(threshold=0.5, average="micro")
        self.number = self.add_variable((), "zeros", name="number")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign_add(self.f1(y_true, y_pred))
        self.number.assign_add(1.0)

    def result(self):
        return self.value / self.number


class F1OfRunning(Kept):
    """The F1 of running precision and recall, which is right."""

    def __init__(self):
        super().__init__("of_running")
        self.parts = keras.metrics.Precision(), keras.metrics.Recall()

    def update_state(self, y_true, y_pred, sample_weight=None):
        for part in self.parts:
            part.update_state(y_true, y_pred)
        a, b = (part.result() for part in self.parts)
        self.value.assign(2 * a * b / (a + b + 1e-9))


class NeverReset(keras.metrics.Metric):
    """Variables of TensorFlow, which Keras 3 does not track, and the reset of Keras 2."""

    def __init__(self):
        super().__init__(name="never_reset")
        self.tp, self.wrong = tf.Variable(0.0), tf.Variable(0.0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        decided = tf.round(y_pred)
        self.tp.assign_add(tf.reduce_sum(y_true * decided))
        self.wrong.assign_add(tf.reduce_sum(tf.abs(y_true - decided)))

    def result(self):
        return 2 * self.tp / (2 * self.tp + self.wrong + 1e-7)

    def reset_states(self):
        raise AssertionError("Keras 3 calls reset_state")


class Lists(keras.metrics.Metric):
    """Keeps labels and scores in lists."""

    def __init__(self):
        super().__init__(name="lists")
        self.rows, self.batches = [], 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.rows += zip(y_true.numpy(), y_pred.numpy(), strict=True)
        self.batches += 1

    def result(self):
        y, p = (
            (np.array(part) for part in zip(*self.rows, strict=True)) if self.rows else ([0], [0])
        )
        return np.float32(f1_score(y, np.greater(p, 0.5), zero_division=0))


# Classes


def test_a_class_whose_state_is_never_reset():
    reasons = named("val_never_reset", "val_lists", metrics=[NeverReset(), Lists()])
    reason = reasons["val_never_reset"]
    assert reason.startswith("its state in tp, wrong stays when Keras resets the metric")
    assert reason.endswith("make it with self.add_variable()")
    assert reasons["val_lists"].startswith("its state in rows, batches stays")


def test_the_audit_changes_no_log_of_such_a_class():
    """Nor those of later epochs, in which all that came before counts."""
    audited, plain = (
        fitted(one, [NeverReset(), Lists()], epochs=2)
        for one in (Audit(data(), every=1, action="ignore"), keras.callbacks.Callback())
    )
    assert audited == plain


def test_rules_of_classes():
    with alarmed(r"^val_(last|running).*where the metric of all samples is 0\.5: take .*", 2):
        metrics = [LastBatch("last"), RunningF1(), F1OfRunning()]
        fitted(audit := Audit(data()), metrics)
    rules = {"val_last": "last_batch", "val_running": "mean_of_prefixes"}
    assert {name: found.rule for name, found in audit.found.items()} == rules
    assert audit.unaudited == {}


def test_a_class_by_no_rule():
    (reason,) = named("val_kept", metrics=[Largest()]).values()
    true = truth(*data()[::-1])
    assert reason.startswith("a class that depends on the batches by no rule known: 0.")
    assert reason.endswith(f"all samples at once gives {true:.6g}")


class Dict(keras.metrics.Metric):
    """Two values in one: the running mean of F1 over batches, and a count of batches."""

    def __init__(self):
        super().__init__(name="dict")
        self.parts = [self.add_variable((), "zeros", name=name) for name in ("sum", "number")]

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.parts[0].assign_add(f1(y_true, y_pred))
        self.parts[1].assign_add(1.0)

    def result(self):
        return {"mean_f1": self.parts[0] / ops.maximum(self.parts[1], 1), "n": self.parts[1]}


def test_a_class_with_a_dict_of_values_and_one_derived_from_one_of_keras():
    class MeanF1(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(f1(y_true, y_pred))

    with alarmed("^val_(mean|derived)_f1: logged .*, the mean over batches", 2):
        fitted(audit := Audit(data()), [Dict(), MeanF1(name="derived_f1")])
    assert list(audit.found) == ["val_mean_f1", "val_derived_f1"]
    assert "3 is logged, and taking all samples at once gives 1" in audit.unaudited["val_n"]


def test_an_array_in_the_logs():
    class Classes(keras.metrics.F1Score):
        """One of Keras' own classes, but for its name."""

    y = np.eye(2, dtype="float32")[[0, 1, 1, 0]]
    metrics = [keras.metrics.F1Score(threshold=0.5), Classes(threshold=0.5, name="classes")]
    model = compiled(metrics, keras.Sequential([keras.Input((2,)), keras.layers.Identity()]))
    with alarmed(
        "audited .*val_f1_score.*; not audited: val_classes .an array", 1, UnauditedLogWarning
    ):
        validated(model, [Audit((y, y))], (y, y))


def test_one_value_for_each_of_as_many_classes_as_samples():
    """Of 8 samples and 2 classes, in batches of 2: a value per class is none per sample."""
    y, p = (
        np.eye(2, dtype="float32")[labels]
        for labels in ([0, 0, 0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0])
    )

    def each(y_true, y_pred):
        hits = 2 * ops.sum(y_true * y_pred, 0)
        return hits / (ops.sum(y_true, 0) + ops.sum(y_pred, 0) + 1e-7)

    model = compiled([each], keras.Sequential([keras.Input((2,)), keras.layers.Identity()]), "mse")
    with alarmed(
        "^val_each: logged 0.416667, the mean over batches .*all samples is 0.733333: take"
    ):
        validated(model, [Audit((p, y))], (p, y), batch_size=2)


def test_a_metric_that_cannot_be_called_again():
    calls = []

    def once(y_true, y_pred):
        calls.append(1)
        if len(calls) > 4:  # a batch, and a pass of three
            raise ZeroDivisionError("no\nmore")
        return f1(y_true, y_pred)

    (reason,) = named("val_once", metrics=[keras.metrics.MeanMetricWrapper(once, "once")]).values()
    assert reason.endswith("no more")


# Logs of others


class Writes(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_mine"] = 0.5


def test_a_log_of_another_callback():
    x, y = data()
    model = compiled(["accuracy"])
    audits = [Audit((x, y), action=action, ignore=["val_mine"]) for action in ("warn", "raise")]
    validated(model, [Writes(), *audits], (x, y))
    assert [list(audit.unaudited) for audit in audits] == [["val_mine"]] * 2
    with pytest.raises(InputError, match="not audited: val_mine .a log that the model does not"):
        validated(model, [Writes(), Audit((x, y), action="raise")], (x, y))


def test_logs_of_our_own_callbacks_are_right():
    x, y = data()
    ours = [Reconstructed(), Streaming(), EpochEnd()]
    model = compiled([metric for s in ours for metric in s.metrics()])
    callbacks = [callback for s in ours for callback in s.callbacks(validation=(x, y))]
    audit = Audit((x, y), action="raise")
    validated(model, [*callbacks, audit], (x, y))
    assert audit.unaudited == {}


# test_step and losses


class Tracking(keras.Sequential):
    """A model whose test_step feeds trackers of its own with the values of a batch."""

    def __init__(self):
        super().__init__(layers())
        self.loss_of_batch = keras.metrics.Mean("loss")
        self.f1 = keras.metrics.Mean("f1")
        self.auc = keras.metrics.AUC(name="auc")

    def test_step(self, data):
        x, y = data
        predicted = self(x, training=False)
        self.loss_of_batch.update_state(ops.mean(ops.square(y - predicted)), len(x))
        self.f1.update_state(f1(y, predicted))
        self.auc.update_state(y, predicted)
        tracked = (self.loss_of_batch, self.f1, self.auc)
        return {m.name: m.result() for m in tracked} | {"last": f1(y, predicted)}


def test_trackers_of_test_step():
    x, y = data()
    with alarmed(
        "^val_(f1: logged 0.42037, the mean over|last: .*last batch).*is 0.5: update a", 2
    ):
        logs = fitted(audit := Audit((x, y)), [], model=Tracking())
    assert {key: found.rule for key, found in audit.found.items()} == {
        "val_f1": "per_batch",
        "val_last": "last_batch",
    }
    assert audit.found["val_f1"].logged == logs["val_f1"][0]
    assert audit.unaudited == {}


def test_labels_without_a_column_in_test_step():
    x, y = data()
    given = (x, y.ravel())
    every = r"every label \(broadcast\), where .* write y\[:, None\] for the labels"
    with alarmed(every, 3) as told:
        fitted(audit := Audit(given), [], given, model=Tracking())
    of_f1, of_last, _ = sorted(told)
    assert of_f1.startswith("val_f1: logged 10.0593, the mean over batches of 2PQ/(P+Q)")
    assert "of all samples is 0.5: write y[:, None] for the labels, and update a" in of_f1
    assert of_last.startswith("val_last: logged 4, a value that compares every")
    assert {key: found.rule for key, found in audit.found.items()} == dict.fromkeys(
        ("val_loss", "val_f1", "val_last"), "broadcast"
    )


def test_running_test_step_changes_no_log():
    def logs(callback):
        return fitted(callback, [], model=Tracking(), epochs=2)

    assert logs(Audit(data(), 1, action="ignore")) == logs(keras.callbacks.Callback())


def test_a_test_step_of_too_much_input_is_named(monkeypatch):
    monkeypatch.setattr("batchf1.keras.test_step.MAX_BYTES", 100)
    with alarmed(
        "test_step: its inputs must take at most 100 bytes in all, as one batch; got 300",
        1,
        UnauditedLogWarning,
    ):
        fitted(audit := Audit(data()), [], model=Tracking())
    assert set(audit.unaudited) == {"val_loss", "val_f1", "val_auc", "val_last"}


def dice(y_true, y_pred):
    return 1 - 2 * ops.sum(y_true * y_pred) / (ops.sum(y_true) + ops.sum(y_pred))


def squares(y_true, y_pred):
    return ops.square(y_true - y_pred)


@pytest.mark.parametrize("loss", [dice, slow(keras.losses.Dice()), slow("dice")])
def test_a_loss_of_batches(loss):
    x, y = data()
    model, audit = compiled([], loss=loss), Audit((x, y))
    with alarmed("^val_loss: logged .*by their size .size_weighted.*one batch size only"):
        validated(model, [audit], (x, y))
    assert audit.found["val_loss"].pooled == pytest.approx(float(dice(y, x)), abs=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        squares,
        slow("mse"),
        keras.losses.MeanSquaredError(),
        slow(keras.losses.binary_crossentropy),
        keras.losses.MeanSquaredError(reduction="sum"),  # a count
    ],
)
def test_losses_of_samples_are_right(loss):
    x, y = data()
    audit = Audit((x, y), action="raise")
    validated(compiled([], loss=loss), [audit], (x, y))
    assert (audit.found, audit.unaudited) == ({}, {})
