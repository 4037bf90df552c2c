"""Audit of one log of a compiled metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras

from batchf1.auditing import broadcast
from batchf1.auditing.answer import as_broadcast, audit
from batchf1.auditing.averages import number
from batchf1.auditing.broadcast import Pair
from batchf1.auditing.metric_warnings import CUTS, Cause, close
from batchf1.auditing.report import ALL_PAIRS, leaves_mean
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import joined
from batchf1.errors import one_line
from batchf1.keras import objects, state
from batchf1.keras.objects import Compiled

WRITE = "write {} for the labels"
"""Remedy for labels that broadcast against the outputs."""
STREAMING = (
    "which leaves a mean over batches, or take batchf1.keras.Streaming or another metric object"
    " that keeps counts"
)
"""Effect of the remedy on a metric that is not additive."""
ONE_TOO_MANY = Cause(
    "the sum over {n} batches divided by {more}: of a data set that does not tell its length, Keras"
    " counts a batch too many",
    "end it with .apply(tf.data.experimental.assert_cardinality({n})), and {remedy}",
)
EQUAL_LABELS = (
    "labels {} give another value than in the shape {} of the outputs, and all labels of the split"
    " are equal: whether the metric compares each output with every label cannot be known"
)
NOT_RESET = (
    "its state in {} stays when Keras resets the metric, so that training and earlier epochs are"
    " in it: make it with self.add_variable()"
)

NOT_CALLED = "it cannot be called on samples: {}"


class Verdict(NamedTuple):
    """Outcome of the audit of one log: a result, or the reason why it has none.

    Without both the log is right.
    """

    result: AuditResult | None = None
    cause: Cause | None = None
    """Cause of a wrong log that no averaging rule explains."""
    reason: str | None = None
    """Reason why the log could not be audited."""


RIGHT = Verdict()


class Circumstances(NamedTuple):
    """Conditions common to all logs of a validation."""

    unknown_length: bool
    """Whether the number of batches of the data set is unknown in advance."""
    replicas: int
    """Number of devices that share each batch."""
    remedy: str
    """Remedy for a wrong log."""


def of_metric(
    compiled: Compiled, pairs: list[Pair], logged: Any, circumstances: Circumstances
) -> Verdict:
    """Judge the log of a compiled metric; its state is restored."""
    metric = compiled.metric
    is_function = isinstance(metric, keras.metrics.MeanMetricWrapper)
    with state.restored([metric]):
        try:
            unreset = [] if is_function else state.unreset(metric, pairs[0])
            if unreset:
                return Verdict(reason=NOT_RESET.format(", ".join(unreset)))
            return _of_shapes(compiled, pairs, logged, circumstances)
        except Exception as error:  # of any backend: an audit ends no training
            return Verdict(reason=NOT_CALLED.format(one_line(error)))


def _of_shapes(
    compiled: Compiled, pairs: list[Pair], logged: float, given: Circumstances
) -> Verdict:
    """Judge the log by whether the metric compares each output with its own label."""
    found = broadcast.resolve(lambda batches: _replayed(compiled, batches), pairs)
    if found.unknown:
        return Verdict(reason=EQUAL_LABELS.format(pairs[0][0].shape, pairs[0][1].shape))
    if found.broadcast:
        value = _replayed(compiled, pairs)
        if close(value, logged):
            return _of_broadcast(compiled, pairs, found.pairs, logged)
    return _of_metric(compiled, list(found.pairs), logged, given)


def _replayed(compiled: Compiled, batches: Sequence[Pair]) -> float:
    """Compute the metric of batches as Keras logs it; NaN where it raises anything."""
    try:
        return objects.replayed(compiled.metric, batches, compiled.key)
    except ValueError:
        return math.nan


def _of_broadcast(
    compiled: Compiled, pairs: list[Pair], shaped: Sequence[Pair], logged: float
) -> Verdict:
    """Judge the log of a metric that compares each output with every label of its batch."""
    labels, scores = pairs[0]
    reshape = str(broadcast.reshaping(labels.shape, scores.shape))
    formula = broadcast.recognized(pairs, logged)
    result = as_broadcast(_audited(compiled, shaped, logged), logged, formula, reshape)
    fix = WRITE.format(reshape)
    remedy = f"{fix}, {STREAMING}" if leaves_mean(result) else fix
    is_mean = isinstance(compiled.metric, keras.metrics.Mean) or formula
    return Verdict(result, Cause(None if is_mean else f"{ALL_PAIRS} ({result.rule})", remedy))


def _audited(compiled: Compiled, pairs: Sequence[Pair], logged: float) -> AuditResult:
    function = objects.as_function(compiled.metric, compiled.key)
    sizes = [len(y_true) for y_true, _ in pairs]
    # only the rule `mean_of_prefixes` needs other sizes, and JAX compiles the metric for each
    return audit(objects.of_sizes({*sizes, sum(sizes)}, function), pairs, logged, cuts=CUTS)


def _of_metric(
    compiled: Compiled, pairs: list[Pair], logged: float, given: Circumstances
) -> Verdict:
    if _is_right(compiled, pairs, logged):
        return RIGHT
    result = _audited(compiled, pairs, logged)
    cause = _one_too_many(result, given.remedy) if given.unknown_length else None
    if cause is None and result.rule is None:
        return _without_rule(compiled, pairs, result, given)
    return Verdict(result, cause)


def _is_right(compiled: Compiled, pairs: list[Pair], logged: float) -> bool:
    """Return True if few calls show that the log is right."""
    metric, function = compiled.metric, objects.as_function(compiled.metric, compiled.key)
    if objects.has_value_of_each_sample(metric, pairs):
        return True
    samples = joined(pairs)
    value = function(*samples)
    if not isinstance(metric, keras.metrics.Mean):
        return close(value, logged)
    # a count doubles with its data, and its mean is meant to be that of a batch
    return value != 0 and close(function(*joined([samples, samples])), 2 * value)


def _without_rule(
    compiled: Compiled, pairs: list[Pair], result: AuditResult, given: Circumstances
) -> Verdict:
    """Judge a log that no rule gives on batches of the sizes that Keras validated."""
    metric, logged = compiled.metric, number(result.logged)
    if given.replicas > 1:
        why = f"a mean over the parts of batches that {given.replicas} devices take"
        if result.additive:
            numbers = f"{logged:.6g} for {result.pooled:.6g} of all samples"
            return Verdict(reason=f"{why}, in sizes that no log has: {numbers}")
        return Verdict(result, Cause(why))
    if isinstance(metric, keras.metrics.Mean):
        return Verdict(result)
    longer = audit(objects.as_function(compiled.metric, compiled.key), pairs, logged, cuts=CUTS)
    if longer.rule is not None:
        return Verdict(longer)
    replayed = objects.replayed(metric, pairs, compiled.key)
    return Verdict(reason=_reason(replayed, logged, result.pooled))


def _reason(replayed: float, logged: float, pooled: float) -> str:
    """Describe the numbers of a metric class whose log no rule gives."""
    if close(replayed, logged):
        return (
            f"a class that depends on the batches by no rule known: {logged:.6g} is logged, and"
            f" taking all samples at once gives {pooled:.6g}"
        )
    return (
        f"a class that gives {replayed:.6g} on these batches, and {pooled:.6g} on all samples at"
        f" once, where {logged:.6g} is logged: are the batches those of fit?"
    )


def _one_too_many(result: AuditResult, remedy: str) -> Cause | None:
    """Return the cause if the sum over batches is divided by their number plus one."""
    n = result.n_batches
    if result.rule is not None or not close(
        result.values["per_batch"] * n / (n + 1), number(result.logged)
    ):
        return None
    how, what = (str(part) for part in ONE_TOO_MANY)
    return Cause(how.format(n=n, more=n + 1), what.format(n=n, remedy=remedy))
