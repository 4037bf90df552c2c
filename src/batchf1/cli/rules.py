"""The options that `batchf1 expect` and `batchf1 prefer` share."""

from __future__ import annotations

import argparse
import math


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


def zero_division(parsed: argparse.Namespace) -> float:
    """What was chosen, as `expect` takes it."""
    return math.nan if parsed.zero_division == "skip" else float(parsed.zero_division)
