"""Values of a metric function in Keras 3 when labels have the shape (n,) and scores (n, 1).

Keras 3 hands both to the function as they are. Their product then has a row per prediction and a
column per label: the function compares each prediction with every label of the batch, and not with
its own. Derivation: `docs/theory.md`.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import dot, margin_weights
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import F1, Ratio, check_ratio

Labels = Literal["column", "flat"]
"""Shape of the labels: (n, 1), or (n,)."""
Written = Literal["margins", "cells"]
"""How a function computes a ratio, see `flat_value`."""


def pair_counts(counts: Counts) -> Counts:
    """Count the pairs of a prediction and a label of one batch, each with each.

    Parameters
    ----------
    counts : Counts
        Counts of batches, of any shape, unchecked.

    Returns
    -------
    Counts
        With B samples, P positives and Q predicted positives: P Q, (B - P) Q, P (B - Q) and
        (B - P) (B - Q), which add up to B**2. Which samples were found does not matter.
    """
    positives, predicted, n = counts.positives, counts.predicted_positives, counts.n
    return Counts(
        tp=positives * predicted,
        fp=(n - positives) * predicted,
        fn=positives * (n - predicted),
        tn=(n - positives) * (n - predicted),
    )


def flat_value(
    counts: Counts, metric: Ratio = F1, written: Written = "margins", zero_division: float = 0.0
) -> Floats:
    """Return what a metric function logs for each batch when the labels have the shape (n,).

    Parameters
    ----------
    counts : Counts
        True counts of each batch, whole numbers from 0 to 2**53, of any shape.
    metric : Ratio
        The metric that the function is meant to compute, F1 by default.
    written : {"margins", "cells"}
        `margins`: from sum(y * p), sum(y) and sum(p), as the article does; F1 comes out as
        2 P Q / (P + Q). `cells`: from sum(y * p), sum((1 - y) * p) and sum(y * (1 - p)); F1 comes
        out as 2 P Q / (B (P + Q)). P: positives, Q: predicted positives, B: samples of the batch.
    zero_division : {0, 1, NaN}
        Value of a batch without a label or prediction that the metric counts, where it is 0/0.

    Returns
    -------
    float64 array of the shape of the counts
        With `cells` in [0, 1]. With `margins` F-beta, precision and recall lie in [0, B]; a metric
        whose denominator contains TP, such as the Jaccard index P Q / (P + Q - P Q), takes any
        value, and is infinite where its denominator alone is 0.

    Raises
    ------
    InputError
        For other counts, metric or `zero_division`, and with `margins` for a metric that counts
        true negatives, such as accuracy: by margins they need the number of samples, of which there
        are two, B labels and B**2 pairs.

    Notes
    -----
    `keras.src.metrics.reduction_metrics.MeanMetricWrapper.update_state` (Keras 3) calls the
    function on labels and scores as they are. Derivation: `docs/theory.md`.

    Examples
    --------
    >>> batch = Counts(tp=1, fp=2, fn=3, tn=26)
    >>> round(float(F1(batch)), 3), round(float(flat_value(batch)), 3)
    (0.286, 3.429)
    >>> round(float(flat_value(batch, written="cells")), 3)
    0.107
    """
    check_ratio(metric)
    check_written(written, metric)
    counts, undefined = checked(counts), checks.zero_division(zero_division)
    margins = (np.float64(counts.positives), np.float64(counts.predicted_positives))
    top, bottom = pair_sums(*margins, counts.n, metric, written)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.true_divide(top, bottom)
    return np.asarray(np.where((top == 0) & (bottom == 0), undefined, values))


def pair_sums(
    positives: Any, predicted: Any, n: Any, metric: Ratio, written: Written
) -> tuple[Any, Any]:
    """Return numerator and denominator for floats P, Q and B that broadcast, unchecked."""
    if written == "cells":
        others = n - predicted
        cells = (
            positives * predicted,
            (n - positives) * predicted,
            positives * others,
            (n - positives) * others,
        )
        return dot(metric.top, cells), dot(metric.bottom, cells)
    margins = (positives * predicted, positives, predicted, 0)
    return dot(margin_weights(metric.top), margins), dot(margin_weights(metric.bottom), margins)


def check_labels(labels: object) -> None:
    """Raise `InputError` unless this is a shape of labels."""
    check(labels in get_args(Labels), "labels", f"must be one of {get_args(Labels)}", labels)


def check_written(written: object, metric: Ratio) -> None:
    """Raise `InputError` unless a function for the metric can be written in this way."""
    ways = get_args(Written)
    check(written in ways, "written", f"must be one of {ways}", written)
    counts_tn = metric.top[3] > 0 or metric.bottom[3] > 0
    good = written == "cells" or not counts_tn
    check(good, "written", f"must be cells for {metric.name}, which counts true negatives", written)
