"""Epochs and batches that `Audit` audits."""

import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from batchf1.errors import InputError
from batchf1.keras import Audit, EpochEnd, UnauditedLogWarning
from helpers.auditing import RunningMean, alarmed, f1, fitted, mean_loss, silent, validated
from helpers.fitting import B, compiled, data, layers
from helpers.slow import slow

# Epochs


class Times(Audit):
    """Remembers when it audited."""

    def _pairs(self):
        self.times = [*getattr(self, "times", []), self.epoch]
        return super()._pairs()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


@pytest.mark.parametrize(
    ("every", "freq", "times"), [slow(None, 1, [0]), slow(2, 1, [0, 2]), (2, 2, [1, 3])]
)
def test_of_which_epochs(every, freq, times):
    audit = Times(data(), every)
    with alarmed(number=len(times)):
        fitted(audit, [f1], epochs=4, validation_freq=freq)
    assert audit.times == times


def test_until_a_metric_is_informative():
    x, y = data()
    audit = Times((x * 0, y))
    silent(audit, [f1], (x * 0, y), epochs=2)
    assert audit.times == [0, 1]
    with alarmed("not audited: val_f1 .outputs are NaN., val_loss", kind=UnauditedLogWarning):
        fitted(audit, [f1], (x * np.nan, y))
    assert audit.found == {}
    assert audit.unaudited == dict.fromkeys(["val_f1", "val_loss"], "outputs are NaN")


def test_each_wrong_metric_is_reported_once():
    never = keras.metrics.MeanMetricWrapper(lambda y, p: 0 * ops.sum(p), name="never")
    audit = Times(data())
    with alarmed():
        fitted(audit, [f1, never], epochs=2)
    assert audit.times == [0, 1]


def test_the_audit_changes_no_log_and_no_state():
    model = keras.Sequential(layers())
    with alarmed("^val_f1", number=4):
        metrics = [f1, RunningMean("f1_of_class")]
        audited = fitted(Audit(data(), 1), metrics, model=model, epochs=2)
    assert float(model.get_metrics_result()["f1"]) == audited["val_f1"][1]
    metrics = [f1, RunningMean("f1_of_class")]
    assert audited == fitted(keras.callbacks.Callback(), metrics, epochs=2)


# Batches


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


def of_generator(n=64):
    """A data set that does not tell how many batches it has."""

    def batches():
        x, y = data(n)
        yield from ((x[i : i + B], y[i : i + B]) for i in range(0, n, B))

    spec = (tf.TensorSpec((None, 1)), tf.TensorSpec((None, 1)))
    return tf.data.Dataset.from_generator(batches, output_signature=spec)


def test_the_cut_is_what_keras_made():
    """Whatever `batch_size` says, and `validation_steps`, `validation_batch_size`."""
    x, y = data()
    for options, sizes in (
        ({"batch_size": 20, "validation_batch_size": 10}, (75, 8)),
        ({"batch_size": 20, "validation_steps": 2}, (40, 2)),
        ({"batch_size": None, "validation_steps": 2}, (75, 2)),
    ):
        with alarmed("^val_f1: logged .*, the mean over batches .per_batch."):
            fitted(audit := Audit((x, y), batch_size=16), [f1], **options)
        found = audit.found["val_f1"]
        assert (found.n_samples, found.n_batches) == sizes


def test_another_number_of_batches_ends_no_training():
    """The data set is not that of fit: 2 batches there, 3 here, and then 2 here, 3 there."""
    x, y = data()
    short, whole = (tf.data.Dataset.from_tensor_slices((x, y)).batch(B) for _ in range(2))
    reason = "not audited: val_f1 .Audit needs the 3 batches that Keras validated; got 2 batches"
    with alarmed(reason, kind=UnauditedLogWarning):
        logs = fitted(Audit(short.take(2)), [f1], validation_data=whole, epochs=2)
    assert len(logs["val_f1"]) == 2
    with pytest.raises(InputError, match=reason):
        fitted(Audit(short.take(2), action="raise"), [f1], validation_data=whole)


def test_a_data_set_of_unknown_length_is_named_with_its_remedy():
    model = compiled([f1, mean_loss], run_eagerly=False)
    audit, rule = (
        Audit(of_generator()),
        "the sum over 2 batches divided by 3: .*cardinality.2.., and",
    )
    with alarmed(rule, number=2):
        validated(model, [audit], data(), validation_data=of_generator())
    found = audit.found["val_f1"]
    assert found.logged == pytest.approx(found.values["per_batch"] * 2 / 3)


@pytest.mark.parametrize("unequal", [slow(False), True])
def test_evaluate(unequal):
    """Batches of 25 samples, or of 32, 32 and 11; nobody says so to the callback."""
    x, y = data()
    model, size = compiled([f1, "accuracy"]), B if unequal else 25
    model.build((None, 1))
    with alarmed("^f1: logged .*, the mean over batches"):
        logs = model.evaluate(
            x, y, size, verbose=0, callbacks=[audit := Audit((x, y))], return_dict=True
        )
    assert list(audit.found) == ["f1"]
    assert audit.found["f1"].logged == logs["f1"]
    assert audit.found["f1"].n_batches == 3
    with pytest.raises(InputError, match="^f1: logged "):
        model.evaluate(x, y, size, verbose=0, callbacks=[Audit((x, y), action="raise")])


def test_a_validation_in_fit_is_audited_once_and_evaluate_anew():
    x, y = data()
    model, audit = compiled([f1]), Audit((x, y))
    with alarmed("^val_f1: logged "):
        validated(model, [audit], (x, y), epochs=2)
    with alarmed("^f1: logged "):
        model.evaluate(x, y, verbose=0, callbacks=[audit])
    assert list(audit.found) == ["f1"]


MIRRORED = """
import json, warnings
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from batchf1.keras import Audit
from helpers.auditing import f1, mean_loss
from helpers.fitting import B, compiled, data
x, y = data()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = compiled([f1, mean_loss, "accuracy"], run_eagerly=False)
audit = Audit(tf.data.Dataset.from_tensor_slices((x, y)).batch(B))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(x, y, B, validation_data=(x, y), callbacks=[audit], verbose=0)
print(json.dumps([str(one.message) for one in caught]))
"""


@pytest.mark.slow
def test_devices_that_share_each_batch():
    """A number for a batch is one of a part: 6 and 5 samples of the last batch."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    said = [line for line in json.loads(done.stdout) if line.startswith(("val_", "Audit"))]
    parts = "a mean over the parts of batches that 2 devices take"
    assert len(said) == 2
    assert re.match(f"val_f1: .*, {parts}, where", said[0])
    audited = "val_f1, val_accuracy, val_loss"
    assert re.match(f"Audit: audited {audited}; not audited: val_mean_loss .{parts}, in", said[1])


# `EpochEnd`


def test_epoch_end_refuses_more_than_keras_validates():
    x, y = data()
    whole = tf.data.Dataset.from_tensor_slices((x, y)).batch(B)

    def with_steps(given, validation=whole, **chosen):
        s = EpochEnd(**chosen)
        options = {"validation_data": validation, "validation_steps": 2}
        return validated(compiled([]), s.callbacks(validation=given), (x, y), **options)

    rule = "^val_f1_epoch_end needs the 64 samples of validation_steps=2, as data.take.2. or x.:64."
    for given in (whole, (x, y), whole.unbatch().batch(5)):
        with pytest.raises(InputError, match=rule):
            with_steps(given)
    of_two = with_steps(whole.take(2))["val_f1_epoch_end"]
    assert of_two == with_steps((x[:64], y[:64]))["val_f1_epoch_end"]
    assert of_two == with_steps((x[:64], y[:64]), (x, y))["val_f1_epoch_end"]
    of_all = with_steps((x, y), all_samples=True)["val_f1_epoch_end"]
    assert of_all == with_steps(whole, all_samples=True)["val_f1_epoch_end"] != of_two


# Invalid inputs


class Begun(keras.callbacks.Callback):
    """Fails if an epoch begins."""

    def on_epoch_begin(self, epoch, logs=None):
        raise AssertionError("an epoch has begun")


def test_what_cannot_be_audited_is_refused_before_the_first_epoch():
    x, y = data()
    model = compiled([], keras.Sequential([keras.Input((1,)), layers()[1]]))
    given, rule = (x, {"a": y, "b": y}), "must have labels for its only output; got .'a', 'b'."
    with pytest.raises(InputError, match=f"^Audit {rule}"):
        model.fit(x, y, verbose=0, validation_data=(x, y), callbacks=[Audit(given), Begun()])


def test_what_the_data_show_is_refused_at_once():
    x, y = data()
    four = tf.data.Dataset.from_tensor_slices((x, y, y, y)).batch(B)
    for given in ((x, y, y, y), four):
        with pytest.raises(InputError, match="Audit needs .x, y. or .*; got 4 parts"):
            Audit(given)
    with pytest.raises(InputError, match="Audit needs data with an end"):
        Audit(tf.data.Dataset.from_tensor_slices((x, y)).batch(B).repeat())
    with pytest.raises(InputError, match="Audit needs a tuple .x, y. of arrays, or a .*; got fun"):
        Audit(data)


def test_arguments():
    with pytest.raises(InputError, match="every must be a whole number >= 1; got 0"):
        Audit(data(), 0)
    with pytest.raises(
        InputError, match="action must be one of .'warn', 'raise', 'ignore'.; got stop"
    ):
        Audit(data(), action="stop")
    with pytest.raises(InputError, match="batch_size must be a whole number"):
        Audit(data(), batch_size=1.5)
    with pytest.raises(InputError, match="Audit needs data that can be iterated anew"):
        Audit(iter([data()]))


def test_no_validation():
    with alarmed("^Audit needs validation_data in fit; got no validated", kind=UserWarning):
        fitted(Audit(data()), [f1], validation_data=None)
    with pytest.raises(InputError, match="Audit needs validation_data in fit"):
        fitted(Audit(data(), action="raise"), [f1], validation_data=None)
