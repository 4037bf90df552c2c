"""Agreement of labels and predictions: MCC, Cohen's kappa, balanced accuracy; from sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, Literal, get_args

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.sums import COUNTS, SumMetric, divide

Weights = Literal["linear", "quadratic"]


@dataclass(frozen=True)
class Agreement(SumMetric):
    """Function of the counts of each class; a binary output has two classes."""

    n_classes: int | None = None
    over_classes: ClassVar[bool] = True

    def value(self, sums: Any, xp: Any) -> Any:
        """Return `of_classes` of the counts of at least two classes."""
        if sums[0].shape[0] != 1:
            return self.of_classes(sums, xp)
        tp, positives, predicted, n = sums
        others = (n - positives - predicted + tp, n - positives, n - predicted, n)
        both = zip(others, sums, strict=True)
        return self.of_classes([xp.concatenate(pair, axis=0) for pair in both], xp)

    def of_classes(self, sums: Sequence[Any], xp: Any) -> Any:
        """Return the metric of sums (n_classes, ...)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Matthews(Agreement):
    """Matthews' correlation coefficient."""

    name: ClassVar[str] = "mcc"  # type: ignore[misc]
    lowest: ClassVar[float] = -1.0
    undefined: ClassVar[float] = 0.0

    def of_classes(self, sums: Sequence[Any], xp: Any) -> Any:
        """Return the correlation of the one-hot labels and predictions."""
        tp, true, predicted, n = sums
        n = n[0]
        agreed = n * xp.sum(tp, axis=0) - xp.sum(true * predicted, axis=0)
        spread = [n * n - xp.sum(part * part, axis=0) for part in (true, predicted)]
        return divide(agreed, xp.sqrt(spread[0] * spread[1]), xp)


@dataclass(frozen=True)
class BalancedAccuracy(Agreement):
    """Mean recall of the classes that have a label."""

    name: ClassVar[str] = "balanced_accuracy"  # type: ignore[misc]

    def of_classes(self, sums: Sequence[Any], xp: Any) -> Any:
        """Return the mean over the classes with a label."""
        tp, true, _, _ = sums
        has = true != 0  # NaN too
        recalls = tp / xp.where(has, true, xp.ones_like(true))
        each = xp.where(has, recalls, xp.zeros_like(true))
        counted = xp.where(has, xp.ones_like(true), xp.zeros_like(true))
        return divide(xp.sum(each, axis=0), xp.sum(counted, axis=0), xp)


@dataclass(frozen=True)
class Kappa(Agreement):
    """Cohen's kappa."""

    name: ClassVar[str] = "kappa"  # type: ignore[misc]
    lowest: ClassVar[float] = -1.0

    def of_classes(self, sums: Sequence[Any], xp: Any) -> Any:
        """Return agreement beyond chance, as a share of its largest value."""
        tp, true, predicted, n = sums
        n = n[0]
        chance = xp.sum(true * predicted, axis=0)
        return divide(n * xp.sum(tp, axis=0) - chance, n * n - chance, xp)


@dataclass(frozen=True)
class WeightedKappa(Agreement):
    """Cohen's kappa, in which a confusion counts by the distance of the classes."""

    weights: Weights = "linear"
    terms: ClassVar[tuple[str, ...]] = (*COUNTS, "distances")  # type: ignore[misc]
    lowest: ClassVar[float] = -1.0

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name in logs."""
        return f"kappa_{self.weights}"

    def adds(self, y_true: Any, y_pred: Any, xp: Any) -> Sequence[Any]:
        """Return the counts, and the distance of each sample in the column of its class."""
        index = xp.cumsum(xp.ones_like(y_true), axis=1)
        off = xp.sum(index * (y_true - y_pred), axis=1)
        distance = off * off if self.weights == "quadratic" else xp.abs(off)
        return *super().adds(y_true, y_pred, xp), y_true * distance[:, None]

    def value(self, sums: Any, xp: Any) -> Any:
        """Return the metric; of two classes, which have one distance, kappa without weights."""
        if sums[0].shape[0] == 1:
            return Kappa().value([*sums[:3], sums[-1]], xp)
        return self.of_classes(sums, xp)

    def of_classes(self, sums: Sequence[Any], xp: Any) -> Any:
        """Return 1 less the distances, as a share of those expected by chance."""
        _, true, predicted, distances, n = sums
        index = xp.cumsum(xp.ones_like(true), axis=0)
        if self.weights == "quadratic":
            squares = n[0] * xp.sum(index * index * (true + predicted), axis=0)
            mixed = xp.sum(index * true, axis=0) * xp.sum(index * predicted, axis=0)
            chance = squares - 2 * mixed
        else:  # a distance is the number of cuts between neighbours that lie between two classes
            # not cumsum, which is in float32 in Keras on PyTorch
            below, beneath = (_up_to_each(part) for part in (true, predicted))
            cuts = zip(below, beneath, strict=True)
            chance = sum(one * (n[0] - other) + other * (n[0] - one) for one, other in cuts)
        return 1 - divide(n[0] * xp.sum(distances, axis=0), chance, xp)


def _up_to_each(sums: Any) -> Iterator[Any]:
    """Yield the sum of the first classes, for each number of them."""
    return accumulate(sums[i] for i in range(sums.shape[0]))


def mcc(n_classes: int | None = None) -> SumMetric:
    """Return Matthews' correlation coefficient as a metric.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes, for a metric over classes; None for a binary output. On arrays None takes
        the classes that occur.

    Returns
    -------
    SumMetric
        Named `mcc` in logs; in [-1, 1], and 0 where all labels or all predictions are of one class,
        as in scikit-learn.

    Raises
    ------
    InputError
        For `n_classes` that is no whole number >= 2.

    Notes
    -----
    As in `sklearn.metrics.matthews_corrcoef`; over classes R_K of Gorodkin (2004), which needs no
    more than TP, TP + FN and TP + FP of each class.

    Examples
    --------
    >>> from batchf1 import Counts, mcc
    >>> round(mcc()([1, 1, 1, 0], [1, 0, 1, 1]), 3)
    -0.333
    >>> float(mcc()(Counts(tp=4, fp=0, fn=0, tn=6)))
    1.0
    """
    return Matthews(_checked(n_classes))


def kappa(weights: Weights | None = None, n_classes: int | None = None) -> SumMetric:
    """Return Cohen's kappa as a metric.

    Parameters
    ----------
    weights : {None, "linear", "quadratic"}
        Weight of a confusion: 1, or the distance of the two classes, or its square. With two
        classes these are the same.
    n_classes : int, optional
        Number of classes, for a metric over classes; None for a binary output. On arrays None takes
        the classes that occur.

    Returns
    -------
    SumMetric
        Named `kappa`, `kappa_linear` or `kappa_quadratic` in logs; in [-1, 1], and NaN where all
        labels and predictions are of one class, as in scikit-learn.

    Raises
    ------
    InputError
        For other weights, and for `n_classes` that is no whole number >= 2.

    Notes
    -----
    As in `sklearn.metrics.cohen_kappa_score`. The weighted ones need one more sum, of the distances
    between true and predicted class, so that counts of classes do not determine them.

    Examples
    --------
    >>> from batchf1 import kappa
    >>> round(kappa()([0, 1, 2, 2], [0, 2, 1, 2]), 3)
    0.2
    >>> round(kappa("quadratic")([0, 1, 2, 2], [0, 2, 1, 2]), 3)
    0.636
    """
    valid = (None, *get_args(Weights))
    check(weights in valid, "weights", f"must be one of {valid}", weights)
    classes = _checked(n_classes)
    return Kappa(classes) if weights is None else WeightedKappa(classes, weights)


def balanced_accuracy(n_classes: int | None = None) -> SumMetric:
    """Return balanced accuracy, the mean recall of the classes that have a label, as a metric.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes, for a metric over classes; None for a binary output. On arrays None takes
        the classes that occur.

    Returns
    -------
    SumMetric
        Named `balanced_accuracy` in logs; in [0, 1].

    Raises
    ------
    InputError
        For `n_classes` that is no whole number >= 2.

    Notes
    -----
    As in `sklearn.metrics.balanced_accuracy_score`: unlike in `recall("macro")`, a class without a
    label is left out.

    Examples
    --------
    >>> from batchf1 import balanced_accuracy
    >>> balanced_accuracy()([1, 1, 0, 0], [0.9, 0.2, 0.1, 0.3])
    0.75
    """
    return BalancedAccuracy(_checked(n_classes))


def _checked(n_classes: int | None) -> int | None:
    return None if n_classes is None else checks.check_integer("n_classes", n_classes, least=2)
