"""The contract of a strategy: a subclass of `Strategy`, in a module of this package or your own.

In a Keras program::

    s = Reconstructed()
    model.compile(..., metrics=[*s.metrics()])
    model.fit(..., callbacks=[*s.callbacks(), keras.callbacks.EarlyStopping("val_f1_reconstructed",
              mode="max")])

A strategy logs `f1_<name>` and `val_f1_<name>`, which later callbacks can read; with
`metric=f_beta(2)` they are `f2_<name>` and `val_f2_<name>`. Callbacks that choose by them, as
EarlyStopping and ModelCheckpoint, need `mode="max"`: Keras has a direction for its own metrics
only, and raises `ValueError` otherwise. In a model of several outputs,
`metrics={"a": s.metrics()}` logs `a_f1_<name>`; `epoch_end` needs a single output.

The metric determines the format of labels and scores:

- a `Ratio`, such as `f_beta(2)`: a binary output. Labels 0 or 1 and scores, (n,) or (n, 1).
- a metric over classes, such as `f_beta(1, "macro", n_classes=5)`: scores (n, 5), labels the whole
  numbers 0 .. 4, (n,) or (n, 1), or one-hot, (n, 5). The predicted class is that of the largest
  score, a probability or a logit, and the first of equal ones.
- the same with `multilabel=True`: labels 0 or 1 and scores, both (n, 5).

Scores that are compared with the threshold are probabilities; a model that returns logits needs
`from_logits=True`.

Several strategies of one kind and metric in a model (with other thresholds, or one in `metrics` and
one in `weighted_metrics`) each need a `name=` of their own, and so do two `reconstructed` of binary
outputs with any metrics; their callbacks raise `InputError` for two of one name at the end of the
first epoch. Without callbacks Keras calls the second `f1_<name>_1`, or `weighted_f1_<name>`.

In `metrics=` Keras ignores `sample_weight` and `class_weight`, so the value is unweighted; in
`weighted_metrics=` `reconstructed` and `streaming` weight each sample's count. They leave out the
samples that the model masks. `batch_mean` and `epoch_end` have no weighted form, and raise
`InputError` for weights and masks.

An invalid label or score makes the value NaN, for which the callbacks raise `InputError` at the end
of the epoch, unless the loss is NaN too.

Callbacks add values to the logs of `fit` only. `evaluate` and `train_on_batch` return the value of
`batch_mean` and `streaming`, and the counts of `reconstructed`, from which `Reconstructed.rebuild`
computes the value; they return none of `epoch_end`.

Import `batchf1.keras` before `keras.models.load_model`, which then finds the metrics.
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
    """Base class of the strategies, which define how an epoch's F1 is computed from its batches.

    Or another metric of counts. A subclass with options of its own passes these on.

    Parameters
    ----------
    threshold
        A probability in (0, 1); a score above it, compared in the scores' dtype, is a predicted
        positive. Not for a metric over classes, unless `multilabel`.
    metric
        The metric to compute, such as `f_beta(2)`; one over classes needs its `n_classes`.
    multilabel
        Whether a sample can have any number of classes.
    from_logits
        Whether the scores are logits, compared with the logit of the threshold, 0 for 0.5.
    name
        Name of the logs; by default that of the strategy.

    Raises
    ------
    InputError
        For another threshold or metric, and for a name that Keras could give to another metric.

    Examples
    --------
    >>> class Nothing(Strategy):
    ...     name = "nothing"
    >>> Nothing().key, Nothing().metrics()
    ('f1_nothing', [])
    """

    name: str = "none"
    """Name in configs, and by default in the logs; each subclass has its own."""
    label: ClassVar[str] = ""
    """Name in legends; by default `name` with spaces."""
    any_metric: ClassVar[bool] = False
    """Whether logs and `expected` follow `metric`, so that a study may have others than F1."""

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
        """Check that the strategy has a name; derive the label from it by default."""
        if cls.name == Strategy.name:
            raise TypeError(f"{cls.__qualname__} must have a name of its own")
        cls.label = cls.label or cls.name.replace("_", " ")

    @property
    def key(self) -> str:
        """Log key of the value in training; in validation it is prefixed with `val_`."""
        return f"{self.metric.name}_{self.name}"

    def metrics(self) -> list[Any]:
        """Return new metric objects for `compile(metrics=...)`."""
        return []

    def callbacks(self, train: Any = None, validation: Any = None) -> list[Any]:
        """Return new callbacks for `fit(callbacks=...)`, to be put before those that read the logs.

        Parameters
        ----------
        train, validation
            The splits: a tuple (x, y) of arrays, or a re-iterable data set of (x, y) batches, such
            as a `tf.data.Dataset`, a `PyDataset` or a list. Only a strategy with a pass of its own
            over the data needs them.
        """
        return []

    def expected(self, batches: Counts, full_pass: Counts, averaging: Averaging) -> Floats | None:
        """Compute the value that the log of each epoch must have, to 1e-6.

        Parameters
        ----------
        batches
            Counts of the batches that the metrics saw, in order; the last axis runs over them, and
            with a metric over classes the first over the classes. Other axes are epochs.
        full_pass
            Counts of a pass over the same data with the epoch's last weights, in any batches; axes
            as in `batches`.
        averaging
            The framework's rule of averaging a metric that returns a scalar for a batch.

        Returns
        -------
        array or None
            Float64 of the shape of the epochs; None for a strategy without a formula.
        """
        return None
