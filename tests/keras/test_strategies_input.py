"""Inputs of the strategies: labels, scores, weights, masks, data; valid and invalid."""

import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score

from batchf1.config import registry
from batchf1.errors import InputError
from helpers.fitting import (
    METRICS,
    OURS,
    POOLED,
    B,
    Masked,
    compiled,
    data,
    fit,
    fitted,
    layers,
    metrics_of,
    of_name,
    truth,
    truths,
)
from helpers.slow import slow

# Labels and scores without an F1


@pytest.mark.parametrize("name", [slow(METRICS[0]), *METRICS[1:]])
def test_bad_labels_and_scores(name):
    x, y = data()
    wrong = y.copy()
    wrong[3] = 2
    words = f"^val_f1_{name} needs labels 0 or 1 and as many scores, in .*; got nan$"
    with pytest.raises(InputError, match=words):
        fitted(of_name(name), (x, y), (x, wrong))
    with pytest.raises(InputError, match="^f1_.* needs labels 0 or 1 .*, no NaN; got nan$"):
        fitted(of_name(name, from_logits=True), (x[:B], wrong[:B]))


def test_unknown_scores_log_nan():
    """As after a training that diverged: its loss is NaN too."""
    x, y = data()
    unknown = x.copy()
    unknown[3] = np.nan
    logs, of_unknown = (
        fitted(of_name(*METRICS), *s) for s in (((x, y), (unknown, y)), ((unknown, y),))
    )
    for name in METRICS:
        assert np.isnan(logs[f"val_f1_{name}"]).all()
        assert logs[f"f1_{name}"] == [pytest.approx(truths(y, x)[name], abs=1e-6)]
        assert np.isnan(of_unknown[f"f1_{name}"]).all()
    for metric in metrics_of(of_name(*METRICS, from_logits=True)):
        metric.update_state(y, unknown)
        assert np.isnan(float(metric.result()))


def test_soft_and_signed_labels_are_never_counted():
    x, y = data(40)
    for labels in (2 * y - 1, np.clip(y, 0.1, 0.9), np.where(y == 1, np.nan, y)):
        for metric in metrics_of(of_name(*METRICS)):
            metric.update_state(labels, x)
            assert np.isnan(float(metric.result()))


def test_scores_that_are_whole_numbers_or_logits_of_these():
    y = np.array([1, 1, 0, 1])
    for scores, options in (([1, 0, 1, 1], {}), ([-1, -2, -1, -1], {"from_logits": True})):
        for metric in metrics_of(of_name("streaming", threshold=0.2, **options)):
            metric.update_state(y, np.array(scores))
            assert float(metric.result()) == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize("name", OURS)
def test_multi_class_output_is_refused(name):
    x, y = data(10)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3, "softmax")])
    chosen = of_name(name)
    model = compiled(metrics_of(chosen), network, "sparse_categorical_crossentropy")
    with pytest.raises(
        InputError, match=r"model output must have shape .* for a binary metric; got \(.*3\)"
    ):
        fit(model, chosen, (x, y))


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("labels", [(1,), (1, 1), (5, 1)])
def test_labels_are_never_broadcast(name, labels):
    for metric in metrics_of(of_name(name)):
        with pytest.raises(
            InputError, match=f"labels must be as many as the scores, 4; got {labels[0]}"
        ):
            metric.update_state(np.ones(labels), np.ones((4, 1)))


@pytest.mark.parametrize("name", METRICS)
def test_labels_are_never_broadcast_where_sizes_are_not_known_beforehand(name):
    (metric, *_) = metrics_of(of_name(name))
    vector = tf.TensorSpec((None,), "float32")
    update = tf.function(metric.update_state, input_signature=[vector, vector])
    update(tf.ones(4), tf.ones(4))
    assert float(metric.result()) == pytest.approx(1)
    update(tf.ones(1), tf.ones(4))
    assert np.isnan(float(metric.result()))


# Weights and masks: right, or an error


def masking():
    first, *rest = layers()
    return keras.Sequential([first, Masked(), *rest])


def weighted_data():
    return *data(101), np.random.default_rng(1).uniform(0, 3, 101).astype("float32")


def weighted_fit(chosen, kind, x, y, model=None, **given):
    """Logs of strategies whose metrics are given to `metrics` or to `weighted_metrics`."""
    metrics = metrics_of(chosen)
    given_to = (metrics, None) if kind == "metrics" else (None, metrics)
    model = compiled(given_to[0], model, weighted_metrics=given_to[1])
    logs = fit(model, chosen, (x, y), **given)
    return [logs[s.key] for s in chosen]


def test_weighted_metrics_are_weighted_right():
    x, y, weights = weighted_data()
    right, by_class = (truth(y, x, weights=w) for w in (weights, 1 + 4 * y.ravel()))
    assert min(abs(truth(y, x) - other) for other in (right, by_class)) > 0.01
    for given, value in (
        ({"sample_weight": weights[:, None]}, right),
        ({"class_weight": {0: 1.0, 1: 5.0}}, by_class),
    ):
        found = weighted_fit(of_name(*POOLED), "weighted", x, y, **given)
        assert found == [[pytest.approx(value, abs=1e-6)]] * 2


def test_weights_do_not_reach_metrics():
    x, y, weights = weighted_data()
    right = [[pytest.approx(truths(y, x)[name], abs=1e-6)] for name in OURS]
    for given in ({"sample_weight": weights}, {"class_weight": {0: 1.0, 1: 5.0}}):
        assert weighted_fit(of_name(*OURS), "metrics", x, y, **given) == right


@pytest.mark.parametrize("kind", [slow("metrics"), "weighted"])
def test_masked_samples_are_left_out(kind):
    x, y, weights = weighted_data()
    seen = x.ravel() != 1
    given = {} if kind == "metrics" else {"sample_weight": weights}
    found = weighted_fit(of_name(*POOLED), kind, x, y, masking(), **given)
    value = truth(y[seen], x[seen], weights=weights[seen] if given else None)
    assert abs(value - truth(y, x, weights=weights if given else None)) > 0.01
    assert found == [[pytest.approx(value, abs=1e-6)]] * 2


@pytest.mark.parametrize("kind", ["metrics", slow("weighted")])
def test_masks_without_a_masked_form_raise(kind):
    x, y, _ = weighted_data()
    with pytest.raises(InputError, match="f1_batch_mean .*under a model without masks"):
        weighted_fit(of_name("batch_mean"), kind, x, y, masking())


def test_weights_without_a_weighted_form_raise():
    x, y, weights = weighted_data()
    given = {"sample_weight": weights}
    with pytest.raises(InputError, match="f1_batch_mean cannot be weighted.*; got weights"):
        weighted_fit(of_name("batch_mean"), "weighted", x, y, **given)
    for logged in ("sum", "mean"):
        chosen = of_name("reconstructed", logged=logged)
        with pytest.raises(
            InputError, match=f"cannot take weights and masks without .*; got {logged}"
        ):
            weighted_fit(chosen, "weighted", x, y, **given)
    for one in ((x,), [(x,)]):
        with pytest.raises(InputError, match="f1_epoch_end needs .x, y. or .*; got 1 parts"):
            fitted(of_name("epoch_end"), (x, y), passes=(one, None))


def test_a_pass_weighs_its_data_and_leaves_out_what_the_model_masks():
    x, y, weights = weighted_data()
    seen = x.ravel() != 1
    for model, kept in ((None, seen | True), (masking(), seen)):
        right = truth(y[kept], x[kept], weights=weights[kept])
        assert abs(right - truth(y, x, weights=weights)) > 0.01 or kept.all()
        batches = [(x[i : i + 7], y[i : i + 7], weights[i : i + 7]) for i in range(0, 101, 7)]
        for data_of in ((x, y, weights), batches):
            logs = fit(compiled(None, model), of_name("epoch_end"), (x, y), passes=(data_of, None))
            assert logs["f1_epoch_end"] == [pytest.approx(right, abs=1e-12)]


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("shape", [(4, 2), ()])
def test_weights_of_another_shape_are_refused(name, shape):
    for metric in metrics_of(of_name(name)):
        with pytest.raises(InputError, match="sample_weight must have shape"):
            metric.update_state(np.ones((4, 1)), np.ones((4, 1)), np.ones(shape))


# The pass at the end of an epoch


class Made:
    """A data set without end in memory: batches made as they are read, their labels watched."""

    def __init__(self, n_batches):
        self.n_batches, self.labels, self.most = n_batches, [], 0

    def __iter__(self):
        for i in range(self.n_batches):
            x, y = data(B, seed=i)
            self.labels.append(weakref.ref(y))
            self.most = max(self.most, sum(alive() is not None for alive in self.labels))
            yield x, y


def test_a_streamed_pass_keeps_counts_alone_and_gives_what_scikit_learn_does():
    (strategy,) = of_name("epoch_end")
    made = Made(40)
    (callback,) = strategy.callbacks(validation=made)
    model = compiled(None)
    logs = model.fit(*data(B), epochs=2, verbose=0, callbacks=[callback]).history
    x, y = (np.concatenate(part) for part in zip(*Made(40), strict=True))
    assert logs["val_f1_epoch_end"] == [pytest.approx(truth(y, x), abs=1e-12)] * 2
    assert made.most <= 3  # of 40 batches: one in hand, one being made
    own = set(vars(callback)) - set(vars(keras.callbacks.Callback()))
    assert own == {"splits", "strategy"}
    assert callback.splits == {"val_f1_epoch_end": made}


@pytest.mark.parametrize("n", [1, slow(20), slow(75)])
def test_all_forms_of_the_pass_agree(n, capsys):
    x, y = data(n, seed=2)
    batches = [(x[i : i + 7], y[i : i + 7]) for i in range(0, n, 7)]
    chosen = [s for name in "abc" for s in of_name("epoch_end", name=name)]
    forms = zip(chosen, ((x, y), [(x, y)], batches), strict=True)
    callbacks = [c for s, form in forms for c in s.callbacks(validation=form)]
    logs = compiled(None).fit(x, y, verbose=0, callbacks=callbacks).history
    assert [logs[f"val_f1_{name}"] for name in "abc"] == [[pytest.approx(truth(y, x))]] * 3
    assert capsys.readouterr().out == ""


def test_scikit_learn_is_what_epoch_end_calls_for_arrays(monkeypatch):
    monkeypatch.setattr("sklearn.metrics.f1_score", lambda y, d, zero_division: 40 + y.sum())
    x, y = data()
    logs = fitted(of_name("epoch_end"), (x, y), passes=((x, y), [(x, y)]))
    assert logs["f1_epoch_end"] == [40 + y.sum()]
    assert logs["val_f1_epoch_end"] == [pytest.approx(f1_score(y, x > 0.5))]


def test_a_pass_refuses_what_has_no_f1():
    x, y = data()
    wrong, unknown = y.copy(), x.copy()
    wrong[70], unknown[70] = 2, np.nan
    for passes, rule in (
        ((x, wrong), "val_f1_epoch_end needs labels 0 or 1 and .*; got label .2.. with output"),
        ([(x[:B], y[:B]), (x[B:], wrong[B:])], "needs labels 0 or 1 .*; got label .2.. with"),
        ((unknown, y), "as many scores, in .*; got label .* with output .nan"),
        ([(unknown, y)], "as many scores, in .*; got label .* with output .nan"),
        ((x - 0.1, y), "scores, in .0, 1., or from_logits=True; got label .* with output .-0.1"),
        ([(x + 0.1, y)], "scores, in .0, 1., or from_logits=True; got label .* output .1.1"),
        ([(x[:B], y[: B - 1])], "labels must be as many as the scores, 32; got 31"),
        ((x, np.hstack([y, y])), r"labels must have shape .* for a binary metric; got \(75, 2\)"),
        ((x[:0], y[:0]), "val_f1_epoch_end needs data with at least one sample"),
        ([], "val_f1_epoch_end needs data with at least one batch; got 0"),
    ):
        with pytest.raises(InputError, match=rule):
            fitted(of_name("epoch_end"), data(2), passes=(None, passes))


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, i):
        return data(B, seed=i)


def test_epoch_end_needs_data_that_ends_and_can_be_read_again():
    (strategy,) = of_name("epoch_end")
    with pytest.raises(InputError, match="f1_epoch_end needs train or validation data; got nei"):
        strategy.callbacks()
    with pytest.raises(InputError, match="val_f1_epoch_end needs data that can be iterated anew"):
        strategy.callbacks(validation=(batch for batch in [data(40)]))
    batches = tf.data.Dataset.from_tensor_slices(data(40)).batch(B)
    for endless in (batches.repeat(), Endless()):
        with pytest.raises(InputError, match="^f1_epoch_end needs data with an end"):
            strategy.callbacks(endless)
    assert strategy.callbacks(batches.repeat(2), batches.filter(lambda x, y: True))


@pytest.mark.parametrize(
    ("freq", "epochs"), [slow(1, [0, 1, 2, 3]), slow(2, [1, 3]), ([1, 4], [0, 3])]
)
def test_validation_is_predicted_as_often_as_fit_validates(freq, epochs):
    seen = []

    class Seen(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.extend((epoch, key) for key in logs if key in ("f1_epoch_end", "val_f1_epoch_end"))
            assert ("val_loss" in logs) == ("val_f1_epoch_end" in logs)

    chosen = of_name("epoch_end", validation_freq=freq)
    options = {"epochs": 4, "validation_freq": freq, "callbacks": [Seen()]}
    fitted(chosen, data(8), data(8), **options)
    assert [epoch for epoch, key in seen if key == "f1_epoch_end"] == [0, 1, 2, 3]
    assert [epoch for epoch, key in seen if key == "val_f1_epoch_end"] == epochs


@pytest.mark.parametrize("freq", [0, 1.5, [0]])
def test_other_frequencies_are_refused(freq):
    with pytest.raises(InputError, match="validation_freq must be a whole number >= 1 or a list"):
        registry.strategy("epoch_end")(validation_freq=freq)
