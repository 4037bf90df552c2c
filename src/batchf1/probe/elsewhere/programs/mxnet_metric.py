"""MXNet: its own F1."""

from __future__ import annotations

from collections.abc import Iterator

import mxnet as mx
import numpy as np

from batchf1.probe import toy
from batchf1.probe.elsewhere.programs.told import Case, shown, tell


def measured(n: int) -> Iterator[Case]:
    """F1 as it comes, and with its other average."""
    seen, instead = shown(toy.batches(n)), '`metric.F1(average="micro")`'
    yield Case("`metric.F1()`", _evaluated(mx.metric.F1(), n), seen, instead)
    yield Case('`metric.F1(average="micro")`', _evaluated(mx.metric.F1(average="micro"), n), seen)


def _evaluated(metric: mx.metric.EvalMetric, n: int) -> float:
    for batch in toy.batches(n):
        scores = np.stack([1 - toy.SCORES[batch], toy.SCORES[batch]], axis=1)
        metric.update([mx.nd.array(toy.LABELS[batch])], [mx.nd.array(scores)])
    return float(metric.get()[1])


if __name__ == "__main__":
    tell("MXNet", mx.__version__, measured)
