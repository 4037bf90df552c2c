"""`batchf1 compare`: the classifier that a batch-averaged F1 prefers, and the better one."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from batchf1.cli import console, options
from batchf1.cli.numbers import number
from batchf1.errors import check

if TYPE_CHECKING:
    from batchf1.theory.preference import Preference

RATES = ("precision", "recall")
WHO = ("", "the first", "the second")
EPILOG = """example:
  batchf1 compare --precision 0.9 --recall 0.5 --precision 0.6 --recall 0.7 \\
    --prevalence 0.02 --batch-size 32

See docs/decisions.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "compare",
        help="which of two classifiers a batch-averaged F1 takes, and whether that is the better",
        description="Two classifiers on the same data: give --precision and --recall twice, those "
        "of the first, then those of the second. Says which one the mean over random batches of F1 "
        "is expected to put first, and which one the F1 of all samples does. With --n-samples the "
        "rates become the nearest whole counts, as in `batchf1 expect`. Rates may be written 0.5, "
        "0,5 or 50%.",
        epilog=EPILOG,
    )
    for name in RATES:
        parser.add_argument(
            f"--{name}",
            type=number,
            action="append",
            default=[],
            metavar="R",
            help="twice; above 0, at most 1",
        )
    options.add_batches(parser)
    options.add(parser)
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    answer = _answer(parsed)
    print(console.as_json(answer) if parsed.json else _text(answer))  # noqa: T201


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    from batchf1.theory.precision_recall_plane import exchange_rate
    from batchf1.theory.preference import compare

    _check(parsed)
    first, second = zip(parsed.precision, parsed.recall, strict=True)
    where = (parsed.prevalence, parsed.batch_size)
    undefined = options.zero_division(parsed)

    def choice(zero_division: float) -> dict[str, Any]:
        n, averaging = parsed.n_samples, parsed.averaging
        return _findings(compare(first, second, *where, n, averaging, zero_division))

    answer = {name: getattr(parsed, name) for name in ASKED}
    answer |= choice(undefined) | {"left_out": choice(math.nan)}
    both = (parsed.precision, parsed.recall)
    answer["true_alarms_per_hit"] = exchange_rate(*both, parsed.prevalence).tolist()
    answer["logged_alarms_per_hit"] = exchange_rate(*both, *where, undefined).tolist()
    return answer


ASKED = (*RATES, "prevalence", "batch_size", "n_samples", "averaging", "zero_division")


def _check(parsed: argparse.Namespace) -> None:
    for name in RATES:
        given = getattr(parsed, name)
        check(len(given) == 2, f"--{name}", "must be given twice, once for each classifier", given)
    options.check_batches(parsed)


def _findings(preference: Preference) -> dict[str, Any]:
    names = ("true_choice", "logged_choice", "agree")
    return preference._asdict() | {name: getattr(preference, name) for name in names}


def _text(answer: dict[str, Any]) -> str:
    n, size, share = answer["n_samples"], answer["batch_size"], answer["prevalence"]
    data = f"{n:,} samples" if n else "very many samples"
    method = f"averaged {answer['averaging']}, 0/0 = {answer['zero_division']}"
    lines = [
        f"{data} in batches of {size:,}, {size * share:.3g} positives in each, {method}",
        f"{'':<32}{'first':>10}{'second':>10}",
        *(_row(name, answer[name], "g") for name in RATES),
        *_nearest(answer),
        _row("true F1", answer["true_f1"], ".4f"),
        _row("expected in the log", answer["logged"], ".4f"),
        "false alarms that outweigh one more hit",
        _row("  in the true F1", answer["true_alarms_per_hit"], ".3g"),
        _row("  in the log (very many samples)", answer["logged_alarms_per_hit"], ".3g"),
        f"The log puts {_verdict(answer)}",
    ]
    if answer["zero_division"] != "skip":
        lines.append(f"With empty batches left out it would put {_verdict(answer['left_out'])}")
    return "\n".join(lines)


def _nearest(answer: dict[str, Any]) -> list[str]:
    """Return a line for each classifier whose whole counts have other rates than requested."""
    lines = []
    for i, counts in enumerate(answer["counts"] or ()):
        asked = {"prevalence": answer["prevalence"]} | {name: answer[name][i] for name in RATES}
        lines.append((f"nearest counts of {WHO[i + 1]}", options.nearest(asked, counts)))
    return [f"{name:<32}  {text}" for name, text in lines if text]


def _row(name: str, values: list[float], form: str) -> str:
    return f"{name:<32}" + "".join(f"{value:>10{form}}" for value in values)


def _verdict(findings: dict[str, Any]) -> str:
    """Return which classifier the log puts ahead, by how much, and whether it is the better one."""
    true, logged, lost = (
        findings["true_choice"],
        findings["logged_choice"],
        abs(findings["true_gap"]),
    )
    spread = f" (one epoch strays by about {findings['sd']:.4f})" if findings["sd"] else ""
    ahead = f"{WHO[logged]} ahead by {abs(findings['logged_gap']):.4f}{spread}"
    if logged == 0:
        ahead = "neither ahead"
    if true == 0:
        return f"{ahead}: their true F1 is the same."
    if logged == 0:
        return f"{ahead}: {WHO[true]} is the better one, by {lost:.4f} of true F1."
    which = "better" if true == logged else "worse"
    return f"{ahead}: the {which} one, by {lost:.4f} of true F1."
