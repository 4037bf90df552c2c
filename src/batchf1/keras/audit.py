"""Does Keras log a metric, or a mean of its values over the batches? A callback that tells."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from batchf1.auditing import alarm
from batchf1.auditing.alarm import CUTS, Action, Alarm
from batchf1.auditing.answer import Audited, audit
from batchf1.auditing.samples import REFUSALS, joined
from batchf1.errors import refuse, require
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

THING = "Audit"
"""What its messages call it."""
REMEDY = (
    "take a metric object that keeps counts or sums, as batchf1.keras.Streaming or"
    " keras.metrics.F1Score, or compute it of all predictions at the end of the epoch"
)
UNKNOWN = "by no rule known (are labels shaped as outputs, and the batches those of fit?)"
LOG = "batchf1.keras"
"""The logger."""


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
    metric, or with `action="ignore"`, it is quiet. `found`: log ->
    `batchf1.auditing.answer.Audited` of the last audit. Where outputs are NaN, or a metric is the
    same in all batches, as F1 before anything is found, the next epoch is audited, too.

    `validation`: what `fit` has as `validation_data`: a tuple (x, y) of arrays, or a re-iterable
    data set of (x, y) batches that come as Keras saw them, so without shuffling. `batch_size`: of
    arrays, `validation_batch_size` of `fit`, else its `batch_size`, by default 32 as there.

    Of a model of several outputs each metric is audited on its own output.

    Raises `InputError` for what `EpochEnd.callbacks` refuses, but any outputs, shapes, labels and
    scores will do; for other numbers of batches than Keras validated, and for a metric that does
    not take all samples together. A training without validation is told as a wrong metric is.

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
        self.alarm = Alarm(THING, action, every, remedy=REMEDY, unknown=UNKNOWN, log=LOG)
        self.batch_size = checks.whole("batch_size", batch_size)
        if not is_arrays(validation):
            check_repeatable(THING, validation)
        self.validation = validation
        self.found: dict[str, Audited] = {}
        self._validated = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew."""
        self.found, self._validated = {}, 0
        self.alarm.begin()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the batches of a validation."""
        self._validated = batch + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Audit the epoch, if its turn has come and Keras validated it."""
        logs = logs or {}
        if not (self.alarm.has_turn(epoch) and any(key.startswith("val_") for key in logs)):
            return
        pairs = self._pairs()
        every = [scores for of_output in pairs.values() for _, scores in of_output]
        if any(np.isnan(scores.astype(float)).any() for scores in every):
            return
        self.found = dict(self._audited(pairs, logs))
        self.alarm.tell(epoch, self.found, [key for key in self.found if is_wrong(self.found[key])])

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Say so where nothing was validated, and hence nothing audited."""
        if self._validated == 0:
            self.alarm.say("needs validation_data in fit", "no validated epoch")

    def _pairs(self) -> dict[str, list[Pair]]:
        """Output -> labels and scores of the batches that Keras validated."""
        check_unmasked(THING, self.model)
        # several steps in one execution hide how many batches there were
        number = self._validated if self.model.steps_per_execution == 1 else None
        found = self._of_arrays() if is_arrays(self.validation) else self._of_data_set(number)
        rule = f"has the {number} batches that Keras validated: is batch_size= that of fit?"
        for pairs in found.values():
            require(number in (None, len(pairs)), THING, rule, f"{len(pairs)} batches")
        return found

    def _of_arrays(self) -> dict[str, list[Pair]]:
        x, y = unweighted(THING, self.validation)
        predicted = self.model.predict(x, batch_size=self.batch_size, verbose=0)
        whole = objects.by_output(THING, self.model, y, predicted)
        return {output: _cut(*pair, self.batch_size) for output, pair in whole.items()}

    def _of_data_set(self, number: int | None) -> dict[str, list[Pair]]:
        found: dict[str, list[Pair]] = {}
        for batch in islice(batches(self.validation), number):
            x, y = unweighted(THING, batch)
            predicted = self.model.predict_on_batch(x)
            for output, pair in objects.by_output(THING, self.model, y, predicted).items():
                found.setdefault(output, []).append(pair)
        return found

    def _audited(
        self, pairs: dict[str, list[Pair]], logs: dict[str, Any]
    ) -> Iterator[tuple[str, Audited]]:
        """Log -> what is found, of each metric that may be wrong."""
        for name, metric in objects.compiled(self.model):
            logged = logs.get(f"val_{name}")
            if logged is not None and np.ndim(logged) == 0:  # else no callback can read it
                with objects.restored(metric):
                    found = _found(metric, _own(pairs, name, metric), float(logged))
                if found is not None:
                    yield f"val_{name}", found


def _own(pairs: dict[str, list[Pair]], name: str, metric: Any) -> list[Pair]:
    """The pairs of the output that a metric judges."""
    if len(pairs) == 1:
        return next(iter(pairs.values()))
    output = objects.output_of(name, metric, pairs)
    if output is None:
        refuse(THING, f"needs labels of the output that {name} judges", list(pairs))
    return pairs[output]


def _cut(labels: Any, scores: Any, size: int) -> list[Pair]:
    return [(labels[i : i + size], scores[i : i + size]) for i in range(0, len(labels), size)]


def is_wrong(found: Audited) -> bool:
    """`alarm.is_wrong`, but of an additive metric, whose batches a device may have in parts."""
    return alarm.is_wrong(found) and not found.additive


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
            return alarm.close(value, logged)
        # a count doubles with its data, and its mean is meant to be that of a batch
        return value != 0 and alarm.close(function(*joined([whole, whole])), 2 * value)
    except REFUSALS:
        return False  # `audit` says why
