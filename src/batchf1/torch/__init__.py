"""Audit of logged metrics in Lightning, and in training loops of your own in any library.

`Recorder` needs NumPy only; `LightningAudit` needs Lightning, and is imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning, UnauditedLogWarning
from batchf1.auditing.recorder import Recorder

if TYPE_CHECKING:
    from batchf1.torch.callback import LightningAudit

__all__ = ["BatchAveragedMetricWarning", "LightningAudit", "Recorder", "UnauditedLogWarning"]


def __getattr__(name: str) -> Any:
    if name != "LightningAudit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.callback").LightningAudit


def __dir__() -> list[str]:
    return [*globals(), "LightningAudit"]
