"""MXNet: its F1 metric."""

from __future__ import annotations

from collections.abc import Iterator

import mxnet as mx
import numpy as np

from batchf1.programs import example
from batchf1.programs.protocol import Case, emit, format_batches


def measured(n: int) -> Iterator[Case]:
    """Yield F1 with the default average, and with the other one."""
    seen, instead = format_batches(example.batches(n)), '`metric.F1(average="micro")`'
    yield Case("`metric.F1()`", _evaluated(mx.metric.F1(), n), seen, instead)
    yield Case('`metric.F1(average="micro")`', _evaluated(mx.metric.F1(average="micro"), n), seen)


def _evaluated(metric: mx.metric.EvalMetric, n: int) -> float:
    for batch in example.batches(n):
        scores = np.stack([1 - example.SCORES[batch], example.SCORES[batch]], axis=1)
        metric.update([mx.nd.array(example.LABELS[batch])], [mx.nd.array(scores)])
    return float(metric.get()[1])


if __name__ == "__main__":
    emit("MXNet", mx.__version__, measured)
