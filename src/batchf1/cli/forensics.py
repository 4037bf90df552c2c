"""`batchf1 forensics`: the data and batches that can have printed a Keras log."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchf1.cli import console
from batchf1.errors import keep_machine_error, raise_input_error

if TYPE_CHECKING:
    from batchf1.forensics.fit import Answer, SplitFit

SHOWN = 20
"""Candidates in the text for people; --json has them all."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "forensics",
        help="which data and batches can have printed a Keras log",
        description="From the digits of a pasted Keras log (progress line with a naive F1, and "
        "the true F1 of training or validation on a line of its own, such as `f1score_test "
        "0.93532336`) to the batch sizes, numbers of samples and counts that can have printed it. "
        "Paste the line `Train on ... samples` too: it says that the bar counts samples.",
    )
    parser.add_argument("log", metavar="LOG", help="file with the log; - for standard input")
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
        help="try this one only, or those where it is repeated (1 to 256, and usual larger ones)",
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
    from batchf1.forensics.answer import investigate

    text = _read(parsed.log)
    answer = investigate(text, parsed.averaging, parsed.batch_size, parsed.max_tp, parsed.most)
    print(console.as_json(answer) if parsed.json else _text(answer))  # noqa: T201


def _read(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        keep_machine_error(error, path)
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise_input_error("LOG", "must be a readable text file", f"{path} ({reason})")


HEADS = ("set", "samples", "TP", "errors", "prevalence", "expected", "sd", "moved", "off by")


def _text(answer: Answer) -> str:
    log = answer.log
    bar = f"{log.total} {'samples' if log.in_samples else 'steps'}" if log.total else "no steps"
    held_out = f", validation of {log.validation_samples} samples" if log.validation_samples else ""
    lines = [f"read: {bar}{held_out}; {log.keras}"]
    for name, part in (("training", log.train), ("validation", log.validation)):
        lines.append(
            f"  {name:<11} naive F1 {part.naive_f1 or '-'}, true F1 {part.exact_f1 or '-'}, "
            f"accuracy {part.accuracy or '-'}"
        )
    if answer.candidates:
        lines += [
            "",
            "{:>5} {:<10} {:>16} {:>8} {:>7} {:>10} {:>8} {:>7} {:>7} {:>7}".format(
                "batch", *HEADS
            ),
        ]
    for candidate in answer.candidates[:SHOWN]:
        lines.append(_row(str(candidate.batch_size), "training", candidate.train))
        lines.append(_row("", "validation", candidate.validation))
    hidden = len(answer.candidates[SHOWN:])
    lines += [f"... and {hidden} more, see --json"] if hidden else []
    return "\n".join([*lines, "", *answer.undetermined])


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
