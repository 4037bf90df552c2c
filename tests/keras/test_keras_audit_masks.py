"""`Audit` of models that mask tokens or samples: what counts these, and what averages batches."""

import keras
import numpy as np
import pytest
import sklearn.metrics as sk
import tensorflow as tf
from keras import ops

from batchf1 import mcc, r2
from batchf1.errors import InputError
from batchf1.keras import Audit, Reconstructed, Streaming
from helpers.auditing import RunningMean, f1, validated
from helpers.fitting import B, Masked, data, layers
from helpers.slow import slow

RNG = np.random.default_rng(5)
TABLE = RNG.uniform(0.05, 0.95, (9, 1)).astype("float32")


def words(n=75, length=6):
    """Words, of which 0 is padding, and labels of tokens; other batches have other paddings."""
    x = RNG.integers(1, 9, (n, length))
    x[np.arange(length) >= RNG.integers(1, length + 1, n)[:, None]] = 0
    x[: n // 2, length // 2 :] = 0
    y = (RNG.random(x.shape) < np.where(x > 0, TABLE[x, 0] ** 3, 0.9)) * 1.0
    return x, y[..., None].astype("float32")


def tagger(length=6):
    embedding = keras.layers.Embedding(9, 1, mask_zero=True, name="tags")
    model = keras.Sequential([keras.Input((length,)), embedding])
    embedding.set_weights([TABLE])
    return model


def audited(metrics=(), given=None, model=None, strategies=(), **options):
    """The audit and the logs of a validation in `fit`."""
    given, model = given or words(), model or tagger()
    metrics = [*metrics, *(metric for s in strategies for metric in s.metrics())]
    kind = {"weighted_metrics" if len(given) == 3 else "metrics": metrics}
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True, **(kind | options))
    audit = Audit(given, action="ignore")
    callbacks = [*(c for s in strategies for c in s.callbacks()), audit]
    logs = validated(model, callbacks, given)
    return audit, {key: values[0] for key, values in logs.items()}


def kept(x, y):
    """Labels and scores of the tokens that are no padding."""
    return y[x > 0, 0], TABLE[x[x > 0], 0]


def hit(y_true, y_pred):
    """A value of each token."""
    return ops.cast(ops.equal(y_true > 0.5, y_pred > 0.5), "float32")


class MaskedMean(RunningMean):
    """A mean of the F1s of batches, without what is masked."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        mask = ops.cast(y_pred._keras_mask, "float32")[..., None]
        self.total.assign_add(f1(y_true * mask, y_pred * mask))
        self.number.assign_add(1.0)


def test_what_leaves_masked_tokens_out_is_right():
    x, y = words()
    strategies = [Streaming(), Streaming(metric=r2()), Reconstructed()]
    strategies += [Streaming(per="image", metric=mcc(), name="image")]
    metrics = [hit, "accuracy", keras.metrics.MeanSquaredError()]
    audit, logs = audited(metrics, (x, y), None, strategies)
    assert (set(audit.found), audit.unaudited) == ({"val_loss"}, {})
    labels, scores = kept(x, y)
    for key in ("val_f1_streaming", "val_f1_reconstructed"):
        assert logs[key] == pytest.approx(sk.f1_score(labels, scores > 0.5))
    assert logs["val_hit"] == pytest.approx(sk.accuracy_score(labels, scores > 0.5))


def test_a_loss_is_a_mean_over_batches_of_means_over_their_tokens():
    x, y = words()
    audit, logs = audited(given=(x, y))
    found = audit.found["val_loss"]
    labels, scores = kept(x, y)
    assert found.pooled == pytest.approx(np.mean((labels - scores) ** 2), rel=1e-5)
    assert (found.rule, found.additive) == ("size_weighted", False)
    assert found.values["size_weighted"] == pytest.approx(logs["val_loss"])
    assert abs(logs["val_loss"] / found.pooled - 1) > 1e-3
    full = np.maximum(x, 1)  # nothing is masked
    assert (audited(given=(full, y))[0].found, logs["val_loss"] > 0) == ({}, True)


OWN = {
    "precision": (keras.metrics.Precision, lambda y, p: sk.precision_score(y, p > 0.5)),
    "rmse": (keras.metrics.RootMeanSquaredError, sk.root_mean_squared_error),
}
"""Classes of Keras, and what scikit-learn says."""


@pytest.fixture(scope="module")
def unweighted():
    """Words, and the audit and the logs of classes of Keras and of means over batches."""
    x, y = words()
    metrics = [metric(name=name) for name, (metric, _) in OWN.items()]
    metrics += [RunningMean("of_all"), MaskedMean("of_unmasked")]
    return x, y, *audited(metrics, (x, y))


def test_classes_of_keras_count_what_is_masked(unweighted):
    x, y, audit, logs = unweighted
    for name, (_, right) in OWN.items():
        found = audit.found[f"val_{name}"]
        assert found.pooled == pytest.approx(right(*kept(x, y)), rel=1e-5)
        everything = right(y.ravel(), TABLE[x].ravel())
        assert logs[f"val_{name}"] == pytest.approx(everything, rel=1e-5)
    rule = "a value of all elements, of which the model masks some"
    with pytest.raises(InputError, match=f"^precision: .*, {rule}.*; rmse: .*, {rule}"):
        model = tagger()
        metrics = [metric(name=name) for name, (metric, _) in OWN.items()]
        model.compile("sgd", "mse", metrics=metrics, run_eagerly=True)
        model.evaluate(x, y, verbose=0, callbacks=[Audit((x, y), action="raise", ignore=["loss"])])


def test_means_over_batches(unweighted):
    x, y, audit, logs = unweighted
    labels, scores = kept(x, y)
    for name, masks in (("val_of_all", False), ("val_of_unmasked", True)):
        found = audit.found[name]
        assert (found.rule, found.additive) == ("per_batch", False)
        assert found.pooled == pytest.approx(sk.f1_score(labels, scores > 0.5), abs=1e-6)
        values = []
        for start in range(0, len(x), B):
            part = slice(start, start + B)
            pair = kept(x[part], y[part]) if masks else (y[part].ravel(), TABLE[x[part]].ravel())
            values.append(sk.f1_score(pair[0], pair[1] > 0.5))
        assert logs[name] == pytest.approx(np.mean(values), abs=1e-6)
        assert found.values["per_batch"] == pytest.approx(np.mean(values), abs=1e-6)


@pytest.mark.parametrize("shape", [slow((75, 1)), (75, 6)])
def test_weights_beside_masks(shape):
    weights = RNG.uniform(0.5, 2, shape).astype("float32")
    x, y = words()
    metrics = [hit, keras.metrics.Precision(name="own"), RunningMean("mean")]
    audit, logs = audited(metrics, (x, y, weights), None, [s := Streaming()])
    assert set(audit.found) == {"val_own", "val_mean"}
    assert set(audit.unaudited) == {"val_loss"}
    each = np.broadcast_to(weights.reshape(75, -1), x.shape)[x > 0]
    labels, scores = kept(x, y)
    for key, score in ((f"val_{s.key}", sk.f1_score), ("val_hit", sk.accuracy_score)):
        right = score(labels, scores > 0.5, sample_weight=each)
        assert logs[key] == pytest.approx(right, abs=1e-6)
    right = sk.precision_score(labels, scores > 0.5, sample_weight=each)
    assert audit.found["val_own"].pooled == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("labels", [slow((-1, 1)), (-1,)])
def test_masked_samples_and_flat_labels(labels):
    x, y = data()
    x[::4] = 1  # what `Masked` masks
    seen = x[:, 0] != 1
    model, own = keras.Sequential([keras.Input((1,)), Masked(), layers()[1]]), keras.metrics.Recall
    given = (x, y.reshape(labels))
    audit, logs = audited([own(name="own")], given, model, [Streaming()])
    assert set(audit.found) <= {"val_own", "val_loss"}
    right = sk.recall_score(y[seen, 0], x[seen, 0] > 0.5)
    assert audit.found["val_own"].pooled == pytest.approx(right, abs=1e-6)
    assert logs["val_f1_streaming"] == pytest.approx(sk.f1_score(y[seen], x[seen] > 0.5))


def test_batches_of_different_lengths():
    long, short = words(32, 6), words(20, 4)
    batches = tf.data.Dataset.from_generator(
        lambda: iter([long, short]),
        output_signature=(
            tf.TensorSpec((None, None), "int64"),
            tf.TensorSpec((None, None, 1), "float32"),
        ),
    ).apply(tf.data.experimental.assert_cardinality(2))
    model = tagger(None)
    model.compile("sgd", "mse", metrics=[hit, *Streaming().metrics()])
    audit = Audit(batches, action="ignore")
    logs = model.evaluate(batches, verbose=0, callbacks=[audit], return_dict=True)
    assert (audit.found, set(audit.unaudited)) == ({}, {"loss", "hit"})
    pairs = [kept(*long), kept(*short)]
    labels, scores = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    right = sk.accuracy_score(labels, scores > 0.5)
    assert abs(logs["hit"] - right) > 1e-4
    words_of_it = f"{logs['hit']:.6g} is logged, and the unmasked elements of all together give"
    assert f"{words_of_it} {right:.6g}" in audit.unaudited["hit"]
    assert "samples of one shape in all batches" in audit.unaudited["loss"]


def test_each_output_has_its_own_mask():
    x, y = words()
    entry = keras.Input((6,))
    embedding = keras.layers.Embedding(9, 1, mask_zero=True)
    other = keras.layers.Embedding(9, 1)
    model = keras.Model(entry, {"b": embedding(entry), "a": other(entry)})
    for layer in (embedding, other):
        layer.set_weights([TABLE])
    metrics = {one: [keras.metrics.Precision(name="own")] for one in "ab"}
    model.compile("sgd", "mse", metrics=metrics, run_eagerly=True)
    audit = Audit((x, {"a": y, "b": y}), action="ignore")
    model.evaluate(x, {"a": y, "b": y}, verbose=0, callbacks=[audit])
    assert "b_own" in audit.found
    assert "a_own" not in audit.found.keys() | audit.unaudited.keys()


def test_other_data_than_keras_validated():
    (x, y), model = words(), tagger()
    metrics = [keras.metrics.Precision(name="own"), *Streaming().metrics()]
    model.compile("sgd", "mse", metrics=metrics, run_eagerly=True)
    audit = Audit((x, 1 - y), action="ignore")
    model.evaluate(x, y, verbose=0, callbacks=[audit])
    for key in ("own", "f1_streaming"):
        assert "are the batches those of fit?" in audit.unaudited[key]
