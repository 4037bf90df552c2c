"""The contract of a strategy: a subclass of `Strategy`, in a module of this package or your own.

In anyone's Keras program::

    s = Reconstructed()
    model.compile(..., metrics=[*s.metrics()])
    model.fit(..., callbacks=[*s.callbacks(), keras.callbacks.EarlyStopping("val_f1_reconstructed",
              mode="max")])

A strategy puts `f1_<name>` and `val_f1_<name>` into the logs, where callbacks after it find them;
with `metric=f_beta(2)` they are `f2_<name>` and `val_f2_<name>`. Callbacks that choose by them, as
EarlyStopping and ModelCheckpoint, need `mode="max"`: Keras knows the direction of its own metrics
alone, and raises `ValueError` otherwise. In a model of several outputs,
`metrics={"a": s.metrics()}` logs `a_f1_<name>`; `epoch_end` needs a single output.

What labels and scores are is told by the metric:

- a `Ratio`, such as `f_beta(2)`: a binary output. Labels 0 or 1 and scores, (n,) or (n, 1).
- a metric over classes, such as `f_beta(1, "macro", n_classes=5)`: scores (n, 5), labels the whole
  numbers 0 .. 4, (n,) or (n, 1), or one-hot, (n, 5). Predicted is the class of the largest score,
  be it a probability or a logit, and the first of equal ones.
- the same with `multilabel=True`: labels 0 or 1 and scores, both (n, 5).

Scores that are compared with the threshold are probabilities; a model that returns logits needs
`from_logits=True`.

Several strategies of one kind and metric in a model (other thresholds, or one in `metrics` and one
in `weighted_metrics`) each need a `name=` of their own, and so do two `reconstructed` of binary
outputs with whatever metrics; their callbacks refuse two of one name at the end of the first epoch.
Without callbacks Keras calls the second `f1_<name>_1`, or `weighted_f1_<name>`.

In `metrics=` Keras ignores `sample_weight` and `class_weight`, so the value is unweighted; in
`weighted_metrics=` `reconstructed` and `streaming` weight each sample's count. They leave out the
samples that the model masks. `batch_mean` and `epoch_end` have no such form and refuse both.

A label or score that is none of the above makes the value NaN, and the callbacks refuse it at the
end of the epoch; they leave it NaN where the loss is NaN too.

Callbacks speak in `fit` alone. `evaluate` and `train_on_batch` return the value of `batch_mean` and
`streaming`, and what `Reconstructed.rebuild` makes one of; that of `epoch_end` they do not know.

`import batchf1.keras` before `keras.models.load_model`, which then knows the metrics.
"""

from __future__ import annotations

import re
from numbers import Real
from typing import Any, ClassVar

from batchf1.errors import check
from batchf1.keras.label_formats import label_format_of
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1, Metric, check_metric


class Strategy:
    """A way to get an epoch's F1, or another metric of counts, into Keras' logs.

    `threshold`: a probability in (0, 1); a score above it, compared in the scores' dtype, is a
    predicted positive; not for a metric over classes unless `multilabel`. `metric`: what is
    computed, such as `f_beta(2)`; one over classes needs its `n_classes`. `multilabel`: samples
    have any number of classes. `from_logits`: the scores are logits, compared with the threshold's,
    0 for 0.5. `name`: what the logs are named after, by default the strategy's own name. A subclass
    with options of its own passes these on. Raises `InputError` for another threshold or metric,
    and for a name that Keras could give to somebody else.

    >>> class Nothing(Strategy):
    ...     name = "nothing"
    >>> Nothing().key, Nothing().metrics()
    ('f1_nothing', [])
    """

    name: str = "none"
    """What configs call it, and by default the logs; that of this class, which does nothing."""
    label: ClassVar[str] = ""
    """Its name in legends; without one, `name` with spaces."""

    def __init__(
        self,
        threshold: float = 0.5,
        *,
        metric: Metric = F1,
        multilabel: bool = False,
        from_logits: bool = False,
        name: str | None = None,
    ) -> None:
        check_metric(metric)
        good = re.fullmatch(r"[\w.-]+", str(metric.name), re.ASCII) is not None
        check(good, "metric", "must have a name of letters, digits, _ . and -", repr(metric.name))
        self.metric = metric
        good = isinstance(threshold, Real) and 0 < float(threshold) < 1
        rule = "must lie in (0, 1)" + ", as a probability, for logits too" * from_logits
        check(good, "threshold", rule, threshold)
        self.threshold, self.from_logits = float(threshold), from_logits
        self.multilabel = multilabel
        self.form = label_format_of(metric, multilabel, self.threshold, from_logits)
        self.name = self.name if name is None else name
        good = re.fullmatch(r"(?!.*_1$)[\w.-]+", str(self.name), re.ASCII) is not None
        rule = (
            "must consist of letters, digits, _ . and -, and cannot end in _1, "
            "which Keras gives to a second metric of a name"
        )
        check(good, "name", rule, repr(self.name))

    def __init_subclass__(cls) -> None:
        """Refuse a strategy without a name; one without a label has its name for one."""
        if cls.name == Strategy.name:
            raise TypeError(f"{cls.__qualname__} must have a name of its own")
        cls.label = cls.label or cls.name.replace("_", " ")

    @property
    def key(self) -> str:
        """What training's logs call its value; `val_` stands before it in validation."""
        return f"{self.metric.name}_{self.name}"

    def metrics(self) -> list[Any]:
        """What to put into `compile(metrics=...)`; new objects at each call."""
        return []

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """What to put into `fit(callbacks=...)`, before callbacks that read the logs; new objects.

        `train` and `validation`: a tuple (x, y) of arrays, or a re-iterable data set of (x, y)
        batches, such as a `tf.data.Dataset`, a `PyDataset` or a list. Only a strategy that makes
        its own pass over the data needs them.
        """
        return []

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats | None:
        """What the log of each epoch must equal, to 1e-6; None where no arithmetic says.

        `batches`: the counts of the batches that the metrics saw, in order, the last axis running
        over them. `full_pass`: those of a pass over the same data with the epoch's last weights, of
        any cut. With a metric over classes the first axis runs over the classes. Axes before the
        last are else epochs, the same in both; the result has their shape.
        `averaging`: the framework's rule for a metric that returns a scalar for a batch.
        """
        return None
