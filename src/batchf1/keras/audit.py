"""Does Keras log a metric, or a mean of its values over the batches? A callback that tells."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, get_args

import keras
import numpy as np

from batchf1.auditing.answer import Audited, audit
from batchf1.auditing.samples import REFUSALS, joined
from batchf1.auditing.words import MEANING
from batchf1.errors import InputError, require
from batchf1.keras import objects
from batchf1.keras.objects import Pair
from batchf1.keras.passes import (
    batches,
    check_repeatable,
    check_unmasked,
    is_arrays,
    unweighted,
)
from batchf1.metrics import checks

Action = Literal["warn", "raise"]
THING = "Audit"
"""What its messages call it."""
TRIFLE = 1e-4
"""A log that is off by no more than this share of itself passes: float32 adds up no better."""
CUTS = 2
"""Random cuts that tell, with that of the batches, whether a metric is additive."""
REMEDY = (
    "take a metric object that keeps counts or sums, as batchf1.keras.Streaming or"
    " keras.metrics.F1Score, or compute it of all predictions at the end of the epoch"
)
UNKNOWN = "by no rule known (are labels shaped as outputs, and the batches those of fit?)"
LOG = logging.getLogger("batchf1.keras")


class BatchAveragedMetricWarning(UserWarning):
    """A log is a mean of a metric's values over batches, and not its value on all samples.

    >>> issubclass(BatchAveragedMetricWarning, UserWarning)
    True
    """


class Audit(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells which metrics are logged wrong in validation, by how much, and what to log instead.

    At the end of the first epoch, and with `every=k` of each k-th from there, it predicts the
    validation split once and calls the model's own metrics on the outputs: on each batch, on all
    samples, and on the batches of two random cuts. So it costs a prediction pass, and of each
    metric with a number for a batch three calls a batch. Such are functions in
    `metrics`, wrapped or not; also metric classes that are not Keras' own, but one whose value on
    all samples is the log is right and gets a single call. Accuracies, losses and whatever else has
    a value for each sample are averaged rightly; so are counts, which double with their data.

    A metric that is neither additive nor logged as its value on all samples, to a ten-thousandth of
    itself, is told by a `BatchAveragedMetricWarning`, or with `action="raise"` by an `InputError`
    of one line; the logger `batchf1.keras`, which writes to stderr, gets a table. Without such a
    metric it is quiet. `found`: log -> `batchf1.auditing.answer.Audited` of the last audit. Where
    outputs are NaN, or a metric is the same in all batches, as F1 before anything is found, the
    next epoch is audited, too.

    `validation`: what `fit` has as `validation_data`: a tuple (x, y) of arrays, or a re-iterable
    data set of (x, y) batches that come as Keras saw them, so without shuffling. `batch_size`: of
    arrays, `validation_batch_size` of `fit`, else its `batch_size`, by default 32 as there.

    Raises `InputError` for what `EpochEnd.callbacks` refuses, but any shapes, labels and scores
    will do; for other numbers of batches than Keras validated, and for a metric that does not take
    all samples together. A training without validation is told as a wrong metric is.

    >>> callback = Audit(validation=([[0.5]], [[1]]), action="raise")
    >>> callback.found
    {}
    """

    def __init__(
        self,
        validation: Any,
        every: int | None = None,
        action: Action = "warn",
        *,
        batch_size: int = 32,
    ) -> None:
        super().__init__()
        self.every = None if every is None else checks.whole("every", every)
        require(action in get_args(Action), "action", f"is one of {get_args(Action)}", action)
        self.batch_size = checks.whole("batch_size", batch_size)
        if not is_arrays(validation):
            check_repeatable(THING, validation)
        self.validation, self.action = validation, action
        self.found: dict[str, Audited] = {}
        self._told: set[str] = set()
        self._first: int | None = None
        self._validated = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew."""
        self.found, self._told, self._first, self._validated = {}, set(), None, 0

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the batches of a validation."""
        self._validated = batch + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Audit the epoch, if its turn has come and Keras validated it."""
        logs = logs or {}
        if not (self._has_turn(epoch) and any(key.startswith("val_") for key in logs)):
            return
        pairs = self._pairs()
        if any(np.isnan(scores.astype(float)).any() for _, scores in pairs):
            return
        self.found = dict(self._audited(pairs, logs))
        if self._first is None and not any(map(_tells_nothing, self.found.values())):
            self._first = epoch
        self._tell()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Say so where nothing was validated, and hence nothing audited."""
        if self._validated == 0:
            self._say(f"{THING}: needs validation_data in fit; got no validated epoch", UserWarning)

    def _has_turn(self, epoch: int) -> bool:
        if self._first is None:
            return True
        return self.every is not None and (epoch - self._first) % self.every == 0

    def _pairs(self) -> list[Pair]:
        """Labels and outputs of the batches that Keras validated."""
        check_unmasked(THING, self.model)
        # several steps in one execution hide how many batches there were
        number = self._validated if self.model.steps_per_execution == 1 else None
        pairs = self._of_arrays() if is_arrays(self.validation) else self._of_data_set(number)
        rule = f"has the {number} batches that Keras validated: is batch_size= that of fit?"
        require(number in (None, len(pairs)), THING, rule, f"{len(pairs)} batches")
        return pairs

    def _of_arrays(self) -> list[Pair]:
        x, y = unweighted(THING, self.validation)
        size = self.batch_size
        labels, scores = objects.pair(THING, y, self.model.predict(x, batch_size=size, verbose=0))
        return [(labels[i : i + size], scores[i : i + size]) for i in range(0, len(labels), size)]

    def _of_data_set(self, number: int | None) -> list[Pair]:
        parts = (unweighted(THING, batch) for batch in islice(batches(self.validation), number))
        return [objects.pair(THING, y, self.model.predict_on_batch(x)) for x, y in parts]

    def _audited(self, pairs: list[Pair], logs: dict[str, Any]) -> Iterator[tuple[str, Audited]]:
        """Log -> what is found, of each metric that may be wrong."""
        for name, metric in objects.compiled(self.model):
            logged = logs.get(f"val_{name}")
            if logged is not None and np.ndim(logged) == 0:  # else no callback can read it
                with objects.restored(metric):
                    found = _found(metric, pairs, float(logged))
                if found is not None:
                    yield f"val_{name}", found

    def _tell(self) -> None:
        """Once of each wrong metric, or as often as was asked for."""
        again = self.every is not None
        wrong = [key for key, found in self.found.items() if is_wrong(found)]
        lines = [_line(key, self.found[key]) for key in wrong if again or key not in self._told]
        self._told |= set(wrong)
        if lines:
            LOG.warning("\n%s", table(self.found))
        for line in ["; ".join(lines)] if lines and self.action == "raise" else lines:
            self._say(line, BatchAveragedMetricWarning)

    def _say(self, line: str, category: type[Warning]) -> None:
        if self.action == "raise":
            raise InputError(line)
        warnings.warn(line, category, stacklevel=2)


def is_wrong(found: Audited) -> bool:
    """Whether a log is not the metric of all samples, and no batch mean that may be taken for it.

    That of an additive metric may.
    """
    near = _close(float(found.logged or 0.0), found.pooled)
    return not (found.additive or near or found.fine)


def table(found: dict[str, Audited]) -> str:
    """A line for each log: the number, the metric of all samples, and the rule."""
    width = max(len(key) for key in found)
    lines = [f"{'log':<{width}} {'logged':>13} {'all samples':>13}  rule"]
    for key, one in found.items():
        rule = f"{one.rule or 'none known'}{'  <- wrong' if is_wrong(one) else ''}"
        lines.append(f"{key:<{width}} {one.logged:>13.6f} {one.pooled:>13.6f}  {rule}")
    return "\n".join(lines)


def _line(key: str, found: Audited) -> str:
    """What is wrong, and what to do."""
    how = UNKNOWN if found.rule is None else f"{MEANING[found.rule]} ({found.rule})"
    rule = f"must be the metric of all samples, {found.pooled:.6g}"
    return f"{key}: {rule}; got {found.logged:.6g}, {how}: {REMEDY}"


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= TRIFLE * max(abs(a), abs(b))


def _found(metric: Any, pairs: list[Pair], logged: float) -> Audited | None:
    """What the audit of a metric finds; None where nothing is wrong or can be told."""
    if _is_right(metric, pairs, logged):
        return None
    sizes = [len(y_true) for y_true, _ in pairs]
    # of the rules, `mean_of_prefixes` alone wants others: no Keras logs it, and JAX would have to
    # compile the metric for each
    function = objects.of_sizes({*sizes, sum(sizes)}, objects.as_function(metric))
    found = audit(function, pairs, logged, cuts=CUTS)
    # a class may well do what no rule says
    known = found.rule is not None or isinstance(metric, keras.metrics.Mean)
    return found if known else None


def _is_right(metric: Any, pairs: list[Pair], logged: float) -> bool:
    """Whether few calls show that nothing is wrong."""
    function = objects.as_function(metric)
    try:
        if objects.has_value_of_each_sample(metric, pairs):
            return True
        whole = joined(pairs)
        value = function(*whole)
        if not isinstance(metric, keras.metrics.Mean):
            return _close(value, logged)
        # a count doubles with its data, and its mean is meant to be that of a batch
        return value != 0 and _close(function(*joined([whole, whole])), 2 * value)
    except REFUSALS:
        return False  # `audit` says why


def _tells_nothing(found: Audited) -> bool:
    """Whether the batches agree, so that any mean of theirs is the same."""
    same = ("pooled", "per_batch", "last_batch", "mean_of_running")
    return found.n_batches > 1 and len({found.values[rule] for rule in same}) == 1
