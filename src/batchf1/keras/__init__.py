"""Strategies that log the F1 of an epoch, and the callback `Audit`, for Keras programs.

Importing this package registers the metrics for `keras.models.load_model`.
"""

from importlib.util import find_spec

if find_spec("keras") is None:
    raise ModuleNotFoundError(
        "batchf1.keras needs Keras: pip install 'batchf1[keras]'", name="keras"
    )

from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning, UnauditedLogWarning
from batchf1.keras.audit import Audit
from batchf1.keras.base import Strategy
from batchf1.keras.batch_mean import BatchMean
from batchf1.keras.epoch_end import EpochEnd
from batchf1.keras.reconstructed import Reconstructed
from batchf1.keras.streaming import Streaming

__all__ = [
    "Audit",
    "BatchAveragedMetricWarning",
    "BatchMean",
    "EpochEnd",
    "Reconstructed",
    "Strategy",
    "Streaming",
    "UnauditedLogWarning",
]
