"""torchmetrics' values of the cases of `fitting_sums` whose elements all count alike."""

import numpy as np
import torch
from torchmetrics.functional import (
    classification,
    explained_variance,
    mean_squared_error,
    pearson_corrcoef,
    r2_score,
)

from helpers.fitting_sums import SHAPES, C, data, flat, metrics_of

OF_BINARY = {
    "f1": classification.binary_f1_score,
    "jaccard": classification.binary_jaccard_index,
    "mcc": classification.binary_matthews_corrcoef,
    "kappa": classification.binary_cohen_kappa,
    "balanced_accuracy": lambda p, y: classification.multiclass_accuracy(p, y, 2, "macro"),
}
OF_ONE_CLASS = {
    "mcc": classification.multiclass_matthews_corrcoef,
    "kappa": classification.multiclass_cohen_kappa,
    "kappa_linear": lambda p, y, n: classification.multiclass_cohen_kappa(p, y, n, "linear"),
    "kappa_quadratic": lambda p, y, n: classification.multiclass_cohen_kappa(p, y, n, "quadratic"),
    "balanced_accuracy": lambda p, y, n: classification.multiclass_accuracy(p, y, n, "macro"),
    "f1_macro": lambda p, y, n: classification.multiclass_f1_score(p, y, n, average="macro"),
    "f1_micro": lambda p, y, n: classification.multiclass_f1_score(p, y, n, average="micro"),
    "f1_weighted": lambda p, y, n: classification.multiclass_f1_score(p, y, n, average="weighted"),
}
# Lin's own divides by n, and torchmetrics by n - 1: see the docstring of batchf1's
OF_NUMBERS = {
    "mse": mean_squared_error,
    "rmse": lambda p, y: mean_squared_error(p, y, squared=False),
    "r2": r2_score,
    "explained_variance": explained_variance,
    "pearson": pearson_corrcoef,
}


def values_of(case):
    """Value of each metric that torchmetrics has for the elements of a case, by split."""
    shape = SHAPES[case.shape]
    alike = case.weights in ("none", "mask") and "background" not in case.shape
    if not alike or shape.kind == "multilabel" or shape.options.get("per") == "image":
        return {}
    return {prefix: _values(case, *split) for prefix, split in (("", ()), ("val_", (40, 1)))}


def _values(case, *split):
    kind = SHAPES[case.shape].kind
    y, p, w = flat(case, *data(case, *split))
    y, p = (np.asarray(part[w > 0], np.float64) for part in (y, p))
    if kind == "numbers":
        pair = [torch.from_numpy(part) for part in (p, y)]
        return {name: float(function(*pair)) for name, function in OF_NUMBERS.items()}
    pair = [torch.from_numpy(part.astype(np.int64)) for part in (p, y)]
    if kind in ("binary", "one of two"):
        return {name: float(OF_BINARY[name](*pair)) for name in metrics_of(case, "torch")}
    return {name: float(OF_ONE_CLASS[name](*pair, C)) for name in metrics_of(case, "torch")}
