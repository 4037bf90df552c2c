"""Callback that audits whether Keras logs a metric, or a mean of its values over batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from batchf1.auditing.broadcast import Pair
from batchf1.auditing.metric_warnings import Action, MetricWarner, is_wrong
from batchf1.auditing.result import AuditResult
from batchf1.errors import InputError, one_line
from batchf1.keras import legacy
from batchf1.keras.logs import verdicts
from batchf1.keras.validated import Validated
from batchf1.keras.verdict import Verdict

NAME, LOG = "Audit", "batchf1.keras"
"""Prefix of the messages, and name of the logger."""
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
    """Callback that audits the logs of the validation: which are wrong, by how much, and why.

    For `fit` and for `evaluate`.

    Parameters
    ----------
    validation
        The `validation_data` of `fit`: a tuple (x, y) or (x, y, sample_weight) of arrays, or a
        re-iterable data set of such batches in the order in which Keras saw them, so without
        shuffling.
    every
        Audit every so many epochs, from the first one; None for the first epoch only. If outputs
        are NaN, or a metric is the same in all batches, as F1 before the model finds anything, the
        next epoch is audited, too.
    action
        `"warn"` for warnings, `"raise"` for an `InputError` with the same text, `"ignore"` for
        neither.
    batch_size
        Batch size of arrays, where Keras does not reveal its own; 32 by default.
    ignore
        Names of logs, with their `val_`, that may be wrong or stay unaudited, as `val_loss` of a
        Dice loss.

    Attributes
    ----------
    found : dict
        Log -> `batchf1.auditing.result.AuditResult` of the last audit, without the logs that few
        calls showed to be right. Empty where a tuner trains with copies of its callbacks.
    unaudited : dict
        Log -> reason why the last audit left it out.

    Raises
    ------
    InputError
        For endless data and data that cannot be iterated anew; before the first epoch for labels
        that do not fit the outputs, and for a model of tf_keras. Later problems, as another number
        of batches than Keras validated, leave logs unaudited.

    Warns
    -----
    BatchAveragedMetricWarning
        For a log that is not the metric of all samples, to a relative 1e-4. Means over batches of
        equal sizes of an additive metric, as accuracy, are right, and so are counts, which double
        with their data.
    UnauditedLogWarning
        For logs that were not audited and that `ignore` does not name: one line with the audited
        logs, and the others with the reasons.
    UserWarning
        At the end of a training without validation.

    Notes
    -----
    An audit predicts the validation split once and calls the model's own metrics on the outputs: on
    each batch, on all samples, and on the batches of two random partitions. So it costs a
    prediction pass, and three calls a batch for each metric with one number for a batch. These are
    functions in `metrics`, wrapped or not, and metric classes that are not Keras' own; but a class
    whose value on all samples is the log is right, and takes a single call. Logs that the model's
    own `test_step` computes, and a loss that is not Keras' own, are audited by running `test_step`
    on the same batches, and on all samples as one batch if their inputs take no more than 64 MiB.

    Labels (n,) and outputs (n, 1), or the reverse, broadcast to (n, n) in a metric that does not
    bring them to one shape: it compares each output with every label of its batch. Then the rule is
    `broadcast`, and the warning has the formula, if known, as 2PQ/(P+Q) of the article's F1.

    In a model of several outputs each metric is audited on its own output.

    Keras hands sample weights to the loss and to `weighted_metrics`, and none to `metrics`. With
    weights, values of each sample are right, and classes whose value on all samples with their
    weights is the log, against which other classes are held. Logs of `test_step`, a loss with
    `reduction="mean_with_sample_weight"` and weights for each output stay unaudited.

    What the model masks (`keras_mask` of its outputs) does not count in the true value. A function
    with a value for each element is right, since Keras weighs these by the mask; most classes,
    Keras' own too, count all elements, and are wrong. A loss is a mean over unmasked elements in
    each batch only. Unaudited stay batches padded to different lengths whose mean differs from that
    of all unmasked elements, and masks on several devices.

    The logger `batchf1.keras`, which writes to stderr, gets a table of the wrong logs; the line of
    the unaudited ones goes there at level INFO, also where it is no warning.

    Examples
    --------
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
        self.warner = MetricWarner(
            NAME,
            action,
            every,
            remedy=REMEDY,
            weigh=WEIGH,
            unknown=UNKNOWN,
            log=LOG,
            ignore=ignore,
        )
        self.validated = Validated(NAME, validation, batch_size)
        self._fits = False
        self._begin()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Reset the results; raise `InputError` for what cannot be audited."""
        self._fits = True
        self._begin()
        self.validated.check(self.model)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Reset the count of batches; outside `fit` the results, too."""
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
        """Audit the epoch, if it is due and Keras validated it."""
        of_validation = {key: value for key, value in (logs or {}).items() if key[:4] == "val_"}
        if of_validation and self.warner.should_audit(epoch):
            self._audit(epoch, of_validation, "val_")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Warn where nothing was validated, and hence nothing audited."""
        self._fits = False
        if self.validated.number == 0:
            self.warner.warn("needs validation_data in fit", "no validated epoch")
        self._end()

    def _begin(self) -> None:
        self.found: dict[str, AuditResult] = {}
        self.unaudited: dict[str, str] = {}
        self._was_nan = False
        self.validated.begin()
        self.warner.begin()

    def _end(self) -> None:
        """Report the unaudited logs if the outputs stayed NaN."""
        if self._was_nan:
            self.warner.summarize([], self.unaudited)

    def _audit(self, epoch: int, logs: Mapping[str, Any], prefix: str) -> None:
        """Audit the logs, whose names begin with the prefix."""
        verdicts = self._verdicts({key.removeprefix(prefix): logs[key] for key in logs})
        of_log = {f"{prefix}{name}": verdict for name, verdict in verdicts.items()}
        self.unaudited = {key: one.reason for key, one in of_log.items() if one.reason}
        self._was_nan = set(self.unaudited.values()) == {NAN}
        if self._was_nan:
            return
        self.found = {key: one.result for key, one in of_log.items() if one.result}
        causes = {key: one.cause for key, one in of_log.items() if one.cause}
        wrong = [key for key, one in self.found.items() if is_wrong(one)]
        self.warner.report(epoch, self.found, wrong, causes)
        self.warner.summarize([key for key in of_log if key not in self.unaudited], self.unaudited)

    def _verdicts(self, logs: Mapping[str, Any]) -> dict[str, Verdict]:
        """Judge each log; the reason is the same for all if the data are not those validated."""
        try:
            pairs = self._pairs()
            if _any_nan(pairs):
                return dict.fromkeys(logs, Verdict(reason=NAN))
            return verdicts(self.model, logs, self.validated, pairs, REMEDY)
        except InputError as error:
            return dict.fromkeys(logs, Verdict(reason=one_line(error)))

    def _pairs(self) -> dict[str, list[Pair]]:
        """Map each output to labels and scores of the batches that Keras validated."""
        return self.validated.pairs(self.model)


def _any_nan(pairs: Mapping[str, list[Pair]]) -> bool:
    scores = [scores for of_output in pairs.values() for _, scores in of_output]
    return any(np.isnan(part.astype(float)).any() for part in scores)
