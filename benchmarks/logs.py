"""How often the estimates of `batchf1.forensics.estimate` are right, on simulated logs.

`python benchmarks/logs.py` makes benchmarks/logs.csv, in a quarter of an hour of one core; `--logs`
and `--seed` change how many logs are simulated, and which. A log is of one split: prevalence, batch
size, number of samples, averaging rule, number of epochs, precision and recall are drawn, and each
epoch's values, from batch counts, are printed with four digits. Validation has one random order
for all epochs, and samples that are hard in all of them; training is shuffled anew each epoch, and
its classifier moves within the epoch. Precision and recall are functions in half the logs, objects
in half; the estimate is told which in half of them, and the number of samples in a third.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from batchf1.forensics.estimate import estimate
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import PRECISION, RECALL
from batchf1.records import tables

HERE = Path(__file__).resolve().parent
SIZES = (8, 10, 16, 20, 32, 50, 64, 100, 128, 256, 512)


class Simulated(NamedTuple):
    """Log of one split, and what is true of it."""

    epochs: list[dict[str, str]]
    told: dict[str, Any]
    true_f1: float
    prevalence: float
    batch_size: int
    samples: int
    objects: bool
    training: bool


def simulated(seed: int) -> Simulated:
    """Draw a log."""
    rng = np.random.default_rng(seed)
    size, training = int(rng.choice(SIZES)), bool(rng.random() < 0.3)
    prevalence = float(np.exp(rng.uniform(np.log(0.005), np.log(0.5))))
    samples = int(np.exp(rng.uniform(np.log(300), np.log(100_000))))
    positives = max(round(prevalence * samples), 1)
    objects, known = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    told: dict[str, Any] = {
        "averaging": str(rng.choice(["per_batch", "size_weighted"])),
        "objects": objects if known else None,
        "samples": samples if rng.random() < 1 / 3 else None,
        "training": training,
    }
    split = Split(rng, samples, positives, size)
    n_epochs = int(rng.integers(1, 11))
    drawn = split.training(n_epochs) if training else split.validation(n_epochs)
    epochs = [printed(counts, told["averaging"], objects) for counts in drawn]
    true = float(pooled(drawn[-1]))
    actual = positives / samples, size, samples, objects, training
    return Simulated(epochs, told, true, *actual)


class Split:
    """Data of a number of samples, in batches."""

    def __init__(self, rng: np.random.Generator, samples: int, positives: int, size: int) -> None:
        self.rng, self.samples, self.positives, self.size = rng, samples, positives, size
        self.n = np.diff([*range(0, samples, size), samples])
        start = rng.uniform([0.2, 0.2], 0.99)
        self.logits = np.log(start / (1 - start))

    def rates(self) -> tuple[float, float]:
        """Move recall and precision, and return shares of positives and of negatives called so."""
        self.logits = np.minimum(self.logits + self.rng.normal(0.05, 0.3, 2), 6)
        recall, precision = 1 / (1 + np.exp(-self.logits))
        false = recall * (1 - precision) / precision * self.positives
        return recall, min(false / (self.samples - self.positives), 0.9)

    def validation(self, n_epochs: int) -> list[Counts]:
        """Return batch counts of epochs: one order, and samples more or less hard in all epochs."""
        batch = self.rng.permutation(self.samples) // self.size
        alike = self.rng.uniform(0.3, 0.98)
        hard = self.rng.normal(size=self.samples)
        drawn = []
        for _ in range(n_epochs):
            scores = np.sqrt(alike) * hard + np.sqrt(1 - alike) * self.rng.normal(size=self.samples)
            parts = np.split(scores, [self.positives])
            called = [_top(part, rate) for part, rate in zip(parts, self.rates(), strict=True)]
            drawn.append(self._counted(batch, *called))
        return drawn

    def _counted(self, batch: Any, hits: Any, alarms: Any) -> Counts:
        found = [batch[: self.positives][hits], batch[self.positives :][alarms]]
        tp, fp, p = (
            np.bincount(part, minlength=len(self.n)) for part in (*found, batch[: self.positives])
        )
        return Counts(tp, fp, p - tp, self.n - p - fp)

    def training(self, n_epochs: int) -> list[Counts]:
        """Return batch counts of epochs, each shuffled anew; the rates move from batch to batch."""
        done = (np.arange(len(self.n)) + 0.5) / len(self.n)
        last = np.array([self.rng.uniform(0.1, 0.5), self.rng.uniform(0.02, 0.2)])
        drawn = []
        for _ in range(n_epochs):
            new = np.array(self.rates())
            moved = 1 - np.exp(-3 * done)
            recall, alarm = last[:, None] + (new - last)[:, None] * moved
            last = new
            batch = self.rng.permutation(self.samples) // self.size
            p = np.bincount(batch[: self.positives], minlength=len(self.n))
            tp, fp = self.rng.binomial(p, recall), self.rng.binomial(self.n - p, alarm)
            drawn.append(Counts(tp, fp, p - tp, self.n - p - fp))
        return drawn


def _top(scores: Any, share: float) -> Any:
    """Return where this share of the scores, the highest, are."""
    number = min(max(round(share * len(scores)), 0), len(scores))
    return np.argpartition(-scores, number - 1)[:number] if number else np.zeros(0, int)


def printed(counts: Counts, averaging: Any, objects: bool) -> dict[str, str]:
    """Return what an epoch prints."""
    values = {"f1": batch_mean(counts, averaging, 0.0)}
    for name, metric in (("precision", PRECISION), ("recall", RECALL)):
        if objects:
            values[name] = pooled(counts, 0.0, metric)
        else:
            values[name] = batch_mean(counts, averaging, 0.0, metric=metric)
    values["accuracy"] = (counts.tp.sum() + counts.tn.sum()) / counts.n.sum()
    return {name: f"{float(value):.4f}" for name, value in values.items()}


def outcome(log: Simulated) -> dict[str, Any]:
    """Estimate a log's true F1, and hold the answer against the truth."""
    start = process_time()
    found = estimate(log.epochs, **log.told)
    seconds = process_time() - start
    row = log._asdict() | {"seconds": seconds, "answered": False, "bounded": False}
    row["positives"] = log.prevalence * log.batch_size
    if found is None:
        return row
    row["size_first"] = found.batch_sizes[:1] == (log.batch_size,)
    if found.lower_bound is not None:
        row |= {"bounded": True, "bound_above": found.lower_bound > log.true_f1}
    if found.true_f1 is not None:
        low, _, high = found.true_f1
        row |= {"answered": True, "width": high - low, "covered": low <= log.true_f1 <= high}
    return row


RATES, COUNTS = (0.005, 0.02, 0.1, 0.5), (0, 0.3, 1, 2, 5, np.inf)
"""Ends of the groups by prevalence and by positives in a batch."""


def groups(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield what a group is by, its name, and its rows."""
    yield "all", "all", rows
    kind = rows["objects"].map({True: "objects", False: "functions"})
    split = rows["training"].map({True: "training", False: "validation"})
    yield from (("split", f"{a}, {b}", part) for (a, b), part in rows.groupby([split, kind]))
    functions = rows[~rows["objects"]]
    for by, ends in (("prevalence", RATES), ("positives", COUNTS)):
        for low, high in itertools.pairwise(ends):
            name = f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} or more"
            yield by, name, functions[functions[by].between(low, high, inclusive="left")]


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return shares and medians of each group; those by numbers are of functions alone."""
    found = []
    for by, name, part in groups(rows):
        answered, bounded = part[part["answered"]], part[part["bounded"]]
        found.append(
            {
                "by": by,
                "group": name,
                "logs": len(part),
                "answered": part["answered"].mean(),
                "covered": answered["covered"].astype(float).mean(),
                "width_median": answered["width"].median(),
                "bound_above": bounded["bound_above"].astype(float).mean(),
                "size_first": part["size_first"].astype(float).mean(),
                "seconds_median": part["seconds"].median(),
            }
        )
    return pd.DataFrame(found).round(4)


def main() -> None:
    """Simulate, estimate, print and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, default=HERE / "logs.csv")
    parsed = parser.parse_args()
    rows = []
    for seed in range(parsed.seed, parsed.seed + parsed.logs):
        rows.append(outcome(simulated(seed)))
        if len(rows) % 100 == 0 or len(rows) == parsed.logs:  # what is done survives an end
            tables.write_csv(summary(pd.DataFrame(rows)), parsed.output)
    print(summary(pd.DataFrame(rows)).to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
