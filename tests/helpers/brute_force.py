"""The mean over batches of a metric by adding up every order of a few samples, one by one."""

import math
from functools import lru_cache

import numpy as np

from batchf1.metrics.factories import f_beta
from batchf1.metrics.ratios import ACCURACY, F1, JACCARD, PRECISION, RECALL, Ratio

RULES = ("per_batch", "size_weighted")
CONVENTIONS = (0.0, 1.0, math.nan)
METRICS = {
    "f1": F1,
    "precision": PRECISION,
    "recall": RECALL,
    "jaccard": JACCARD,
    "accuracy": ACCURACY,
    "f2": f_beta(2),
    "f3": f_beta(3),
    "f0.5": f_beta(0.5),
    "specificity": Ratio((0, 0, 0, 1), (0, 1, 0, 1)),
}
BY_HAND = {  # weights of (TP, FP, FN, TN) above and below the line
    "f1": ((2, 0, 0, 0), (2, 1, 1, 0)),
    "precision": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "recall": ((1, 0, 0, 0), (1, 0, 1, 0)),
    "jaccard": ((1, 0, 0, 0), (1, 1, 1, 0)),
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1)),
    "f2": ((5, 0, 0, 0), (5, 1, 4, 0)),
    "f3": ((10, 0, 0, 0), (10, 1, 9, 0)),
    "f0.5": ((1.25, 0, 0, 0), (1.25, 1, 0.25, 0)),
    "specificity": ((0, 0, 0, 1), (0, 1, 0, 1)),
}


def arrangements(counts):
    """Every distinct order of samples of four kinds."""
    if sum(counts) == 0:
        yield ()
    for kind, count in enumerate(counts):
        if count:
            fewer = (*counts[:kind], count - 1, *counts[kind + 1 :])
            yield from ((kind, *others) for others in arrangements(fewer))


@lru_cache(8)
def every_cut(counts, size):
    """The different batches of all orders of samples, and which of them each order has."""
    known = {}
    cuts = [
        [
            known.setdefault(tuple(sorted(order[at : at + size])), len(known))
            for at in range(0, len(order), size)
        ]
        for order in arrangements(counts)
    ]
    return list(known), np.array(cuts)


def every_log(counts, size, averaging, zero_division, value):
    """The log of every order of the samples in batches; `value` of a batch is NaN for 0/0."""
    return logs(*every_cut(tuple(counts), size), averaging, zero_division, value)


def logs(batches, cuts, averaging, zero_division, value):
    """The log of each cut, a row of places among the batches."""
    values = np.array([value(batch) for batch in batches])
    values = np.where(np.isnan(values), zero_division, values)[cuts]
    sizes = np.array([len(batch) for batch in batches])[cuts]
    weights = np.where(np.isnan(values), 0, sizes if averaging == "size_weighted" else 1)
    total, summed = weights.sum(axis=1), (np.nan_to_num(values) * weights).sum(axis=1)
    return np.divide(summed, total, out=np.full(len(total), math.nan), where=total > 0)


def ratio_of(name):
    """The value of a batch by hand."""

    def value(batch):
        top, bottom = (sum(of_kind[kind] for kind in batch) for of_kind in BY_HAND[name])
        return top / bottom if bottom else math.nan

    return value


def pairs(order, metric, written):
    """The value of a batch with labels (n,), as NumPy broadcasts its arrays; NaN for 0/0."""
    y = np.array([kind in (0, 2) for kind in order], float)
    p = np.array([kind in (0, 1) for kind in order], float)[:, None]
    tp = (y * p).sum()
    if written == "margins":
        cells = tp, p.sum() - tp, y.sum() - tp, 0.0
    else:
        cells = tp, ((1 - y) * p).sum(), (y * (1 - p)).sum(), ((1 - y) * (1 - p)).sum()
    top, bottom = np.dot(metric.top, cells), np.dot(metric.bottom, cells)
    return top / bottom if bottom else math.nan
