"""The contract of a strategy: a module of this package that defines one subclass of `Strategy`.

In anyone's Keras program:

    s = Reconstructed()
    model.compile(..., metrics=[*s.metrics()])
    model.fit(..., callbacks=[*s.callbacks(), keras.callbacks.EarlyStopping("val_f1_reconstructed",
              mode="max")])

A strategy puts `f1_<name>` and `val_f1_<name>` into the logs, where callbacks after it find them.
All are for binary outputs: labels 0 or 1 and scores, each of shape (n,) or (n, 1). Scores are
probabilities; a model that returns logits needs `from_logits=True`. In a model of several outputs,
`metrics={"a": s.metrics()}` logs `a_f1_<name>`; `epoch_end` needs a single output.

Several strategies of one kind in a model (other thresholds, or one in `metrics` and one in
`weighted_metrics`) each need a `name=` of their own; their callbacks refuse two of one name at the
end of the first epoch. Without callbacks Keras calls the second `f1_<name>_1`, or
`weighted_f1_<name>`.

In `metrics=` Keras ignores `sample_weight` and `class_weight`, so the F1 is unweighted; in
`weighted_metrics=` `reconstructed` and `streaming` weight each sample's count. They leave out the
samples that the model masks. `batch_mean` and `epoch_end` have no such form and refuse both.

A label that is neither 0 nor 1 and a score that is no probability make the F1 NaN, and the
callbacks refuse it at the end of the epoch; they leave it NaN where the loss is NaN too.

Callbacks speak in `fit` alone. `evaluate` and `train_on_batch` return the F1 of `batch_mean` and
`streaming`, and what `Reconstructed.rebuild` makes one of; that of `epoch_end` they do not know.

`import batchf1.keras.base` before `keras.models.load_model`, which then knows the metrics.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import keras
from keras import ops

from batchf1.errors import refuse, require
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Counts


class Strategy:
    """A way to get an epoch's F1 into Keras' logs.

    `threshold`: a probability in (0, 1); a score above it, compared in the scores' dtype, is a
    predicted positive. `from_logits`: the scores are logits, compared with the threshold's, 0 for
    0.5. `name`: what the logs are named after, by default the strategy's own name. A subclass with
    options of its own passes these on. Raises `InputError` for another threshold, and for a name
    that Keras could give to somebody else.
    """

    name: str = "none"
    """What configs call it, and by default the logs; that of this class, which does nothing."""
    label: ClassVar[str] = ""
    """Its name in legends; without one, `name` with spaces."""

    def __init__(
        self, threshold: float = 0.5, *, from_logits: bool = False, name: str | None = None
    ) -> None:
        good = isinstance(threshold, Real) and 0 < float(threshold) < 1
        rule = "must lie in (0, 1)" + ", a probability for logits too" * from_logits
        require(good, "threshold", rule, threshold)
        self.threshold, self.from_logits = float(threshold), from_logits
        self.name = self.name if name is None else name
        good = re.fullmatch(r"(?!.*_1$)[\w.-]+", str(self.name), re.ASCII) is not None
        rule = "has letters, digits, _ . - and at its end no _1, which Keras gives a second metric"
        require(good, "name", rule, repr(self.name))

    def __init_subclass__(cls) -> None:
        """Refuse a strategy without a name; one without a label has its name for one."""
        if cls.name == Strategy.name:
            raise TypeError(f"{cls.__qualname__} must have a name of its own")
        cls.label = cls.label or cls.name.replace("_", " ")

    @property
    def key(self) -> str:
        """What its F1 is called in the logs of training; `val_` stands before it in validation."""
        return f"f1_{self.name}"

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


def cut(threshold: float, from_logits: bool) -> float:
    """The score above which a prediction is positive: the threshold, or its logit."""
    return math.log(threshold / (1 - threshold)) if from_logits else threshold


def binary(
    y_true: Any, y_pred: Any, threshold: float, from_logits: bool = False
) -> tuple[Any, Any]:
    """Labels and predictions of a batch as float32 tensors of shape (n,), each 0 or 1.

    A label that is neither 0 nor 1 becomes NaN, and so does the label of a score that is NaN or,
    unless a logit, outside [0, 1]: what is computed from them is NaN and never silently wrong.
    Raises `InputError` for a shape that is neither (n,) nor (n, 1), and for other numbers of labels
    than of scores; where only the batch tells them, one label for many scores gives NaN.
    """
    labels, scores = (
        _vector(x, thing) for x, thing in ((y_true, "labels"), (y_pred, "model output"))
    )
    n, wanted = labels.shape[0], scores.shape[0]
    require(None in (n, wanted) or n == wanted, "labels", f"must be {wanted}, as the scores", n)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(scores.dtype)):
        scores = ops.cast(scores, "float32")  # the threshold is no whole number
    decided = scores > ops.cast(cut(threshold, from_logits), scores.dtype)
    labels = ops.cast(labels, "float32")
    valid = ops.logical_and(
        ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1)), ops.equal(scores, scores)
    )
    if not from_logits:
        valid = ops.logical_and(valid, ops.logical_and(scores >= 0, scores <= 1))
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


def check_kept(dtype: Any, thing: str) -> None:
    """Refuse a dtype that the backend narrows: JAX, unless told, makes float32 of float64."""
    asked = keras.dtype_policies.get(dtype).compute_dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what JAX warns of is refused here
        kept = keras.backend.standardize_dtype(ops.zeros((), asked).dtype)
    rule = f"counts in {asked}, as float32 stops at 2**24: on JAX, set JAX_ENABLE_X64=1"
    require(kept == asked, thing, rule, kept)


def _vector(x: Any, thing: str) -> Any:
    x = ops.convert_to_tensor(x)
    check_shape(x.shape, thing)
    return ops.reshape(x, (-1,))


def check_shape(shape: Sequence[int | None], thing: str) -> None:
    """Refuse a shape that is neither (n,) nor (n, 1)."""
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        refuse(thing, "a binary F1 needs shape (n,) or (n, 1)", tuple(shape))
