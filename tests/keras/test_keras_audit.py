"""The callback that tells which metrics Keras logs wrong: alarms where one is due, else silence."""

import re
import warnings
from contextlib import contextmanager

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from sklearn.metrics import f1_score

from batchf1 import batch_counts, expect
from batchf1.errors import InputError
from batchf1.keras import (
    Audit,
    BatchAveragedMetricWarning,
    BatchMean,
    Reconstructed,
    Streaming,
    objects,
)
from helpers.fitting import B, Masked, compiled, data, layers, truth, truths

ALARM = "^val_f1: logged .*, the mean over batches .*, where the metric of all samples is "


def f1(y_true, y_pred):
    """The article's, as it goes around."""
    decided = ops.cast(y_pred > 0.5, "float32")
    tp = ops.sum(y_true * decided)
    precision = tp / (ops.sum(decided) + 1e-7)
    recall = tp / (ops.sum(y_true) + 1e-7)
    return 2 * precision * recall / (precision + recall + 1e-7)


def true_positives(y_true, y_pred):
    return ops.sum(y_true * ops.cast(y_pred > 0.5, "float32"))


def positives(y_true, y_pred):
    return ops.sum(y_true)


def mean_loss(y_true, y_pred):
    """A number for a batch that is additive, though Keras counts a short last batch too much."""
    return ops.mean(ops.square(y_true - y_pred))


def fitted(audit, metrics, train=None, model=None, **options):
    """The logs of one epoch of weights that do not move, audited."""
    train = data() if train is None else train
    model = compiled(metrics, model)
    options = {"batch_size": B, "validation_data": train, "verbose": 0} | options
    return model.fit(*train, callbacks=[audit], **options).history


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


def silent(audit, metrics, train=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", BatchAveragedMetricWarning)
        return fitted(audit, metrics, train, **options)


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


# Alarms


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


def by_sklearn(y_true, y_pred):
    def value(y, p):
        return np.float32(f1_score(y, p > 0.5, zero_division=0))

    return tf.numpy_function(value, (y_true, y_pred), tf.float32)


def wrapped():
    return keras.metrics.MeanMetricWrapper(f1, name="f1")


def of_sklearn():
    return keras.metrics.MeanMetricWrapper(by_sklearn, name="f1")


WRONG = {"wrapped": wrapped, "running mean": RunningMean, "scikit-learn": of_sklearn}


@pytest.mark.parametrize("metric", WRONG.values(), ids=WRONG)
def test_other_ways_to_write_it(metric):
    audit = Audit(data())
    with alarmed():
        fitted(audit, [metric()])
    assert audit.found["val_f1"].pooled == pytest.approx(truth(*data()[::-1]), abs=1e-6)


def test_our_own_naive_strategy_under_the_name_that_keras_logs():
    audit = Audit(data())
    with alarmed("^val_f1.*, the mean over batches", number=3):
        logs = fitted(audit, [*BatchMean().metrics(), f1, wrapped()])
    assert list(audit.found) == ["val_f1_batch_mean", "val_f1", "val_f1_1"]
    assert logs["val_f1_1"] == logs["val_f1"]


def test_labels_without_a_column():
    x, y = data()
    audit = Audit((x, y.ravel()))
    with alarmed("by no rule known .are labels shaped as outputs"):
        logs = fitted(audit, [f1], (x, y.ravel()))
    found = audit.found["val_f1"]
    assert found.pooled == pytest.approx(truth(y, x), abs=1e-6)
    assert (found.logged, found.rule) == (logs["val_f1"][0], None)


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
    # Keras makes two passes; the audit that of the batches, of two cuts, and one so far
    assert set(sizes) == {B, 11, 75, 150}
    assert [sizes.count(n) for n in (11, 75, 150)] == [5, 3, 1]


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


# Silence


def test_what_is_right_is_left_in_peace(caplog):
    audit = Audit(data(), action="raise")
    own = [*Streaming().metrics(), *Reconstructed().metrics()]
    sums = Reconstructed(logged="sum", name="sums").metrics()
    keras_own = [keras.metrics.F1Score(threshold=0.5), keras.metrics.AUC(), keras.metrics.Recall()]
    functions = [true_positives, positives, mean_loss, "mse", keras.losses.binary_crossentropy]
    silent(audit, ["accuracy", *functions, *keras_own, *own, *sums])
    assert list(audit.found) == ["val_mean_loss"]
    assert audit.found["val_mean_loss"].additive
    assert not caplog.records


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


class Largest(keras.metrics.Metric):
    """No mean of anything, and of a few samples not what it is of all."""

    def __init__(self):
        super().__init__(name="largest")
        self.largest = self.add_variable((), "zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        size = ops.cast(ops.shape(y_pred)[0], "float32")
        self.largest.assign(ops.maximum(self.largest, ops.max(y_pred) + size))

    def result(self):
        return self.largest


def test_a_class_that_does_what_no_rule_says():
    silent(audit := Audit(data(), action="raise"), [Largest()])
    assert audit.found == {}


def test_a_single_positive_is_no_count():
    """F1 is 1 in its batch, 0 in others and 1 of all, so that it adds up as a count does."""
    x = np.full((64, 1), 0.1, "float32")
    x[5] = 0.9
    with alarmed():
        fitted(Audit((x, x.round())), [f1, true_positives], (x, x.round()))


# Which epochs, which batches


class Times(Audit):
    """Remembers when it audited."""

    def _pairs(self):
        self.times = [*getattr(self, "times", []), self.epoch]
        return super()._pairs()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


@pytest.mark.parametrize(
    ("every", "freq", "times"), [(None, 1, [0]), (2, 1, [0, 2]), (2, 2, [1, 3])]
)
def test_of_which_epochs(every, freq, times):
    audit = Times(data(), every)
    with alarmed(number=len(times)):
        fitted(audit, [f1], epochs=4, validation_freq=freq)
    assert audit.times == times


def test_until_a_metric_tells_something():
    x, y = data()
    audit = Times((x * 0, y))
    silent(audit, [f1], (x * 0, y), epochs=2)
    assert audit.times == [0, 1]
    silent(audit, [f1], (x * np.nan, y))
    assert audit.found == {}


def test_each_wrong_metric_is_told_once():
    never = keras.metrics.MeanMetricWrapper(lambda y, p: 0 * ops.sum(p), name="never")
    audit = Times(data())
    with alarmed():
        fitted(audit, [f1, never], epochs=2)
    assert audit.times == [0, 1]


def test_the_audit_changes_no_log():
    metrics, order = [f1, RunningMean("f1_of_class")], {"epochs": 2, "shuffle": False}
    with alarmed("^val_f1", number=4):
        audited = fitted(Audit(data(), 1), metrics, **order)
    assert audited == fitted(keras.callbacks.Callback(), metrics, **order)


def test_the_metric_keeps_its_state():
    model = keras.Sequential(layers())
    with alarmed():
        logs = fitted(Audit(data()), [f1], model=model)
    assert float(model.get_metrics_result()["f1"]) == logs["val_f1"][0]


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return tuple(part[i * B : (i + 1) * B] for part in data())


def test_data_sets():
    whole = tf.data.Dataset.from_tensor_slices(data()).batch(B)
    for given in (whole, Batches(), [Batches()[i] for i in range(3)]):
        validation = whole if isinstance(given, list) else given
        audit = Audit(given)
        with alarmed():
            fitted(audit, [f1], validation_data=validation)
        assert audit.found["val_f1"].n_batches == 3
    with alarmed():
        fitted(audit := Audit(whole), [f1], validation_data=whole, validation_steps=2)
    assert audit.found["val_f1"].n_samples == 2 * B


def test_several_steps_in_one_execution():
    model = keras.Sequential(layers())
    model.compile("sgd", "mse", metrics=[f1], steps_per_execution=2)
    x, y = data()
    with alarmed():
        model.fit(x, y, validation_data=(x, y), callbacks=[Audit((x, y))], verbose=0)


def test_outputs_of_several_lengths_under_an_accuracy():
    batches = [(np.ones((4, n, 1), "float32"), np.ones((4, n, 1))) for n in (3, 5)]
    whole = tf.data.Dataset.from_generator(
        lambda: iter(batches),
        output_signature=(tf.TensorSpec((4, None, 1)), tf.TensorSpec((4, None, 1))),
    ).apply(tf.data.experimental.assert_cardinality(2))
    model = compiled(["accuracy"], keras.Sequential([keras.Input((None, 1)), layers()[1]]))
    audit = Audit(whole, action="raise")
    model.fit(whole, validation_data=whole, callbacks=[audit], verbose=0, shuffle=False)
    assert audit.found == {}


# Several outputs


def two_outputs(named, audit=None):
    """An audited epoch of a model that gives the scores x under "a", and 1 - x under "b"."""
    x, y = data()
    inside = keras.Input((1,))
    layers = {"a": inside * 1.0, "b": 1.0 - inside}
    outputs = {name: keras.layers.Identity(name=name)(of) for name, of in layers.items()}
    given = {"outputs": outputs, "loss": {"a": "mse", "b": "mse"}, "labels": {"a": y, "b": 1 - y}}
    given["metrics"] = {"a": [f1, "accuracy"], "b": [f1]}
    if not named:
        given = {part: list(of.values()) for part, of in given.items()}
    model = keras.Model(inside, given["outputs"])
    model.compile("sgd", given["loss"], metrics=given["metrics"])
    both = (x, given["labels"])
    audit = Audit(both) if audit is None else audit
    options = {"batch_size": B, "validation_data": both, "verbose": 0}
    return audit, model.fit(*both, callbacks=[audit], **options).history


@pytest.mark.parametrize("named", [False, True])
def test_each_metric_is_held_against_its_own_output(named):
    x, y = data()
    true = {"val_a_f1": f1_score(y, x > 0.5), "val_b_f1": f1_score(1 - y, 1 - x > 0.5)}
    with alarmed("^val_[ab]_f1: logged .*, the mean over batches", 2):
        audit, logs = two_outputs(named)
    assert audit.found.keys() == true.keys()
    assert true["val_a_f1"] != true["val_b_f1"]
    for name, found in audit.found.items():
        assert found.pooled == pytest.approx(true[name], abs=1e-6)
        assert found.values["per_batch"] == pytest.approx(logs[name][0], abs=1e-6)


def test_outputs_are_found_by_the_names_in_the_logs():
    metric = keras.metrics.MeanMetricWrapper(f1, name="f1")
    outputs = ["a", "a_f1", "b"]
    for name, output in {"a_f1": "a", "a_f1_1": "a", "a_f1_f1": "a_f1", "b_f1_12": "b"}.items():
        assert objects.output_of(name, metric, outputs) == output
    assert objects.output_of("c_f1", metric, outputs) is None


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_labels_are_told_apart_by_names_where_outputs_have_them():
    x, y = data()
    with pytest.raises(InputError, match="Audit: needs labels for each of 2 outputs by name; got"):
        two_outputs(True, Audit((x, [y, 1 - y])))
    with pytest.raises(InputError, match="Audit: needs labels for its only output; got .'a', 'b'."):
        fitted(Audit((x, {"a": y, "b": y})), [f1])


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_several_outputs_of_a_data_set():
    x, y = data()
    batches = tf.data.Dataset.from_tensor_slices((x, (y, 1 - y))).batch(B)
    with alarmed("^val_[ab]_f1: logged ", 2):
        audit, _ = two_outputs(False, Audit(batches))
    assert {found.rule for found in audit.found.values()} == {"per_batch"}


# What is refused


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_refusals():
    x, y = data()
    with pytest.raises(InputError, match="Audit: has the 3 batches that Keras .*; got 8 batches"):
        fitted(Audit((x, y), batch_size=10), [f1])
    with pytest.raises(InputError, match="Audit: needs a model that masks no samples"):
        masked = keras.Sequential([keras.Input((1,)), Masked(), layers()[1]])
        fitted(Audit((x, y)), [], model=masked)
    with pytest.raises(InputError, match="Audit: needs labels for each of 2 outputs; got ndarray"):
        two_outputs(False, Audit((x, y)))
    with pytest.raises(InputError, match="Audit: needs .x, y.: it has no weighted form"):
        fitted(Audit((x, y, y)), [f1])


def test_arguments():
    with pytest.raises(InputError, match="every: is a whole number >= 1; got 0"):
        Audit(data(), 0)
    with pytest.raises(InputError, match="action: is one of .'warn', 'raise', 'ignore'.; got stop"):
        Audit(data(), action="stop")
    with pytest.raises(InputError, match="batch_size: is a whole number"):
        Audit(data(), batch_size=1.5)
    with pytest.raises(InputError, match="Audit: needs data that can be iterated anew"):
        Audit(iter([data()]))


def test_no_validation():
    with alarmed("^Audit: needs validation_data in fit; got no validated", kind=UserWarning):
        fitted(Audit(data()), [f1], validation_data=None)
    with pytest.raises(InputError, match="Audit: needs validation_data in fit"):
        fitted(Audit(data(), action="raise"), [f1], validation_data=None)
