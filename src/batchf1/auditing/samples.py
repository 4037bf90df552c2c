"""The batches that a loop saw, and a metric on them: counted if it is one of counts, else called.

Rows are kept once: a metric of counts as the classes of each sample, a function with what it is
called on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.classes import Classes, Coded, Decided
from batchf1.errors import one_line, refuse, require
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts, Floats, Integers
from batchf1.metrics.ratios import Metric, OverClasses, Ratio, check_metric

Function = Callable[[Any, Any], Any]
"""Of (y_true, y_pred), giving a number."""
ROWS, CELLS = 2**20, 2**21
"""At most so many rows, and so many batches x classes, are counted at a time."""
PREFIX_ROWS = 2_000_000
"""A function is called on all that a loop has seen so far if that is no more rows in sum."""


REFUSALS = (ArithmeticError, TypeError, ValueError)
"""What a function raises where it has no value."""


class PerBatch(NamedTuple):
    """A metric of each batch, (b,) float64 each.

    `values`: as the metric gives it, 0/0 of counts being 0. `defined`: NaN, or over classes without
    the class, where it is 0/0. `ones`: 1 there.
    """

    values: Floats
    defined: Floats
    ones: Floats


@dataclass(frozen=True, eq=False)
class Counted:
    """A metric of counts on the classes of samples, numbered from 0; of two classes 1 is positive.

    `true` and `predicted`: (n,) whole numbers. `sizes`: (b,) of the batches, which add up to n.
    """

    metric: Metric
    true: NDArray[Any]
    predicted: NDArray[Any]
    sizes: Integers
    classes: int

    def pooled(self) -> float:
        """The metric of all samples."""
        return float(self.metric(self.counts()))

    def counts(self) -> Counts:
        """Those of all samples, (n_classes,) of a metric over classes."""
        parts = [part.pooled() for part in self._counts()]
        return Counts(*(sum(cells[1:], cells[0]) for cells in zip(*parts, strict=True)))

    def per_batch(self) -> PerBatch:
        """The metric of each batch."""
        found = [
            [self.metric(part, zero) for zero in (0.0, np.nan, 1.0)] for part in self._counts()
        ]
        return PerBatch(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def prefixes(self) -> Floats | None:
        """The metric of all samples up to the end of each batch."""
        before: Any = (0, 0, 0, 0)
        found = []
        for part in self._counts():
            sums = Counts(
                *(
                    np.cumsum(cell, axis=-1) + np.asarray(so_far)[..., None]
                    for cell, so_far in zip(part, before, strict=True)
                )
            )
            before = Counts(*(cell[..., -1] for cell in sums))
            found.append(self.metric(sums))
        return np.concatenate(found)

    def of(self, rows: NDArray[np.bool_]) -> float:
        """The metric of some samples."""
        sizes = np.array([rows.sum()])
        return replace(
            self, true=self.true[rows], predicted=self.predicted[rows], sizes=sizes
        ).pooled()

    def shuffled(self, rng: np.random.Generator) -> Counted:
        """The same samples in another order."""
        kinds = self.true * np.min_scalar_type(self.classes**2).type(self.classes) + self.predicted
        rng.shuffle(kinds)
        true, predicted = np.divmod(kinds, self.classes)
        return replace(self, true=true, predicted=predicted)

    def _counts(self) -> Iterator[Counts]:
        """Of some batches after others: (b,), or (n_classes, b) of a metric over classes."""
        ends = np.cumsum(self.sizes)
        first = 0
        while first < len(ends):
            start = int(ends[first] - self.sizes[first])
            fit = int(np.searchsorted(ends, start + ROWS, side="right"))
            last = max(first + 1, min(fit, first + CELLS // self.classes))
            rows = slice(start, int(ends[last - 1]))
            counts = self._of_classes(rows, self.sizes[first:last])
            over = isinstance(self.metric, OverClasses)
            yield counts if over else Counts(*(cell[1] for cell in counts))
            first = last

    def _of_classes(self, rows: slice, sizes: Integers) -> Counts:
        true, predicted = self.true[rows], self.predicted[rows]
        place = np.repeat(np.arange(len(sizes)) * self.classes, sizes)

        def number(where: NDArray[Any]) -> Integers:
            found = np.bincount(where, minlength=len(sizes) * self.classes)
            return found.reshape(len(sizes), self.classes).T

        of_class = place + true
        tp, positives = number(of_class[true == predicted]), number(of_class)
        called = number(place + predicted)
        return Counts(tp, called - tp, positives - tp, sizes - called - positives + tp)


@dataclass(frozen=True, eq=False)
class Called:
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
            refuse("metric", "takes the samples of all batches together", one_line(error))

    def shuffled(self, rng: np.random.Generator) -> Called:
        """The same samples in another order."""
        order = rng.permutation(len(self.true))
        return replace(self, true=self.true[order], predicted=self.predicted[order])


Measure = Counted | Called


def measured(metric: Metric | Function, batches: Iterable[Any], threshold: float) -> Measure:
    """The metric on the batches, which are gone through once.

    Raises `InputError` for a metric that is none, batches that are no pairs of as many labels as
    predictions, at least one, NaN, and as `Classes`.
    """
    if isinstance(metric, Ratio | OverClasses):
        check_metric(metric)
        checks.must(bool(np.isfinite(checks.real(threshold))), "threshold", "is finite", threshold)
        coded: Coded = (
            Decided(threshold) if isinstance(metric, Ratio) else Classes(metric.n_classes)
        )
        sizes = _gathered(batches, coded.add)
        return Counted(metric, *coded.codes(), sizes, coded.classes)
    checks.must(callable(metric), "metric", "is a function, a Ratio or an OverClasses", metric)
    pieces: list[tuple[NDArray[Any], NDArray[Any]]] = []
    sizes = _gathered(batches, lambda *part: pieces.append(part))
    return Called(metric, *joined(pieces), sizes)


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
            refuse(thing, "has samples of one shape", " and ".join(shapes))
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
            _hand_on(pending, take)
            pending, rows = [], 0
    require(bool(sizes), "batches", "are at least one", "none")
    if pending:
        _hand_on(pending, take)
    return np.array(sizes)


def _hand_on(pending: list[tuple[NDArray[Any], NDArray[Any]]], take: Taker) -> None:
    true, predicted = joined(pending)
    for thing, part in (("y_true", true), ("y_pred", predicted)):
        bad = part.dtype.kind == "f" and bool(np.isnan(part).any())
        require(not bad, thing, "must not be NaN", "NaN")
    take(true, predicted)


def _pair(batch: Any, place: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels and predictions of a batch as arrays."""
    thing = f"batch {place}"
    try:
        true, predicted = map(np.asarray, batch)
    except (RuntimeError, TypeError, ValueError):
        refuse(thing, "is a pair (y_true, y_pred) of arrays", type(batch).__name__)
    if true.ndim == 0 or predicted.ndim == 0 or len(true) != len(predicted):
        shapes = f"{true.shape} and {predicted.shape}"
        refuse(thing, "y_true and y_pred have as many samples", shapes)
    require(len(true) > 0, thing, "has a sample", "none")
    return true, predicted


def _called(rows: Called, spans: Iterable[tuple[int, int]]) -> Floats:
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
