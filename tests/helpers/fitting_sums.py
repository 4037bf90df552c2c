"""Fits of metrics that are functions of sums, in every shape; also a program for other backends.

`python -m helpers.fitting_sums` prints the logs of each case as a line of JSON, with the values of
torchmetrics where it is installed.
"""

import importlib.util
import json
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np

import batchf1
from batchf1.keras import BatchMean, EpochEnd, Reconstructed, Streaming
from batchf1.metrics.factories import f_beta, jaccard

B, N, C, PAD = 32, 75, 3, -9.0
KINDS = (Reconstructed, Streaming, EpochEnd)
AGREEMENT = {
    "mcc": batchf1.mcc,
    "kappa": batchf1.kappa,
    "kappa_linear": partial(batchf1.kappa, "linear"),
    "kappa_quadratic": partial(batchf1.kappa, "quadratic"),
    "balanced_accuracy": batchf1.balanced_accuracy,
}
MOMENTS = ("mse", "rmse", "r2", "explained_variance", "pearson", "concordance_correlation")
BINARY = {"f1": partial(f_beta, 1), "jaccard": jaccard} | {
    name: AGREEMENT[name] for name in ("mcc", "kappa", "balanced_accuracy")
}
OVER_CLASSES = AGREEMENT | {
    "f1_macro": partial(f_beta, 1, "macro"),
    "f1_micro": partial(f_beta, 1, "micro"),
    "f1_weighted": partial(f_beta, 1, "weighted"),
}
AVERAGED = [name for name in OVER_CLASSES if name.startswith("f1")]


class Shape(NamedTuple):
    """Shape of labels and scores, with the options that it needs."""

    kind: str
    """binary, classes, multilabel or numbers."""
    of_sample: tuple[int, ...] = ()
    """Shape of the elements of a sample."""
    last_one: bool = True
    """Whether outputs of one column have an axis of it."""
    options: Mapping[str, Any] = MappingProxyType({})
    ignored: float | None = None


SHAPES = {
    "vector": Shape("binary"),
    "pixels": Shape("binary", (4, 4)),
    "tokens": Shape("binary", (5,), False, {"per": "pixel"}),
    "tokens, -1 ignored": Shape("binary", (5,), True, {"ignore_class": -1}, -1),
    "images": Shape("binary", (4, 4), True, {"per": "image"}),
    "class 1 of a softmax": Shape("one of two", (), True, {"of_class": 1}),
    "class 1 of a softmax of tokens": Shape(
        "one of two", (5,), True, {"of_class": 1, "ignore_class": 255}, 255
    ),
    "classes": Shape("classes"),
    "one-hot": Shape("one-hot", (5,)),
    "classes of tokens, -100 ignored": Shape("classes", (5,), True, {"ignore_class": -100}, -100),
    "classes of pixels, channels first": Shape(
        "classes", (4, 3), True, {"axis": 1, "ignore_class": 255}, 255
    ),
    "without the background": Shape("classes", (5,), True, {"include_background": False}),
    "multilabel": Shape("multilabel", (4,), True, {"ignore_class": -1}, -1),
    "numbers": Shape("numbers"),
    "numbers of elements": Shape("numbers", (3, 2), False, {"per": "pixel"}),
    "numbers of images": Shape("numbers", (3, 2), True, {"per": "image"}),
}
WEIGHTS = ("none", "samples", "elements", "mask")


class Case(NamedTuple):
    shape: str
    weights: str


def metrics_of(case, backend):
    """Names of the metrics of a case; on JAX, which compiles each for seconds, a part of them.

    There every metric has every shape, with one kind of weights in turn, and with a mask.
    """
    shape = SHAPES[case.shape]
    averaged = shape.kind == "multilabel" or "background" in case.shape
    names = AVERAGED if averaged else [*OVER_CLASSES]
    names = [*MOMENTS] if shape.kind == "numbers" else names
    names = [*BINARY] if shape.kind in ("binary", "one of two") else names
    if backend != "jax" or case.weights == "mask":
        return names
    allowed = [one for one in weights_of(case.shape) if one != "mask"]
    first = [*SHAPES].index(case.shape) + allowed.index(case.weights)
    return names[first % len(allowed) :: len(allowed)]


def weights_of(shape):
    """Weights that a shape can have."""
    return [one for one in WEIGHTS if one != "elements" or SHAPES[shape].of_sample]


def cases():
    """Every shape with all weights that it can have."""
    return [Case(shape, weights) for shape in SHAPES for weights in weights_of(shape)]


def made(name, shape):
    """The metric of this name for a shape."""
    kind = SHAPES[shape].kind
    if kind == "numbers":
        return getattr(batchf1, name)()
    if kind in ("binary", "one of two"):
        return BINARY[name]()
    return OVER_CLASSES[name](n_classes=C)


def data(case, n=N, seed=0):
    """Scores, labels and weights or None; padded elements have the score PAD."""
    shape, rng = SHAPES[case.shape], np.random.default_rng(seed)
    elements = (n, *shape.of_sample)
    n_columns = {"binary": 1, "numbers": 1, "one of two": 2}.get(shape.kind, C)
    x = rng.choice((0.05, 0.3, 0.45, 0.51, 0.6, 0.9), (*elements, n_columns))
    x = x + rng.uniform(0, 0.01, x.shape)  # without ties
    if shape.kind == "numbers":
        y = rng.normal(size=elements) + 3
        x = (y + 0.5 * rng.normal(size=elements))[..., None]
    elif shape.kind == "binary":
        y = (rng.random(elements) < x[..., 0]) * 1.0
    elif shape.kind == "multilabel":
        y = (rng.random(x.shape) < x) * 1.0
    else:
        y = np.where(rng.random(elements) < 0.5, x.argmax(-1), rng.integers(0, n_columns, elements))
    if shape.ignored is not None:
        y = np.where(rng.random(y.shape) < 0.2, shape.ignored, y)
    if shape.kind == "one-hot":
        y = np.eye(C)[y]
    weights = None
    if case.weights == "samples":
        weights = rng.uniform(0.5, 3, n)
    elif case.weights == "elements":
        weights = rng.uniform(0.5, 3, elements) * (rng.random(elements) < 0.8)
    elif case.weights == "mask":
        padded = rng.random(elements[:2] if shape.of_sample else elements[:1]) < 0.2
        x[padded] = PAD
        if shape.kind != "one-hot":
            y[padded] = 7 if shape.kind == "classes" else y[padded]
    if n_columns == 1 and not shape.last_one:
        x = x[..., 0]
    axis = shape.options.get("axis", -1)
    x = np.moveaxis(x, -1, axis).astype("float32")
    return x, y.astype("float32"), None if weights is None else weights.astype("float32")


class Hand(keras.layers.Layer):
    """Hands its inputs on, and masks elements whose scores are all PAD."""

    def __init__(self, over, masks):
        super().__init__()
        self.supports_masking, self.masks, self.over = True, masks, over
        self.factor = self.add_weight((), "ones")

    def get_config(self):
        return {"over": self.over, "masks": self.masks}

    def compute_mask(self, inputs, previous=None):
        if not self.masks:
            return None
        kept = keras.ops.not_equal(inputs, PAD)
        return keras.ops.any(kept, axis=self.over) if self.over else kept

    def call(self, inputs):
        return inputs * self.factor


def strategies(case):
    """The strategies of a case by the name of the metric."""
    shape, backend = SHAPES[case.shape], keras.backend.backend()
    options = {**shape.options, "multilabel": shape.kind == "multilabel"}
    return {
        name: [
            kind(metric=made(name, case.shape), **options, **_named(kind, name))
            for kind in kinds_of(case, name, backend)
        ]
        for name in metrics_of(case, backend)
    }


def _named(kind, metric):
    """Counts of binary outputs, which have no name of the metric, are named after it here."""
    return {"name": f"reconstructed-{metric}"} if kind is Reconstructed else {}


def kinds_of(case, metric, backend):
    """Kinds of strategies that take a case."""
    if backend == "jax" and case.weights == "mask":
        return [EpochEnd]  # the others are refused: Keras hands their metrics no mask
    # averages weighted by classes with weights of their own are refused
    apart = case.shape == "multilabel" and metric == "f1_weighted"
    kinds = [kind for kind in KINDS if not (apart and kind is Reconstructed)]
    return [*kinds, BatchMean] if case.weights == "none" else kinds


def fitted(case):
    """Logs of one epoch, and of its validation: by prefix, metric and kind of strategy."""
    shape, by_metric = SHAPES[case.shape], strategies(case)
    chosen = [s for of_metric in by_metric.values() for s in of_metric]
    (x, y, weight), held = data(case), data(case, 40, seed=1)
    first = {1: 2}.get(shape.options.get("axis"), 1) if shape.of_sample else None
    over = tuple(i for i in range(1, x.ndim) if i != first)

    def nothing(y_true, y_pred):
        """A loss of 0, in the shape of what weighs it."""
        rank = len(y_pred.shape)  # Keras squeezes a last axis of 1
        if case.weights == "elements":
            has_axis = rank > 1 + len(shape.of_sample)
            axis = shape.options.get("axis", -1)
            return 0 * (keras.ops.sum(y_pred, axis=axis) if has_axis else y_pred)
        whole = over if case.weights == "mask" else range(1, x.ndim)
        whole = tuple(i for i in whole if i < rank)
        return 0 * (keras.ops.sum(y_pred, axis=whole) if whole else y_pred)

    layer = Hand(over, case.weights == "mask")
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    metrics = [metric for s in chosen for metric in s.metrics()]
    given = {"weighted_metrics" if weight is not None else "metrics": metrics}
    # TensorFlow would take minutes to compile all of these
    eager = {"run_eagerly": keras.backend.backend() != "jax"}
    model.compile(keras.optimizers.SGD(0.0), nothing, jit_compile=False, **given, **eager)
    validation = held if weight is not None else held[:2]
    # batches: of arrays scikit-learn computes F1, which other environments have not
    passes = [in_batches(x, y, weight), in_batches(*held)]
    callbacks = [c for s in chosen for c in s.callbacks(*passes)]
    logs = model.fit(
        x,
        y,
        B,
        1,
        0,
        sample_weight=weight,
        callbacks=callbacks,
        validation_data=validation,
        shuffle=False,
    ).history
    return {
        prefix: {
            name: {type(s).name: logs[f"{prefix}{s.key}"][0] for s in of_metric}
            for name, of_metric in by_metric.items()
        }
        for prefix in ("", "val_")
    }


def in_batches(x, y, weight):
    """Batches of 16, as `EpochEnd` takes them."""
    parts = [part for part in (x, y, weight) if part is not None]
    return [tuple(part[i : i + 16] for part in parts) for i in range(0, len(x), 16)]


def flat(case, x, y, weight):
    """Labels, predictions and weights of each element, (n, elements), of any number of classes."""
    shape = SHAPES[case.shape]
    x = np.moveaxis(x, shape.options.get("axis", -1), -1) if shape.kind != "numbers" else x
    elements = (len(x), *shape.of_sample)
    if shape.kind in ("binary", "numbers"):
        x = x.reshape(elements)
        p = x > 0.5 if shape.kind == "binary" else x.astype(float)
        padded = x == PAD
    else:
        p = x > 0.5 if shape.kind == "multilabel" else x.argmax(axis=-1)
        padded = (x == PAD).all(axis=-1)
    y = y.argmax(axis=-1) if shape.kind == "one-hot" else y
    w = np.ones(elements) if weight is None else weight.astype(float)
    w = np.broadcast_to(w.reshape(w.shape + (1,) * (len(elements) - w.ndim)), elements)
    if case.weights == "mask" and shape.of_sample:
        # a mask of (n, first axis) covers all that lies behind it
        padded = padded.reshape(*padded.shape[:2], -1).all(axis=-1)
        padded = padded.reshape(padded.shape + (1,) * (len(elements) - 2))
    w = np.where(padded, 0, w)
    if shape.kind == "multilabel":
        w = np.broadcast_to(w[..., None], y.shape)
    if shape.ignored is not None:
        w = np.where(y == shape.ignored, 0, w)
    return y.reshape(len(x), -1), p.reshape(len(x), -1), w.reshape(len(x), -1)


def main():
    """Print logs, and values of torchmetrics, of every case, a line each."""
    values_of = None
    if importlib.util.find_spec("torchmetrics"):
        from helpers.torchmetrics_values import values_of
    for case in cases():
        keras.backend.clear_session()
        others = values_of(case) if values_of else {}
        print(json.dumps([case, fitted(case), others]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
