"""The mean over batches of a metric by adding up every order of a few samples, one by one."""

import math

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


def mean_over_batches(order, batch_size, averaging, zero_division, weights):
    value_sum = weight_sum = 0.0
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        top, bottom = (sum(of_kind[kind] for kind in batch) for of_kind in weights)
        value = top / bottom if bottom else zero_division
        if not math.isnan(value):
            weight = 1 if averaging == "per_batch" else len(batch)
            value_sum, weight_sum = value_sum + weight * value, weight_sum + weight
    return value_sum / weight_sum if weight_sum else math.nan
