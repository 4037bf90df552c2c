"""Audit of one log of a compiled metric of samples with weights, or of outputs with a mask.

Keras hands metrics no mask: it hangs on the outputs. Metrics that are means of a function's values
take it as weights; most other classes, Keras' own too, count what is masked as well.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from batchf1.auditing import broadcast
from batchf1.auditing.answer import audit
from batchf1.auditing.broadcast import Pair
from batchf1.auditing.metric_warnings import CUTS, Cause, close
from batchf1.auditing.report import meaning
from batchf1.auditing.result import AuditResult
from batchf1.errors import one_line
from batchf1.keras import objects, state
from batchf1.keras.objects import Compiled
from batchf1.keras.verdict import NOT_CALLED, RIGHT, Circumstances, Verdict

Rows = NDArray[np.intp]
LABELS = "with weights or a mask labels must have the shape of the outputs, {1}; got {0}"
COUNTED = "a value of all elements, of which the model masks some"
REMEDY = (
    "take batchf1.keras.Streaming, which leaves them out, or give their mask as sample weights, to"
    " a class in weighted_metrics that takes these"
)
NOT_FOLLOWED = (
    "a metric that gives {:.6g} of these batches with their weights and masks, where {:.6g} is"
    " logged: are the batches those of fit?"
)
NO_RULE = "a value that depends on weighted or masked batches by no rule known: {:.6g} is logged"
OF_PARTS = "it takes weights or a mask, and {} devices take a part of each batch"
OF_LENGTHS = (
    "batches are padded to different lengths: {:.6g} is logged, and the unmasked elements of all"
    " together give {:.6g}"
)


class Weighted(NamedTuple):
    """Batches of one output with their masks, and with the weights of all samples; or None."""

    pairs: list[Pair]
    masks: list[NDArray[np.bool_]] | None
    weights: Any = None

    def kept_elements(self) -> list[NDArray[np.bool_]]:
        """Return the mask of each batch, of its samples if it has none."""
        return self.masks or [np.ones(len(labels), bool) for labels, _ in self.pairs]

    def batches(self) -> list[tuple[Any, ...]]:
        """Return labels, scores and weights of each batch."""
        if self.weights is None:
            return [*self.pairs]
        ends = np.cumsum([len(labels) for labels, _ in self.pairs])[:-1]
        parts = np.split(np.asarray(self.weights), ends)
        return [(*pair, part) for pair, part in zip(self.pairs, parts, strict=True)]

    def joined(self) -> Weighted:
        """Return all samples as one batch."""
        labels, scores = (np.concatenate(parts) for parts in zip(*self.pairs, strict=True))
        masks = None if self.masks is None else [np.concatenate(self.masks)]
        return Weighted([(labels, scores)], masks, self.weights)

    def kept(self) -> tuple[Any, ...]:
        """Return labels, scores and weights of all unmasked elements, each as a sample."""
        both = zip(self.batches(), self.kept_elements(), strict=True)
        parts = zip(*(_kept(batch, mask) for batch, mask in both), strict=True)
        return tuple(np.concatenate(part) for part in parts)

    def with_others(self, seed: int) -> Weighted:
        """Return the batches with labels and scores of unmasked elements in masked ones."""
        rng = np.random.default_rng(seed)
        pairs = []
        for pair, mask in zip(self.pairs, self.kept_elements(), strict=True):
            labels, scores = map(np.array, pair)
            for part in (labels, scores) if mask.any() else ():
                part[~mask] = rng.choice(part[mask], (~mask).sum())
            pairs.append((labels, scores))
        return self._replace(pairs=pairs)


def _kept(batch: tuple[Any, ...], mask: NDArray[np.bool_]) -> tuple[Any, ...]:
    labels, scores, *weights = batch
    parts = [labels[mask], scores[mask]]
    if broadcast.reshaping(parts[0].shape, parts[1].shape) is not None:
        parts[0] = parts[0].reshape(parts[1].shape)
    for weight in weights:
        given = weight[..., 0] if weight.ndim > 1 and weight.shape[-1] == 1 else weight
        given = given.reshape(given.shape + (1,) * (mask.ndim - given.ndim))
        parts.append(np.broadcast_to(given, mask.shape)[mask])
    return tuple(parts)


def of_weighted(
    compiled: Compiled, samples: Weighted, logged: float, given: Circumstances
) -> Verdict:
    """Judge the log of a metric of weighted samples or masked outputs; its state is restored."""
    with state.restored([compiled.metric]):
        try:
            return _Log(compiled, logged).verdict(samples, given.replicas)
        except Exception as error:  # of any backend: an audit ends no training
            return Verdict(reason=NOT_CALLED.format(one_line(error)))


class _Log(NamedTuple):
    """Logged number, and the metric that gave it."""

    compiled: Compiled
    logged: float

    def verdict(self, samples: Weighted, replicas: int) -> Verdict:
        """Judge the log by the value of the unmasked elements alone."""
        value, kept = self.of(samples), self.of_kept(samples)
        if close(kept, self.logged):
            return RIGHT
        if replicas > 1:
            return Verdict(reason=OF_PARTS.format(replicas))
        if not close(value, self.logged):
            return Verdict(reason=NOT_FOLLOWED.format(value, self.logged))
        own = objects.is_keras_own(self.compiled.metric)
        if not own and not _is_paired(*samples.pairs[0]):
            return Verdict(reason=LABELS.format(*(part.shape for part in samples.pairs[0])))
        if len({scores.shape[1:] for _, scores in samples.pairs}) > 1:
            return Verdict(reason=OF_LENGTHS.format(self.logged, kept))
        if self.has_value_of_each_element(samples):
            return RIGHT
        whole, counted = self.of(samples.joined()), self.counts_masked(samples)
        right = kept if counted else whole
        if close(right, self.logged):
            return RIGHT
        if not math.isfinite(right):
            return Verdict(reason=NO_RULE.format(self.logged))
        result = self.audited(samples, right)
        if close(whole, self.logged):
            return Verdict(result, Cause(COUNTED, REMEDY))
        if result.rule is None:
            return Verdict(reason=NO_RULE.format(self.logged))
        how = f"{meaning(result)} ({result.rule}), of elements of which the model masks some"
        return Verdict(result, Cause(how, REMEDY) if counted else None)

    def of(self, samples: Weighted) -> float:
        """Compute the metric of batches with their masks, as Keras does."""
        metric, key = self.compiled.metric, self.compiled.key
        return objects.replayed(metric, samples.batches(), key, samples.masks or ())

    def of_kept(self, samples: Weighted) -> float:
        """Compute the metric of the unmasked elements; NaN where it takes no such samples."""
        try:
            return objects.replayed(self.compiled.metric, [samples.kept()], self.compiled.key)
        except ValueError:
            return math.nan

    def has_value_of_each_element(self, samples: Weighted) -> bool:
        """Return True if the metric is a mean over unmasked elements, each with its own label."""
        metric = self.compiled.metric
        if not isinstance(metric, keras.metrics.Mean):
            return False
        self.of(samples._replace(weights=None))
        number = float(ops.convert_to_numpy(metric.count))
        flat = [mask.reshape(len(mask), -1) for mask in samples.kept_elements()]
        # Keras takes the mean weight of a sample's elements
        counts = (sum(float(count(mask)) for mask in flat) for count in (_of_samples, np.sum))
        return any(close(number, count) for count in counts)

    def counts_masked(self, samples: Weighted) -> bool:
        """Return True if the value depends on labels and scores of masked elements."""
        if samples.masks is None:
            return False
        value = self.of(samples)
        others = (self.of(samples.with_others(seed)) for seed in range(2))
        return any(not math.isclose(value, other, rel_tol=1e-6) for other in others)

    def audited(self, samples: Weighted, pooled: float) -> AuditResult:
        """Audit the metric as a function of rows; `pooled`: its value of all samples."""
        whole, sizes = samples.joined(), [len(labels) for labels, _ in samples.pairs]
        n, (batch,), masks = sum(sizes), whole.batches(), whole.masks or []

        def value(_: Rows, rows: Rows) -> float:
            if len(rows) == n and len(sizes) > 1:
                return pooled
            part, key = [np.asarray(one)[rows] for one in batch], self.compiled.key
            of_rows = [mask[rows] for mask in masks]
            return objects.replayed(self.compiled.metric, [part], key, of_rows)

        value.__name__ = self.compiled.key or self.compiled.metric.name
        batches = [(rows, rows) for rows in np.split(np.arange(n), np.cumsum(sizes)[:-1])]
        function = objects.of_sizes({*sizes, n}, value)
        return audit(function, batches, self.logged, cuts=CUTS)._replace(pooled=pooled)


def _of_samples(mask: NDArray[np.bool_]) -> Any:
    return mask.mean(axis=1).sum()


def _is_paired(y_true: NDArray[Any], y_pred: NDArray[Any]) -> bool:
    """Return True for shapes in which no function compares a score with other labels."""
    labels, scores = y_true.shape, y_pred.shape
    return labels == scores or (scores[-1] > 1 and labels in (scores[:-1], (*scores[:-1], 1)))
