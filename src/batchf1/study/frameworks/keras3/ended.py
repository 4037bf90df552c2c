"""What an epoch of many runs has left, for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Counts
from batchf1.study.frameworks.base import SPLITS, Pass
from batchf1.study.frameworks.feed import counts_of
from batchf1.study.frameworks.keras3.epoch import Seen
from batchf1.study.frameworks.keras3.member import Held, Member


class Ended:
    """An epoch's results, fetched from the device at once."""

    def __init__(self, number: int, seen: Sequence[Seen], weights: Sequence[Any]) -> None:
        """`number`: of the epoch, from 0; `weights`: stacked, as they are at its end."""
        self.number = number
        self.seen = dict(zip(SPLITS, seen, strict=True))
        self._logs = {s: _fetched(of.logs) for s, of in self.seen.items()}
        self._batches = {s: np.asarray(of.batches) for s, of in self.seen.items()}
        self._scores = [of.scores for of in seen]
        self._weights = np.concatenate([stack.numpy() for stack in weights], axis=1)

    def logs(self, place: int) -> dict[str, float]:
        """What a run has logged of both splits."""
        both = {SPLITS[split]: self.logs_of(place, split) for split in SPLITS}
        return {before + name: value for before, of in both.items() for name, value in of.items()}

    def logs_of(self, place: int, split: str) -> dict[str, float]:
        """What a run has logged of a split, without Keras' prefix."""
        return {name: float(values[place]) for name, values in self._logs[split].items()}

    def held(self, place: int, member: Member) -> Held:
        """What the shared model is to know of a run."""
        scores = [each[place] for each in self._scores]
        features = [split.x for split in member.data]
        return Held(self._weights[place], [*zip(features, scores, strict=True)])

    def passes(self, place: int, member: Member, logs: dict[str, float]) -> list[Pass]:
        """A run's passes, with the logs that its callbacks have added to."""
        threshold, scores = member.run.training.threshold, [each[place] for each in self._scores]
        pairs = zip(member.data, scores, strict=True)
        full_passes = [counts_of(split, each, threshold) for split, each in pairs]
        return [
            Pass(self.number, split, logs, _counts(self._batches[split][:, place]), full_pass)
            for split, full_pass in zip(SPLITS, full_passes, strict=True)
        ]


def _fetched(logs: dict[str, Any]) -> dict[str, NDArray[np.floating]]:
    return {name: np.asarray(values) for name, values in logs.items()}


def _counts(rows: NDArray[np.int32]) -> Counts:
    """Rows of (tp, fp, fn, tn)."""
    return Counts(*rows.T.astype(np.int64))
