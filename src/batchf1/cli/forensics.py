"""`batchf1 forensics`: what a log proves about its F1."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchf1.cli import console
from batchf1.cli.numbers import number
from batchf1.errors import keep_machine_error, raise_input_error

if TYPE_CHECKING:
    from batchf1.forensics.fit import Answer, Candidate, SplitFit
    from batchf1.forensics.log_values import Log

GOOD = {"averaged": False, "flat_labels": False, "object": True, "accuracy": True}
"""Verdict -> whether the number may be read; one that is open is left out."""
EPILOG = """examples:
  batchf1 forensics training.log
  batchf1 forensics training.log --read

See docs/forensics.md."""
SHOWN = 20
"""Candidates in the text for people; --json has them all."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "forensics",
        help="whether a logged F1 is averaged over batches, and how large the true one is",
        description="From a pasted log of Keras or another loop, or a notebook with one, to what "
        "it proves: whether its F1 is averaged over batches, and how large the true F1 is at "
        "least, and most likely. Precision, recall and accuracy on the same lines help, several "
        "epochs too. A true F1 on a line of its own (`val f1 0.9353`), a classification report or "
        "a confusion matrix lead to the counts. --read shows how each line was read.",
        epilog=EPILOG,
    )
    parser.add_argument("log", metavar="LOG", help="file with the log; - for standard input")
    parser.add_argument("--read", action="store_true", help="show what was read, line by line")
    parser.add_argument(
        "--all", action="store_true", help="list the counts that can have printed a true F1, too"
    )
    parser.add_argument("--output", metavar="NAME", help="output of the model whose F1 is read")
    parser.add_argument(
        "--prevalence", type=number, metavar="R", help="share of positives, where it is known"
    )
    parser.add_argument(
        "--samples", type=int, metavar="N", help="validation samples, where the log has no number"
    )
    parser.add_argument(
        "--averaging",
        choices=["per_batch", "size_weighted"],
        help="per_batch is Keras 2.3 and later, size_weighted is Keras 2.2 and before; by default "
        "what the log shows, and size_weighted where it shows nothing",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        action="append",
        default=[],
        metavar="B",
        help="try this one only, or those where it is repeated",
    )
    parser.add_argument(
        "--max-tp", type=int, default=2_000_000, metavar="N", help="most true positives tried"
    )
    parser.add_argument(
        "--most", type=int, default=200, metavar="N", help="most candidates listed (200)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the answer."""
    from batchf1.forensics import summary
    from batchf1.forensics.answer import check_settings, search_reading, why_not_searched
    from batchf1.forensics.log import read
    from batchf1.forensics.proof import Known
    from batchf1.forensics.verdict import conclude

    reading = read(_read(parsed.log), parsed.output)
    if parsed.read:
        print("\n".join(summary.read_lines(reading)))  # noqa: T201
        return
    settings = parsed.averaging, parsed.batch_size, parsed.max_tp, parsed.most
    check_settings(*settings)
    known = Known(parsed.batch_size, parsed.prevalence, parsed.samples, parsed.averaging)
    findings = conclude(reading, known)
    averaged = [s for s, found in findings.items() if found.verdict in ("averaged", "unknown")]
    if parsed.json:
        answer = search_reading(reading, averaged, *settings)
        print(console.as_json({**findings, **answer._asdict()}))  # noqa: T201
        return
    first, *others = summary.headline(findings, reading)
    good = GOOD.get(findings[summary.main_split(findings)].verdict)
    lines = [console.verdict(first, good), *others, "", _sizes(reading.log)]
    lines += summary.evidence(findings, reading)
    if parsed.all:
        lines += ["", *_candidates(search_reading(reading, averaged, *settings))]
    elif not why_not_searched(reading, averaged):
        lines.append("--all lists the counts and batch sizes that can have printed the true F1.")
    print("\n".join(lines))  # noqa: T201


def _read(path: str) -> str:
    from batchf1.forensics.log_text import decode

    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        keep_machine_error(error, path)
        raise_input_error("LOG", "must be a readable text file", f"{path} ({error.strerror})")
    return decode(data)


HEADS = ("set", "samples", "TP", "errors", "prevalence", "expected", "sd", "moved", "off by")


def _sizes(log: Log) -> str:
    bar = f"{log.total} {'samples' if log.in_samples else 'steps'}" if log.total else "no steps"
    held_out = f", validation of {log.validation_samples} samples" if log.validation_samples else ""
    return f"read: {bar}{held_out}; {log.keras}"


def _candidates(answer: Answer) -> list[str]:
    """Return the table of candidates, without multiples of counts that are listed, and the rest."""
    lines = []
    listed: dict[tuple[Any, ...], Candidate] = {}
    for candidate in answer.candidates:
        listed.setdefault(_reduced(candidate), candidate)
    if listed:
        columns = "{:>5} {:<10} {:>16} {:>8} {:>7} {:>10} {:>8} {:>7} {:>7} {:>7}"
        lines.append(columns.format("batch", *HEADS))
    for candidate in list(listed.values())[:SHOWN]:
        lines.append(_row(str(candidate.batch_size), "training", candidate.train))
        lines.append(_row("", "validation", candidate.validation))
    hidden, multiples = len(listed) - SHOWN, len(answer.candidates) - len(listed)
    lines += [f"... and {hidden} more, see --json"] if hidden > 0 else []
    if multiples:
        lines.append(
            f"{multiples} more have the same batch size and counts that are in the same proportion "
            "as in one of these: no number of the log tells them apart."
        )
    return [*lines, *([""] if lines else []), *answer.undetermined]


def _reduced(candidate: Candidate) -> tuple[Any, ...]:
    """Return the batch size, and the proportion of true positives to errors of each split."""
    pairs = [(s.tp, s.errors) for s in (candidate.train, candidate.validation)]
    divisors = [math.gcd(tp or 0, errors or 0) or 1 for tp, errors in pairs]
    return candidate.batch_size, *(
        (tp and tp // d, errors and errors // d)
        for (tp, errors), d in zip(pairs, divisors, strict=True)
    )


def _row(size: str, name: str, split: SplitFit) -> str:
    samples = "-" if split.n_low is None else f"{split.n_low} .. {split.n_high}"
    cells = (
        _cell(split.tp, "d"),
        _cell(split.errors, "d"),
        _cell(split.prevalence, ".3%"),
        _cell(split.expected_f1, ".4f"),
        _cell(split.sd, ".4f"),
        _cell(split.moved, ".4f"),
        _cell(split.residual, "+.1f"),
    )
    widths = (8, 7, 10, 8, 7, 7, 7)
    shown = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{size:>5} {name:<10} {samples:>16} {shown}"


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
