"""The batches that a loop saw, and a metric on them: counted if it is one of counts, else called.

Rows are kept once: a metric of counts with the classes of each sample, a function with its
arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.classes import BinaryEncoder, Classes, Decision, LabelEncoder
from batchf1.auditing.counted import ROWS, CountedLabels, CountMetric, PerBatch
from batchf1.errors import check, one_line, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import Floats, Integers
from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio, check_metric

Function = Callable[[Any, Any], Any]
"""Of (y_true, y_pred), giving a number."""
PREFIX_ROWS = 2_000_000
"""A function is called on all that a loop has seen so far if that is no more rows in sum."""


REFUSALS = (ArithmeticError, TypeError, ValueError)
"""What a function raises where it has no value."""


@dataclass(frozen=True, eq=False)
class FunctionMetric:
    """A function on rows, (n, ...) each, in batches of `sizes`, (b,)."""

    metric: Function
    true: NDArray[Any]
    predicted: NDArray[Any]
    sizes: Integers

    def pooled(self) -> float:
        """The metric of all samples; `InputError` where it gives no number."""
        return self.of(np.ones(len(self.true), bool))

    def per_batch(self) -> PerBatch:
        """The metric of each batch, undefined where it warns so, is NaN or raises."""
        ends = np.cumsum(self.sizes)
        found = _called(self, zip(ends - self.sizes, ends, strict=True))
        values, known = found.T
        defined = np.where(known == 1, values, np.nan)
        return PerBatch(values, defined, np.where(known == 1, values, 1.0))

    def prefixes(self) -> Floats | None:
        """The metric of all samples up to the end of each batch; None where that takes long."""
        ends = np.cumsum(self.sizes)
        if ends.sum() > PREFIX_ROWS:
            return None
        return _called(self, ((0, end) for end in ends))[:, 0]

    def of(self, rows: NDArray[np.bool_]) -> float:
        """The metric of some samples; `InputError` where it raises."""
        whole = bool(rows.all())
        true, predicted = (part if whole else part[rows] for part in (self.true, self.predicted))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _number(self.metric(true, predicted))
        except REFUSALS as error:
            raise_input_error(
                "metric", "must accept the samples of all batches at once", one_line(error)
            )

    def shuffled(self, rng: np.random.Generator) -> FunctionMetric:
        """The same samples in another order."""
        order = rng.permutation(len(self.true))
        return replace(self, true=self.true[order], predicted=self.predicted[order])


Measure = CountMetric | FunctionMetric


def measured(metric: Metric | Function, batches: Iterable[Any], decision: Decision) -> Measure:
    """The metric on the batches, which are gone through once.

    Raises `InputError` for a metric that is none, an option that it does not use, batches that
    are no pairs of as many labels as predictions, at least one, NaN, and as `Classes` and
    `BinaryEncoder`.
    """
    _check_used(metric, decision)
    if isinstance(metric, Ratio | ClassAveraged):
        check_metric(metric)
        coded = _coded(metric, decision)
        sizes = _gathered(batches, coded.add)
        true, predicted = coded.codes()
        kind = CountedLabels if decision.multilabel else CountMetric
        return kind(metric, true, predicted, sizes, coded.classes)
    checks.check_argument(
        callable(metric), "metric", "must be a function, a Ratio or a ClassAveraged", metric
    )
    pieces: list[tuple[NDArray[Any], NDArray[Any]]] = []
    sizes = _gathered(batches, lambda *part: pieces.append(part))
    return FunctionMetric(metric, *joined(pieces), sizes)


def _coded(metric: Metric, decision: Decision) -> LabelEncoder:
    if isinstance(metric, Ratio):
        return BinaryEncoder(decision, 2)
    if decision.multilabel:
        return BinaryEncoder(decision, metric.n_classes)
    return Classes(metric.n_classes)


def used(metric: Metric | Function, decision: Decision) -> Decision:
    """The decision, with defaults for the options that a metric does not use."""
    if isinstance(metric, Ratio):
        return decision._replace(multilabel=False)
    if not isinstance(metric, ClassAveraged):
        return Decision()
    # without multilabel the class of the largest logit is that of the largest probability
    return decision if decision.multilabel else Decision(from_logits=decision.from_logits)


USES = {
    "threshold": "must be combined with a metric of batchf1; over classes, also with multilabel",
    "from_logits": "must be combined with a metric of batchf1; a function gets y_pred as it is",
    "multilabel": "must be combined with a metric of batchf1 over classes",
}


def _check_used(metric: Metric | Function, decision: Decision) -> None:
    """Refuse options that a metric does not use."""
    for name, given, taken in zip(USES, decision, used(metric, decision), strict=True):
        checks.check_argument(given is taken or given == taken, name, USES[name], given)


def joined(
    pieces: list[tuple[NDArray[Any], NDArray[Any]]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels and predictions of all pieces; `InputError` for rows of different shapes."""
    found = []
    for thing, parts in zip(("y_true", "y_pred"), zip(*pieces, strict=True), strict=True):
        try:
            found.append(np.concatenate(parts))
        except ValueError:
            shapes = sorted({str(part.shape[1:]) for part in parts})
            raise_input_error(
                thing, "must have samples of one shape in all batches", " and ".join(shapes)
            )
    return found[0], found[1]


Taker = Callable[[NDArray[Any], NDArray[Any]], Any]


def _gathered(batches: Iterable[Any], take: Taker) -> Integers:
    """The sizes of the batches, whose rows are handed on, many batches at a time."""
    sizes: list[int] = []
    pending: list[tuple[NDArray[Any], NDArray[Any]]] = []
    rows = 0
    for batch in batches:
        pending.append(_pair(batch, len(sizes)))
        sizes.append(len(pending[-1][0]))
        rows += sizes[-1]
        if rows >= ROWS // 8:
            _flush(pending, take)
            pending, rows = [], 0
    check(bool(sizes), "batches", "must have at least one batch", "none")
    if pending:
        _flush(pending, take)
    return np.array(sizes)


def _flush(pending: list[tuple[NDArray[Any], NDArray[Any]]], take: Taker) -> None:
    true, predicted = joined(pending)
    for thing, part in (("y_true", true), ("y_pred", predicted)):
        bad = part.dtype.kind == "f" and bool(np.isnan(part).any())
        check(not bad, thing, "must not contain NaN")
    take(true, predicted)


def _pair(batch: Any, place: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels and predictions of a batch as arrays."""
    thing = f"batch {place}"
    try:
        true, predicted = map(np.asarray, batch)
    except (RuntimeError, TypeError, ValueError):
        raise_input_error(thing, "must be a pair (y_true, y_pred) of arrays", type(batch).__name__)
    if true.ndim == 0 or predicted.ndim == 0 or len(true) != len(predicted):
        shapes = f"{true.shape} and {predicted.shape}"
        raise_input_error(thing, "must have as many samples in y_true as in y_pred", shapes)
    check(len(true) > 0, thing, "is empty; each batch needs at least one sample")
    return true, predicted


def _called(rows: FunctionMetric, spans: Iterable[tuple[int, int]]) -> Floats:
    """The metric of each span of rows, and whether it is defined there: (b, 2)."""
    found = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for start, end in spans:
            try:
                value = _number(rows.metric(rows.true[start:end], rows.predicted[start:end]))
            except REFUSALS:
                value = np.nan
            warned = any("UndefinedMetric" in warning.category.__name__ for warning in said)
            found.append((value, not warned and not np.isnan(value)))
            said.clear()
    return np.array(found)


def _number(value: Any) -> float:
    if not checks.is_number(value):
        raise TypeError(one_line(f"it gives a number, not {value!r}")[:200])
    return float(value)
