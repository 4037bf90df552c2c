"""Results of one epoch, per run of the ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.metrics.counts import Counts
from batchf1.training.base import SPLITS, Predictions, SplitResult
from batchf1.training.batches import counts_of
from batchf1.training.keras3.ensemble_member import CachedPredictions, Member
from batchf1.training.keras3.epoch import Epoch


class EpochResults:
    """Results of one epoch, fetched from the device at once."""

    def __init__(self, number: int, epoch: Epoch, weights: Sequence[Any]) -> None:
        """Fetch the results; `number`: the epoch's, from 0; `weights`: stacked, at its end."""
        self.number, self.scores = number, epoch.scores
        self.seen = dict(zip(SPLITS, (epoch.train, epoch.validation), strict=True))
        self._logs = {s: _fetched(of.logs) for s, of in self.seen.items()}
        self._batches = {s: np.asarray(of.batches) for s, of in self.seen.items()}
        self._weights = np.concatenate([stack.numpy() for stack in weights], axis=1)

    def logs(self, row: int) -> dict[str, float]:
        """Return a run's logs of both splits."""
        both = {SPLITS[split]: self.logs_of(row, split) for split in SPLITS}
        return {before + name: value for before, of in both.items() for name, value in of.items()}

    def logs_of(self, row: int, split: str) -> dict[str, float]:
        """Return a run's logs of a split, without Keras' prefix."""
        return {name: float(values[row]) for name, values in self._logs[split].items()}

    def cached_predictions(self, row: int, member: Member) -> CachedPredictions:
        """Return a run's weights and predictions, for the shared model."""
        features = [split.x for split in member.data]
        scores = self._scores(row, member)
        pairs = [*zip(features, scores, strict=True)]
        return CachedPredictions(self._weights[row], pairs, member.needs_model)

    def passes(self, row: int, member: Member, logs: dict[str, float]) -> list[SplitResult]:
        """Return a run's result per split, with the logs as its callbacks left them."""
        results = []
        of_splits = zip(member.data.splits.items(), self._scores(row, member), strict=True)
        for (name, split), scores in of_splits:
            full_pass = counts_of(member.run, split, scores)
            logged = name in SPLITS
            batches = _counts(self._batches[name][:, row]) if logged else full_pass
            predictions = Predictions(split.y[:, 0], scores[:, 0]) if member.stopped else None
            results.append(
                SplitResult(
                    self.number, name, logs if logged else {}, batches, full_pass, predictions
                )
            )
        return results

    def _scores(self, row: int, member: Member) -> list[NDArray[np.float32]]:
        """Return a run's scores, split by split."""
        ends = np.cumsum([len(split.y) for split in member.data])
        return np.split(self.scores[row], ends[:-1])


def _fetched(logs: dict[str, Any]) -> dict[str, NDArray[np.floating]]:
    return {name: np.asarray(values) for name, values in logs.items()}


def _counts(rows: NDArray[np.int32]) -> Counts:
    """Convert rows of (tp, fp, fn, tn) to counts."""
    return Counts(*rows.T.astype(np.int64))
