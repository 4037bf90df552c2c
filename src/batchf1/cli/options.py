"""Options that `batchf1 expect`, `compare` and `bound` share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from batchf1.cli.numbers import number
from batchf1.errors import check

if TYPE_CHECKING:
    from batchf1.metrics.counts import Counts


def add(parser: argparse.ArgumentParser) -> None:
    """Add the rules of the mean over batches, and --json."""
    parser.add_argument("--averaging", choices=["per_batch", "size_weighted"], default="per_batch")
    parser.add_argument(
        "--zero-division",
        choices=["0", "1", "skip"],
        default="0",
        help="F1 of a batch without positives and predicted positives; skip leaves it out",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_batches(parser: argparse.ArgumentParser) -> None:
    """Add what describes the data and its batches; `check_batches` asks for the first two."""
    parser.add_argument("--prevalence", type=number, metavar="R", help="share of positives")
    parser.add_argument("--batch-size", type=int, metavar="B", help="samples in a batch")
    parser.add_argument(
        "--n-samples", type=int, metavar="N", help="samples in the split; without it, very many"
    )


def check_batches(parsed: argparse.Namespace) -> None:
    """Refuse a command line without prevalence or batch size."""
    check(parsed.prevalence is not None, "--prevalence", "must be given")
    check(parsed.batch_size is not None, "--batch-size", "must be given")


def zero_division(parsed: argparse.Namespace) -> float:
    """Return the chosen value of empty batches, as `expect` takes it."""
    return math.nan if parsed.zero_division == "skip" else float(parsed.zero_division)


def nearest(asked: Mapping[str, float], counts: Counts) -> str:
    """Describe the rates of the whole counts, where they differ from the requested in 3 digits.

    Such as `precision 0.867, 13 of 15 (asked 0.85)`; empty where there is nothing to report.
    """
    from batchf1.metrics.rates import rates_of, shares_of

    rates, shares = rates_of(counts), shares_of(counts)
    return "; ".join(
        f"{name} {rates[name]:.3g}, {shares[name][0]:,} of {shares[name][1]:,} (asked {rate:g})"
        for name, rate in asked.items()
        if f"{rates[name]:.3g}" != f"{rate:.3g}"
    )
