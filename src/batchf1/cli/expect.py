"""`batchf1 expect`: what a batch-averaged F1 will log, without a training."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from batchf1.cli import console, rules
from batchf1.errors import require

if TYPE_CHECKING:
    from batchf1.metrics.counts import Counts

FIELDS = ("tp", "fp", "fn", "tn")
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
        "known, --n-samples. Rates of so many samples become the nearest whole counts, which are "
        "refused where they give a prevalence that is more than 1 % off, or a precision or recall "
        "that is more than 0.01 off.",
    )
    for name in FIELDS:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{name.upper()} of the split")
    for name in RATES:
        parser.add_argument(f"--{name}", type=float, metavar="R", help="above 0, at most 1")
    parser.add_argument(
        "--n-samples", type=int, metavar="N", help="size of the split; without it, very many"
    )
    parser.add_argument("--batch-size", type=int, metavar="B", help="samples in a batch")
    parser.add_argument(
        "--tolerance", type=float, metavar="E", help="ask for the smallest batch with |error| <= E"
    )
    rules.add(parser)
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    answer = _answer(parsed)
    print(console.as_json(answer) if parsed.json else _text(answer))  # noqa: T201


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    from batchf1.metrics.rates import rates_of
    from batchf1.theory.expectation import expect
    from batchf1.theory.limits import large_data
    from batchf1.theory.search import smallest_batch

    size = parsed.batch_size
    known = size is not None or parsed.tolerance is not None
    require(known, "--batch-size", "needed, unless --tolerance asks for it", "neither")
    zero_division = rules.zero_division(parsed)
    answer: dict[str, Any] = {"averaging": parsed.averaging, "zero_division": parsed.zero_division}
    counts = _counts(parsed)
    if counts is None:
        require(parsed.tolerance is None, "--tolerance", "needs --n-samples", parsed.tolerance)
        rates = {name: getattr(parsed, name) for name in RATES}
        limit = large_data(**rates, batch_size=size, zero_division=zero_division)
        found = {key: getattr(limit, key) for key in ERRORS}
        answer |= {"batch_size": size, "n_samples": None, **rates}
        return answer | found | {"sd": 0.0}
    how = (parsed.averaging, zero_division)
    answer |= {"n_samples": sum(counts), **counts._asdict()}
    tolerance = FINE if parsed.tolerance is None else parsed.tolerance
    smallest = smallest_batch(counts, tolerance, *how)
    answer |= {"tolerance": tolerance, "smallest_batch_size": smallest}
    size = smallest if size is None else size
    found = expect(counts, size, *how)._asdict()
    return answer | {"batch_size": size} | found | rates_of(counts)


ERRORS = ("true_f1", "expected_f1", "error", "error_empty", "error_curvature")


def _counts(parsed: argparse.Namespace) -> Counts | None:
    """The counts given, or those of the rates; None for rates without a number of samples."""
    from batchf1.metrics.counts import Counts
    from batchf1.metrics.rates import nearest_counts

    given = {name: getattr(parsed, name) for name in (*FIELDS, *RATES)}
    wanted = RATES if any(given[name] is not None for name in RATES) else FIELDS
    for name in wanted:
        missing = given[name] is None
        require(not missing, f"--{name}", f"needed with the others of {wanted}", "none")
    strange = [f"--{name}" for name in given if name not in wanted and given[name] is not None]
    require(not strange, "rates and counts", "cannot be mixed", " ".join(strange))
    n = parsed.n_samples
    if wanted == FIELDS:
        require(n is None, "--n-samples", "is the sum of the counts", n)
        return Counts(*(given[name] for name in FIELDS))
    for name in RATES:
        require(0 < given[name] <= 1, f"--{name}", "must lie in (0, 1]", given[name])
    return None if n is None else nearest_counts(n, *(given[name] for name in RATES))


def _number(rate: float) -> str:
    return "undefined" if math.isnan(rate) else f"{rate:g}"


def _text(answer: dict[str, Any]) -> str:
    return "\n".join([*_question(answer), *_findings(answer)])


def _question(answer: dict[str, Any]) -> list[str]:
    n, size = answer["n_samples"], answer["batch_size"]
    data = f"{n:,} samples" if n else "very many samples"
    rules = f"averaged {answer['averaging']}, 0/0 = {answer['zero_division']}"
    counts = ", ".join(f"{name} {answer[name]:,}" for name in FIELDS if name in answer)
    return [
        f"{data} in batches of {size:,}, {rules}",
        *([f"counts               {counts}"] if counts else []),
        "rates                " + ", ".join(f"{name} {_number(answer[name])}" for name in RATES),
    ]


def _findings(answer: dict[str, Any]) -> list[str]:
    if answer["n_samples"] and answer["tn"] == answer["n_samples"]:
        counted = f"and counts as {answer['zero_division']} everywhere"
        rest = "so there is nothing to average" if math.isnan(answer["true_f1"]) else counted
        return [f"No positive, real or predicted: F1 is 0/0 in every batch and of all, {rest}."]
    low, high = answer.get("interval95", (math.nan, math.nan))
    spread = f"   (95 % of epochs: {low:.4f} to {high:.4f})" if answer["n_samples"] else ""
    return [
        f"expected in the log  {answer['expected_f1']:.6f}{spread}",
        f"true F1              {answer['true_f1']:.6f}",
        f"error                {answer['error']:+.6f}",
        f"  of empty batches   {answer['error_empty']:+.6f}   (no positive, real or predicted)",
        f"  of curvature       {answer['error_curvature']:+.6f}   (F1 is no linear function)",
        _advice(answer),
    ]


def _advice(answer: dict[str, Any]) -> str:
    tolerance, smallest = answer.get("tolerance", FINE), answer.get("smallest_batch_size")
    if abs(answer["error"]) <= tolerance:
        return f"The batch mean may be read here: it is within {tolerance:g} of the truth."
    points = 100 * abs(answer["error"])
    advice = f"Do not read the batch mean here, {points:.1f} points off: log counts or stream"
    if smallest is None:
        return f"{advice}."
    return f"{advice}; batches of {smallest:,} would keep it within {tolerance:g}."
