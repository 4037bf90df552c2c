"""Numbers of docs/theory.md, from the limits for rare positives."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from batchf1.metrics.counts import Counts
from batchf1.theory.flat_labels import flat_reconstructed
from batchf1.theory.limits import rare_positives
from templates.common import table_rows
from templates.rule_of_thumb import OFF, few, least

RATES = (0.9, 0.7)
"""Precision and recall of the two classifiers of the table."""

FLAT_RATES = (0.9, 0.5, 0.01)
"""Precision and recall of the classifiers of section 11; the last finds next to nothing."""
PER_SAMPLE = Counts(tp=160, fp=40, fn=40, tn=9760)
SIZES = (1, 2, 32, 10_000)


def context(root: Path) -> dict[str, object]:
    """Compute the table of the rule of thumb, and where it ends."""
    del root  # no table is needed
    return {
        "few": few(),
        "off": OFF,
        "limits": table_rows(_limits()),
        "least": {rate: [least(rate, off) for off in (0.1, 0.01)] for rate in RATES},
        "n_batches": _batches_whose_bias_exceeds_the_noise(0.9),
        "flat": table_rows(_flat()),
        "flat_f1": FLAT_RATES,
        "per_sample_counts": PER_SAMPLE,
        "per_sample_n": f"{sum(PER_SAMPLE):,}",
        "per_sample": _listed(f"{flat_reconstructed(PER_SAMPLE, size):.3f}" for size in SIZES),
        "per_sample_sizes": _listed(f"{size:,}" for size in SIZES),
    }


def _limits() -> Iterator[list[str]]:
    for positives in (0.1, 0.3, 1, 3, 10, 30):
        limits = [rare_positives(positives, rate, rate) for rate in RATES]
        numbers = [
            value
            for limit in limits
            for value in (limit.expected_f1, limit.error, limit.error_empty, limit.error_curvature)
        ]
        yield [f"{positives:g}", *(f"{round(float(value), 4) + 0:.4f}" for value in numbers)]


def _flat() -> Iterator[list[str]]:
    for positives in (0.1, 0.3, 0.5, 1, 3, 10, 30):
        column = rare_positives(positives, FLAT_RATES[0], FLAT_RATES[0]).expected_f1
        flat = [
            rare_positives(positives, rate, rate, labels="flat").expected_f1 for rate in FLAT_RATES
        ]
        above = _share_above_1(positives, FLAT_RATES[0])
        yield [f"{positives:g}", *(f"{value:.3f}" for value in (column, *flat)), f"{above:.3f}"]


def _share_above_1(positives: float, rate: float) -> float:
    """Return the share of batches whose log exceeds 1, for precision = recall = `rate`."""
    hits, errors = positives * rate, positives * (1 - rate)
    none, neither = math.exp(-positives), math.exp(-hits - 2 * errors)
    return 1 - 2 * none + neither * (1 - hits - errors**2)


def _listed(texts: Iterable[str]) -> str:
    *others, last = texts
    return f"{', '.join(others)} and {last}"


def _batches_whose_bias_exceeds_the_noise(f1: float) -> int:
    q = f1 * (1 - f1)
    return math.floor(2 * (1 + q) / q) + 1
