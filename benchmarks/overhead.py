"""Time that a strategy adds to a batch of 512: `python benchmarks/overhead.py [REPETITIONS]`.

Epochs of the strategies alternate in one process, in shuffled order, each beside one without a
metric. `three that count nothing` are metrics that Keras logs as it does those of `reconstructed`,
and that take in no batch: what is left is Keras' own logging.
"""

import sys
from typing import Any

import keras
import numpy as np

from batchf1.keras.base import Strategy
from batchf1.studies.cost.config import NONE, Measurement
from batchf1.studies.cost.measure import Bench

SILENT = "three that count nothing"
STRATEGIES = (NONE, "batch_mean", "streaming", "reconstructed", SILENT)
BATCHES = 98  # 50,000 rows


class Silent(keras.metrics.Mean):
    """Metric that ignores every batch."""

    def update_state(self, *args: Any, **options: Any) -> None:
        """Ignore the batch."""


class SilentStrategy(Strategy):
    """Strategy with as many metrics as `reconstructed` logs."""

    name = "silent"

    def metrics(self) -> list[Any]:
        """Return three metrics that stay 0."""
        return [Silent(name=f"silent{i}", dtype="float64") for i in range(3)]


def bench(strategy: str) -> Bench:
    """Return a compiled model, its two steps traced."""
    known = NONE if strategy == SILENT else strategy
    cell = Measurement(
        "overhead", "small", (64,), "plain", 512, 50_000, known, 0, "cpu", 0, 10, 0.5, 200
    )
    made = Bench(cell)
    if strategy == SILENT:
        made.model.compile("adam", "binary_crossentropy", metrics=SilentStrategy().metrics())
        made.fit(2)
    return made


def main(repetitions: int) -> None:
    """Measure and print the medians."""
    benches = {name: bench(name) for name in STRATEGIES}
    seconds: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    draw = np.random.default_rng(0)
    for _ in range(repetitions):
        for i in draw.permutation(len(STRATEGIES)):
            watch, _ = benches[STRATEGIES[i]].fit(BATCHES)
            seconds[STRATEGIES[i]].append(watch.train + watch.validation)
    alone = np.array(seconds[NONE])
    batch = np.median(alone) / (2 * BATCHES)
    print(f"no metric: {1000 * batch:.2f} ms a batch, trained or validated")  # noqa: T201
    for name in STRATEGIES[1:]:
        ratios = np.array(seconds[name]) / alone
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        print(f"{name}: x {middle:.2f} (quartiles {low:.2f} to {high:.2f})")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
