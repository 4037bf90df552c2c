"""Metrics of all samples, by scikit-learn and SciPy, and of many batches at once.

A metric of batches takes labels (b, n) and what the network says of them, (b, n) or (b, n, c), for
b batches of n samples. It gives the value of each batch, NaN where scikit-learn or SciPy give no
number, so that nothing is left but to leave the batch out, and whether it is undefined there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sklearn

from batchf1.metrics.counts import Counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.ratios import F1, JACCARD, PRECISION, RECALL, Ratio
from batchf1.studies.atlas.moments import correlation, determination
from batchf1.studies.atlas.ranks import average_precision, roc_auc

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Values(NamedTuple):
    """Values (b,) of b batches, float64, NaN for a batch to leave out; and which are undefined."""

    value: Floats
    undefined: Flags


Batches = Callable[[Any, Floats], Values]
N_GRADES = 5
GRADES = np.arange(N_GRADES)


@dataclass(frozen=True)
class Metric:
    """Metric of a task, for batches and as the reference of scikit-learn or SciPy."""

    name: str
    task: str
    of_batches: Batches
    reference: Callable[[Any, Any], Any]
    """Of labels (n,) and what the network says of them, (n,) or (n, c)."""

    def of_all(self, y: Any, said: Any) -> float:
        """Return the value of scikit-learn or SciPy; NaN where they give NaN or raise."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return float(self.reference(y, said))
            except ValueError:
                return float("nan")


def defined(value: Floats) -> Values:
    """Return values of which none is undefined."""
    return Values(value, np.zeros(np.shape(value), np.bool_))


def _hit(said: Any) -> Any:
    return np.asarray(said) > 0.5


def _counts(y: Any, said: Any) -> Counts:
    true, hit = np.asarray(y) == 1, _hit(said)
    cells = (true & hit, ~true & hit, true & ~hit, ~true & ~hit)
    return Counts(*(cell.sum(axis=-1) for cell in cells))


def _ratio(ratio: Ratio) -> Batches:
    """Return a ratio of counts as a metric of batches; 0/0 is 0, as in scikit-learn."""

    def of_batches(y: Any, said: Floats) -> Values:
        counts = _counts(y, said)
        return Values(ratio(counts), np.asarray(np.isnan(ratio(counts, zero_division=np.nan))))

    return of_batches


def _mcc(y: Any, said: Floats) -> Values:
    tp, fp, fn, tn = (cell.astype(np.float64) for cell in _counts(y, said))
    square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    root = np.sqrt(np.where(square > 0, square, 1))
    return Values(np.where(square > 0, (tp * tn - fp * fn) / root, 0), np.asarray(square == 0))


def _kappa(y: Any, said: Floats) -> Values:
    tp, fp, fn, tn = (cell.astype(np.float64) for cell in _counts(y, said))
    n = tp + fp + fn + tn
    chance = ((tp + fp) * (tp + fn) + (tn + fp) * (tn + fn)) / n**2
    rest = np.where(chance < 1, 1 - chance, np.nan)
    return Values(((tp + tn) / n - chance) / rest, np.asarray(chance == 1))


def _balanced(y: Any, said: Floats) -> Values:
    """Return the mean recall of the classes that a batch has, as scikit-learn does."""
    tp, fp, fn, tn = _counts(y, said)
    recalls = [
        RECALL.from_counts(tp, 0, fn, zero_division=np.nan),
        RECALL.from_counts(tn, 0, fp, 0, np.nan),
    ]
    undefined = np.isnan(np.stack(recalls)).any(axis=0)
    return Values(np.nanmean(recalls, axis=0), np.asarray(undefined))


def _auc(y: Any, said: Floats) -> Values:
    value = roc_auc(y, said)
    return Values(value, np.isnan(value))


def _ap(y: Any, said: Floats) -> Values:
    value = average_precision(y, said)
    return Values(np.nan_to_num(value), np.isnan(value))


def _right(y: Any, said: Floats) -> Values:
    return defined((said.argmax(axis=-1) == y).mean(axis=-1))


def _log_loss(y: Any, said: Floats) -> Values:
    of_label = np.take_along_axis(said, np.asarray(y)[..., None], axis=-1)[..., 0]
    return defined(-np.log(np.clip(of_label, np.finfo(np.float64).eps, 1)).mean(axis=-1))


def _perplexity(y: Any, said: Floats) -> Values:
    return defined(np.exp(_log_loss(y, said).value))


def _of_grades(y: Any, said: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return F1 of each class, NaN for 0/0, and the samples of each class: (b, classes)."""
    true = np.asarray(y)[..., None] == GRADES
    hit = said.argmax(axis=-1)[..., None] == GRADES
    tp, positives, predicted = (part.sum(axis=-2) for part in (true & hit, true, hit))
    return F1.from_margins(tp, positives, predicted, zero_division=np.nan), positives


def _macro(y: Any, said: Floats) -> Values:
    """Return the macro F1; a class that a batch neither has nor predicts has F1 0."""
    of_class, _ = _of_grades(y, said)
    return Values(
        np.nan_to_num(of_class).mean(axis=-1), np.asarray(np.isnan(of_class).any(axis=-1))
    )


def _weighted(y: Any, said: Floats) -> Values:
    of_class, support = _of_grades(y, said)
    return defined((np.nan_to_num(of_class) * support).sum(axis=-1) / support.sum(axis=-1))


def _mse(y: Any, said: Floats) -> Values:
    return defined(((y - said) ** 2).mean(axis=-1))


def _rmse(y: Any, said: Floats) -> Values:
    return defined(np.sqrt(_mse(y, said).value))


def _mae(y: Any, said: Floats) -> Values:
    return defined(np.abs(y - said).mean(axis=-1))


def _r2(y: Any, said: Floats) -> Values:
    return Values(*determination(y, said))


def _pearson(y: Any, said: Floats) -> Values:
    value = correlation(y, said)
    return Values(value, np.isnan(value))


def _spearman(y: Any, said: Floats) -> Values:
    return _pearson(stats.rankdata(y, axis=-1), stats.rankdata(said, axis=-1))


def _of_hits(score: Callable[..., Any], **options: Any) -> Callable[[Any, Any], Any]:
    """Return a score of scikit-learn for labels and predicted labels, 0 or 1."""
    return lambda y, said: score(y, _hit(said).astype(int), **options)


def _of_best(score: Callable[..., Any], **options: Any) -> Callable[[Any, Any], Any]:
    """Return a score of scikit-learn for classes and predicted classes."""
    return lambda y, said: score(y, np.argmax(said, axis=-1), **options)


def _f1_of_grades(average: str) -> Callable[[Any, Any], Any]:
    return _of_best(sklearn.f1_score, labels=GRADES, average=average, zero_division=0)


def _sk_log_loss(y: Any, said: Any) -> Any:
    return sklearn.log_loss(y, said, labels=GRADES)


METRICS = (
    Metric("accuracy", "grade", _right, _of_best(sklearn.accuracy_score)),
    Metric("log loss", "grade", _log_loss, _sk_log_loss),
    Metric("MSE", "price", _mse, sklearn.mean_squared_error),
    Metric("MAE", "price", _mae, sklearn.mean_absolute_error),
    Metric("RMSE", "price", _rmse, sklearn.root_mean_squared_error),
    Metric("R2", "price", _r2, sklearn.r2_score),
    Metric("Pearson", "price", _pearson, lambda y, said: stats.pearsonr(y, said).statistic),
    Metric("Spearman", "price", _spearman, lambda y, said: stats.spearmanr(y, said).statistic),
    Metric("perplexity", "grade", _perplexity, lambda y, said: np.exp(_sk_log_loss(y, said))),
    Metric("precision", "heavy", _ratio(PRECISION), _of_hits(sklearn.precision_score)),
    Metric("recall", "heavy", _ratio(RECALL), _of_hits(sklearn.recall_score)),
    Metric("F1", "heavy", _ratio(F1), _of_hits(sklearn.f1_score)),
    Metric("F2", "heavy", _ratio(f_beta(2)), _of_hits(sklearn.fbeta_score, beta=2)),
    Metric("Jaccard", "heavy", _ratio(JACCARD), _of_hits(sklearn.jaccard_score)),
    Metric("MCC", "heavy", _mcc, _of_hits(sklearn.matthews_corrcoef)),
    Metric("Cohen's kappa", "heavy", _kappa, _of_hits(sklearn.cohen_kappa_score)),
    Metric("balanced accuracy", "heavy", _balanced, _of_hits(sklearn.balanced_accuracy_score)),
    Metric("macro F1", "grade", _macro, _f1_of_grades("macro")),
    Metric("micro F1", "grade", _right, _f1_of_grades("micro")),
    Metric("weighted F1", "grade", _weighted, _f1_of_grades("weighted")),
    Metric("ROC AUC", "heavy", _auc, sklearn.roc_auc_score),
    Metric("average precision", "heavy", _ap, sklearn.average_precision_score),
)
"""Every metric of the atlas, each of one task."""


def of_task(task: str) -> list[Metric]:
    """Return the metrics of a task."""
    return [metric for metric in METRICS if metric.task == task]
