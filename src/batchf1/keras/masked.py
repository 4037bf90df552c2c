"""Audit of one log of a compiled metric under a model that masks elements of its outputs.

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
COUNTED = "a value of all elements, of which the model masks some"
REMEDY = (
    "take batchf1.keras.Streaming, which leaves them out, or give their mask as sample weights, to"
    " a class in weighted_metrics that takes these"
)
NOT_FOLLOWED = (
    "a metric that gives {:.6g} of these batches with their masks, where {:.6g} is logged: are the"
    " batches those of fit?"
)
NO_RULE = "a value that depends on the batches and their masks by no rule known: {:.6g} is logged"
OF_PARTS = "its model masks elements, and {} devices take a part of each batch"
OF_LENGTHS = (
    "batches are padded to different lengths: {:.6g} is logged, and the unmasked elements of all"
    " together give {:.6g}"
)


class Masked(NamedTuple):
    """Batches of one output with their masks, and with the weights of all samples or None."""

    pairs: list[Pair]
    masks: list[NDArray[np.bool_]]
    weights: Any = None

    def batches(self) -> list[tuple[Any, ...]]:
        """Return labels, scores and weights of each batch."""
        if self.weights is None:
            return [*self.pairs]
        ends = np.cumsum([len(mask) for mask in self.masks])[:-1]
        parts = np.split(np.asarray(self.weights), ends)
        return [(*pair, part) for pair, part in zip(self.pairs, parts, strict=True)]

    def joined(self) -> Masked:
        """Return all samples as one batch."""
        labels, scores = (np.concatenate(parts) for parts in zip(*self.pairs, strict=True))
        return Masked([(labels, scores)], [np.concatenate(self.masks)], self.weights)

    def kept(self) -> tuple[Any, ...]:
        """Return labels, scores and weights of all unmasked elements, each as a sample."""
        both = zip(self.batches(), self.masks, strict=True)
        parts = zip(*(_kept(batch, mask) for batch, mask in both), strict=True)
        return tuple(np.concatenate(part) for part in parts)

    def with_others(self, seed: int) -> Masked:
        """Return the batches with labels and scores of unmasked elements in masked ones."""
        rng = np.random.default_rng(seed)
        pairs = []
        for pair, mask in zip(self.pairs, self.masks, strict=True):
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


def of_masked(compiled: Compiled, samples: Masked, logged: float, given: Circumstances) -> Verdict:
    """Judge the log of a metric of outputs with masks; its state is restored."""
    if given.replicas > 1:
        return Verdict(reason=OF_PARTS.format(given.replicas))
    with state.restored([compiled.metric]):
        try:
            return _Log(compiled, logged).verdict(samples)
        except Exception as error:  # of any backend: an audit ends no training
            return Verdict(reason=NOT_CALLED.format(one_line(error)))


class _Log(NamedTuple):
    """Logged number, and the metric that gave it."""

    compiled: Compiled
    logged: float

    def verdict(self, samples: Masked) -> Verdict:
        """Judge the log by the value of the unmasked elements alone."""
        value, kept = self.of(samples), self.of_kept(samples)
        if not close(value, self.logged):
            return Verdict(reason=NOT_FOLLOWED.format(value, self.logged))
        if close(kept, self.logged):
            return RIGHT
        if len({mask.shape[1:] for mask in samples.masks}) > 1:
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

    def of(self, samples: Masked) -> float:
        """Compute the metric of batches with their masks, as Keras does."""
        metric, key = self.compiled.metric, self.compiled.key
        return objects.replayed(metric, samples.batches(), key, samples.masks)

    def of_kept(self, samples: Masked) -> float:
        """Compute the metric of the unmasked elements; NaN where it takes no such samples."""
        try:
            return objects.replayed(self.compiled.metric, [samples.kept()], self.compiled.key)
        except ValueError:
            return math.nan

    def has_value_of_each_element(self, samples: Masked) -> bool:
        """Return True if the metric is a mean over unmasked elements, each with its own label."""
        metric = self.compiled.metric
        if not isinstance(metric, keras.metrics.Mean) or not _is_paired(samples.pairs[0]):
            return False
        self.of(samples._replace(weights=None))
        number = float(ops.convert_to_numpy(metric.count))
        flat = [mask.reshape(len(mask), -1) for mask in samples.masks]
        # Keras takes the mean weight of a sample's elements
        counts = (sum(float(count(mask)) for mask in flat) for count in (_of_samples, np.sum))
        return any(close(number, count) for count in counts)

    def counts_masked(self, samples: Masked) -> bool:
        """Return True if the value depends on labels and scores of masked elements."""
        value = self.of(samples)
        others = (self.of(samples.with_others(seed)) for seed in range(2))
        return any(not math.isclose(value, other, rel_tol=1e-6) for other in others)

    def audited(self, samples: Masked, pooled: float) -> AuditResult:
        """Audit the metric as a function of rows; `pooled`: its value of all samples."""
        whole, sizes = samples.joined(), [len(mask) for mask in samples.masks]
        n, (batch,), (mask,) = sum(sizes), whole.batches(), whole.masks

        def value(_: Rows, rows: Rows) -> float:
            if len(rows) == n and len(sizes) > 1:
                return pooled
            part, key = [np.asarray(one)[rows] for one in batch], self.compiled.key
            return objects.replayed(self.compiled.metric, [part], key, [mask[rows]])

        value.__name__ = self.compiled.key or self.compiled.metric.name
        batches = [(rows, rows) for rows in np.split(np.arange(n), np.cumsum(sizes)[:-1])]
        function = objects.of_sizes({*sizes, n}, value)
        return audit(function, batches, self.logged, cuts=CUTS)._replace(pooled=pooled)


def _of_samples(mask: NDArray[np.bool_]) -> Any:
    return mask.mean(axis=1).sum()


def _is_paired(pair: Pair) -> bool:
    """Return True for shapes in which no function compares a score with other labels."""
    labels, scores = (part.shape for part in pair)
    return labels == scores or (scores[-1] > 1 and labels in (scores[:-1], (*scores[:-1], 1)))
