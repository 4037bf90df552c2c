"""Metrics that are functions of sums, on samples of any shape, weighted or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.counted import PerBatch
from batchf1.errors import check, raise_input_error
from batchf1.metrics.counts import Floats, Integers
from batchf1.metrics.elements import Elements, LabelFormat, label_format_of
from batchf1.metrics.sums import PerImage, SumMetric

Batch = Sequence[NDArray[Any]]
"""Labels, outputs, and weights if there are any."""


@dataclass(frozen=True, eq=False)
class SummedMetric:
    """Metric of sums, with the samples that it is evaluated on.

    `true`, `predicted` and `weight` (or None): (n, elements, columns). `sizes`: (b,), the batch
    sizes, which add up to n.
    """

    metric: SumMetric
    true: Floats
    predicted: Floats
    weight: Floats | None
    sizes: Integers
    reshape: None = None

    def pooled(self) -> float:
        """Compute the metric of all samples."""
        return float(self.metric.of_sums(self._summary(slice(None))))

    def per_batch(self) -> PerBatch:
        """Compute the metric of each batch."""
        sums = [*self._sums()]
        zeros = (None, np.nan, 1.0)
        rows = [[float(self.metric.of_sums(one, np, zero)) for one in sums] for zero in zeros]
        return PerBatch(*map(np.array, rows))

    def prefixes(self) -> Floats:
        """Compute the metric of all samples up to the end of each batch."""
        total, values = None, []
        for one in self._sums():
            total = one if total is None else self.metric.merge(total, one)
            values.append(float(self.metric.of_sums(total)))
        return np.array(values)

    def broadcast(self) -> dict[str, Floats]:
        """Return nothing: labels and outputs of other shapes are refused."""
        return {}

    def of(self, rows: NDArray[np.bool_]) -> float:
        """Compute the metric of some samples, selected by a mask (n,)."""
        return float(self.metric.of_sums(self._summary(rows)))

    def shuffled(self, rng: np.random.Generator) -> Self:
        """Return the same samples in random order."""
        order = rng.permutation(len(self.true))
        weight = None if self.weight is None else self.weight[order]
        return replace(self, true=self.true[order], predicted=self.predicted[order], weight=weight)

    def _sums(self) -> Iterator[Floats]:
        ends = np.cumsum(self.sizes).tolist()
        return (self._summary(slice(start, end)) for start, end in pairwise([0, *ends]))

    def _summary(self, rows: Any) -> Floats:
        parts = [None if p is None else p[rows] for p in (self.true, self.predicted, self.weight)]
        if not isinstance(self.metric, PerImage):
            parts = [None if p is None else p.reshape(-1, p.shape[-1]) for p in parts]
        return np.asarray(self.metric.summary(*parts))


def summed(
    metric: SumMetric, batches: Iterable[Batch], options: dict[str, Any], shapes: dict[str, Any]
) -> SummedMetric:
    """Gather the samples of checked batches for the metric.

    `options`: `threshold`, `from_logits` and `multilabel`; `shapes`: the others of `LabelFormat`.
    Raises `InputError` as `LabelFormat.read`, for invalid labels and outputs, and for weights in
    some batches only.
    """
    form = label_format_of(metric, **options, **shapes)
    # whether two axes are those of elements is for the given format to say
    parts = [_grouped(_read(metric, form, batch), len(batch[0])) for batch in batches]
    weights = [part.weight for part in parts]
    some = [weight for weight in weights if weight is not None]
    check(len(some) in (0, len(weights)), "weights", "must be in all batches or in none", "some")
    true, predicted = (np.concatenate([part[i] for part in parts]) for i in range(2))
    weight = np.concatenate(some) if some else None
    own = PerImage(metric) if form.per == "image" else metric
    return SummedMetric(own, true, predicted, weight, np.array([len(p.labels) for p in parts]))


def _grouped(read: Elements, n: int) -> Elements:
    """Give the elements of each sample an axis."""
    parts = (None if part is None else part.reshape(n, -1, part.shape[-1]) for part in read)
    return Elements(*parts)


def _read(metric: SumMetric, form: LabelFormat, batch: Batch) -> Elements:
    true, outputs, *weights = batch
    if form.one_class and outputs.shape == true.shape and outputs.dtype.kind in "iu":
        n = form.n_classes or 2
        good = bool(((outputs >= 0) & (outputs < n)).all())
        check(good, "y_pred", f"must be classes from 0 to {n - 1}, or scores of each", "others")
        outputs = np.eye(n)[outputs]
    read = form.read(true, outputs, {"sample_weight": weights[0]} if weights else None)
    counted = True if read.weight is None else read.weight != 0
    bad = ~np.isfinite(read.labels + read.predicted) & counted
    if bad.any():
        sample = int(np.argmax(bad.reshape(len(true), -1).any(axis=1)))
        label, output = (np.array2string(p[sample], threshold=8) for p in (true, outputs))
        raise_input_error(metric.name, form.requirement, f"label {label} with output {output}")
    return read
