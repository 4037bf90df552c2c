"""Expected mean over batches of a metric averaged over classes, from the counts of each class.

Counts are (n_classes, ...), each class against the rest. They do not determine the joint
distribution of the classes, so that only what does not depend on it is computed. Derivations:
`docs/theory.md`, section 5.
"""

from __future__ import annotations

import numpy as np

from batchf1.errors import check, raise_input_error
from batchf1.metrics.arithmetic import Weights, safe_divide
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio, RatioMetric, check_metric
from batchf1.theory.chunks import Rows, chunks, map_pools
from batchf1.theory.expected_error import Epoch, parts_of_error
from batchf1.theory.pool import Batching, Pool, expand_dims, grouped


def joined(counts: Counts, metric: Metric) -> tuple[Counts, RatioMetric]:
    """Reduce a metric over classes to one of right and wrong samples where both are equal.

    That is so for micro averages, and for weighted recall, which is accuracy: the recall of a
    class, times the share of the class. Others are returned unchanged. Raises `InputError` for
    counts that the metric does not take, and where samples have other than one class each.
    """
    check_metric(metric)
    if not isinstance(metric, Ratio | ClassAveraged):
        raise_input_error("metric", NO_LAW, metric.name)
    if isinstance(metric, Ratio):
        return counts, metric
    counts = checked(counts)
    metric.check_shape(counts.tp.shape)
    metric.sizes(counts)
    if metric.average != "macro":
        _check_one_class_each(counts, metric)
    if not (metric.average == "micro" or (metric.average == "weighted" and _recalls(metric.ratio))):
        return counts, metric
    right, none = counts.tp.sum(axis=0), np.zeros_like(counts.n[0])
    ratio = _of_right_and_wrong(metric.ratio, len(counts.tp), metric.name)
    return Counts(right, none, counts.n[0] - right, none), ratio


def parts(counts: Counts, batching: Batching, metric: ClassAveraged) -> Floats:
    """Return true value and the two parts of the error, (3, ...), of macro or weighted averages.

    `batching` is that of each class. Raises `InputError` where `zero_division` is NaN and a batch
    may leave out a class that would have counted.
    """
    left_out = np.isnan(batching.zero_division)
    if metric.average == "macro":
        check(not left_out, "zero_division", JOINT.format(metric.name), "nan")
        undefined = [batching.zero_division, 0.0, 0.0]
        pool = grouped(counts.n, counts, metric.ratio)
        found = map_pools(pool, batching, _parts, undefined)
        return np.asarray(found.reshape(3, *counts.tp.shape).mean(axis=1))
    needed = left_out and not metric.ratio.bottom[0] * metric.ratio.bottom[2]
    check(not needed, "zero_division", JOINT.format(metric.name), "nan")
    true = metric.from_counts(*counts, zero_division=batching.zero_division)
    if left_out:  # a class that is left out has no weight
        batching = batching._replace(zero_division=0.0)
    return np.stack([true, *_weighted_parts(counts, batching, metric.ratio).sum(axis=1)])


NO_LAW = (
    "must be a ratio of counts, whose expectation is known: of others"
    " batchf1.simulate or batchf1.audit estimates it by random cuts"
)
JOINT = "must be 0 or 1 for {}: classes that are left out need their joint distribution"


def _parts(epoch: Epoch) -> tuple[Floats, ...]:
    return epoch.pool.true, *parts_of_error(epoch)


def _weighted_parts(counts: Counts, batching: Batching, ratio: Ratio) -> Floats:
    """Return the part of each class in the error, empty batches and others: (2, n_classes, ...)."""
    flat = Counts(*(part.reshape(-1) for part in counts))
    result = np.zeros((2, flat.tp.size))
    for rows, epoch in chunks(grouped(flat.n, flat, ratio), batching):
        shares = _positive_shares(epoch.pool, flat, rows, ratio)
        for part, values in zip(result, _support_times_error(epoch, *shares), strict=True):
            part[rows] = (epoch.batching.shares * values).sum(axis=-1)
    return result.reshape(2, *counts.tp.shape)


def _support_times_error(epoch: Epoch, shares: list[Floats], idle: Floats) -> tuple[Floats, Floats]:
    """Return the mean of a class's share of a batch times its error, in empty batches and others.

    Given the counts of the groups, the mean number of the class's samples is linear in them:
    `shares` (p, 1) are the shares of each group that belong to the class, `idle` that of the
    samples in no group. Shape (p, u) each.
    """
    pool, distribution, sizes = epoch.pool, epoch.distribution, epoch.batching.sizes
    empty = idle * pool.none(sizes) * (epoch.batching.zero_division - pool.true) + 0.0
    values = pool.deviations(distribution, 0.0)
    counts = distribution.counts()
    support = sum(
        expand_dims(share - idle, count) * count
        for share, count in zip(shares, counts, strict=True)
    )
    others = distribution.mean(support * values) / sizes + idle * distribution.mean(values)
    return empty, others


def _positive_shares(
    pool: Pool, counts: Counts, rows: Rows, ratio: Ratio
) -> tuple[list[Floats], Floats]:
    """Return the share of TP and FN in each group, and in the samples in none: (p, 1) each."""

    def of_class(top: float | None, bottom: float) -> Floats:
        cells = zip((counts.tp, counts.fn), ratio.top[::2], ratio.bottom[::2], strict=True)
        counts_of = [part[rows] for part, a, b in cells if b == bottom and top in (None, a)]
        return np.asarray(sum(counts_of, np.zeros(len(rows))))[:, None]

    weights = zip(pool.groups, pool.top, pool.bottom, strict=True)
    shares = [safe_divide(of_class(top, bottom), group) for group, top, bottom in weights]
    return shares, safe_divide(of_class(None, 0), pool.total - pool.relevant)


def _check_one_class_each(counts: Counts, metric: ClassAveraged) -> None:
    sums = (counts.positives.sum(axis=0), counts.predicted_positives.sum(axis=0))
    for labels in sums:
        different = labels != counts.n[0]
        if different.any():
            rule = (
                f"must be of samples that have and get one class each for {metric.name}, so that "
                "TP + FN and TP + FP of the classes add up to the samples"
            )
            raise_input_error(
                "counts", rule, f"{labels[different][0]} of {counts.n[0][different][0]}"
            )


def _recalls(ratio: Ratio) -> bool:
    """Return True if the ratio times TP + FN is a multiple of TP, as for recall."""
    return not any(ratio.top[1:]) and ratio.bottom == (ratio.bottom[0], 0, ratio.bottom[0], 0)


def _of_right_and_wrong(ratio: Ratio, classes: int, name: str) -> Ratio:
    """Express the micro average as a ratio of right and wrong samples, counted as TP and FN.

    A right one is a TP of its class and a TN of the others; a wrong one an FN of its class, an FP
    of another and a TN of the rest.
    """

    def summed(weights: Weights) -> Weights:
        tp, fp, fn, tn = weights
        return tp + (classes - 1) * tn, 0, fp + fn + max(classes - 2, 0) * tn, 0

    return Ratio(summed(ratio.top), summed(ratio.bottom), name)
