"""`batchf1 expect`: what a batch-averaged F1 will log, without a training."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

from batchf1.errors import refuse, require

COUNTS = ("tp", "fp", "fn", "tn")
RATES = ("prevalence", "precision", "recall")
FINE = 0.01
"""An error that nobody minds; the advice is about it unless --tolerance says otherwise."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "expect",
        help="what a batch-averaged F1 will log, and how wrong it is",
        description="Expected value of the mean over random batches of F1, from the counts of the "
        "whole split (--tp --fp --fn --tn), or from --prevalence --precision --recall and, if "
        "known, --n-samples.",
    )
    for name in COUNTS:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{name.upper()} of the split")
    for name in RATES:
        parser.add_argument(f"--{name}", type=float, metavar="R", help="between 0 and 1")
    parser.add_argument("--n-samples", type=int, metavar="N", help="size of the split")
    parser.add_argument("--batch-size", type=int, metavar="B")
    parser.add_argument(
        "--tolerance", type=float, metavar="E", help="ask for the smallest batch with |error| <= E"
    )
    parser.add_argument("--averaging", choices=["per_batch", "size_weighted"], default="per_batch")
    parser.add_argument(
        "--zero-division",
        choices=["0", "1", "skip"],
        default="0",
        help="F1 of a batch without positives and predicted positives; skip leaves it out",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    answer = _answer(parsed)
    print(json.dumps(answer) if parsed.json else _text(answer))  # noqa: T201


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    from batchf1 import expectation

    known = parsed.batch_size is not None or parsed.tolerance is not None
    require(known, "--batch-size", "needed, unless --tolerance asks for it", "neither")
    rules = (
        parsed.averaging,
        math.nan if parsed.zero_division == "skip" else float(parsed.zero_division),
    )
    counts = _counts(parsed)
    answer: dict[str, Any] = {"averaging": parsed.averaging, "zero_division": parsed.zero_division}
    if counts is None:
        require(parsed.tolerance is None, "--tolerance", "needs --n-samples", parsed.tolerance)
        rates = (parsed.prevalence, parsed.precision, parsed.recall)
        limit = expectation.large_data(*rates, parsed.batch_size, rules[1])
        found = {key: getattr(limit, key) for key in ERRORS}
        return answer | {"batch_size": parsed.batch_size, "n_samples": None, **found, "sd": 0.0}
    answer |= {"n_samples": sum(counts), **dict(zip(COUNTS, counts, strict=True))}
    tolerance = FINE if parsed.tolerance is None else parsed.tolerance
    smallest = expectation.smallest_batch(*counts, tolerance, *rules)
    answer |= {"tolerance": tolerance, "smallest_batch_size": smallest}
    batch_size = smallest if parsed.batch_size is None else parsed.batch_size
    found = expectation.expect(*counts, batch_size, *rules)._asdict()
    return answer | {"batch_size": batch_size} | found


ERRORS = ("true_f1", "expected_f1", "error", "error_empty", "error_curvature")


def _counts(parsed: argparse.Namespace) -> tuple[int, int, int, int] | None:
    """The counts given, or those of the rates; None for rates without a number of samples."""
    given = {name: getattr(parsed, name) for name in (*COUNTS, *RATES)}
    wanted = RATES if any(given[name] is not None for name in RATES) else COUNTS
    missing = [f"--{name}" for name in wanted if given[name] is None]
    strange = [
        f"--{name}" for name in (*COUNTS, *RATES) if name not in wanted and given[name] is not None
    ]
    require(
        not missing, missing[0] if missing else "", f"needed with the others of {wanted}", "none"
    )
    require(not strange, "rates and counts", "cannot be mixed", " ".join(strange))
    if wanted == COUNTS:
        require(
            parsed.n_samples is None, "--n-samples", "is the sum of the counts", parsed.n_samples
        )
        return tuple(given[name] for name in COUNTS)
    for name in RATES:
        inside = 0 < given[name] <= 1 if name != "recall" else 0 <= given[name] <= 1
        require(inside, f"--{name}", "must lie in (0, 1]", given[name])
    if parsed.n_samples is None:
        return None
    return _from_rates(parsed.n_samples, given)


def _from_rates(n: int, rates: dict[str, float]) -> tuple[int, int, int, int]:
    """The whole counts nearest to the rates."""
    require(n >= 1, "--n-samples", "must be at least 1", n)
    positives = round(n * rates["prevalence"])
    tp = round(positives * rates["recall"])
    fp = round(tp * (1 - rates["precision"]) / rates["precision"])
    if fp > n - positives:
        refuse(
            "--precision", "gives more false positives than there are negatives", rates["precision"]
        )
    return tp, fp, positives - tp, n - positives - fp


def _text(answer: dict[str, Any]) -> str:
    n, size = answer["n_samples"], answer["batch_size"]
    data = f"{n:,} samples" if n else "very many samples"
    rules = f"averaged {answer['averaging']}, 0/0 = {answer['zero_division']}"
    low, high = answer.get("interval95", (math.nan, math.nan))
    spread = f"   (95 % of epochs: {low:.4f} to {high:.4f})" if n else ""
    lines = [
        f"{data} in batches of {size:,}, {rules}",
        f"expected in the log  {answer['expected_f1']:.6f}{spread}",
        f"true F1              {answer['true_f1']:.6f}",
        f"error                {answer['error']:+.6f}",
        f"  of empty batches   {answer['error_empty']:+.6f}   (no positive, real or predicted)",
        f"  of curvature       {answer['error_curvature']:+.6f}   (F1 is no linear function)",
        _advice(answer),
    ]
    return "\n".join(lines)


def _advice(answer: dict[str, Any]) -> str:
    tolerance, smallest = answer.get("tolerance", FINE), answer.get("smallest_batch_size")
    if abs(answer["error"]) <= tolerance:
        return f"The batch mean may be read here: it is within {tolerance:g} of the truth."
    points = 100 * abs(answer["error"])
    advice = f"Do not read the batch mean here, {points:.1f} points off: log counts or stream"
    if smallest is None:
        return f"{advice}."
    return f"{advice}; batches of {smallest:,} would keep it within {tolerance:g}."
