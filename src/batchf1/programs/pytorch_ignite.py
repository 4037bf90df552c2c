"""PyTorch-Ignite: metrics attached to an evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ignite
import torch
from ignite.engine import Engine
from ignite.metrics import Average, Precision, Recall, RunningAverage

from batchf1.programs import example
from batchf1.programs.protocol import Case, emit, format_batches


def measured(n: int) -> Iterator[Case]:
    """Yield F1 of batches, averaged in two ways, and F1 of precision and recall."""
    cut = example.batches(n)
    instead = "`P * R * 2 / (P + R)` of `Precision()` and `Recall()`"
    precision, recall = Precision(), Recall()
    average = Average(output_transform=_f1)
    yield Case("`Average(f1)`", _evaluated(average, cut), format_batches(cut), instead)
    for epochs, which in ((1, "first"), (2, "second")):
        running = _evaluated(RunningAverage(output_transform=_f1), cut, epochs)
        written = f"`RunningAverage(f1)`, {which} epoch"
        yield Case(written, running, format_batches(cut * epochs), instead)
    f1 = _evaluated(precision * recall * 2 / (precision + recall), cut)
    yield Case("`P * R * 2 / (P + R)`", f1, format_batches(cut))


def _f1(output: Any) -> float:
    scores, labels = output
    return example.f1(labels, scores)


def _evaluated(metric: Any, cut: list[list[int]], epochs: int = 1) -> float:
    scores, labels = torch.tensor(example.SCORES), torch.tensor(example.LABELS)
    evaluator = Engine(lambda _, batch: (scores[batch], labels[batch]))
    metric.attach(evaluator, "f1")
    return float(evaluator.run(cut, max_epochs=epochs).metrics["f1"])


if __name__ == "__main__":
    emit("ignite", ignite.__version__, measured)
