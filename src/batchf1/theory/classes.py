"""The expected mean over batches of a metric over classes, from the counts of each class.

Counts are (n_classes, ...), each class against the rest. They do not say how the classes go
together, so that only what needs no joint law is found. Derivations: `docs/theory.md`, section 5.
"""

from __future__ import annotations

import numpy as np

from batchf1.errors import check, raise_input_error
from batchf1.metrics.arithmetic import Weights, safe_divide
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio, check_metric
from batchf1.theory.chunks import Rows, chunks, map_pools
from batchf1.theory.expected_error import Epoch, parts_of_error
from batchf1.theory.pool import Cut, Pool, expand_dims, grouped


def joined(counts: Counts, metric: Metric) -> tuple[Counts, Metric]:
    """The same question of right and wrong samples alone, where it is none of classes.

    That is so for micro averages, and for weighted recall, which is accuracy: what is right in a
    class, times the share of the class. Others are returned as they are. Raises `InputError` for
    counts that the metric does not take, and where samples have other than one class each.
    """
    check_metric(metric)
    if not isinstance(metric, ClassAveraged):
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


def parts(counts: Counts, cut: Cut, metric: ClassAveraged) -> Floats:
    """The true value and the two parts of the error, (3, ...), of a macro or weighted average.

    `cut` is that of each class. Raises `InputError` where `zero_division` is NaN and a batch may
    leave out a class that would have counted.
    """
    left_out = np.isnan(cut.zero_division)
    if metric.average == "macro":
        check(not left_out, "zero_division", JOINT.format(metric.name), "nan")
        undefined = [cut.zero_division, 0.0, 0.0]
        return np.asarray(map_pools(counts, cut, metric.ratio, _parts, undefined).mean(axis=1))
    needed = left_out and not metric.ratio.bottom[0] * metric.ratio.bottom[2]
    check(not needed, "zero_division", JOINT.format(metric.name), "nan")
    true = metric.from_counts(*counts, zero_division=cut.zero_division)
    whole = cut._replace(zero_division=0.0) if left_out else cut  # a class left out weighs nothing
    return np.stack([true, *_weighted_parts(counts, whole, metric.ratio).sum(axis=1)])


JOINT = "is 0 or 1 for {}: to leave classes out needs their joint law"


def _parts(epoch: Epoch) -> tuple[Floats, ...]:
    return epoch.pool.true, *parts_of_error(epoch)


def _weighted_parts(counts: Counts, cut: Cut, ratio: Ratio) -> Floats:
    """What each class owes to being empty and to the rest of its error: (2, n_classes, ...)."""
    flat = Counts(*(part.reshape(-1) for part in counts))
    found = np.zeros((2, flat.tp.size))
    for rows, epoch in chunks(grouped(flat.n, flat, ratio), cut):
        shares = _positive_shares(epoch.pool, flat, rows, ratio)
        for part, values in zip(found, _support_times_error(epoch, *shares), strict=True):
            part[rows] = (epoch.cut.shares * values).sum(axis=-1)
    return found.reshape(2, *counts.tp.shape)


def _support_times_error(epoch: Epoch, shares: list[Floats], idle: Floats) -> tuple[Floats, Floats]:
    """Mean of a class's share of a batch times its error there: of empty batches, of others.

    Given the numbers that the ratio knows, the mean of the class's samples is linear in them:
    `shares` (p, 1) are those of each group that belong to the class, `idle` of what is in none.
    Shape (p, u) each.
    """
    pool, law, sizes = epoch.pool, epoch.distribution, epoch.cut.sizes
    empty = idle * pool.none(sizes) * (epoch.cut.zero_division - pool.true) + 0.0
    values = pool.deviations(law, 0.0)
    counts = law.counts()
    support = sum(
        expand_dims(share - idle, count) * count
        for share, count in zip(shares, counts, strict=True)
    )
    others = law.mean(support * values) / sizes + idle * law.mean(values)
    return empty, others


def _positive_shares(
    pool: Pool, counts: Counts, rows: Rows, ratio: Ratio
) -> tuple[list[Floats], Floats]:
    """Which share of each group, and of the samples in none, is TP or FN: (p, 1) each."""

    def of_class(top: float | None, bottom: float) -> Floats:
        cells = zip((counts.tp, counts.fn), ratio.top[::2], ratio.bottom[::2], strict=True)
        held = [part[rows] for part, a, b in cells if b == bottom and top in (None, a)]
        return np.asarray(sum(held, np.zeros(len(rows))))[:, None]

    weights = zip(pool.groups, pool.top, pool.bottom, strict=True)
    shares = [safe_divide(of_class(top, bottom), group) for group, top, bottom in weights]
    return shares, safe_divide(of_class(None, 0), pool.total - pool.relevant)


def _check_one_class_each(counts: Counts, metric: ClassAveraged) -> None:
    sums = (counts.positives.sum(axis=0), counts.predicted_positives.sum(axis=0))
    for labels in sums:
        strange = labels != counts.n[0]
        if strange.any():
            rule = (
                f"{metric.name} needs the joint law of the classes, unless each sample has and "
                "gets one: then TP + FN and TP + FP of the classes add up to the samples"
            )
            raise_input_error("counts", rule, f"{labels[strange][0]} of {counts.n[0][strange][0]}")


def _recalls(ratio: Ratio) -> bool:
    """Whether the ratio times TP + FN is a multiple of TP."""
    return not any(ratio.top[1:]) and ratio.bottom == (ratio.bottom[0], 0, ratio.bottom[0], 0)


def _of_right_and_wrong(ratio: Ratio, classes: int, name: str) -> Ratio:
    """The micro average as a ratio of right and wrong samples, which count as TP and FN here.

    A right one is a TP of its class and a TN of the others; a wrong one an FN of its class, an FP
    of another and a TN of the rest.
    """

    def summed(weights: Weights) -> Weights:
        tp, fp, fn, tn = weights
        return tp + (classes - 1) * tn, 0, fp + fn + max(classes - 2, 0) * tn, 0

    return Ratio(summed(ratio.top), summed(ratio.bottom), name)
