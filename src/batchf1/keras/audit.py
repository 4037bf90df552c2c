"""Does Keras log a metric, or a mean of its values over the batches? A callback that audits it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from batchf1.auditing.metric_warnings import Action, MetricWarner, is_wrong
from batchf1.auditing.result import AuditResult
from batchf1.errors import InputError, one_line
from batchf1.keras import legacy
from batchf1.keras.logs import verdicts
from batchf1.keras.objects import Pair
from batchf1.keras.validated import Validated
from batchf1.keras.verdict import Verdict

THING, LOG = "Audit", "batchf1.keras"
"""The name in its own messages, and the logger."""
REMEDY = (
    "take a metric object that keeps counts or sums, as batchf1.keras.Streaming or"
    " keras.metrics.F1Score, or compute it of all predictions at the end of the epoch"
)
WEIGH = (
    "return a value for each sample, of shape (n,), which Keras averages by the size of batches;"
    " one number for a batch counts a short batch as much as a full one"
)
UNKNOWN = "by no rule known (are the batches those of fit?)"
NAN = "outputs are NaN"


class Audit(legacy.Callback):
    """Audit of the metrics that Keras logs in validation: which are wrong, by how much, and why.

    For `fit` and for `evaluate`. At the end of the first epoch, and with `every=k` of each k-th
    from there, it predicts the validation split once and calls the model's own metrics on the
    outputs: on each batch, on all samples, and on the batches of two random cuts. So it costs a
    prediction pass, and of each metric with a number for a batch three calls a batch. Such are
    functions in `metrics`, wrapped or not; also metric classes that are not Keras' own, but one
    whose value on all samples is the log is right and gets a single call. What a `test_step` of the
    model's own computes, and a loss that is not Keras' own, is audited by running `test_step` on
    the same batches, and on all samples as one batch if their inputs take no more than 64 MiB.

    A log that is not the metric of all samples, to a ten-thousandth of itself, is a
    `BatchAveragedMetricWarning`, or with `action="raise"` an `InputError` of one line; the logger
    `batchf1.keras`, which writes to stderr, gets a table. Means over batches of equal sizes of an
    additive metric, as accuracy, are right, and so are counts, which double with their data. Then
    one line names which logs were audited and which were not, with the reasons: an
    `UnauditedLogWarning`, or with `action="raise"` an `InputError`, unless `ignore` names the
    latter or there are none; then it goes to the logger at level INFO. `action="ignore"` is quiet.

    `found`: log -> `batchf1.auditing.result.AuditResult` of the last audit, of the logs that few
    calls
    did not show to be right. `unaudited`: log -> reason. Where outputs are NaN, or a metric is the
    same in all batches, as F1 before anything is found, the next epoch is audited, too.

    `validation`: what `fit` has as `validation_data`: a tuple (x, y) of arrays, or a re-iterable
    data set of (x, y) batches that come as Keras saw them, so without shuffling. `batch_size`: of
    arrays, where Keras does not reveal its own, 32 by default. `ignore`: names of logs, with their
    `val_`, that may be wrong or stay unaudited, as `val_loss` of a Dice loss.

    Of a model of several outputs each metric is audited on its own output.

    Raises `InputError` for sample weights, endless data and data that cannot be iterated anew;
    before the first epoch for masks and for labels that do not fit the outputs, and for a model of
    tf_keras. Later problems, as another number of batches than Keras validated, leave logs
    unaudited. A training without validation is a `UserWarning` at its end, or an `InputError`.
    A tuner that trains with copies of its callbacks leaves `found` and `unaudited` here empty.

    >>> callback = Audit(validation=(np.array([[0.5]]), np.array([[1]])), action="raise")
    >>> callback.found, callback.unaudited
    ({}, {})
    """

    def __init__(
        self,
        validation: Any,
        every: int | None = None,
        action: Action = "warn",
        *,
        batch_size: int | None = None,
        ignore: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.alarm = MetricWarner(
            THING,
            action,
            every,
            remedy=REMEDY,
            weigh=WEIGH,
            unknown=UNKNOWN,
            log=LOG,
            ignore=ignore,
        )
        self.validated = Validated(THING, validation, batch_size)
        self._fits = False
        self._begin()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew, and refuse what cannot be audited."""
        self._fits = True
        self._begin()
        self.validated.check(self.model)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count the batches from 0; without `fit` begin anew."""
        if not self._fits:
            self._begin()
            self.validated.check(self.model)
        self.validated.begin()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the batches of a validation."""
        self.validated.count(self.model, batch)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Audit an `evaluate`; a validation in `fit` ends with its epoch."""
        if not self._fits:
            self._audit(0, logs or {}, "")
            self._end()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Audit the epoch, if its turn has come and Keras validated it."""
        of_validation = {key: value for key, value in (logs or {}).items() if key[:4] == "val_"}
        if of_validation and self.alarm.should_audit(epoch):
            self._audit(epoch, of_validation, "val_")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Warn where nothing was validated, and hence nothing audited."""
        self._fits = False
        if self.validated.number == 0:
            self.alarm.warn("needs validation_data in fit", "no validated epoch")
        self._end()

    def _begin(self) -> None:
        self.found: dict[str, AuditResult] = {}
        self.unaudited: dict[str, str] = {}
        self._was_nan = False
        self.validated.begin()
        self.alarm.begin()

    def _end(self) -> None:
        """Name the logs where no epoch had outputs to audit."""
        if self._was_nan:
            self.alarm.summarize([], self.unaudited)

    def _audit(self, epoch: int, logs: Mapping[str, Any], prefix: str) -> None:
        """Audit the logs, whose names begin with the prefix."""
        found = self._verdicts({key.removeprefix(prefix): logs[key] for key in logs})
        of_log = {f"{prefix}{name}": verdict for name, verdict in found.items()}
        self.unaudited = {key: one.reason for key, one in of_log.items() if one.reason}
        self._was_nan = set(self.unaudited.values()) == {NAN}
        if self._was_nan:
            return
        self.found = {key: one.found for key, one in of_log.items() if one.found}
        causes = {key: one.cause for key, one in of_log.items() if one.cause}
        wrong = [key for key, one in self.found.items() if is_wrong(one)]
        self.alarm.report(epoch, self.found, wrong, causes)
        self.alarm.summarize([key for key in of_log if key not in self.unaudited], self.unaudited)

    def _verdicts(self, logs: Mapping[str, Any]) -> dict[str, Verdict]:
        """The verdict on each log; where the data are not what Keras validated, the reason."""
        try:
            pairs = self._pairs()
            if _any_nan(pairs):
                return dict.fromkeys(logs, Verdict(reason=NAN))
            return verdicts(self.model, logs, self.validated, pairs, REMEDY)
        except InputError as error:
            return dict.fromkeys(logs, Verdict(reason=one_line(error)))

    def _pairs(self) -> dict[str, list[Pair]]:
        """Output -> labels and scores of the batches that Keras validated."""
        return self.validated.pairs(self.model)


def _any_nan(pairs: Mapping[str, list[Pair]]) -> bool:
    scores = [scores for of_output in pairs.values() for _, scores in of_output]
    return any(np.isnan(part.astype(float)).any() for part in scores)
