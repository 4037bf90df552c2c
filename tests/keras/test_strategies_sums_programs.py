"""Programs with metrics that are functions of sums, which were refused before, in real `fit`."""

import json

import keras
import numpy as np
import pytest
import sklearn.metrics as sk
import tensorflow as tf
from scipy import stats

import batchf1
from batchf1 import SumMetric, f_beta
from batchf1.errors import InputError
from batchf1.keras import BatchMean, EpochEnd, Reconstructed, Streaming
from helpers import fitting_sums as sums
from helpers.fitting import fit, in_batches
from helpers.slow import slow

pytestmark = pytest.mark.filterwarnings("ignore:::sklearn")


def handed_on(shape):
    """A model that hands its inputs on, compiled by a program of its own."""
    return keras.Sequential([keras.Input(shape), sums.Hand((), False)])


def logs_of(strategies, model, x, y, validation=None, eager=True):
    metrics = [metric for s in strategies for metric in s.metrics()]
    model.compile(keras.optimizers.SGD(0.0), no_loss, metrics=metrics, run_eagerly=eager)
    return fit(model, strategies, (x, y), validation, passes=(None, validation))


def no_loss(y_true, y_pred):
    return 0 * keras.ops.mean(y_pred)


RNG = np.random.default_rng(3)


def test_f1_of_class_1_of_a_softmax_of_two():
    x, y = RNG.dirichlet((1, 1), 70).astype("float32"), RNG.integers(0, 2, 70)
    strategies = [kind(of_class=1) for kind in (Reconstructed, Streaming, EpochEnd)]
    right = pytest.approx(sk.f1_score(y, x.argmax(axis=1)), abs=1e-12)
    for labels in (y, y[:, None], np.eye(2)[y]):
        logs = logs_of(strategies, handed_on((2,)), x, labels, (x, labels))
        assert [logs[f"val_{s.key}"] for s in strategies] == [[right]] * 3


def test_f1_per_token_with_padding():
    words = RNG.integers(1, 9, (70, 6))
    words[RNG.random(words.shape) < 0.3] = 0
    y = RNG.integers(0, 2, words.shape)
    table = RNG.random((9, 1)).astype("float32")
    embedding = keras.layers.Embedding(9, 1, mask_zero=True)
    model = keras.Sequential([keras.Input((6,)), embedding])
    embedding.set_weights([table])
    metrics = (s := Streaming()).metrics()
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=metrics, run_eagerly=True)
    history = model.fit(words, y[..., None], callbacks=s.callbacks(), verbose=0).history
    kept = words > 0
    right = sk.f1_score(y[kept], table[words[kept], 0] > 0.5)
    assert history["f1_streaming"] == [pytest.approx(right, abs=1e-12)]
    # the same by a label that does not count
    s, x = Streaming(ignore_class=-1), table[words]
    logs = logs_of([s], handed_on((6, 1)), x, np.where(kept, y, -1))
    assert logs["f1_streaming"] == [pytest.approx(right, abs=1e-12)]


def test_dice_of_images_pooled_and_per_image():
    x = RNG.random((70, 16, 16, 1)).astype("float32")
    y = (RNG.random(x.shape) < x**3) * 1.0
    pooled, each = Streaming(), Streaming(per="image", name="per_image")
    logs = logs_of([pooled, each], handed_on((16, 16, 1)), x, y, eager=False)
    flat = [(a.ravel(), b.ravel() > 0.5) for a, b in zip(y, x, strict=True)]
    right = sk.f1_score(y.ravel(), x.ravel() > 0.5)
    assert logs["f1_streaming"] == [pytest.approx(right, abs=1e-12)]
    of_images = np.mean([sk.f1_score(*pair) for pair in flat])
    assert logs["f1_per_image"] == [pytest.approx(of_images, abs=1e-12)]
    assert abs(right - of_images) > 1e-4


@pytest.mark.parametrize("ignored", [255, slow(-1)])
def test_labels_that_do_not_count(ignored):
    x = RNG.random((70, 4, 4, 3)).astype("float32")
    y = np.where(RNG.random((70, 4, 4)) < 0.3, ignored, RNG.integers(0, 3, (70, 4, 4)))
    metric = f_beta(1, "macro", n_classes=3)
    kinds = (Reconstructed, Streaming, EpochEnd)
    strategies = [kind(metric=metric, ignore_class=ignored) for kind in kinds]
    data = (x, y.astype("uint8" if ignored == 255 else "int8"))
    logs = logs_of(strategies, handed_on((4, 4, 3)), *data, data)
    kept = y != ignored
    right = sk.f1_score(y[kept], x.argmax(axis=-1)[kept], average="macro")
    for s in strategies:
        assert logs[f"val_{s.key}"] == [pytest.approx(right, abs=1e-12)]
    # 255 in eight bits is no -1
    s = Streaming(metric=metric, ignore_class=-1 if ignored == 255 else 255)
    with pytest.raises(InputError, match="needs labels 0 .. 2 or one-hot and .*; got nan"):
        logs_of([s], handed_on((4, 4, 3)), *data)


def test_mcc():
    x, y = RNG.random((70, 1)).astype("float32"), RNG.integers(0, 2, 70)
    s = Reconstructed(metric=batchf1.mcc())
    logs = logs_of([s], handed_on((1,)), x, y, (x, y))
    right = sk.matthews_corrcoef(y, x[:, 0] > 0.5)
    assert logs["val_mcc_reconstructed"] == [pytest.approx(right, abs=1e-12)]


# Metrics of one's own; functions of all predictions


class Nrmse(SumMetric):
    name, kind, terms = "nrmse", "numbers", ("squared_errors", "labels")

    def adds(self, y_true, y_pred, xp):
        return (y_pred - y_true) ** 2, y_true

    def value(self, sums, xp):
        squared_errors, labels, n = sums
        return xp.sqrt(squared_errors / n) / (labels / n)


def test_a_metric_of_ones_own(tmp_path):
    y = RNG.normal(3, 1, (70, 1)).astype("float32")
    x = (y + 1).astype("float32")
    strategies = [kind(metric=Nrmse()) for kind in (Reconstructed, Streaming, EpochEnd)]
    identity = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), identity])
    logs = logs_of(strategies, model, x, y, (x, y))
    right = sk.root_mean_squared_error(y.astype(float), x.astype(float)) / y.astype(float).mean()
    for s in strategies:
        assert logs[f"val_{s.key}"] == [pytest.approx(right, rel=1e-9)]
    both = [metric for s in strategies[:2] for metric in s.metrics()]
    model.compile("sgd", "mse", metrics=both, run_eagerly=True)
    told = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0, return_dict=True) == told
    assert strategies[0].rebuild(told) == pytest.approx(right, rel=1e-9)


@pytest.mark.parametrize("metric", [batchf1.kappa("linear", 3), batchf1.mcc(3), batchf1.r2()])
@pytest.mark.parametrize("kind", [BatchMean, Reconstructed, Streaming])
def test_every_metric_comes_back_from_what_a_saved_model_holds(metric, kind):
    shapes = {"per": "image"} | ({} if metric.kind == "numbers" else {"ignore_class": 255})
    for options in ({}, shapes):
        for one in kind(metric=metric, **options).metrics():
            config = json.loads(json.dumps(one.get_config()))
            again = type(one).from_config(config)
            assert json.loads(json.dumps(again.get_config())) == config
            assert (again.metric.terms, again.form) == (one.metric.terms, one.form)


@pytest.mark.parametrize(
    ("function", "name", "right"),
    [
        (sk.roc_auc_score, "roc_auc_score", lambda y, x: sk.roc_auc_score(y, x)),
        slow(sk.average_precision_score, "average_precision_score", sk.average_precision_score),
        (sk.f1_score, "f1_score", lambda y, x: sk.f1_score(y, x > 0.5)),
        (stats.kendalltau, "kendalltau", lambda y, x: stats.kendalltau(y, x).statistic),
    ],
)
def test_any_function_of_all_predictions(function, name, right):
    x, y = RNG.random((70, 1)).astype("float32"), RNG.integers(0, 2, 70)
    weights = RNG.random(70)
    s = EpochEnd(metric=function)
    assert s.key == f"{name}_epoch_end"
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    forms = ((x, y), batches, (x, y[:, None])) if name == "f1_score" else ((x, y[:, None]),)
    for validation in forms:
        callbacks = s.callbacks(validation=validation)
        logs = of_pass(callbacks, x, y)
        assert logs[f"val_{s.key}"] == [pytest.approx(right(y, x[:, 0]), abs=1e-12)]
    if name != "kendalltau":
        logs = of_pass(s.callbacks((x, y, weights)), x, y)
        decided = x[:, 0] > 0.5 if name == "f1_score" else x[:, 0]
        assert logs[s.key] == [pytest.approx(function(y, decided, sample_weight=weights))]


def of_pass(callbacks, x, y):
    model = handed_on((1,))
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    return model.fit(in_batches(x, y), shuffle=False, callbacks=callbacks, verbose=0).history


def test_functions_that_give_no_number():
    x, y = RNG.random((70, 1)).astype("float32"), RNG.integers(0, 2, 70)
    for function, words in (
        (sk.confusion_matrix, "confusion_matrix_epoch_end must be of a function that gives a num"),
        (sk.mean_gamma_deviance, "deviance_epoch_end must accept the labels and outputs; got"),
    ):
        with pytest.raises(InputError, match=words):
            of_pass(EpochEnd(metric=function).callbacks((x, y)), x, y)
    with pytest.raises(InputError, match="metric must have a name of letters, .*; got '<lambda>'"):
        EpochEnd(metric=lambda y, x: 0.0)


# Undefined, and refused


def test_an_undefined_value_warns_and_does_not_end_the_training():
    x, y = np.full((70, 1), 0.5, "float32"), RNG.random((70, 1)).astype("float32")
    s = Streaming(metric=batchf1.pearson())
    (callback,) = s.callbacks()
    logs = logs_of_one_epoch(s, x, y)
    assert np.isnan(logs[s.key])
    with pytest.warns(UserWarning, match="^pearson_streaming is NaN: it is undefined, as of const"):
        callback.on_epoch_end(0, logs | {"loss": 0.0})


def logs_of_one_epoch(s, x, y):
    model = handed_on((1,))
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=s.metrics(), run_eagerly=True)
    return model.evaluate(x, y, verbose=0, return_dict=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"of_class": -1}, "of_class must be a whole number >= 0; got -1"),
        ({"of_class": 1, "metric": batchf1.mcc(3)}, "of_class must be combined with a binary"),
        ({"of_class": 1, "threshold": 0.3}, "threshold cannot be combined with of_class; got 0.3"),
        ({"ignore_class": 0.5}, "ignore_class must be a whole number; got 0.5"),
        ({"include_background": False}, "include_background must be combined with a metric over"),
        ({"axis": 1}, "axis must be combined with classes"),
        ({"axis": 0, "of_class": 1}, "axis must be a whole number other than 0"),
        ({"per": "batch"}, "per must be one of .None, 'pixel', 'image'.; got batch"),
        ({"per_image": True}, "options must be among .*; got per_image"),
        ({"metric": batchf1.r2(), "threshold": 0.3}, "threshold cannot be set for a metric of num"),
        ({"metric": batchf1.r2(), "from_logits": True}, "from_logits cannot be set for a metric"),
        ({"metric": batchf1.mcc(3), "multilabel": True}, "multilabel must be combined with"),
    ],
)
def test_options_that_do_not_fit(options, words):
    for kind in (BatchMean, Reconstructed, Streaming, EpochEnd):
        with pytest.raises(InputError, match=words):
            kind(**options)


def test_what_reconstructed_cannot_rebuild():
    for options, words in (
        ({"metric": batchf1.r2(), "logged": "mean"}, "metric must be a ratio of counts, unless"),
        (
            {"metric": f_beta(1, "weighted", 3), "multilabel": True, "ignore_class": -1},
            "ignore_class cannot be combined with multilabel and a weighted average: take Stream",
        ),
    ):
        with pytest.raises(InputError, match=words):
            Reconstructed(**options)


def test_shapes_that_could_be_two_things_are_refused():
    (metric,) = Streaming().metrics()
    with pytest.raises(InputError, match=r"or set of_class=1 for a softmax, per='pixel' for elem"):
        metric.update_state(np.ones((4, 2)), np.ones((4, 2)))
    (metric,) = Streaming(metric=batchf1.r2()).metrics()
    with pytest.raises(InputError, match=r"labels must have shape .* or set per='pixel' for elem"):
        metric.update_state(np.ones((4, 2)), np.ones((4, 2)))
    (metric,) = Streaming(per="pixel").metrics()
    for labels in (np.ones((4, 3)), np.ones((4, 2, 2))):
        with pytest.raises(InputError, match="labels must have the shape of the outputs, .4, 2."):
            metric.update_state(labels, np.ones((4, 2)))
    with pytest.raises(InputError, match=r"sample_weight must have shape .n,. or .n, 1., or .4, 2"):
        metric.update_state(np.ones((4, 2)), np.ones((4, 2)), np.ones((4, 3)))


def test_moments_of_several_devices_are_refused(monkeypatch):
    monkeypatch.setattr("batchf1.keras.streaming.n_replicas", lambda: 2)
    words = "r2_streaming cannot be merged over 2 devices: take Reconstructed; got r2"
    with pytest.raises(InputError, match=words):
        Streaming(metric=batchf1.r2()).metrics()
    assert Streaming(metric=batchf1.mcc()).metrics()


def test_masks_that_keras_does_not_hand_to_metrics_are_refused(monkeypatch):
    embedding = keras.layers.Embedding(9, 1, mask_zero=True)
    model = keras.Sequential([keras.Input((6,)), embedding])
    for kind, refused in ((Streaming, True), (Reconstructed, True), (EpochEnd, False)):
        (callback,) = kind().callbacks([(0, 0)])
        callback.set_model(model)
        model.loss = "mse"
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        if refused:
            with pytest.raises(InputError, match="needs a model without masks: on JAX"):
                callback.on_train_begin()
        else:
            callback.on_train_begin()
