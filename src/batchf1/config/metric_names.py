"""Metrics by name: one of this package, such as `f1` or `f_beta(2)`, or an import path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from batchf1.errors import InputError, check, raise_input_error

if TYPE_CHECKING:
    from batchf1.metrics.ratios import Metric

DEFAULT = "f1"
"""Name of the metric that is computed unless another is asked for."""
NAMED = re.compile(
    r"(?:f(\d+(?:\.\d+)?)|f_beta\((\d+(?:\.\d+)?)\)|(precision|recall|jaccard))"
    r"(?:[-_](micro|macro|weighted))?"
)
AGREEMENT = ("mcc", "kappa", "balanced_accuracy")
"""Functions of counts that are no ratio of them."""
MOMENTS = ("mse", "rmse", "r2", "explained_variance", "pearson", "concordance_correlation")
"""Metrics of numbers."""
PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
"""Import path of a metric."""
LOGGED = re.compile(r"[\w.-]+", re.ASCII)
"""A metric's own name, which becomes part of the names of logs and columns."""
OF_ONE_CLASS = (
    "f1 (the default), f0.5, f_beta(2) or another beta, precision, recall, jaccard, mcc, kappa, "
    "balanced_accuracy, or the import path of a Ratio or SumMetric, my_module.MINE"
)


def named(name: str, rule: str, label: str = "--metric") -> Metric:
    """Return the metric of a name such as `f1`, `f_beta(0.5)`, `recall-macro`, or as logs name it.

    Or of an import path, which is imported, also from the working directory. Raises `InputError`,
    which calls it `label` and says that it must be `rule`, for a name that nothing has, and for an
    object that is no metric.
    """
    from batchf1.metrics import agreement, factories, moments
    from batchf1.metrics.ratios import ClassAveraged

    match = NAMED.fullmatch(name)
    if name in AGREEMENT:
        of_counts: Metric = getattr(agreement, name)()
        return of_counts
    if name in MOMENTS:
        of_numbers: Metric = getattr(moments, name)()
        return of_numbers
    if match is None and PATH.fullmatch(name):
        return _imported(name, rule, label)
    if match is None:
        raise_input_error(label, f"must be {rule}", name)
    short, beta, other, average = match.groups()
    ratio = getattr(factories, other)() if other else factories.f_beta(float(short or beta))
    return ClassAveraged(ratio, average) if average else ratio  # type: ignore[arg-type]


def _imported(path: str, rule: str, label: str) -> Metric:
    """Return the metric that a module defines."""
    from batchf1.metrics.ratios import check_metric
    from batchf1.metrics.sums import SumMetric
    from batchf1.records import imports

    module = path.rpartition(".")[0]
    check(imports.exists(module), label, f"must be {rule}", path)
    metric = imports.named(label, ":".join(path.rsplit(".", 1)))
    good = isinstance(metric, SumMetric)
    check(good, label, "must be the import path of a Ratio, ClassAveraged or SumMetric", path)
    check_metric(metric)
    checked: Metric = metric
    return checked


def binary(name: str, label: str = "metrics") -> Metric:
    """Return the metric of a name, for a model of one output; `InputError` for any other."""
    from batchf1.metrics.ratios import ClassAveraged

    metric = named(name, OF_ONE_CLASS, label)
    good = not isinstance(metric, ClassAveraged) and metric.n_classes is None
    check(good, label, "must be of a binary output, not an average over classes", name)
    metric.check_counts()
    rule = f"must give {name} a name of letters, digits, _ . and -"
    check(LOGGED.fullmatch(str(metric.name)) is not None, label, rule, repr(metric.name))
    return metric


def canonical(names: Sequence[str]) -> list[str]:
    """Return the names that tables have for metrics: `f_beta(2)` is `f2`.

    An import path stays, unless the metric is one of this package. Raises `InputError` for no
    metric, a name as in `binary`, and two metrics of one name, whose logs could not be told apart.
    """
    metrics = [binary(name) for name in names]
    logged = [metric.name for metric in metrics]
    good = len(set(logged)) == len(logged) > 0
    check(good, "metrics", "must have at least one, and no two of one name", logged or "none")
    return [_canonical(name, metric) for name, metric in zip(names, metrics, strict=True)]


def _canonical(name: str, metric: Metric) -> str:
    try:
        return metric.name if binary(metric.name) == metric else name
    except InputError:  # one's own
        return name


def label(name: str) -> str:
    """Return a metric as figures and commands write it: `F1`, or the name that its logs have."""
    return "F1" if name == DEFAULT else binary(name).name


def modules(names: Iterable[str]) -> set[str]:
    """Return the modules of the metrics that are named by an import path."""
    paths = (name for name in names if PATH.fullmatch(name))
    return {path.rpartition(".")[0] for path in paths}
