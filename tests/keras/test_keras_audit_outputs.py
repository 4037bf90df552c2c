"""`Audit` of models of several outputs: each metric on its own output."""

import keras
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score

from batchf1.errors import InputError
from batchf1.keras import Audit, objects
from helpers.auditing import alarmed, f1, fitted, validated
from helpers.fitting import B, data
from helpers.slow import slow


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
    model.compile("sgd", given["loss"], metrics=given["metrics"], run_eagerly=True)
    both = (x, given["labels"])
    audit = Audit(both) if audit is None else audit
    return audit, validated(model, [audit], both)


@pytest.mark.parametrize("named", [slow(False), True])
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
def test_labels_are_matched_by_names_where_outputs_have_them():
    x, y = data()
    with pytest.raises(
        InputError, match=("Audit must have labels for each of 2 outputs by name; got")
    ):
        two_outputs(True, Audit((x, [y, 1 - y])))
    with pytest.raises(
        InputError, match=("Audit must have labels for its only output; got .'a', 'b'.")
    ):
        fitted(Audit((x, {"a": y, "b": y})), [f1])
    with pytest.raises(
        InputError, match=("Audit must have labels for each of 2 outputs; got ndarray")
    ):
        two_outputs(False, Audit((x, y)))


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_several_outputs_of_a_data_set():
    x, y = data()
    batches = tf.data.Dataset.from_tensor_slices((x, (y, 1 - y))).batch(B)
    with alarmed("^val_[ab]_f1: logged ", 2):
        audit, _ = two_outputs(False, Audit(batches))
    assert {found.rule for found in audit.found.values()} == {"per_batch"}
