"""Small fits whose scores are known beforehand: the model hands its only feature on."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import f1_score

from batchf1.config import registry
from batchf1.metrics.counts import batch_counts

OURS = ("batch_mean", "epoch_end", "reconstructed", "streaming")
METRICS = ("batch_mean", "reconstructed", "streaming")
POOLED = ("reconstructed", "streaming")
B = 32
SCORES = (0, 0.1, 0.25, 0.3, 0.32, 0.45, 0.5, 0.51, 0.54, 0.7, 0.9, 1)  # many near the thresholds


def data(n=75, seed=0):
    """Scores and labels, each of shape (n, 1)."""
    rng = np.random.default_rng(seed)
    x = rng.choice(SCORES, size=(n, 1)).astype("float32")
    return x, (rng.random((n, 1)) < 0.2 + 0.6 * x).astype("float32")


def layers(squeeze=False):
    same = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    return [keras.Input((1,)), same, *([keras.layers.Reshape(())] if squeeze else [])]


class Masked(keras.layers.Layer):
    """Masks the samples whose score is 1."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def compute_mask(self, inputs, previous=None):
        return keras.ops.any(keras.ops.not_equal(inputs, 1), axis=-1)

    def call(self, inputs):
        return inputs + 0


def compiled(metrics, model=None, loss="binary_crossentropy", learning_rate=0.0, **options):
    """A model, by default one that hands its only feature on, whose weights do not move."""
    model = model or keras.Sequential(layers())
    options = {"run_eagerly": True, "jit_compile": False, "metrics": metrics} | options
    model.compile(keras.optimizers.SGD(learning_rate), loss, **options)
    return model


def metrics_of(chosen):
    return [metric for s in chosen for metric in s.metrics()]


def callbacks_of(chosen, train=None, validation=None):
    return [c for s in chosen for c in s.callbacks(train, validation)]


def fit(model, chosen, train, validation=None, callbacks=(), passes=None, **options):
    """Logs of one epoch in batches of B, in order; `passes`: what `epoch_end` is given.

    A model that runs eagerly is given arrays as data sets, which take half the time.
    """
    passes = passes or (train, validation)
    if model.run_eagerly and isinstance(train[0], np.ndarray):
        train = [in_batches(*train, options.pop("sample_weight", None))]
        validation = in_batches(*validation) if validation else None
    logs = model.fit(
        *train,
        **{"batch_size": B, "shuffle": False, "verbose": 0, "validation_data": validation}
        | options,
        callbacks=[*callbacks_of(chosen, *passes), *callbacks],
    )
    return logs.history


def in_batches(*parts):
    """A data set of arrays in batches of B, of the types that Keras makes of arrays."""
    parts = keras.tree.lists_to_tuples(tuple(part for part in parts if part is not None))
    cast = keras.tree.map_structure(as_keras, parts)
    return tf.data.Dataset.from_tensor_slices(cast).batch(B)


def as_keras(array):
    """An array of the type that Keras makes of it."""
    return array.astype("float32") if array.dtype.kind == "f" else array


def fitted(chosen, train, validation=None, **options):
    """As `fit`, of a model compiled with all metrics of the strategies."""
    return fit(compiled(metrics_of(chosen)), chosen, train, validation, **options)


def of_name(*names, **options):
    return [registry.strategy(name)(**options) for name in names]


def truth(y, x, threshold=0.5, weights=None):
    """scikit-learn's F1."""
    return f1_score(y.ravel(), x.ravel() > threshold, sample_weight=weights, zero_division=0.0)


def truths(y, x, threshold=0.5):
    """What each of ours must log of batches of B, by scikit-learn."""
    starts = range(0, len(y), B)
    batches = [truth(y[i : i + B], x[i : i + B], threshold) for i in starts]
    return dict.fromkeys(OURS, truth(y, x, threshold)) | {"batch_mean": np.mean(batches)}


def says(strategy, y, x):
    """What a strategy says that it must log of batches of B; None if it does not."""
    counts = [batch_counts(y.ravel(), x.ravel(), size, strategy.threshold) for size in (B, len(y))]
    return strategy.expected(*counts, "per_batch")
