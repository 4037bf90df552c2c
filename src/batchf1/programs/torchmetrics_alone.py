"""torchmetrics in a plain PyTorch loop."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torchmetrics
from torchmetrics import MeanMetric
from torchmetrics.classification import BinaryF1Score
from torchmetrics.functional.classification import binary_f1_score

from batchf1.programs.example import LABELS, SCORES, batches
from batchf1.programs.protocol import Case, emit, format_batches


def measured(n: int) -> Iterator[Case]:
    """Yield means of F1 over batches, and the F1 metric."""
    scores, labels = torch.tensor(SCORES), torch.tensor(LABELS).int()
    mean, weighted, whole = MeanMetric(), MeanMetric(), BinaryF1Score()
    for batch in batches(n):
        f1 = binary_f1_score(scores[batch], labels[batch])
        mean.update(f1)
        weighted.update(f1, weight=len(batch))
        whole.update(scores[batch], labels[batch])
    seen = format_batches(batches(n))
    instead = "`BinaryF1Score`: `update` for each batch, `compute` once"
    yield Case("`MeanMetric().update(f1)`", mean.compute().item(), seen, instead)
    yield Case("`MeanMetric().update(f1, weight=n)`", weighted.compute().item(), seen, instead)
    yield Case("`BinaryF1Score().update(p, y)`", whole.compute().item(), seen)


if __name__ == "__main__":
    emit("torchmetrics", torchmetrics.__version__, measured)
