"""Keras 3 on its other backends, and on several devices: `jax`, `torch` or `mirrored`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from batchf1.programs import example
from batchf1.programs.protocol import Case, emit, format_batches

NAMES = {
    "jax": "Keras on JAX",
    "torch": "Keras on PyTorch",
    "mirrored": "Keras, `MirroredStrategy` of 2",
}
COUNTS = {
    "sum": "counts, each a sum; F1 of what is logged",
    "mean": "counts, each a mean; F1 of what is logged",
    "per_sample": "counts per sample; F1 of what is logged",
}


def measured(n: int, where: str) -> Iterator[Case]:
    """Yield F1 and counts of `metrics`, as `evaluate` logs them, and Keras' own F1 object."""
    logs, seen = _logs(n, where), _seen(n, where)
    instead = "counts per sample; or `F1Score(threshold=0.5)`"
    yield Case("a function that returns F1", logs["f1"], seen, instead)
    flat = "labels of shape (n, 1), and counts per sample"
    yield Case("a function that returns F1, labels of shape (n,)", _flat_f1(n, where), seen, flat)
    yield Case("`F1Score(threshold=0.5)`", logs["object"][0], seen)
    for returned, written in COUNTS.items():
        names = ("tp", "predicted_positives", "positives")
        tp, predicted, positives = (logs[f"{returned}_{name}"] for name in names)
        better = "counts per sample" if returned == "mean" else ""
        yield Case(written, 2 * tp / (predicted + positives), seen, better)


def _logs(n: int, where: str) -> dict[str, Any]:
    import keras

    from batchf1.programs.keras_metrics import (
        identity_model,
        metric_functions,
    )

    with _replicas() if where == "mirrored" else nullcontext():
        counts = [each for kind in COUNTS for each in metric_functions(keras.ops, kind)]
        whole = keras.metrics.F1Score(threshold=0.5, name="object")
        model = identity_model(keras, "metrics", [f1, whole, *counts])
    return _evaluated(model, n, example.LABELS[:n, None])


def _flat_f1(n: int, where: str) -> float:
    """Return the logged F1 for labels of shape (n,), which Keras' own F1 object refuses."""
    import keras

    from batchf1.programs.keras_metrics import identity_model

    with _replicas() if where == "mirrored" else nullcontext():
        model = identity_model(keras, "metrics", [f1])
    return float(_evaluated(model, n, example.LABELS[:n])["f1"])


def _evaluated(model: Any, n: int, y: Any) -> dict[str, Any]:
    x, size = example.SCORES[:n, None], example.BATCH_SIZE
    return dict(model.evaluate(x, y, batch_size=size, verbose=0, return_dict=True))


def f1(y_true: Any, y_pred: Any) -> Any:
    """Return F1 as users write it, 0 without positives and predicted positives."""
    from keras import config, ops

    called = ops.cast(y_pred > 0.5, "float32")
    both = ops.sum(called) + ops.sum(y_true)
    return 2 * ops.sum(y_true * called) / (both + config.epsilon())


def _replicas() -> Any:
    """Return the scope of two logical CPUs."""
    import tensorflow as tf

    if not tf.config.list_logical_devices("CPU")[1:]:
        raise RuntimeError("TensorFlow was in use before its CPU was divided")
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()


def _divide() -> None:
    """Split the CPU into two logical devices, before TensorFlow is in use."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def _seen(n: int, where: str) -> str:
    """Return each batch, or the part of it that each replica gets."""
    batches = example.batches(n)
    if where != "mirrored":
        return format_batches(batches)
    halves = [(batch[: (len(batch) + 1) // 2], batch[(len(batch) + 1) // 2 :]) for batch in batches]
    return format_batches(*([half for half in each if half] for each in zip(*halves, strict=True)))


if __name__ == "__main__":
    (place,) = sys.argv[1:]
    os.environ["KERAS_BACKEND"] = "tensorflow" if place == "mirrored" else place
    if place == "mirrored":
        _divide()
    from keras import __version__

    emit(NAMES[place], __version__, lambda n: measured(n, place))
