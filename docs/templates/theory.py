"""Numbers of docs/theory.md, from the limits for rare positives."""

import math
from collections.abc import Iterator
from pathlib import Path

from batchf1.theory.limits import rare_positives
from templates.common import table_rows
from templates.rule_of_thumb import OFF, few, least

RATES = (0.9, 0.7)
"""Precision and recall of the two classifiers of the table."""


def context(root: Path) -> dict[str, object]:
    """Compute the table of the rule of thumb, and where it ends."""
    del root  # no table is needed
    return {
        "few": few(),
        "off": OFF,
        "limits": table_rows(_limits()),
        "least": {rate: [least(rate, off) for off in (0.1, 0.01)] for rate in RATES},
        "n_batches": _batches_whose_bias_exceeds_the_noise(0.9),
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


def _batches_whose_bias_exceeds_the_noise(f1: float) -> int:
    q = f1 * (1 - f1)
    return math.floor(2 * (1 + q) / q) + 1
