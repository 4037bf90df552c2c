"""Prevalence, precision and recall, and conversion between these rates and whole counts."""

from __future__ import annotations

import math
from typing import NamedTuple

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import PRECISION, RECALL


class Rates(NamedTuple):
    """Precision and recall of a classifier, each above 0 and at most 1."""

    precision: float
    recall: float


def rates_of(counts: Counts) -> dict[str, float]:
    """Return prevalence, precision and recall of single counts; NaN where they are 0/0.

    >>> rates_of(Counts(tp=3, fp=1, fn=2, tn=94))
    {'prevalence': 0.05, 'precision': 0.75, 'recall': 0.6}
    """
    precision, recall = (float(ratio(counts, math.nan)) for ratio in (PRECISION, RECALL))
    prevalence = float(counts.positives / counts.n)
    return {"prevalence": prevalence, "precision": precision, "recall": recall}


def nearest_counts(n_samples: int, prevalence: float, precision: float, recall: float) -> Counts:
    """Return the whole counts nearest to rates in (0, 1], four ints adding up to `n_samples`.

    Among few samples their rates differ from those asked for: `rates_of` returns what they are.
    Raises `InputError` for other rates, for too few samples to have a true positive, and for more
    false positives than there are negatives.

    >>> nearest_counts(300, prevalence=0.05, precision=0.85, recall=0.85)
    Counts(tp=13, fp=2, fn=2, tn=283)
    """
    n = checks.check_integer("n_samples", n_samples)
    asked = {"prevalence": prevalence, "precision": precision, "recall": recall}
    asked = {name: checks.check_fraction(name, rate) for name, rate in asked.items()}
    positives = round(n * asked["prevalence"])
    tp = round(positives * asked["recall"])
    few = f"must leave a {'true positive' if positives else 'positive'} among {n:,} samples"
    short = "recall" if positives else "prevalence"
    check(
        tp > 0,
        short,
        f"{few} (give more samples, counts or no n_samples)",
        asked[short],
    )
    fp = round(tp * (1 - asked["precision"]) / asked["precision"])
    room = "cannot be so low: it gives more false positives than there are negatives"
    check(fp <= n - positives, "precision", room, asked["precision"])
    return Counts(tp, fp, positives - tp, n - positives - fp)


def shares_of(counts: Counts) -> dict[str, tuple[int, int]]:
    """Return numerator and denominator of each rate of `rates_of`, as whole numbers.

    >>> shares_of(Counts(tp=13, fp=2, fn=2, tn=283))
    {'prevalence': (15, 300), 'precision': (13, 15), 'recall': (13, 15)}
    """
    tp, fp, fn, tn = counts
    positives = tp + fn
    return {
        "prevalence": (positives, positives + fp + tn),
        "precision": (tp, tp + fp),
        "recall": (tp, positives),
    }
