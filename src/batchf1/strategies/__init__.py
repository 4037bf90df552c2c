"""The contract of a strategy: a module of this package that defines one subclass of `Strategy`.

In anyone's Keras program:

    s = Reconstructed()
    model.compile(..., metrics=[*s.metrics()])
    model.fit(..., callbacks=[*s.callbacks(), keras.callbacks.EarlyStopping("val_f1_reconstructed",
              mode="max")])

A strategy puts `f1_<name>` and `val_f1_<name>` into the logs, where callbacks after it find them.
All are for one binary output: labels 0 or 1 and scores, each of shape (n,) or (n, 1).

In `metrics=` Keras ignores `sample_weight` and `class_weight`, so the F1 is unweighted; in
`weighted_metrics=` `reconstructed` and `streaming` weight each sample's count. They leave out the
samples that the model masks. `batch_mean` and `epoch_end` have no such form and refuse both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from keras import ops

from batchf1 import plugins
from batchf1.averaging import Averaging
from batchf1.counts import Counts
from batchf1.errors import refuse, require


class Strategy:
    """A way to get an epoch's F1 into Keras' logs.

    `threshold`: a score above it, compared in the scores' dtype, is a predicted positive.
    """

    name: str = ""
    """Its module's name, by which `create` finds it; its logs are named after it."""
    label: ClassVar[str] = ""
    """Its name in legends; without one, `name`."""

    def __init__(self, threshold: float = 0.5) -> None:
        require(0 < threshold < 1, "threshold", "must lie in (0, 1)", threshold)
        self.threshold = threshold

    def __init_subclass__(cls) -> None:
        """Name a strategy that does not name itself after its module."""
        cls.name = cls.name or cls.__module__.rpartition(".")[2]
        cls.label = cls.label or cls.name

    def metrics(self) -> list[Any]:
        """What to put into `compile(metrics=...)`; new objects at each call."""
        return []

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """What to put into `fit(callbacks=...)`, before callbacks that read the logs.

        `train` and `validation`: a tuple (x, y) of arrays, or a re-iterable data set of (x, y)
        batches, such as a `tf.data.Dataset`, a `PyDataset` or a list. Only a strategy that makes
        its own pass over the data needs them.
        """
        return []

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> float | None:
        """What an epoch's log must equal, to 1e-6; None where no arithmetic says.

        `batches`: the counts of the batches that the metrics saw, of shape (n_batches,), in order.
        `full_pass`: those of a pass over the same data with the epoch's last weights, of any cut.
        `averaging`: the framework's rule for a metric that returns a scalar for a batch.
        """
        return None


def names() -> list[str]:
    """The names of the strategies."""
    return plugins.names("strategies")


def create(name: str, threshold: float = 0.5, **options: Any) -> Strategy:
    """The strategy of that name, with options of its own."""
    return plugins.implementation("strategies", name, Strategy)(threshold, **options)


def binary(y_true: Any, y_pred: Any, threshold: float) -> tuple[Any, Any]:
    """Labels and predictions of a batch as float32 tensors of shape (n,), each 0 or 1.

    A label that is neither 0 nor 1, and the label of a NaN score, become NaN, so that what is
    computed from them is NaN and never silently wrong. Raises `InputError` for a shape that is
    neither (n,) nor (n, 1), and for other numbers of labels than of scores; where only the batch
    tells them, one label for many scores gives NaN.
    """
    labels, scores = (
        _vector(x, thing) for x, thing in ((y_true, "labels"), (y_pred, "model output"))
    )
    n, wanted = labels.shape[0], scores.shape[0]
    require(None in (n, wanted) or n == wanted, "labels", f"must be {wanted}, as the scores", n)
    decided = scores > ops.cast(threshold, scores.dtype)
    labels = ops.cast(labels, "float32")
    valid = ops.logical_and(
        ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1)), ops.equal(scores, scores)
    )
    if None in (n, wanted):  # known in the batch alone: one label would fit any number of scores
        same = ops.equal(ops.shape(labels)[0], ops.shape(scores)[0])
        valid = ops.logical_and(valid, same)
    nan = ops.full_like(labels, float("nan"))
    return ops.where(valid, labels, nan), ops.cast(decided, "float32")


def weights(y_pred: Any, sample_weight: Any = None) -> Any:
    """The weights of a batch's samples, float64 of shape (n,), 0 where the model masks; or None.

    None stands for neither weights nor a mask. Raises `InputError` for a shape that is neither
    (n,) nor (n, 1).
    """
    mask = getattr(y_pred, "_keras_mask", None)  # where Keras puts it
    given = {"sample_weight": sample_weight, "mask": mask}
    parts = [ops.cast(_vector(x, thing), "float64") for thing, x in given.items() if x is not None]
    return math.prod(parts[1:], start=parts[0]) if parts else None


def _vector(x: Any, thing: str) -> Any:
    x = ops.convert_to_tensor(x)
    check_shape(x.shape, thing)
    return ops.reshape(x, (-1,))


def check_shape(shape: Sequence[int | None], thing: str) -> None:
    """Refuse a shape that is neither (n,) nor (n, 1)."""
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        refuse(thing, "a binary F1 needs shape (n,) or (n, 1)", tuple(shape))
