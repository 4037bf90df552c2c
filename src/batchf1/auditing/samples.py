"""A metric with the samples that it is evaluated on, gathered from the batches of a loop.

A metric of counts holds the encoded class of each sample, a function its arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing import broadcast
from batchf1.auditing.broadcast import Pair
from batchf1.auditing.classes import BinaryEncoder, ClassEncoder, Decision, LabelEncoder
from batchf1.auditing.counted import ROWS, CountMetric, MultilabelCountMetric, PerBatch
from batchf1.auditing.summed import SummedMetric, summed
from batchf1.errors import check, one_line, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import Floats, Integers
from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio, check_metric
from batchf1.metrics.sums import SumMetric

Function = Callable[[Any, Any], Any]
"""Metric function of (y_true, y_pred) that gives a number."""
MAX_PREFIX_ROWS = 2_000_000
"""Limit of rows, over all prefixes, for calling a function on each prefix of the epoch."""
UNDEFINED = (ArithmeticError, TypeError, ValueError)
"""Exceptions of a function where it has no value."""


@dataclass(frozen=True, eq=False)
class FunctionMetric:
    """Metric function, with its arguments (n, ...) and the batch sizes (b,).

    `reshape`: how to give labels the shape of the predictions, where the one is (n,) and the other
    (n, 1). `as_given`: the batches as given, if the function lets these shapes broadcast; `true`
    and `predicted` have equal ones then.
    """

    metric: Function
    true: NDArray[Any]
    predicted: NDArray[Any]
    sizes: Integers
    reshape: str | None = None
    as_given: Sequence[Pair] = ()

    def pooled(self) -> float:
        """Compute the metric of all samples; `InputError` where it gives no number."""
        return self.of(np.ones(len(self.true), bool))

    def per_batch(self) -> PerBatch:
        """Compute the metric of each batch, undefined where it warns so, is NaN or raises."""
        values, is_defined = _called(self.metric, self.pairs()).T
        defined = np.where(is_defined == 1, values, np.nan)
        return PerBatch(values, defined, np.where(is_defined == 1, values, 1.0))

    def prefixes(self) -> Floats | None:
        """Compute the metric of all samples up to the end of each batch; None if too expensive."""
        ends = np.cumsum(self.sizes)
        if ends.sum() > MAX_PREFIX_ROWS:
            return None
        spans = ((self.true[:end], self.predicted[:end]) for end in ends)
        return _called(self.metric, spans)[:, 0]

    def broadcast(self) -> dict[str, Floats]:
        """Map the rule `broadcast`, if the function follows it, to its values of the batches."""
        if not self.as_given:
            return {}
        return {broadcast.RULE: _called(self.metric, self.as_given)[:, 0]}

    def pairs(self) -> Iterator[Pair]:
        """Iterate over labels and predictions of each batch."""
        ends = np.cumsum(self.sizes).tolist()
        for start, end in pairwise([0, *ends]):
            yield self.true[start:end], self.predicted[start:end]

    def of(self, rows: NDArray[np.bool_]) -> float:
        """Compute the metric of some samples, a mask (n,); `InputError` where it raises."""
        everything = bool(rows.all())  # no copy then
        true, predicted = (
            part if everything else part[rows] for part in (self.true, self.predicted)
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _number(self.metric(true, predicted))
        except UNDEFINED as error:
            raise_input_error(
                "metric", "must accept the samples of all batches at once", one_line(error)
            )

    def shuffled(self, rng: np.random.Generator) -> FunctionMetric:
        """Return the same samples in random order."""
        order = rng.permutation(len(self.true))
        return replace(self, true=self.true[order], predicted=self.predicted[order])


Measure = CountMetric | FunctionMetric | SummedMetric


def measured(
    metric: Metric | Function,
    batches: Iterable[Any],
    decision: Decision,
    shapes: dict[str, Any] | None = None,
) -> Measure:
    """Gather the samples of the batches for the metric, in one iteration.

    Raises `InputError` for an invalid metric, an option that the metric does not use, no batch, a
    batch that is no pair of as many labels as predictions, at least one, NaN, and as `ClassEncoder`
    and `BinaryEncoder`.
    """
    _check_used(metric, decision)
    if isinstance(metric, SumMetric):
        check_metric(metric)
        first, batches = _first(batches)
        is_ratio = isinstance(metric, Ratio | ClassAveraged)
        if not is_ratio or shapes or len(first) == 3 or _has_elements(first):
            check(bool(first), "batches", "must have at least one batch", "none")
            read = [_arrays(batch, index) for index, batch in enumerate(batches)]
            return summed(metric, read, decision._asdict(), shapes or {})
    check(not shapes, "options", "must be combined with a metric of batchf1", shapes)
    if isinstance(metric, Ratio | ClassAveraged):
        check_metric(metric)
        encoder = _encoder(metric, decision)
        sizes = _gathered(batches, encoder.add)
        true, predicted = encoder.codes()
        kind = MultilabelCountMetric if decision.multilabel else CountMetric
        reshape = encoder.reshape if sizes.max() > 1 else None  # one sample is compared with itself
        return kind(metric, true, predicted, sizes, encoder.classes, reshape)
    checks.check_argument(
        callable(metric), "metric", "must be a function, a Ratio or a ClassAveraged", metric
    )
    pairs: list[Pair] = []
    sizes = _gathered(batches, lambda *pair: pairs.append(pair))
    return _in_one_shape(FunctionMetric(metric, *joined(pairs), sizes))


def _first(batches: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    """Return the first batch, () for none, and all batches."""
    rest = iter(batches)
    first = next(rest, None)
    if first is None:
        return (), ()
    return (first if isinstance(first, Sequence) else ()), chain((first,), rest)


def _has_elements(batch: Any) -> bool:
    """Return True for labels and outputs that have more than two axes."""
    return len(batch) == 2 and max(np.ndim(part) for part in batch) > 2


def _arrays(batch: Any, index: int) -> list[NDArray[Any]]:
    """Convert labels, outputs and weights of a batch to arrays."""
    good = isinstance(batch, Sequence) and len(batch) in (2, 3)
    rule = "must be (y_true, y_pred) or (y_true, y_pred, sample_weight)"
    check(good, f"batch {index}", rule, type(batch).__name__)
    return [*_pair(batch[:2], index), *map(np.asarray, batch[2:])]


def _in_one_shape(measure: FunctionMetric) -> FunctionMetric:
    """Return the metric with samples in shapes in which it compares each with its own label."""
    reshape = broadcast.reshaping(measure.true.shape, measure.predicted.shape)
    if reshape is None:
        return measure
    given = list(measure.pairs())
    found = broadcast.resolve(lambda pairs: _logged(measure.metric, pairs), given)
    true, predicted = joined(list(found.pairs))
    as_given = given if found.broadcast else ()
    return replace(measure, true=true, predicted=predicted, reshape=reshape, as_given=as_given)


def _logged(metric: Function, pairs: Iterable[Pair]) -> float:
    """Return the mean over batches where the metric is defined, NaN if it is nowhere."""
    try:
        values = _called(metric, pairs)[:, 0]
    except MemoryError:  # of n**2 numbers
        return np.nan
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else np.nan


def _encoder(metric: Metric, decision: Decision) -> LabelEncoder:
    if isinstance(metric, Ratio):
        return BinaryEncoder(decision, 2)
    if decision.multilabel:
        return BinaryEncoder(decision, metric.n_classes)
    return ClassEncoder(metric.n_classes)


def used(metric: Metric | Function, decision: Decision) -> Decision:
    """Return the decision, with defaults for the options that the metric does not use."""
    if isinstance(metric, SumMetric) and not isinstance(metric, ClassAveraged):
        if metric.kind == "numbers":
            return Decision()
        if metric.n_classes is None:
            return decision._replace(multilabel=False)
        return Decision(from_logits=decision.from_logits)
    if not isinstance(metric, ClassAveraged):
        return Decision()
    # without multilabel the class of the largest logit is that of the largest probability
    return decision if decision.multilabel else Decision(from_logits=decision.from_logits)


USES = {
    "threshold": "must be combined with a metric of batchf1; over classes, also with multilabel",
    "from_logits": "must be combined with a metric of batchf1; a function gets y_pred as it is",
    "multilabel": "must be combined with a metric of batchf1 over classes",
}
"""Option -> the metrics that use it."""


def _check_used(metric: Metric | Function, decision: Decision) -> None:
    """Raise `InputError` for an option that the metric does not use."""
    for name, given, taken in zip(USES, decision, used(metric, decision), strict=True):
        checks.check_argument(given is taken or given == taken, name, USES[name], given)


def joined(pairs: list[Pair]) -> Pair:
    """Concatenate labels and predictions; `InputError` for samples of different shapes."""
    arrays = []
    for name, parts in zip(("y_true", "y_pred"), zip(*pairs, strict=True), strict=True):
        try:
            arrays.append(np.concatenate(parts))
        except ValueError:
            shapes = sorted({str(part.shape[1:]) for part in parts})
            rule = "must have samples of one shape in all batches"
            raise_input_error(name, rule, " and ".join(shapes))
    return arrays[0], arrays[1]


Consumer = Callable[[NDArray[Any], NDArray[Any]], Any]


def _gathered(batches: Iterable[Any], add: Consumer) -> Integers:
    """Pass the rows to `add`, many batches at a time; returns the batch sizes."""
    sizes: list[int] = []
    pending: list[Pair] = []
    rows = 0
    for batch in batches:
        pending.append(_pair(batch, len(sizes)))
        sizes.append(len(pending[-1][0]))
        rows += sizes[-1]
        if rows >= ROWS // 8:
            _flush(pending, add)
            pending, rows = [], 0
    check(bool(sizes), "batches", "must have at least one batch", "none")
    if pending:
        _flush(pending, add)
    return np.array(sizes)


def _flush(pending: list[Pair], add: Consumer) -> None:
    true, predicted = joined(pending)
    for name, part in (("y_true", true), ("y_pred", predicted)):
        bad = part.dtype.kind == "f" and bool(np.isnan(part).any())
        check(not bad, name, "must not contain NaN")
    add(true, predicted)


def _pair(batch: Any, index: int) -> Pair:
    """Convert labels and predictions of a batch to arrays."""
    try:
        true, predicted = map(np.asarray, batch)
    except (RuntimeError, TypeError, ValueError):
        rule = "must be a pair (y_true, y_pred) of arrays"
        raise_input_error(f"batch {index}", rule, type(batch).__name__)
    check_shapes(index, true.shape, predicted.shape)
    return true, predicted


def check_shapes(index: int, true: tuple[int, ...], predicted: tuple[int, ...]) -> None:
    """Raise `InputError` unless a batch has as many labels as predictions, and at least one."""
    # no text is made unless needed: it would cost a recorder more than copying the batch
    if not (true and predicted and true[0] == predicted[0]):
        shapes = f"{tuple(true)} and {tuple(predicted)}"
        rule = "must have as many samples in y_true as in y_pred"
        raise_input_error(f"batch {index}", rule, shapes)
    if not true[0]:
        raise_input_error(f"batch {index}", "is empty; each batch needs at least one sample")


def _called(metric: Function, pairs: Iterable[Pair]) -> Floats:
    """Compute the metric of each batch, and whether it is defined there: (b, 2)."""
    values = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for true, predicted in pairs:
            try:
                value = _number(metric(true, predicted))
            except UNDEFINED:
                value = np.nan
            warned = any("UndefinedMetric" in warning.category.__name__ for warning in caught)
            values.append((value, not warned and not np.isnan(value)))
            caught.clear()
    return np.array(values)


def _number(value: Any) -> float:
    if not checks.is_number(value):
        raise TypeError(one_line(f"it gives a number, not {value!r}")[:200])
    return float(value)
