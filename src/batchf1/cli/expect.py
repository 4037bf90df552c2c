"""`batchf1 expect`: what a batch-averaged F1 will log, without a training."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

from batchf1.errors import require

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
    parser.add_argument("--averaging", choices=["per_batch", "size_weighted"], default="per_batch")
    parser.add_argument(
        "--zero-division",
        choices=["0", "1", "skip"],
        default="0",
        help="F1 of a batch without positives and predicted positives; skip leaves it out",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    answer = _answer(parsed)
    said = json.dumps(_strict(answer), allow_nan=False) if parsed.json else _text(answer)
    print(said)  # noqa: T201


def _strict(value: Any) -> Any:
    """With null for what is undefined: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _strict(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_strict(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    from batchf1.metrics.counts import as_counts
    from batchf1.theory.expectation import expect
    from batchf1.theory.limits import large_data
    from batchf1.theory.search import smallest_batch

    size = parsed.batch_size
    known = size is not None or parsed.tolerance is not None
    require(known, "--batch-size", "needed, unless --tolerance asks for it", "neither")
    zero_division = math.nan if parsed.zero_division == "skip" else float(parsed.zero_division)
    answer: dict[str, Any] = {"averaging": parsed.averaging, "zero_division": parsed.zero_division}
    counts = _counts(parsed)
    if counts is None:
        require(parsed.tolerance is None, "--tolerance", "needs --n-samples", parsed.tolerance)
        rates = {name: getattr(parsed, name) for name in RATES}
        limit = large_data(**rates, batch_size=size, zero_division=zero_division)
        found = {key: getattr(limit, key) for key in ERRORS}
        answer |= {"batch_size": size, "n_samples": None, **rates}
        return answer | found | {"sd": 0.0}
    rules = (parsed.averaging, zero_division)
    answer |= {"n_samples": sum(counts), **dict(zip(FIELDS, counts, strict=True))}
    tolerance = FINE if parsed.tolerance is None else parsed.tolerance
    smallest = smallest_batch(as_counts(*counts), tolerance, *rules)
    answer |= {"tolerance": tolerance, "smallest_batch_size": smallest}
    size = smallest if size is None else size
    found = expect(as_counts(*counts), size, *rules)._asdict()
    return answer | {"batch_size": size} | found | _rates(counts)


ERRORS = ("true_f1", "expected_f1", "error", "error_empty", "error_curvature")


def _counts(parsed: argparse.Namespace) -> tuple[int, int, int, int] | None:
    """The counts given, or those of the rates; None for rates without a number of samples."""
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
        return given["tp"], given["fp"], given["fn"], given["tn"]
    for name in RATES:
        require(0 < given[name] <= 1, f"--{name}", "must lie in (0, 1]", given[name])
    return None if n is None else _from_rates(n, given)


def _from_rates(n: int, asked: dict[str, float]) -> tuple[int, int, int, int]:
    """The whole counts nearest to the rates, refused where they are too far from them."""
    require(1 <= n <= 2**53, "--n-samples", "lies in 1 .. 2**53", n)
    positives = round(n * asked["prevalence"])
    tp = round(positives * asked["recall"])
    fp = round(tp * (1 - asked["precision"]) / asked["precision"])
    room = "gives more false positives than there are negatives"
    require(fp <= n - positives, "--precision", room, asked["precision"])
    counts = tp, fp, positives - tp, n - positives - fp
    for name, found in _rates(counts).items():
        unit, within = (asked[name], "1 %") if name == "prevalence" else (1, "0.01")
        close = abs(found - asked[name]) <= 0.01 * unit + 1e-12
        rule = f"whole counts must give it within {within}: give more samples, counts or no"
        value = f"{asked[name]:g}, and the counts of {n:,} samples give {_number(found)}"
        require(close, f"--{name}", f"{rule} --n-samples", value)
    return counts


def _rates(counts: tuple[int, int, int, int]) -> dict[str, float]:
    """Prevalence, precision and recall; NaN where they are 0/0."""
    tp, fp, fn, _ = counts
    precision, recall = (tp / (tp + part) if tp + part else math.nan for part in (fp, fn))
    return {"prevalence": (tp + fn) / sum(counts), "precision": precision, "recall": recall}


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
