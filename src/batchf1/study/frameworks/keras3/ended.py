"""What an epoch of many runs has left, for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.base import Data
from batchf1.metrics.counts import Counts
from batchf1.study.frameworks.base import SPLITS, Pass
from batchf1.study.frameworks.keras3.epoch import Seen
from batchf1.study.frameworks.keras3.member import Held


class Ended:
    """An epoch's results, fetched from the device at once."""

    def __init__(self, number: int, seen: Sequence[Seen], weights: Sequence[Any]) -> None:
        """`number`: of the epoch, from 0; `weights`: stacked, as they are at its end."""
        self.number = number
        self.seen = dict(zip(SPLITS, seen, strict=True))
        self._logs = {s: _fetched(of.logs) for s, of in self.seen.items()}
        self._batches = {s: np.asarray(of.batches) for s, of in self.seen.items()}
        self._scores = [np.asarray(of.scores) for of in seen]
        self._full_pass = {s: np.asarray(of.full_pass) for s, of in self.seen.items()}
        self._weights = [stack.numpy() for stack in weights]

    def logs(self, place: int, *splits: str) -> dict[str, float]:
        """What a run has logged of some splits, by default of all, with Keras' prefixes."""
        return {
            SPLITS[split] + name: float(values[place])
            for split in splits or SPLITS
            for name, values in self._logs[split].items()
        }

    def held(self, place: int, data: Data) -> Held:
        """What the shared model is to know of a run."""
        scores = [each[place] for each in self._scores]
        features = [split.x for split in data]
        return Held(
            [stack[place] for stack in self._weights], [*zip(features, scores, strict=True)]
        )

    def passes(self, place: int, logs: dict[str, float]) -> list[Pass]:
        """A run's passes, with the logs that its callbacks have added to."""
        return [
            Pass(
                self.number,
                split,
                logs,
                _counts(self._batches[split][:, place]),
                _counts(self._full_pass[split][place : place + 1]),
            )
            for split in SPLITS
        ]


def _fetched(logs: dict[str, Any]) -> dict[str, NDArray[np.floating]]:
    return {name: np.asarray(values) for name, values in logs.items()}


def _counts(rows: NDArray[np.int32]) -> Counts:
    """Rows of (tp, fp, fn, tn)."""
    return Counts(*rows.T.astype(np.int64))
