"""`batchf1 bound`: the true F1 that a logged one allows, with the prevalence and batch size."""

from __future__ import annotations

import argparse
from typing import Any

from batchf1.cli import console, options
from batchf1.cli.numbers import number
from batchf1.errors import check

EPILOG = """example:
  batchf1 bound --logged 0.47 --prevalence 1.4% --batch-size 50

See docs/forensics.md."""
CHANCE = 2.0
"""Standard deviations that the logged value of one epoch may lie from its expectation."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "bound",
        help="which true F1 a logged one allows, at a prevalence and batch size",
        description="The smallest and the largest true F1 over all classifiers that can have "
        "logged this mean over random batches, as rounded in print. With --n-samples also for the "
        "chance of one epoch: the logged value may lie two standard deviations from its "
        "expectation. Numbers may be written 0.5, 0,5 or 50%.",
        epilog=EPILOG,
    )
    parser.add_argument("--logged", required=True, metavar="F1", help="as printed, all digits")
    options.add_batches(parser)
    options.add(parser)
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    answer = _answer(parsed)
    print(console.as_json(answer) if parsed.json else _text(answer))  # noqa: T201


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    from batchf1.forensics.log_names import plain
    from batchf1.forensics.log_numbers import half_unit
    from batchf1.theory.search import compatible_f1

    options.check_batches(parsed)
    try:
        logged = number(parsed.logged)
    except argparse.ArgumentTypeError as error:
        check(False, "--logged", str(error).partition(";")[0], parsed.logged)
    within = half_unit(plain(parsed.logged))
    check(within < 1, "--logged", "must have a decimal", parsed.logged)
    given = logged, parsed.batch_size, parsed.prevalence, parsed.n_samples, within
    rules = parsed.averaging, options.zero_division(parsed)
    answer: dict[str, Any] = {
        "logged": parsed.logged,
        "prevalence": parsed.prevalence,
        "batch_size": parsed.batch_size,
        "n_samples": parsed.n_samples,
        "averaging": parsed.averaging,
        "expectation": _ends(compatible_f1(*given, *rules)),
        "true_f1": None,
    }
    if parsed.n_samples:
        answer["true_f1"] = _ends(compatible_f1(*given, *rules, CHANCE))
    return answer


def _ends(pair: tuple[float, float]) -> dict[str, float]:
    return {"low": pair[0], "high": pair[1]}


def _text(answer: dict[str, Any]) -> str:
    expectation, one_epoch = answer["expectation"], answer["true_f1"]
    where = f"{answer['prevalence']:.4g} positives, batches of {answer['batch_size']}"
    if one_epoch is None:
        return (
            f"The true F1 lies between {_shown(expectation)}.\n"
            f"Assumed: {where}, cut at random from very many samples. --n-samples adds the chance "
            "of one epoch."
        )
    return (
        f"The true F1 lies between {_shown(one_epoch)}.\n"
        f"Without the chance of one epoch, two standard deviations: {_shown(expectation)}.\n"
        f"Assumed: {answer['n_samples']:,} samples, {where}, cut at random."
    )


def _shown(ends: dict[str, float]) -> str:
    return f"{ends['low']:.2f} and {ends['high']:.2f}"
