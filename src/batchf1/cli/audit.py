"""`batchf1 audit`: the rule behind a logged number, and its error."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchf1.cli import console, rows
from batchf1.config.metric_names import named
from batchf1.errors import check, one_line

if TYPE_CHECKING:
    from batchf1.auditing.result import AuditResult

METRIC = (
    "f1 (the default), f0.5, f_beta(2) or another beta, precision, recall, jaccard; with -micro, "
    "-macro or -weighted over classes; mcc, kappa, balanced_accuracy; of numbers mse, rmse, r2, "
    "explained_variance, pearson, concordance_correlation; or module:function of (y_true, y_pred), "
    "found where you are, too; it gets y_pred as it is, or 0 and 1 where --threshold or "
    "--from-logits is given"
)
EPILOG = """examples:
  batchf1 audit predictions.csv --batch-size 32 --logged 0.4730
  batchf1 audit predictions.csv --batch-size 32 --fail-above 0.01

See docs/audit.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    true, predicted = " or ".join(rows.TRUE), " or ".join(rows.PREDICTED)
    parser = commands.add_parser(
        "audit",
        help="which rule made a logged number, and how wrong it is",
        description="From labels and predictions of a split, in the order of its batches, to what "
        "each rule of averaging over batches would log, which rule gives the logged number, and "
        "how far it is off the metric of all samples. The file is a CSV of numbers, Parquet or NPZ "
        f"with {true}; {predicted}; and batch, if the batches are not of one size. The answer "
        "names the columns that were read.",
        epilog=EPILOG,
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
    _add_reading(parser)
    parser.add_argument("--devices", type=int, metavar="D", help="that took the batches in turn")
    parser.add_argument("--cuts", type=int, default=20, metavar="N", help="random cuts tried (20)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random cuts (0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run, prog=parser.prog)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options for reading the columns of the file."""
    for role, option in rows.OPTIONS.items():
        named = f"column of {role}, where it has another name or several have one"
        parser.add_argument(option, metavar="COLUMN", help=named)
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="scores above it are positive (0.5); outside (0, 1) any scores are taken, not only "
        "those in [0, 1]",
    )
    parser.add_argument(
        "--from-logits", action="store_true", help="scores are logits, and T is a probability"
    )
    parser.add_argument(
        "--multilabel",
        action="store_true",
        help="samples have any number of classes: arrays (n, n_classes) of an NPZ file",
    )


def run(parsed: argparse.Namespace) -> int:
    """Print the answer; exit with status 1 for an error larger than allowed."""
    from batchf1.auditing.answer import audit
    from batchf1.auditing.classes import Decision

    limit = parsed.fail_above
    check(limit is None or limit >= 0, "--fail-above", "must be at least 0", limit)
    metric = _metric(parsed.metric)
    samples = rows.read(parsed.file, {role: getattr(parsed, role) for role in rows.NAMES})
    size = _size(parsed, samples)
    threshold = 0.5 if parsed.threshold is None else parsed.threshold
    decision = Decision(threshold, parsed.from_logits, parsed.multilabel)
    if ":" in parsed.metric and (parsed.threshold is not None or parsed.from_logits):
        decision.check()
        samples = samples._replace(predicted=decision.positive(samples.predicted).astype(int))
        decision = Decision(multilabel=parsed.multilabel)
    answer = audit(
        metric,
        samples.batches(size),
        parsed.logged,
        **decision._asdict(),
        devices=parsed.devices,
        cuts=parsed.cuts,
        seed=parsed.seed,
    )
    _print(answer, samples.columns, parsed.json)
    return int(limit is not None and not abs(answer.error) <= limit)


def _print(answer: AuditResult, columns: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(console.as_json(answer.to_dict() | {"columns": columns}))  # noqa: T201
        return
    named = ", ".join(f"{role} = {name}" for role, name in columns.items())
    advice, *table = str(answer).splitlines()
    first = console.verdict(advice, None if answer.undecided else answer.ok)
    print(first, *table, one_line(f"columns: {named}"), sep="\n")  # noqa: T201


def _metric(name: str) -> Any:
    if ":" not in name:
        return named(name, METRIC)
    from batchf1.records import imports

    function = imports.named("--metric", name)
    check(callable(function), "--metric", "must be a function", name)
    return function


def _size(parsed: argparse.Namespace, samples: rows.Rows) -> int | None:
    size: int | None = parsed.batch_size
    has_batches = samples.batch is not None
    check(size is None or size >= 1, "--batch-size", "must be a whole number >= 1", size)
    check(
        has_batches or size is not None,
        "--batch-size",
        "must be given where FILE has no column batch",
    )
    check(
        not (has_batches and size), "--batch-size", "cannot be combined with a column batch", size
    )
    return size
