"""What a batch-averaged F1 logs, and how wrong it is.

The arithmetic needs NumPy and SciPy alone; the strategies for Keras programs are in
`batchf1.keras`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from batchf1.errors import warn_renamed

if TYPE_CHECKING:
    from batchf1.auditing.answer import audit
    from batchf1.errors import InputError
    from batchf1.forensics.answer import investigate
    from batchf1.metrics.agreement import balanced_accuracy, kappa, mcc
    from batchf1.metrics.averaging import batch_mean, pooled, reconstructed
    from batchf1.metrics.classes import class_counts
    from batchf1.metrics.counts import Counts, batch_counts
    from batchf1.metrics.factories import f_beta, jaccard, precision, recall
    from batchf1.metrics.moments import (
        concordance_correlation,
        explained_variance,
        mse,
        pearson,
        r2,
        rmse,
    )
    from batchf1.metrics.ratios import F1, ClassAveraged, Ratio
    from batchf1.metrics.sums import SumMetric
    from batchf1.theory.expectation import expect
    from batchf1.theory.preference import compare
    from batchf1.theory.search import smallest_batch
    from batchf1.theory.simulation import simulate

__all__ = [
    "F1",
    "ClassAveraged",
    "Counts",
    "InputError",
    "Ratio",
    "SumMetric",
    "audit",
    "balanced_accuracy",
    "batch_counts",
    "batch_mean",
    "class_counts",
    "compare",
    "concordance_correlation",
    "expect",
    "explained_variance",
    "f_beta",
    "investigate",
    "jaccard",
    "kappa",
    "mcc",
    "mse",
    "pearson",
    "pooled",
    "precision",
    "r2",
    "recall",
    "reconstructed",
    "rmse",
    "simulate",
    "smallest_batch",
]

_RENAMED = {"OverClasses": "ClassAveraged", "prefer": "compare"}
"""Old public name -> its name now; the old ones go with the next release."""
_PLACES = {
    "Counts": "metrics.counts",
    "F1": "metrics.ratios",
    "InputError": "errors",
    "ClassAveraged": "metrics.ratios",
    "Ratio": "metrics.ratios",
    "audit": "auditing.answer",
    "batch_counts": "metrics.counts",
    "batch_mean": "metrics.averaging",
    "class_counts": "metrics.classes",
    "expect": "theory.expectation",
    "f_beta": "metrics.factories",
    "investigate": "forensics.answer",
    "jaccard": "metrics.factories",
    "pooled": "metrics.averaging",
    "precision": "metrics.factories",
    "compare": "theory.preference",
    "recall": "metrics.factories",
    "reconstructed": "metrics.averaging",
    "simulate": "theory.simulation",
    "smallest_batch": "theory.search",
    "mcc": "metrics.agreement",
    "kappa": "metrics.agreement",
    "balanced_accuracy": "metrics.agreement",
    "mse": "metrics.moments",
    "rmse": "metrics.moments",
    "r2": "metrics.moments",
    "explained_variance": "metrics.moments",
    "pearson": "metrics.moments",
    "concordance_correlation": "metrics.moments",
    "SumMetric": "metrics.sums",
}
"""Public name -> the module that has it; imported when it is asked for (PEP 562)."""
_SUBPACKAGES = ("keras", "torch")
"""Subpackages that `import batchf1` leaves out and `batchf1.keras` imports."""


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        warn_renamed(f"batchf1.{name}", f"batchf1.{_RENAMED[name]}")
        name = _RENAMED[name]
    if name == "__version__":
        return import_module("importlib.metadata").version("batchf1")
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_PLACES, *_SUBPACKAGES]
