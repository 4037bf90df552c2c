"""Names of metrics, of metric classes and of array functions, as data.

The metrics are those of the atlas (docs/atlas.md), which measured the ones that may be averaged.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise


def names(text: str) -> frozenset[str]:
    """Split a text into a set of names."""
    return frozenset(text.split())


ADDITIVE = {
    "accuracy": "acc accuracy accuracies accuracy_score correct hit_rate",
    "log loss": "loss losses log_loss crossentropy cross_entropy bce nll criterion",
    "MSE": "mse mean_squared_error",
    "MAE": "mae mape mean_absolute_error",
    "micro F1": "micro_f1 f1_micro",
}
"""Metric of the atlas that may be averaged -> its names."""
NOT_ADDITIVE = {
    "RMSE": "rmse root_mean_squared_error",
    "R2": "r2 r_squared r_square r2_score r2score val_r2 rsquared",
    "Pearson": "pearson pearsonr pearson_corrcoef ccc concordance",
    "Spearman": "spearman spearmanr",
    "perplexity": "ppl perplexity",
    "precision": "precision precisions prec precision_score ppv",
    "recall": "recall recalls rec recall_score sensitivity specificity tpr tnr",
    "F1": "f1 f1s f1score fscore f_score fmeasure f_measure f1_score dice dices dsc dicecoef",
    "F2": "f2 fbeta f_beta f05 f2_score fbeta_score",
    "Jaccard": "iou ious miou jaccard jacc jac iou_score jaccard_score jaccard_index",
    "MCC": "mcc matthews matthews_corrcoef",
    "Cohen's kappa": "kappa qwk cohen_kappa cohen_kappa_score",
    "balanced accuracy": "balanced_accuracy balanced_accuracy_score bacc uar gmean",
    "macro F1": "macro_f1 f1_macro",
    "weighted F1": "weighted_f1 f1_weighted",
    "ROC AUC": "auc auroc roc_auc roc_auc_score rocauc",
    "average precision": "ap map average_precision average_precision_score auprc prauc pr_auc",
}
"""Metric of the atlas that is wrong on average -> its names."""
OVERLAP = names("dice dices dsc dicecoef iou ious miou jaccard jacc jac")
"""Names of overlaps of masks, whose mean over images is a quantity of its own."""
_METRIC = {name: key for key, text in NOT_ADDITIVE.items() for name in text.split()}
_HARMLESS = {name for text in ADDITIVE.values() for name in text.split()}

CLASSES = names(
    "F1 F1Score FBeta FBetaScore Fbeta Precision Recall JaccardIndex MeanIoU BinaryIoU OneHotIoU "
    "OneHotMeanIoU IoU IOUScore Dice DiceScore GeneralizedDiceScore AUC AUROC ROC AveragePrecision "
    "MatthewsCorrCoef MatthewsCorrelationCoefficient CohenKappa R2Score Specificity "
    "SensitivityAtSpecificity PrecisionAtRecall RecallAtPrecision PearsonCorrCoef SpearmanCorrCoef "
    "DiceMetric Jaccard F1Metric"
)
"""Classes of metric objects, without the prefixes Binary, Multiclass and Multilabel."""
COLLECTIONS = frozenset({"MetricCollection", "ClasswiseWrapper", "ModuleDict", "ModuleList"})
"""Classes that hold metric objects."""
FUNCTIONS = names(
    "f1 f1_score fbeta fbeta_score precision recall jaccard_index jaccard iou iou_score dice "
    "dice_score auroc average_precision matthews_corrcoef cohen_kappa r2_score specificity "
    "precision_recall f_score sensitivity balanced_accuracy pearson_corrcoef spearman_corrcoef "
    "recall_score precision_score"
)
"""Metric functions of torchmetrics and its kin, without binary_, multiclass_ and multilabel_."""
SKLEARN = names(
    "f1_score fbeta_score precision_score recall_score jaccard_score matthews_corrcoef "
    "roc_auc_score average_precision_score cohen_kappa_score r2_score balanced_accuracy_score "
    "precision_recall_fscore_support classification_report"
)
"""Functions of scikit-learn that are not additive."""
SUMS = frozenset({"sum", "reduce_sum", "nansum", "count_nonzero", "trace", "tensordot", "dot"})
MEANS = frozenset({"mean", "reduce_mean", "nanmean", "average", "fmean", "nanmedian", "median"})
SIZES = frozenset({"size", "shape", "len", "numel", "int_shape", "ndim", "nelement", "epsilon"})
THROUGH = names(
    "item cpu cuda detach numpy float double int to cast type clone squeeze float32 float64 abs "
    "square nan_to_num clip clip_by_value round rint identity convert_to_tensor Tensor tensor "
    "array asarray stack concatenate concat cat where maximum minimum divide_no_nan greater less "
    "greater_equal less_equal not_equal equal eq gt lt ge le ne logical_and logical_or one_hot "
    "argmax sigmoid softmax threshold astype long byte bool contiguous tolist as_tensor get max "
    "min log multiply mul subtract add div divide unsqueeze expand_dims bitwise_and pow sign "
    "flip requires_grad_ constant fabs logical_not bitwise_or half to_tensor view_as reshape_as "
    "batch_flatten list tuple is_tensor clamp nonzero masked_select power true_divide"
)
"""Functions and methods that keep what their arguments are: elements, sums, ratios."""
DIVIDE = frozenset({"divide", "div", "divide_no_nan", "true_divide"})
ARRAYS = names("tf tensorflow K keras ops np numpy jnp torch backend F math tnp kb")
"""Modules of array functions: the receiver of `K.sum(y)` is no tensor."""

_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Split an identifier into lower-case words.

    >>> words("val_F1_score"), words("MeanIoU")
    (('val', 'f1', 'score'), ('mean', 'io', 'u', 'iou'))
    """
    parts = [word.lower() for word in _WORD.findall(name[:200])]
    return (*parts, *(["iou"] if ("io", "u") in pairwise(parts) else []))


@lru_cache(maxsize=4096)
def metric_of(name: str) -> str | None:
    """Return the metric of the atlas that a name speaks of, if it may not be averaged.

    >>> metric_of("dice_coef_necrotic"), metric_of("binary_accuracy"), metric_of("map_image")
    ('F1', None, None)
    """
    parts = [word if word in _METRIC else word.rstrip("0123456789") for word in words(name)]
    pairs = ["_".join(pair) for pair in pairwise(parts)]
    hits = [_METRIC[word] for word in [*pairs, *parts] if word in _METRIC and word not in _WEAK]
    if "micro" in parts or not hits:
        return _METRIC.get(name.lower()) if not hits else None
    return hits[0]


_WEAK = {"rec", "map", "ap", "jac", "prec", "tpr", "tnr"}
"""Names that mean a metric only alone: `map`, `rec`."""


def is_additive(name: str) -> bool:
    """Whether a name speaks of accuracy, a loss or an error per sample, and of nothing else.

    >>> is_additive("masked_accuracy"), is_additive("dice_loss"), is_additive("f1")
    (True, True, False)
    """
    parts = words(name)
    return "loss" in parts or (bool(_HARMLESS & set(parts)) and metric_of(name) is None)


def is_overlap(name: str) -> bool:
    """Whether a name speaks of Dice or IoU."""
    return bool(OVERLAP & set(words(name)))


def is_metric_class(name: str) -> bool:
    """Whether a class of this name accumulates a metric over batches."""
    return re.sub(r"^(Binary|Multiclass|Multilabel)(?!IoU)", "", name) in CLASSES


def is_metric_function(name: str) -> bool:
    """Whether torchmetrics and its kin have a function of this name that is not additive."""
    return re.sub(r"^(binary|multiclass|multilabel)_", "", name) in FUNCTIONS
