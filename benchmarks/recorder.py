"""Time that a recorder adds to plain Keras `fit` in batches of 32, and cost of ten million rows.

`python benchmarks/recorder.py` makes benchmarks/recorder.csv. In the epochs of one `fit`, of 64
hidden units, blocks of batches that a callback records and blocks that it does not come in pairs,
the order within a pair drawn at random. A check with F1 follows each epoch, outside of the times.
The rows, int8 labels and float32 predictions, are recorded in batches of 32, then checked with F1.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
from scipy.stats import quantile_test

from batchf1 import F1
from batchf1.records import tables
from batchf1.studies.cost.measure import peak_bytes
from batchf1.studies.cost.source import Source
from batchf1.torch import Recorder
from batchf1.training.keras3 import model as network
from schemas import RECORDER

HERE = Path(__file__).resolve().parent
SIZE, BLOCK = 32, 64
"""Rows of a batch, batches of a block."""


class InTurns(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that records every other block of batches, and times the blocks."""

    def __init__(self, batches: list[tuple[Any, Any]]) -> None:
        super().__init__()
        self.batches, self.recorder = batches, Recorder(action="ignore")
        self.draw = np.random.default_rng(0)
        self.seconds: dict[bool, list[float]] = {True: [], False: []}
        self.checks: list[float] = []
        self.turns: list[bool] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Draw which block of each pair is recorded, and start."""
        first = self.draw.random(len(self.batches) // (2 * BLOCK)) < 0.5
        self.turns = [turn for one in first for turn in (bool(one), not one)]
        self.recorder.reset()
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the batch, if its block is recorded."""
        block, place = divmod(batch, BLOCK)
        if self.turns[block]:
            self.recorder.record(*self.batches[batch])
        if place == BLOCK - 1:
            self.seconds[self.turns[block]].append(time.perf_counter() - self.start)
            self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Check the log."""
        self.checks.append(checked(self.recorder))


def rows_of(n: int) -> list[tuple[Any, Any]]:
    """Return labels and predictions in batches."""
    rng = np.random.default_rng(0)
    labels, scores = (rng.random(n) < 0.1).astype(np.int8), rng.random(n, np.float32)
    return [(labels[i : i + SIZE], scores[i : i + SIZE]) for i in range(0, n, SIZE)]


def checked(recorder: Recorder) -> float:
    """Return the seconds of a check."""
    start = time.perf_counter()
    recorder.check("val_f1", 0.5, F1)
    return time.perf_counter() - start


def many(n: int) -> dict[str, float]:
    """Return seconds and memory of `n` rows."""
    batches = rows_of(n)
    recorder, before, start = Recorder(action="ignore"), peak_bytes(), time.perf_counter()
    for batch in batches:
        recorder.record(*batch)
    record_s, kept = time.perf_counter() - start, peak_bytes()
    check_s = checked(recorder)
    return {
        "rows": n,
        "record_rows_s": record_s,
        "check_rows_s": check_s,
        "kept_bytes_a_row": (kept - before) / n,
        "check_bytes_a_row": (peak_bytes() - kept) / n,
    }


def in_fit(epochs: int, n_batches: int) -> InTurns:
    """Return the callback after a fit of these epochs, the first not timed."""
    x, y = Source(n_features=10, prevalence=0.1).arrays(n_batches, SIZE, "train")
    model = network.build((64,), x.shape[1])
    model.compile("adam", "binary_crossentropy")
    batches = rows_of(n_batches * SIZE)
    model.fit(x, y, SIZE, verbose=0, callbacks=[InTurns(batches)])
    timed = InTurns(batches)
    model.fit(x, y, SIZE, epochs, verbose=0, callbacks=[timed])
    return timed


def main() -> None:
    """Measure, print, write the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batches", type=int, default=32 * BLOCK)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path, default=HERE / "recorder.csv")
    parsed = parser.parse_args()
    rows, timed = many(parsed.rows), in_fit(parsed.epochs, parsed.batches)
    recorded, others = np.array(timed.seconds[True]), np.array(timed.seconds[False])
    known = quantile_test(recorded / others).confidence_interval(0.95)  # of the median
    row = {
        "batch_size": SIZE,
        "batches": parsed.batches,
        "epochs": parsed.epochs,
        "batch_s": float(np.median(others)) / BLOCK,
        "ratio_median": float(np.median(recorded / others)),
        "ratio_low": float(known.low),
        "ratio_high": float(known.high),
        "check_s": float(np.median(timed.checks)),
        **rows,
    }
    rounded = {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in row.items()
    }
    table = tables.validate(pd.DataFrame([rounded]), RECORDER, str(parsed.output))
    tables.write_csv(table, parsed.output)
    for name, value in rounded.items():
        print(f"{name}: {value:.10g}")  # noqa: T201


if __name__ == "__main__":
    main()
