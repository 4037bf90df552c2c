"""Detection of functions that compare each prediction of a batch with every label of the batch.

Labels (n,) and predictions (n, 1), or the reverse, broadcast to (n, n) in NumPy, PyTorch, JAX and
TensorFlow. Whether a function lets them is found by calling it, so that any function is covered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.flat_labels import Written, flat_value
from batchf1.metrics.ratios import F1, PRECISION, RECALL, Ratio

Pair = tuple[NDArray[Any], NDArray[Any]]
"""Labels and predictions of a batch."""
Log = Callable[[Sequence[Pair]], float]
"""Logged value of the batches; NaN where they have none."""
RULE = "broadcast"
"""The rule, and the first part of its variants."""
CELLS = f"{RULE}_cells"
"""The rule of a `Ratio` that is written with cells, see `batchf1.metrics.flat_labels`."""
REL_TOL = 1e-4
"""Relative error up to which two values are the same: float32 sums are no more exact."""
FORMULAS: dict[tuple[Ratio, Written], str] = {
    (F1, "margins"): "2PQ/(P+Q)",
    (F1, "cells"): "2PQ/(B(P+Q))",
    (PRECISION, "margins"): "P",
    (PRECISION, "cells"): "P/B",
    (RECALL, "margins"): "Q",
    (RECALL, "cells"): "Q/B",
}
"""Metric, and how it is written -> its value of a batch where labels broadcast, with B samples, P
positives and Q predicted positives.
"""
THRESHOLDS = (0.5, 0.0)
"""Thresholds at which a function may decide: of probabilities, and of logits."""


class Resolved(NamedTuple):
    """Batches in shapes in which a function compares each prediction with its own label."""

    pairs: Sequence[Pair]
    broadcast: bool
    """Whether the function, given the original shapes, compares it with every label."""
    unknown: bool = False
    """Whether this cannot be known, although the shapes make a difference: all labels are equal."""


def reshaping(true: Sequence[int], predicted: Sequence[int]) -> str | None:
    """Return how to give labels of this shape the shape of the predictions, as `y[:, None]`.

    None unless one shape is (n,) and the other (n, 1).
    """
    if len(true) == 1 and tuple(predicted) == (true[0], 1):
        return "y[:, None]"
    return "y[:, 0]" if len(predicted) == 1 and tuple(true) == (predicted[0], 1) else None


def as_predictions(pair: Pair) -> Pair:
    """Give labels the shape of the predictions."""
    return pair[0].reshape(pair[1].shape), pair[1]


def as_labels(pair: Pair) -> Pair:
    """Give predictions the shape of the labels."""
    return pair[0], pair[1].reshape(pair[0].shape)


def resolve(log: Log, pairs: Sequence[Pair]) -> Resolved:
    """Find the shapes in which a function compares each prediction with its own label.

    Those of the batches may be (n,) and (n, 1). A function that has one value in these shapes and
    in equal ones brings them to one shape by itself. So does one whose value depends on the order
    of the predictions, as one that takes `y_pred[:, 0]`. Any other lets them broadcast.

    Parameters
    ----------
    log
        What is logged of batches.
    pairs
        Labels and predictions of the batches.
    """
    if all(reshaping(true.shape, predicted.shape) is None for true, predicted in pairs):
        return Resolved(pairs, False)
    alike = [as_predictions(pair) for pair in pairs]
    given, meant = log(pairs), log(alike)
    if math.isnan(given) or same(given, meant):
        return Resolved(alike, False)
    probe = _probe(pairs)
    if probe is None:
        return Resolved(pairs, False, unknown=True)
    if _is_paired(log, probe):
        return Resolved(pairs, False)
    for reshaped in (as_predictions, as_labels):
        if _is_paired(log, [reshaped(pair) for pair in probe]):
            return Resolved([reshaped(pair) for pair in pairs], True)
    return Resolved(pairs, False)


def _is_paired(log: Log, probe: Sequence[Pair]) -> bool:
    """Return True if the value of a batch depends on the order of its predictions."""
    values = [log([pair]) for pair in probe]
    return not (any(map(math.isnan, values)) or same(*values))


def _probe(pairs: Sequence[Pair]) -> tuple[Pair, Pair] | None:
    """Return a batch whose predictions are its labels, and one with these in another order.

    Predictions of a model may be all the same. None where all labels are.
    """
    mixed = next((pair for pair in pairs if _is_mixed(pair[0])), None) or _joined(pairs)
    true, predicted = mixed
    if not _is_mixed(true):
        return None
    right = true.reshape(predicted.shape)
    if _is_mixed(right.astype(predicted.dtype, casting="unsafe")):  # else whole numbers round it
        right = right.astype(predicted.dtype, casting="unsafe")
    turns = (np.roll(right, turn, axis=0) for turn in range(1, len(right)))
    wrong = next(turned for turned in turns if (turned != right).any())
    return (true, right), (true, wrong)


def _is_mixed(labels: NDArray[Any]) -> bool:
    return bool((labels != labels[0]).any())


def _joined(pairs: Sequence[Pair]) -> Pair:
    """Return one batch of the size of the first, its samples taken evenly from all."""
    true, predicted = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    order = np.argsort(true.reshape(len(true)), kind="stable")
    places = np.linspace(0, len(true) - 1, max(2, len(pairs[0][0]))).astype(int)
    return true[order][places], predicted[order][places]


def same(one: float, other: float) -> bool:
    """Return True if two values are equal, to a relative 1e-4."""
    return math.isclose(one, other, rel_tol=REL_TOL, abs_tol=1e-12)


def of_counts(metric: Ratio, counts: Iterable[Counts]) -> dict[str, Floats]:
    """Map `broadcast`, and `broadcast_cells`, to the values of the batches with these counts.

    `broadcast` is the metric written by margins, and the only one. Of one that counts true
    negatives, such as accuracy, it is the metric written with cells.
    """
    parts = list(counts)
    ways: tuple[Written, ...] = written(metric)
    values = (np.concatenate([flat_value(part, metric, way) for part in parts]) for way in ways)
    return dict(zip((RULE, CELLS), values, strict=False))


def written(metric: Ratio) -> tuple[Written, ...]:
    """Return the ways to write the metric, first the most frequent one."""
    counts_tn = metric.top[3] > 0 or metric.bottom[3] > 0
    return ("cells",) if counts_tn else ("margins", "cells")


def formula(metric: object, rule: str | None) -> str:
    """Return the value of a batch by a rule `broadcast...` of a metric; empty where unknown."""
    if not isinstance(metric, Ratio) or rule is None or not rule.startswith(RULE):
        return ""
    return FORMULAS.get((metric, "cells" if rule.startswith(CELLS) else "margins"), "")


def recognized(pairs: Sequence[Pair], logged: float) -> str:
    """Return the formula whose mean over batches is the logged number; empty if there is none."""
    if logged == 0 or not all(map(_is_binary, pairs)):
        return ""
    for threshold in THRESHOLDS:
        counts = Counts(*np.array([_counts(pair, threshold) for pair in pairs]).T)
        for (metric, way), text in FORMULAS.items():
            if same(float(flat_value(counts, metric, way).mean()), logged):
                return text
    return ""


def _is_binary(pair: Pair) -> bool:
    true, predicted = pair
    return bool(np.isin(true, (0, 1)).all()) and predicted.dtype.kind in "biuf"


def _counts(pair: Pair, threshold: float) -> tuple[int, int, int, int]:
    true, decided = pair[0].reshape(-1) == 1, pair[1].reshape(-1) > threshold
    tp, positives, predicted = (int(part.sum()) for part in (true & decided, true, decided))
    return tp, predicted - tp, positives - tp, len(true) - positives - predicted + tp
