"""`batchf1 expect`: the expected log of a batch-averaged F1, without training."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchf1.cli import console, flat_labels, metrics, options, random_cuts
from batchf1.cli.metrics import FIELDS
from batchf1.cli.numbers import number
from batchf1.config.metric_names import named
from batchf1.errors import InputError, check, raise_input_error

if TYPE_CHECKING:
    from batchf1.metrics.counts import Counts
    from batchf1.metrics.ratios import ClassAveraged, Metric, Ratio

RATES = ("prevalence", "precision", "recall")
FINE = 0.01
"""An error that nobody minds; the advice is about it unless --tolerance says otherwise."""
READ = "The log may be read here, for this classifier"
REPAIR = "log counts or stream"
EPILOG = """examples:
  batchf1 expect --prevalence 2% --precision 0.8 --recall 0.8 --batch-size 32
  batchf1 expect --tp 160 --fp 40 --fn 40 --tn 9760 --tolerance 0.01

See docs/theory.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "expect",
        help="what a batch-averaged F1 will log, and how wrong it is",
        description="Expected value of the mean over random batches of F1, from the counts of the "
        "whole split (--tp --fp --fn --tn), or from --prevalence --precision --recall and, if "
        "known, --n-samples. Rates of so many samples become the nearest whole counts, whose own "
        "rates are printed where they differ. Rates may be written 0.5, 0,5 or 50%. Another "
        "metric: --metric, over classes with --counts-file.",
        epilog=EPILOG,
    )
    parser.add_argument("--metric", default="f1", metavar="NAME", help=metrics.HELP)
    parser.add_argument(
        "--counts-file",
        type=Path,
        metavar="CSV",
        help="counts of classes: columns tp, fp, fn, tn, a row a class, each against the rest",
    )
    for name in FIELDS:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{name.upper()} of the split")
    for name in RATES:
        parser.add_argument(f"--{name}", type=number, metavar="R", help="above 0, at most 1")
    parser.add_argument(
        "--n-samples", type=int, metavar="N", help="size of the split; without it, very many"
    )
    parser.add_argument("--batch-size", type=int, metavar="B", help="samples in a batch")
    parser.add_argument(
        "--tolerance",
        type=number,
        metavar="E",
        help="ask for the smallest batch whose expected error is at most E",
    )
    flat_labels.add(parser)
    options.add(parser)
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    metric = _of_counts_alone(parsed.metric)
    answer = _answer(parsed, metric)
    print(console.as_json(answer) if parsed.json else _text(answer, metric))  # noqa: T201


def _of_counts_alone(name: str) -> Metric:
    """Return the metric of a name, which counts must determine."""
    metric = named(name, metrics.HELP)
    try:
        metric.check_counts()
    except InputError:
        rule = "must be a function of counts; batchf1 audit FILE --metric tries random cuts of any"
        raise_input_error("--metric", rule, name)
    return metric


def _answer(parsed: argparse.Namespace, metric: Metric) -> dict[str, Any]:
    from batchf1.metrics.ratios import ClassAveraged, Ratio

    size = parsed.batch_size
    given = size is not None or parsed.tolerance is not None
    check(given, "--batch-size", "must be given where --tolerance is not")
    answer = {"averaging": parsed.averaging, "zero_division": parsed.zero_division}
    answer |= {"metric": metric.name} | flat_labels.chosen(parsed)
    if isinstance(metric, ClassAveraged):
        flat_labels.check_one_class(parsed, metric.name)
        return answer | _of_classes(parsed, metric)
    rule = "must be combined with a metric over classes, such as f1-macro"
    check(parsed.counts_file is None, "--counts-file", rule, metric.name)
    counts = _counts(parsed)
    asked = {} if parsed.n_samples is None else {"asked": _rates(parsed)}
    if not isinstance(metric, Ratio):
        return answer | asked | random_cuts.answer(parsed, counts, metric)
    if counts is None:
        check(
            parsed.tolerance is None,
            "--tolerance",
            "cannot be used without --n-samples",
            parsed.tolerance,
        )
        return answer | _of_rates(parsed, metric)
    return answer | asked | _of_counts(parsed, counts, metric)


def _rates(parsed: argparse.Namespace) -> dict[str, float]:
    return {name: getattr(parsed, name) for name in RATES}


def _of_rates(parsed: argparse.Namespace, metric: Ratio) -> dict[str, Any]:
    from batchf1.theory.limits import large_data

    rates, size = _rates(parsed), parsed.batch_size
    how = (size, options.zero_division(parsed), metric, parsed.labels, parsed.written)
    prevalence, precision, recall = rates.values()
    limit = large_data(prevalence, precision, recall, *how)
    errors = {key: getattr(limit, key) for key in ERRORS}
    return {"batch_size": size, "n_samples": None, **rates} | errors | {"sd": 0.0}


def _of_counts(parsed: argparse.Namespace, counts: Counts, metric: Ratio) -> dict[str, Any]:
    from batchf1.metrics.rates import rates_of
    from batchf1.theory.expectation import expect
    from batchf1.theory.search import smallest_batch

    how = (parsed.averaging, options.zero_division(parsed), metric)
    answer = {"n_samples": sum(counts), **counts._asdict()}
    if parsed.labels == "flat":
        found = expect(counts, parsed.batch_size, *how, parsed.labels, parsed.written)
        answer |= {"batch_size": parsed.batch_size, **found._asdict()}
        return answer | rates_of(counts)
    tolerance = FINE if parsed.tolerance is None else parsed.tolerance
    smallest = smallest_batch(counts, tolerance, *how)
    size = smallest if parsed.batch_size is None else parsed.batch_size
    answer |= {"tolerance": tolerance, "smallest_batch_size": smallest, "batch_size": size}
    return answer | expect(counts, size, *how)._asdict() | rates_of(counts)


def _of_classes(parsed: argparse.Namespace, metric: ClassAveraged) -> dict[str, Any]:
    """Return the answer for the counts of several classes; no smallest batch is searched for."""
    from batchf1.metrics.counts import Counts
    from batchf1.metrics.rates import rates_of
    from batchf1.theory.expectation import expect

    path, size = parsed.counts_file, parsed.batch_size
    check(
        path is not None,
        "--counts-file",
        f"must be given for {metric.name}, with a row for each class",
    )
    given = [f"--{name.replace('_', '-')}" for name in ALONE if getattr(parsed, name) is not None]
    check(
        not given,
        "--counts-file",
        "cannot be combined with other options than --batch-size",
        " ".join(given),
    )
    counts = metrics.counts_of_classes(path)
    expectation = expect(counts, size, parsed.averaging, options.zero_division(parsed), metric)
    lists = {name: part.tolist() for name, part in counts._asdict().items()}
    each = [rates_of(Counts(*one)) for one in zip(*counts, strict=True)]
    answer = {"n_samples": int(counts.n[0]), **lists, "tolerance": FINE}
    answer |= {"smallest_batch_size": None, "batch_size": size} | expectation._asdict()
    return answer | {name: [one[name] for one in each] for name in RATES}


ALONE = (*FIELDS, *RATES, "n_samples", "tolerance")
ERRORS = ("true_f1", "expected_f1", "error", "error_empty", "error_curvature")


def _counts(parsed: argparse.Namespace) -> Counts | None:
    """Return the counts given, or those of the rates; None for rates without `--n-samples`."""
    from batchf1.metrics.counts import Counts
    from batchf1.metrics.rates import nearest_counts

    given = {name: getattr(parsed, name) for name in (*FIELDS, *RATES)}
    names = RATES if any(given[name] is not None for name in RATES) else FIELDS
    for name in names:
        missing = given[name] is None
        others = " and ".join(f"--{other}" for other in names if other != name)
        check(not missing, f"--{name}", f"must be given together with {others}")
    strange = [f"--{name}" for name in given if name not in names and given[name] is not None]
    check(not strange, "rates and counts", "cannot be mixed", " ".join(strange))
    n = parsed.n_samples
    if names == FIELDS:
        check(n is None, "--n-samples", "cannot be combined with counts, whose sum it is", n)
        return Counts(*(given[name] for name in FIELDS))
    for name in RATES:
        check(0 < given[name] <= 1, f"--{name}", "must lie in (0, 1]", given[name])
    return None if n is None else nearest_counts(n, *(given[name] for name in RATES))


def _number(rate: float) -> str:
    return "undefined" if math.isnan(rate) else f"{rate:g}"


def _text(answer: dict[str, Any], metric: Metric) -> str:
    *numbers, advice = _findings(answer, metric)
    first = console.verdict(advice, _good(advice))
    return "\n".join([first, *_question(answer), *numbers])


def _good(advice: str) -> bool | None:
    """Return whether the log may be read; None where that is open."""
    return True if advice.startswith(READ) else False if advice.startswith("Do not") else None


def _question(answer: dict[str, Any]) -> list[str]:
    n, size = answer["n_samples"], answer["batch_size"]
    data = f"{n:,} samples" if n else "very many samples"
    lines = [
        f"{data} in batches of {size:,}, averaged {answer['averaging']}, "
        f"0/0 = {answer['zero_division']}"
    ]
    if isinstance(answer.get("tp"), list):
        return [*lines, f"metric               {answer['metric']}, {len(answer['tp'])} classes"]
    if "labels" in answer:
        lines += flat_labels.question(answer)
    if answer["metric"] != "f1":
        lines.append(f"metric               {answer['metric']}")
    if n:
        counts = ", ".join(f"{name} {answer[name]:,}" for name in FIELDS)
        lines.append(f"counts               {counts}")
    rates = ", ".join(f"{name} {_number(answer[name])}" for name in RATES)
    lines.append(f"rates                {rates}")
    nearest = _nearest(answer) if "asked" in answer else ""
    return [*lines, f"nearest counts       {nearest}"] if nearest else lines


def _nearest(answer: dict[str, Any]) -> str:
    from batchf1.metrics.counts import Counts

    return options.nearest(answer["asked"], Counts(*(answer[name] for name in FIELDS)))


def _findings(answer: dict[str, Any], metric: Metric) -> list[str]:
    f1 = answer["metric"] == "f1"
    name, it = ("F1", "F1") if f1 else ("value", "the metric")
    nothing = "no positive, real or predicted" if f1 else "in which it is 0/0"
    if answer["n_samples"] and _undefined(answer, metric):
        counted = f"and counts as {answer['zero_division']} everywhere"
        rest = "so there is nothing to average" if math.isnan(answer["true_f1"]) else counted
        subject = "No positive, real or predicted: F1" if f1 else answer["metric"]
        return [f"{subject} is 0/0 in every batch and of all, {rest}."]
    low, high = answer.get("interval95", (math.nan, math.nan))
    spread = "" if math.isnan(low) else f"   (95 % of epochs: {low:.4f} to {high:.4f})"
    return [
        f"expected in the log  {answer['expected_f1']:.6f}{spread}",
        f"{f'true {name}':<20} {answer['true_f1']:.6f}",
        f"error                {answer['error']:+.6f}",
        *(_of_law(answer, it, nothing) if "cuts" not in answer else random_cuts.lines(answer)),
        *([_advice(answer)] if "cuts" in answer else []),
    ]


def _of_law(answer: dict[str, Any], it: str, nothing: str) -> list[str]:
    return [
        f"  of empty batches   {answer['error_empty']:+.6f}   ({nothing})",
        *(flat_labels.findings(answer) if "labels" in answer else _curvature(answer, it)),
    ]


def _curvature(answer: dict[str, Any], it: str) -> list[str]:
    return [
        f"  of curvature       {answer['error_curvature']:+.6f}   ({it} is no linear function)",
        _advice(answer),
    ]


def _undefined(answer: dict[str, Any], metric: Metric) -> bool:
    """Return True if the metric is 0/0 for all samples."""
    from batchf1.metrics.counts import as_counts

    counts = as_counts(*(answer[name] for name in FIELDS))
    return math.isnan(metric(counts, math.nan))


def _advice(answer: dict[str, Any]) -> str:
    """Describe whether one epoch's log is reliable, as the explorer's `verdictText` does."""
    from batchf1.theory.expectation import NORMAL_95

    tolerance, error = answer.get("tolerance", FINE), abs(answer["error"])
    if error > tolerance:
        return _repair(100 * error, tolerance, answer.get("smallest_batch_size"))
    reach = error + NORMAL_95 * answer["sd"]
    if reach <= tolerance:
        which = "95 % of epochs lie" if answer["n_samples"] else "with very many samples it lies"
        return f"{READ}: {which} within {tolerance:g} of the truth."
    if math.isnan(reach):
        return (
            f"The expectation is within {tolerance:g} of the truth; how far one epoch strays from "
            f"it is not known for {answer['metric']}: batchf1.simulate finds it by trying."
        )
    return (
        "Do not read one epoch's log here: for this classifier 95 % of epochs lie within "
        f"{math.ceil(1e4 * reach) / 1e4:.4f} of the truth, not within {tolerance:g}; {REPAIR}."
    )


def _repair(points: float, tolerance: float, smallest: int | None) -> str:
    advice = f"Do not read the log here, {points:.1f} points off: {REPAIR}"
    if smallest is None:
        return f"{advice}."
    enough = f"batches of {smallest:,} would keep its expectation within {tolerance:g}"
    return f"{advice}; for this classifier {enough}."
