"""Samples that have a kind in each class, and what plain arithmetic makes of a batch of them."""

import math

import numpy as np

from batchf1.metrics.counts import Counts
from helpers.brute_force import every_log


def kind(true, predicted, classes):
    """What a sample of one class each is in every class: 0 a TP, 1 an FP, 2 an FN, 3 a TN."""
    return tuple(
        0 if true == predicted == c else 1 if predicted == c else 2 if true == c else 3
        for c in range(classes)
    )


def counts_of(pool):
    """The counts of a pool {kinds of a sample: number of such}, (n_classes,) each."""
    table = np.zeros((4, len(next(iter(pool)))), np.int64)
    for kinds, number in pool.items():
        table[kinds, np.arange(len(kinds))] += number
    return Counts(*table)


def value(batch, metric, zero_division):
    """The metric of some samples, each a tuple of kinds."""
    cells = [[one_class.count(kind) for kind in range(4)] for one_class in zip(*batch, strict=True)]
    if metric.average == "micro":
        return _ratio([sum(each) for each in zip(*cells, strict=True)], metric, zero_division)
    found = [(_ratio(each, metric, zero_division), each[0] + each[2]) for each in cells]
    known = [(x, weight) for x, weight in found if not math.isnan(x)]
    if metric.average == "macro" or not any(weight for _, weight in known):
        known = [(x, 1) for x, _ in known]
    total = sum(weight for _, weight in known)
    return sum(x * weight for x, weight in known) / total if total else math.nan


def _ratio(cells, metric, zero_division):
    top, bottom = (
        sum(weight * cell for weight, cell in zip(weights, cells, strict=True))
        for weights in metric.ratio[:2]
    )
    return top / bottom if bottom else zero_division


def every_mean(pool, size, averaging, zero_division, metric):
    """The mean over the batches of every order of a small pool."""
    kinds = list(pool)
    return every_log(
        pool.values(),
        size,
        averaging,
        zero_division,
        lambda batch: value([kinds[i] for i in batch], metric, zero_division),
    )
