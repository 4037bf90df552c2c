"""Settings of a worked example: the counts of an epoch's batches."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from batchf1.errors import check
from batchf1.metrics.counts import Counts


@dataclass
class WorkedExample:
    """Epoch given by the counts of its batches."""

    question: str = MISSING
    batches: list[dict[str, int]] = MISSING
    """tp, fp, fn and tn of each batch."""
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(bool(self.batches), "batches", "must have at least one batch", "none")
        for i, batch in enumerate(self.batches):
            good = sorted(batch) == sorted(Counts._fields) and min(batch.values()) >= 0
            rule = f"must have {Counts._fields}, whole numbers >= 0, together 1 to 2**53"
            good = good and 1 <= sum(batch.values()) <= 2**53
            check(good, f"batches[{i}]", rule, dict(batch))
