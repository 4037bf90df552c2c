"""`batchf1 audit`: which rule made a logged number, and how wrong it is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from batchf1.cli import console, metrics, rows
from batchf1.errors import require

METRIC = (
    "f1 (the default), f0.5 or another beta, precision, recall, jaccard; with -micro, -macro or "
    "-weighted over classes; or module:function of (y_true, y_pred), found where you are, too"
)


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    true, predicted = " or ".join(rows.TRUE), " or ".join(rows.PREDICTED)
    parser = commands.add_parser(
        "audit",
        help="which rule made a logged number, and how wrong it is",
        description="From labels and predictions of a split, in the order of its batches, to what "
        "each rule of averaging over batches would log, which rule gives the logged number, and "
        "how far it is off the metric of all samples. The file is a CSV of numbers, Parquet or NPZ "
        f"with {true}; {predicted}; and batch, if the batches are not of one size.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="ends in .csv, .parquet or .npz")
    parser.add_argument("--metric", default="f1", metavar="NAME", help=METRIC)
    parser.add_argument(
        "--batch-size", type=int, metavar="B", help="rows in a batch; the last may have fewer"
    )
    parser.add_argument("--logged", metavar="V", help="the number as printed: 0.473 or 47.3%%")
    parser.add_argument(
        "--fail-above",
        type=float,
        metavar="E",
        help="leave with status 1 where the error, of the logged number or else of the mean over "
        "batches, is larger than E",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="scores above it are positive (0.5); a function gets y_pred > T where T is given, "
        "else y_pred as it is",
    )
    parser.add_argument("--devices", type=int, metavar="D", help="that took the batches in turn")
    parser.add_argument("--cuts", type=int, default=20, metavar="N", help="random cuts tried (20)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random cuts (0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> int:
    """Print the answer; the exit status is 1 for an error larger than asked for."""
    from batchf1.auditing.answer import audit

    limit = parsed.fail_above
    require(limit is None or limit >= 0, "--fail-above", "is at least 0", limit)
    metric, found = _metric(parsed), rows.read(parsed.file)
    size = _size(parsed, found)
    answer = audit(
        metric,
        found.batches(size),
        parsed.logged,
        threshold=0.5 if parsed.threshold is None else parsed.threshold,
        devices=parsed.devices,
        cuts=parsed.cuts,
        seed=parsed.seed,
    )
    print(console.as_json(answer.to_dict()) if parsed.json else answer)  # noqa: T201
    return int(limit is not None and not abs(answer.error) <= limit)


def _metric(parsed: argparse.Namespace) -> Any:
    if ":" not in parsed.metric:
        return metrics.named(parsed.metric, METRIC)
    from batchf1.records import imports

    function, threshold = imports.named("--metric", parsed.metric), parsed.threshold
    require(callable(function), "--metric", "is a function", parsed.metric)
    return function if threshold is None else _decided(function, threshold)


def _decided(function: Any, threshold: float) -> Any:
    """The function on 0 and 1 instead of scores."""
    from functools import wraps

    @wraps(function)
    def of_labels(y_true: Any, y_pred: Any) -> Any:
        return function(y_true, (y_pred > threshold).astype(int))

    return of_labels


def _size(parsed: argparse.Namespace, found: rows.Rows) -> int | None:
    size: int | None = parsed.batch_size
    known = found.batch is not None
    require(size is None or size >= 1, "--batch-size", "is a whole number >= 1", size)
    require(known or size is not None, "--batch-size", "needed without a column batch", "none")
    require(not (known and size), "--batch-size", "goes without a column batch", size)
    return size
