"""Choices by what is logged for labels (n,), by the mean over batches, and by the true F1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from batchf1.config.settings import Run
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import Counts, Floats, batch_counts
from batchf1.metrics.flat_labels import flat_value
from batchf1.metrics.ratios import F1, PRECISION, RECALL
from batchf1.studies.decisions.config import threshold_grid
from batchf1.training.base import Predictions
from batchf1.training.selection import best

SEARCH, THRESHOLD = "search", "threshold"
DECISIONS = (SEARCH, THRESHOLD)
FLAT, BATCH_MEAN = "flat", "batch_mean"
CHOSEN_BY = (FLAT, BATCH_MEAN)
"""Log of labels (n,), by margins (by cells it is the same, divided by the batch size); mean over
batches, of labels (n, 1)."""
Option = tuple[Predictions, Predictions, float]
"""Predictions of validation and test, and the threshold of a positive."""


def search_options(run: Run, scored: Iterable[tuple[Predictions, Predictions]]) -> list[Option]:
    """Return the options of a search, at the threshold of the network."""
    return [(*each, run.training.threshold) for each in scored]


def threshold_options(validation: Predictions, test: Predictions, n: int) -> list[Option]:
    """Return the options of one network: its thresholds 1/n, 2/n ... (n - 1)/n."""
    return [(validation, test, threshold) for threshold in threshold_grid(n)]


def choice_rows(
    run: Run, decision: str, options: Sequence[Option], sizes: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each batch size of validation and each value that may be chosen by.

    `regret`: test F1 of what the true F1 of validation chooses, minus that of what is chosen.
    `most_positives`: whether no option predicts more positives in validation.
    """
    test = _stacked(batch_counts(of.labels, of.scores, len(of.labels), t) for _, of, t in options)
    test = test.pooled()
    ratios = {"f1": F1(test), "precision": PRECISION(test), "recall": RECALL(test)}
    for size in sizes:
        batches = _stacked(batch_counts(of.labels, of.scores, size, t) for of, _, t in options)
        true = int(best(pooled(batches)))
        predicted = batches.pooled().predicted_positives
        for chosen_by, values in _values(batches).items():
            chosen = int(best(values))
            yield {
                "prevalence": run.dataset.prevalence,
                "seed": run.seed,
                "decision": decision,
                "batch_size": size,
                "chosen_by": chosen_by,
                "n_options": len(options),
                "regret": float(ratios["f1"][true] - ratios["f1"][chosen]),
                "most_positives": bool(predicted[chosen] == predicted.max()),
                **{
                    f"{name}_{whose}": float(values[place])
                    for name, values in ratios.items()
                    for whose, place in (("true", true), ("chosen", chosen))
                },
            }


def _values(batches: Counts) -> dict[str, Floats]:
    """Return what each option logs; `batches` have the shape (options, batches)."""
    return {FLAT: flat_value(batches).mean(axis=-1), BATCH_MEAN: batch_mean(batches)}


def _stacked(each: Iterable[Counts]) -> Counts:
    return Counts(*map(np.stack, zip(*each, strict=True)))
