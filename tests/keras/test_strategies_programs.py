"""Strategies in user programs: with other metrics, several at once, saved and loaded."""

import importlib
import sys

import keras
import numpy as np
import pytest

import batchf1
from batchf1.config import registry
from batchf1.errors import InputError
from batchf1.keras.batch_mean import BatchRatio
from batchf1.keras.reconstructed import CountShare
from batchf1.keras.streaming import StreamingRatio
from helpers.fitting import (
    METRICS,
    OURS,
    POOLED,
    callbacks_of,
    compiled,
    data,
    fit,
    fitted,
    metrics_of,
    of_name,
    truth,
    truths,
)
from helpers.slow import slow

SOME = ["streaming", "epoch_end", slow("batch_mean"), slow("reconstructed")]
"""A metric and a callback."""

# With other metrics, and several at once


def test_other_metrics_of_any_name_change_nothing():
    train, validation = data(), data(40)
    taken = ("true_positives", "possible_positives", "f1", "predicted_positives")

    def others():
        return [keras.metrics.TruePositives(name=name) for name in taken]

    chosen = of_name(*OURS)
    model = compiled(
        [*others(), *metrics_of(chosen), *others()], weighted_metrics=[*others(), "accuracy"]
    )
    logs = fit(model, chosen, train, validation)
    for prefix, (x, y) in (("", train), ("val_", validation)):
        for name, value in truths(y, x).items():
            assert logs[f"{prefix}f1_{name}"] == [pytest.approx(value, abs=1e-6)]


def test_several_of_a_kind_each_under_its_own_name():
    (x, y), validation = data(), data(40)
    weights = np.random.default_rng(1).uniform(0, 3, len(y)).astype("float32")
    low = [s for name in OURS for s in of_name(name, threshold=0.3, name=f"{name}_low")]
    weighted = [s for name in POOLED for s in of_name(name, name=f"{name}_weighted")]
    chosen = [*of_name(*OURS), *low, *weighted]
    model = compiled(
        metrics_of([*of_name(*OURS), *low]), weighted_metrics=metrics_of(weighted), loss="mse"
    )
    train = (x, y)
    logs = fit(model, chosen, train, validation, sample_weight=weights)
    for prefix, (x, y) in (("", train), ("val_", validation)):
        right = truths(y, x) | {f"{k}_low": v for k, v in truths(y, x, 0.3).items()}
        given = None if prefix else weights
        right |= {f"{name}_weighted": truth(y, x, weights=given) for name in POOLED}
        assert len(set(right.values())) >= (4 if prefix else 5)
        for name, value in right.items():
            assert logs[f"{prefix}f1_{name}"] == [pytest.approx(value, abs=1e-6)], name


@pytest.mark.parametrize(
    "name", ["epoch_end", "reconstructed", slow("batch_mean"), slow("streaming")]
)
def test_two_of_one_name_are_refused(name):
    twins = of_name(name, threshold=0.3) + of_name(name)
    words = (
        "f1_epoch_end is in the logs already"
        if name == "epoch_end"
        else f"_{name} cannot be the name"
    )
    with pytest.raises(InputError, match=f"{words}.*: give each strategy its own name="):
        fitted(twins, data(9), data(9))
    if name in POOLED:
        model = compiled(twins[0].metrics(), weighted_metrics=twins[1].metrics())
        words = f"_{name} cannot be the name of two metrics.*; got weighted_.*_{name} beside it"
        with pytest.raises(InputError, match=words):
            fit(model, twins[:1], data(9))


def test_a_name_that_another_strategy_or_metric_has_is_refused():
    a_metric = keras.metrics.TruePositives(name="predicted_positives_reconstructed")
    model = compiled(metrics_of(of_name("reconstructed")), weighted_metrics=[a_metric])
    with pytest.raises(
        InputError, match="predicted_positives_reconstructed cannot be the name of two"
    ):
        fit(model, of_name("reconstructed"), data(9))
    both = [*of_name("streaming"), *of_name("reconstructed", name="streaming")]
    with pytest.raises(InputError, match="f1_streaming is in the logs already"):
        fitted(both, data(9))


@pytest.mark.parametrize("name", ["", "mine_1", "f1!"])
def test_names_that_keras_could_give_to_others_are_refused(name):
    with pytest.raises(InputError, match=f"name must consist of letters, digits.*; got '{name}'"):
        registry.strategy("streaming")(name=name)


def test_other_names_are_taken():
    for name in ("mine_11", "mine1", "t0.30-b"):
        assert registry.strategy("streaming")(name=name).key == f"f1_{name}"


@pytest.mark.parametrize("name", METRICS)
def test_callbacks_without_their_metrics_say_so(name):
    model = compiled([keras.metrics.TruePositives()])
    with pytest.raises(InputError, match=f"_{name} must be logged: compile with .* metrics()"):
        fit(model, of_name(name), data(9))


# Several outputs


def two_outputs(names=("a", "b")):
    inputs = keras.Input((1,))
    outputs = [
        keras.layers.Dense(1, use_bias=False, kernel_initializer=kernel, name=name)(inputs)
        for name, kernel in zip(names, ("ones", keras.initializers.Constant(0.5)), strict=True)
    ]
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("outputs", [slow(("a", "b")), ("weighted", "b")])
def test_models_of_two_outputs(outputs):
    x, y = data()
    chosen = of_name(*METRICS, threshold=0.3)
    metrics = {name: metrics_of(chosen) for name in outputs}
    model = compiled(metrics, two_outputs(outputs), ["mse", "mse"])
    logs = fit(model, chosen, (x, [y, 1 - y]), (x, [y, y]))
    right = [(y, x), (1 - y, x / 2), (y, x), (y, x / 2)]
    prefixes = [f"{prefix}{name}_" for prefix in ("", "val_") for name in outputs]
    for prefix, pair in zip(prefixes, right, strict=True):
        for name in METRICS:
            value = truths(*pair, 0.3)[name]
            assert logs[f"{prefix}f1_{name}"] == [pytest.approx(value, abs=1e-6)]


def test_one_of_two_outputs():
    x, y = data()
    chosen = of_name(*METRICS)
    model = compiled({"a": metrics_of(chosen)}, two_outputs(), ["mse", "mse"])
    logs = fit(model, chosen, (x, [y, y]))
    assert [key for key in logs if "f1" in key] == [
        f"a_f1_{name}" for name in ("batch_mean", "streaming", "reconstructed")
    ]
    assert logs["a_f1_reconstructed"] == [pytest.approx(truth(y, x), abs=1e-12)]
    twice = {"a": [*metrics_of(chosen), *metrics_of(chosen)]}
    with pytest.raises(InputError, match="f1_batch_mean cannot be the name of two metrics"):
        fit(compiled(twice, two_outputs(), ["mse", "mse"]), chosen, (x, [y, y]))


def test_a_pass_over_several_outputs_is_refused():
    x, y = data()
    for passes in ((None, (x, y)), ([(x, y)], None)):
        model = compiled(None, two_outputs(), ["mse", "mse"])
        words = "f1_epoch_end needs a model of one output: take reconstructed .*; got 2 outputs"
        with pytest.raises(InputError, match=words):
            fit(model, of_name("epoch_end"), (x, [y, y]), passes=passes)


# Outside `fit`, saved and loaded


def test_f1_of_what_evaluate_and_train_on_batch_return():
    x, y = data()
    (low,) = of_name("reconstructed", threshold=0.3, name="low")
    model = compiled(low.metrics())
    for logs in (
        model.evaluate(x, y, verbose=0, return_dict=True),
        model.train_on_batch(x, y, return_dict=True),
    ):
        assert low.rebuild(logs) == pytest.approx(truth(y, x, 0.3), abs=1e-12)
        named = {f"val_a_{key}": value for key, value in logs.items()}
        assert low.rebuild(named, "val_a_") == low.rebuild(logs)
        with pytest.raises(InputError, match="true_positives_low must be logged"):
            low.rebuild(named)
        with pytest.raises(InputError, match="^possible_positives_low cannot be the name of two"):
            low.rebuild(logs | {"possible_positives_low_1": 0.5})
    nothing = dict.fromkeys(logs, 0.0)
    assert low.rebuild(nothing) == 0.0


def test_a_saved_model_loads_with_its_metrics(tmp_path):
    x, y = data()
    options = {"threshold": 0.3, "name": "mine", "from_logits": True}
    chosen = [*of_name(*METRICS, threshold=0.3)]
    chosen += [s for name in METRICS[:2] for s in of_name(name, **options | {"name": f"{name}2"})]
    chosen += of_name("streaming", **options)
    chosen += of_name("reconstructed", logged="sum", name="sums")
    model = compiled(metrics_of(chosen))
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    assert again.evaluate(x, y, verbose=0, return_dict=True) == logs
    callbacks = callbacks_of([s for s in chosen if s.name in METRICS])
    history = again.fit(x, y, verbose=0, shuffle=False, callbacks=callbacks).history
    for name in METRICS:
        assert history[f"f1_{name}"] == [pytest.approx(truths(y, x, 0.3)[name], abs=1e-6)]
    assert [m.get_config() for m in own(again)] == [m.get_config() for m in metrics_of(chosen)]


def test_what_a_saved_metric_consists_of():
    given = {"threshold": 0.5, "from_logits": False}
    given["multilabel"] = False
    f1 = {"name": "f1", "metric": [[2.0, 0, 0, 0], [2.0, 1, 1.0, 0], "f1"]}
    parts = {"count": "true_positives", "logged": "per_sample", "name": "true_positives"}
    parts |= {"n_classes": None, "of_class": None}
    for metric, config in (
        (BatchRatio(), given | f1 | {"dtype": "float32"}),
        (StreamingRatio(), given | f1 | {"dtype": "float64"}),
        (CountShare("true_positives"), given | parts | {"dtype": "float64"}),
    ):
        assert metric.get_config() == config
        new = ("multilabel", "n_classes", "of_class")  # that models saved before have not
        old = {key: value for key, value in config.items() if key not in new}
        assert type(metric).from_config(old).get_config() == config
        kind = type(metric)
        assert keras.saving.get_registered_name(kind) == f"batchf1>{kind.__name__}"


def own(model):
    """The compiled metrics of a model."""
    return [metric for group in model.metrics[1:] for metric in group.metrics]


def test_a_model_loads_where_the_package_alone_is_imported(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    saved = metrics_of(of_name(*METRICS))
    compiled(saved).save(path)
    monkeypatch.setattr(batchf1, "keras", batchf1.keras)  # as it was, afterwards
    for name in [name for name in sys.modules if name.startswith("batchf1.keras")]:
        monkeypatch.delitem(sys.modules, name)
    registered = keras.saving.get_custom_objects()
    for name in [name for name in registered if name.startswith("batchf1>")]:
        monkeypatch.delitem(registered, name)
    with pytest.raises(TypeError, match="Could not locate class"):
        keras.models.load_model(path)
    importlib.import_module("batchf1.keras")
    again = keras.models.load_model(path)
    again.evaluate(*data(), verbose=0)
    assert [metric.name for metric in own(again)] == [metric.name for metric in saved]


# Logits


def logits(x):
    """Scores from -5 to 5 whose sigmoid is above 0.5 where x is, and some of which look like
    probabilities."""
    return (10 * x - 5).astype("float32")


@pytest.mark.parametrize("threshold", [slow(0.5), 0.3])
def test_logits_are_compared_with_the_thresholds_logit(threshold):
    x, y = data()
    z = logits(x)
    probabilities = 1 / (1 + np.exp(-z.astype("float64")))
    chosen = of_name(*OURS, threshold=threshold, from_logits=True)
    model = compiled(metrics_of(chosen), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    logs = fit(model, chosen, (z, y), passes=((z, y), [(z, y)]))
    for name, value in truths(y, probabilities, threshold).items():
        assert logs[f"f1_{name}"] == [pytest.approx(value, abs=1e-6)]
    assert logs["val_f1_epoch_end"] == logs["f1_epoch_end"]


@pytest.mark.parametrize("name", SOME)
def test_logits_that_nobody_announced_are_refused(name):
    x, y = data()
    z = logits(x)
    words = "from_logits=True"
    with pytest.raises(InputError, match=words):
        fitted(of_name(name), (z, y), (z, y))
    with pytest.raises(InputError, match=words):
        fitted(of_name(name), (x, y), (z, y), passes=((x, y), [(z, y)]))
    for theirs, ours in ((True, False), (False, True)):  # known before any training
        chosen = of_name(name, from_logits=ours)
        loss = keras.losses.BinaryCrossentropy(from_logits=theirs)
        model = compiled(metrics_of(chosen), loss=loss)
        words = f"^f1_{name} must have from_logits={theirs}, as the loss has; got {ours}"
        with pytest.raises(InputError, match=words):
            fit(model, chosen, (x, y))


def test_the_losses_of_two_outputs_may_differ():
    x, y = data()
    losses = {name: keras.losses.BinaryCrossentropy(from_logits=name == "b") for name in "ab"}
    chosen = of_name("streaming")
    logs = fit(compiled({"a": metrics_of(chosen)}, two_outputs(), losses), chosen, (x, [y, y]))
    assert logs["a_f1_streaming"] == [pytest.approx(truth(y, x), abs=1e-6)]
    model = compiled({"a": metrics_of(chosen)}, two_outputs(), {"a": losses["b"], "b": losses["b"]})
    with pytest.raises(
        InputError, match=("f1_streaming must have from_logits=True, as the loss has")
    ):
        fit(model, chosen, (x, [y, y]))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_alone_is_nan_after_a_score_outside_0_to_1(name):
    for score, good in ((0.0, True), (1.0, True), (-1e-6, False), (1 + 1e-6, False)):
        for from_logits in (False, True):
            for metric in metrics_of(of_name(name, from_logits=from_logits)):
                metric.update_state(np.ones((2, 1)), np.array([[0.7], [score]], "float32"))
                assert np.isnan(float(metric.result())) != (good or from_logits)
