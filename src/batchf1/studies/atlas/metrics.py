"""Metrics of the atlas: of many batches at once, and of all samples by scikit-learn and SciPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics as sklearn

from batchf1.metrics import batched
from batchf1.metrics.batched import BatchMetric, of_ratio, predicted_positive
from batchf1.metrics.factories import f_beta
from batchf1.metrics.ratios import F1, JACCARD, PRECISION, RECALL

N_GRADES = 5
GRADES = np.arange(N_GRADES)


@dataclass(frozen=True)
class Metric:
    """Metric of a task, for batches and as the reference of scikit-learn or SciPy."""

    name: str
    task: str
    of_batches: BatchMetric
    reference: Callable[[Any, Any], Any]
    """Function of labels (n,) and the output of a network, (n,) or (n, c)."""

    def of_all(self, y: Any, output: Any) -> float:
        """Return the value of scikit-learn or SciPy; NaN where they give NaN or raise."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return float(self.reference(y, output))
            except ValueError:
                return float("nan")


def _of_hits(score: Callable[..., Any], **options: Any) -> Callable[[Any, Any], Any]:
    """Return a score of scikit-learn for labels and predicted labels, 0 or 1."""
    return lambda y, output: score(y, predicted_positive(output).astype(int), **options)


def _of_best(score: Callable[..., Any], **options: Any) -> Callable[[Any, Any], Any]:
    """Return a score of scikit-learn for classes and predicted classes."""
    return lambda y, output: score(y, np.argmax(output, axis=-1), **options)


def _f1_of_grades(average: str) -> Callable[[Any, Any], Any]:
    return _of_best(sklearn.f1_score, labels=GRADES, average=average, zero_division=0)


def _sk_log_loss(y: Any, output: Any) -> Any:
    return sklearn.log_loss(y, output, labels=GRADES)


METRICS = (
    Metric("accuracy", "grade", batched.accuracy, _of_best(sklearn.accuracy_score)),
    Metric("log loss", "grade", batched.log_loss, _sk_log_loss),
    Metric("MSE", "price", batched.mse, sklearn.mean_squared_error),
    Metric("MAE", "price", batched.mae, sklearn.mean_absolute_error),
    Metric("RMSE", "price", batched.rmse, sklearn.root_mean_squared_error),
    Metric("R2", "price", batched.r2, sklearn.r2_score),
    Metric(
        "Pearson", "price", batched.pearson, lambda y, output: stats.pearsonr(y, output).statistic
    ),
    Metric(
        "Spearman",
        "price",
        batched.spearman,
        lambda y, output: stats.spearmanr(y, output).statistic,
    ),
    Metric(
        "perplexity", "grade", batched.perplexity, lambda y, output: np.exp(_sk_log_loss(y, output))
    ),
    Metric("precision", "heavy", of_ratio(PRECISION), _of_hits(sklearn.precision_score)),
    Metric("recall", "heavy", of_ratio(RECALL), _of_hits(sklearn.recall_score)),
    Metric("F1", "heavy", of_ratio(F1), _of_hits(sklearn.f1_score)),
    Metric("F2", "heavy", of_ratio(f_beta(2)), _of_hits(sklearn.fbeta_score, beta=2)),
    Metric("Jaccard", "heavy", of_ratio(JACCARD), _of_hits(sklearn.jaccard_score)),
    Metric("MCC", "heavy", batched.matthews, _of_hits(sklearn.matthews_corrcoef)),
    Metric("Cohen's kappa", "heavy", batched.cohen_kappa, _of_hits(sklearn.cohen_kappa_score)),
    Metric(
        "balanced accuracy",
        "heavy",
        batched.balanced_accuracy,
        _of_hits(sklearn.balanced_accuracy_score),
    ),
    Metric("macro F1", "grade", batched.macro_f1, _f1_of_grades("macro")),
    Metric("micro F1", "grade", batched.accuracy, _f1_of_grades("micro")),
    Metric("weighted F1", "grade", batched.weighted_f1, _f1_of_grades("weighted")),
    Metric("ROC AUC", "heavy", batched.roc_auc, sklearn.roc_auc_score),
    Metric(
        "average precision", "heavy", batched.average_precision, sklearn.average_precision_score
    ),
)
"""Every metric of the atlas, each of one task."""


def of_task(task: str) -> list[Metric]:
    """Return the metrics of a task."""
    return [metric for metric in METRICS if metric.task == task]
