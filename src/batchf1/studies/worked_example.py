"""Settings of a worked example: the counts of an epoch's batches."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from batchf1.config.rules import check_counts


@dataclass
class WorkedExample:
    """Epoch given by the counts of its batches."""

    question: str = MISSING
    batches: list[dict[str, int]] = MISSING
    """tp, fp, fn and tn of each batch."""
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_counts("batches", self.batches, 2**53)
