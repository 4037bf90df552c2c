"""Factories of the usual metrics: F-beta, precision, recall and the Jaccard index."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.ratios import (
    JACCARD,
    PRECISION,
    RECALL,
    Average,
    ClassAveraged,
    Metric,
    Ratio,
    check_metric,
)


@overload
def f_beta(beta: float, average: Literal["binary"] = "binary", n_classes: None = None) -> Ratio: ...
@overload
def f_beta(beta: float, average: Average, n_classes: int | None = None) -> ClassAveraged: ...
def f_beta(beta: float, average: str = "binary", n_classes: int | None = None) -> Metric:
    """Return the F-beta score as a metric.

    Parameters
    ----------
    beta : float
        Weight of recall against precision, above 0 and finite; 1 is F1.
    average : {"binary", "micro", "macro", "weighted"}
        `binary` returns a `Ratio`, the others a `ClassAveraged`.
    n_classes : int, optional
        Number of classes; goes with the averages over classes.

    Returns
    -------
    Ratio or ClassAveraged
        Named `f1`, `f0.5`, `f2_macro` and so on in logs.

    Raises
    ------
    InputError
        Unless 0 < beta < infinity, for another average, and for `n_classes` that is no whole number
        >= 1 or goes with `binary`.

    Notes
    -----
    F-beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), as in `sklearn.metrics.fbeta_score`.

    Examples
    --------
    >>> from batchf1 import Counts, f_beta
    >>> float(f_beta(2)(Counts(tp=4, fp=1, fn=1, tn=94)))
    0.8
    >>> f_beta(1, average="macro", n_classes=5).name
    'f1_macro'
    """
    checks.check_argument(
        0 < checks.real(beta) < np.inf, "beta", "must be above 0 and finite", beta
    )
    square = float(beta) ** 2
    ratio = Ratio((1 + square, 0, 0, 0), (1 + square, 1, square, 0), f"f{beta:g}")
    return _averaged(ratio, average, n_classes)


@overload
def precision(average: Literal["binary"] = "binary", n_classes: None = None) -> Ratio: ...
@overload
def precision(average: Average, n_classes: int | None = None) -> ClassAveraged: ...
def precision(average: str = "binary", n_classes: int | None = None) -> Metric:
    """Return precision, TP / (TP + FP), as a metric.

    Parameters
    ----------
    average : {"binary", "micro", "macro", "weighted"}
        `binary` returns a `Ratio`, the others a `ClassAveraged`.
    n_classes : int, optional
        Number of classes; goes with the averages over classes.

    Returns
    -------
    Ratio or ClassAveraged
        Named `precision`, or `precision_macro` and so on, in logs.

    Raises
    ------
    InputError
        For another average, and for `n_classes` that is no whole number >= 1 or goes with `binary`.

    Notes
    -----
    As in `sklearn.metrics.precision_score`.

    Examples
    --------
    >>> from batchf1 import Counts, precision
    >>> precision("weighted")(Counts(tp=[2, 1], fp=[1, 2], fn=[2, 1], tn=[1, 2])).round(3).item()
    0.556
    """
    return _averaged(PRECISION, average, n_classes)


@overload
def recall(average: Literal["binary"] = "binary", n_classes: None = None) -> Ratio: ...
@overload
def recall(average: Average, n_classes: int | None = None) -> ClassAveraged: ...
def recall(average: str = "binary", n_classes: int | None = None) -> Metric:
    """Return recall, TP / (TP + FN), as a metric.

    Parameters
    ----------
    average : {"binary", "micro", "macro", "weighted"}
        `binary` returns a `Ratio`, the others a `ClassAveraged`.
    n_classes : int, optional
        Number of classes; goes with the averages over classes.

    Returns
    -------
    Ratio or ClassAveraged
        Named `recall`, or `recall_macro` and so on, in logs.

    Raises
    ------
    InputError
        For another average, and for `n_classes` that is no whole number >= 1 or goes with `binary`.

    Notes
    -----
    As in `sklearn.metrics.recall_score`. The macro average is scikit-learn's
    `balanced_accuracy_score` where every class has a label.

    Examples
    --------
    >>> from batchf1 import Counts, recall
    >>> float(recall("macro")(Counts(tp=[2, 1], fp=[1, 2], fn=[2, 1], tn=[1, 2])))
    0.5
    """
    return _averaged(RECALL, average, n_classes)


@overload
def jaccard(average: Literal["binary"] = "binary", n_classes: None = None) -> Ratio: ...
@overload
def jaccard(average: Average, n_classes: int | None = None) -> ClassAveraged: ...
def jaccard(average: str = "binary", n_classes: int | None = None) -> Metric:
    """Return the Jaccard index (intersection over union), TP / (TP + FP + FN), as a metric.

    Parameters
    ----------
    average : {"binary", "micro", "macro", "weighted"}
        `binary` returns a `Ratio`, the others a `ClassAveraged`.
    n_classes : int, optional
        Number of classes; goes with the averages over classes.

    Returns
    -------
    Ratio or ClassAveraged
        Named `jaccard`, or `jaccard_macro` and so on, in logs.

    Raises
    ------
    InputError
        For another average, and for `n_classes` that is no whole number >= 1 or goes with `binary`.

    Notes
    -----
    As in `sklearn.metrics.jaccard_score`. Dice's coefficient is F1, `f_beta(1)`.

    Examples
    --------
    >>> from batchf1 import Counts, jaccard
    >>> float(jaccard("micro")(Counts(tp=[2, 1], fp=[1, 2], fn=[2, 1], tn=[1, 2])))
    0.3333333333333333
    """
    return _averaged(JACCARD, average, n_classes)


def _averaged(ratio: Ratio, average: str, n_classes: int | None) -> Metric:
    if average != "binary":
        metric = ClassAveraged(ratio, average, n_classes)  # type: ignore[arg-type]
        check_metric(metric)
        return metric
    rule = "must be combined with average micro, macro or weighted"
    check(n_classes is None, "n_classes", rule, n_classes)
    return ratio
