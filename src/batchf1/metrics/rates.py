"""Prevalence, precision and recall, and the whole counts that have them."""

from __future__ import annotations

import math
from typing import NamedTuple

from batchf1.errors import require
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import PRECISION, RECALL


class Rates(NamedTuple):
    """Precision and recall of a classifier, each above 0 and at most 1."""

    precision: float
    recall: float


def rates_of(counts: Counts) -> dict[str, float]:
    """Prevalence, precision and recall of single counts; NaN where they are 0/0.

    >>> rates_of(Counts(tp=3, fp=1, fn=2, tn=94))
    {'prevalence': 0.05, 'precision': 0.75, 'recall': 0.6}
    """
    precision, recall = (float(each(counts, math.nan)) for each in (PRECISION, RECALL))
    prevalence = float(counts.positives / counts.n)
    return {"prevalence": prevalence, "precision": precision, "recall": recall}


def nearest_counts(n_samples: int, prevalence: float, precision: float, recall: float) -> Counts:
    """The whole counts nearest to rates in (0, 1], four ints that add up to `n_samples`.

    Raises `InputError` for other rates, and where the counts give a prevalence that is more than
    1 % off, or a precision or recall that is more than 0.01 off.

    >>> nearest_counts(100, prevalence=0.05, precision=0.75, recall=0.6)
    Counts(tp=3, fp=1, fn=2, tn=94)
    """
    n = checks.whole("n_samples", n_samples)
    asked = {"prevalence": prevalence, "precision": precision, "recall": recall}
    asked = {name: checks.share(name, rate) for name, rate in asked.items()}
    positives = round(n * asked["prevalence"])
    tp = round(positives * asked["recall"])
    fp = round(tp * (1 - asked["precision"]) / asked["precision"])
    room = "gives more false positives than there are negatives"
    require(fp <= n - positives, "precision", room, asked["precision"])
    counts = Counts(tp, fp, positives - tp, n - positives - fp)
    for name, found in rates_of(counts).items():
        _check_near(name, asked[name], found, n)
    return counts


def _check_near(name: str, asked: float, found: float, n: int) -> None:
    unit, within = (asked, "1 %") if name == "prevalence" else (1, "0.01")
    rule = f"whole counts must give it within {within}: give more samples, counts or no n_samples"
    found_text = "undefined" if math.isnan(found) else f"{found:g}"
    value = f"{asked:g}, and the counts of {n:,} samples give {found_text}"
    require(abs(found - asked) <= 0.01 * unit + 1e-12, name, rule, value)
