"""The contract of a framework by its old names; it is in `batchf1.training.base` now."""

from __future__ import annotations

from typing import Any

from batchf1.errors import announce_renamed
from batchf1.training import base

RENAMED = {
    "OneByOne": "SequentialTrainer",
    "Pass": "SplitResult",
    "Scored": "Predictions",
    "Seconds": "CostEstimate",
}


def __getattr__(name: str) -> Any:
    new = RENAMED.get(name, name)
    found = getattr(base, new)
    announce_renamed(f"{__name__}.{name}", f"{base.__name__}.{new}")
    return found
