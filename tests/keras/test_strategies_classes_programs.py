"""Strategies with a metric over classes in users' programs: weights, masks, outputs, saving."""

import keras
import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.keras import BatchMean, EpochEnd, Reconstructed, Streaming
from batchf1.metrics.factories import f_beta, jaccard
from batchf1.metrics.ratios import ACCURACY, ClassAveraged
from helpers.fitting import Masked, callbacks_of, compiled, fit, metrics_of
from helpers.fitting_classes import (
    LOSSES,
    SOME,
    C,
    expected,
    identity,
    model_for,
    samples,
    strategies,
    truth,
)
from helpers.slow import slow

POOLED = (Reconstructed, Streaming)
IN_LOGS = (BatchMean, *POOLED)
THREE = [f_beta(1, "macro", C), f_beta(2, "weighted", C), jaccard("micro", C)]


def held(logs, chosen, form, pair, prefix=""):
    """Each strategy has logged what scikit-learn makes of the pair."""
    for s in chosen:
        right = pytest.approx(expected(s, form, *pair), abs=1e-6)
        assert logs[prefix + s.key] == [right], prefix + s.key


# Weights and masks


@pytest.mark.parametrize("form", ["vectors", slow("multilabel")])
def test_weighted_metrics_are_weighted_right(form):
    x, y = samples(form)
    weights = np.random.default_rng(1).uniform(0, 3, len(x)).astype("float32")
    chosen = strategies(form, POOLED, THREE[1:])
    options = {"weighted_metrics": metrics_of(chosen)}
    logs = fit(model_for(form, None, **options), chosen, (x, y), sample_weight=weights)
    for s in chosen:
        right = truth(s.metric, form, x, y, weights)
        assert abs(right - truth(s.metric, form, x, y)) > 1e-4
        assert logs[s.key] == [pytest.approx(right, abs=1e-6)]


@pytest.mark.slow  # of binary outputs: tests/keras/test_strategies_input.py
def test_class_weights_reach_weighted_metrics_alone():
    x, y = samples("vectors")
    plain, weighted = (strategies("vectors", POOLED, SOME, name=name) for name in ("a", "b"))
    plain, weighted = plain[2:], weighted[:2]
    model = model_for("vectors", metrics_of(plain), weighted_metrics=metrics_of(weighted))
    logs = fit(model, [*plain, *weighted], (x, y), class_weight={0: 1.0, 1: 5.0, 2: 2.0, 3: 1.0})
    for s in plain:
        assert logs[s.key] == [pytest.approx(truth(s.metric, "vectors", x, y), abs=1e-6)]
    for s in weighted:
        right = truth(s.metric, "vectors", x, y, np.array([1, 5, 2, 1])[y])
        assert logs[s.key] == [pytest.approx(right, abs=1e-6)]


@pytest.mark.parametrize("form", [slow("columns"), "multilabel"])
def test_masked_samples_are_left_out(form):
    x, y = samples(form)
    x[::4] = 1  # what `Masked` masks
    seen = (x != 1).any(axis=1)
    chosen = strategies(form, POOLED, THREE[1:])
    (layer,) = identity(C).layers
    model = keras.Sequential([keras.Input((C,)), Masked(), layer])
    logs = fit(model_for(form, metrics_of(chosen), model), chosen, (x, y))
    for s in chosen:
        assert logs[s.key] == [pytest.approx(truth(s.metric, form, x[seen], y[seen]), abs=1e-6)]
    (end,) = strategies(form, [EpochEnd], THREE[:1])
    logs = fit(model_for(form, end.metrics(), model), [end], (x, y))
    assert logs[end.key] == [pytest.approx(truth(end.metric, form, x[seen], y[seen]), abs=1e-6)]
    (mean,) = strategies(form, [BatchMean], THREE[:1])
    with pytest.raises(InputError, match=f"f1_macro_{mean.name} .*under a model without masks"):
        fit(model_for(form, mean.metrics(), model), [mean], (x, y))


# How a program runs


@pytest.mark.parametrize(
    ("form", "jit_compile"),
    [("vectors", True), slow("multilabel", False)],
)
def test_compiled_programs_of_several_steps(form, jit_compile):
    metrics = SOME if form == "multilabel" else SOME[1:]
    chosen, (x, y) = strategies(form, metrics=metrics), samples(form)
    options = {"run_eagerly": False, "jit_compile": jit_compile, "steps_per_execution": 2}
    logs = fit(model_for(form, metrics_of(chosen), **options), chosen, (x, y))
    held(logs, chosen, form, (x, y))


@pytest.mark.parametrize(
    ("form", "policy"),
    [
        slow("vectors", "mixed_float16"),
        ("multilabel", "mixed_bfloat16"),
    ],
)
def test_mixed_precision(form, policy):
    chosen, (x, y) = strategies(form, metrics=SOME[1:]), samples(form)
    layer = keras.layers.Dense(C, use_bias=False, kernel_initializer="identity", dtype=policy)
    model = keras.Sequential([keras.Input((C,)), layer])
    logs = fit(model_for(form, metrics_of(chosen), model), chosen, (x, y))
    scores = np.asarray(model.predict(x, verbose=0))
    assert scores.dtype == policy.removeprefix("mixed_")
    held(logs, chosen, form, (scores, y))
    assert [metric.dtype for metric in chosen[-1].metrics()] == ["float64"]


def test_models_of_several_outputs():
    inputs = keras.Input((C,))
    same = [
        keras.layers.Dense(C, use_bias=False, kernel_initializer="identity", name=name)(inputs)
        for name in ("one", "many")
    ]
    pairs = {"one": samples("columns"), "many": samples("multilabel")}
    x = pairs["one"][0]
    y = {"one": pairs["one"][1], "many": pairs["many"][1]}
    chosen = {"one": strategies("columns", IN_LOGS, SOME)}
    chosen["many"] = strategies("multilabel", IN_LOGS, [jaccard("macro", C)])
    metrics = {name: metrics_of(of_output) for name, of_output in chosen.items()}
    losses = {"one": LOSSES["columns"], "many": "binary_crossentropy"}
    model = compiled(metrics, keras.Model(inputs, dict(zip(y, same, strict=True))), losses)
    logs = fit(model, [*chosen["one"], *chosen["many"]], (x, y))
    held(logs, chosen["one"], "columns", (x, y["one"]), "one_")
    held(logs, chosen["many"], "multilabel", (x, y["many"]), "many_")


def test_logits_of_one_class_need_no_word():
    x, y = samples("vectors")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for from_logits in (False, True):
        chosen = strategies("vectors", metrics=SOME[1:], from_logits=from_logits)
        logs = fit(compiled(metrics_of(chosen), identity(C), loss), chosen, (5 * x - 3, y))
        held(logs, chosen, "vectors", (x, y))


def test_a_saved_model_loads_with_its_metrics(tmp_path):
    x, y = samples("multilabel")
    chosen = strategies("multilabel", IN_LOGS, [THREE[0]])
    model = model_for("multilabel", metrics_of(chosen))
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0, return_dict=True) == logs
    history = again.fit(x, y, verbose=0, shuffle=False, callbacks=callbacks_of(chosen)).history
    held(history, chosen, "multilabel", (x, y))
    configs = [m.get_config() for group in again.metrics[1:] for m in group.metrics]
    assert configs == [metric.get_config() for metric in metrics_of(chosen)]


def test_evaluate_returns_what_is_rebuilt():
    (x, y), (s,) = samples("vectors"), strategies("vectors", [Reconstructed], SOME[:1])
    model = model_for("vectors", s.metrics())
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert s.rebuild(logs) == pytest.approx(truth(s.metric, "vectors", x, y), abs=1e-14)
    del logs["f1_macro_reconstructed_predicted_positives_2"]
    with pytest.raises(InputError, match="^f1_macro_.*_predicted_positives_2 must be logged"):
        s.rebuild(logs)


def test_true_negatives_of_all_classes_are_rebuilt():
    accuracy = ClassAveraged(ACCURACY, "micro", C)
    (x, y), (s,) = samples("multilabel"), strategies("multilabel", [Reconstructed], [accuracy])
    logs = fit(model_for("multilabel", s.metrics()), [s], (x, y))
    right = np.mean((x > np.float32(0.3)) == (y == 1))
    assert logs["accuracy_micro_reconstructed"] == [pytest.approx(right, abs=1e-14)]


# Names


def test_metrics_of_one_kind_keep_their_logs_apart():
    chosen = strategies("vectors", metrics=[*THREE, f_beta(1, "micro", C)])
    keys = [s.key for s in chosen]
    assert len(set(keys)) == len(keys) == 16
    assert "f2_weighted_streaming" in keys
    names = [metric.name for metric in metrics_of(chosen)]
    assert len(set(names)) == len(names) == 4 + 4 + 2 * 3 * C + 2 * 3
    assert "f1_macro_reconstructed_true_positives_3" in names
    assert "f1_micro_reconstructed_possible_positives" in names


@pytest.mark.parametrize("kind", IN_LOGS)
def test_stateless_calls_see_all_that_a_metric_keeps(kind):
    (x, y), (s,) = samples("columns"), strategies("columns", [kind], SOME[:1])
    logs = {}
    for metric in s.metrics():
        state = metric.stateless_reset_state()
        for part in (slice(32), slice(32, 64), slice(64, None)):
            state = metric.stateless_update_state(state, y[part], x[part])
        logs[metric.name] = float(metric.stateless_result(state))
        assert not any(np.asarray(variable).any() for variable in metric.variables)
    found = s.rebuild(logs) if kind is Reconstructed else logs[s.key]
    assert found == pytest.approx(expected(s, "columns", x, y), abs=1e-6)
