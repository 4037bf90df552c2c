"""`batchf1 verify`: compare two versions of the figures' tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EPILOG = """example:
  batchf1 verify figures ../made_anew/figures

See docs/reproduce.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "verify",
        help="compare two makings of the figures' tables",
        description="Compare every X.csv of two folders bit for bit; exit status 1, and what "
        "differs, where one differs.",
        epilog=EPILOG,
    )
    parser.add_argument("old", metavar="OLD", type=Path, help="folder, such as figures")
    parser.add_argument("new", metavar="NEW", type=Path, help="folder with the same, made again")
    parser.add_argument(
        "--other-platform",
        action="store_true",
        help="allow the tolerances that OLD/tolerances.yaml states for another processor",
    )
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> int:
    """Print what differs; exit with status 1 if anything does."""
    from batchf1.records import verify

    tolerances = parsed.old / verify.TOLERANCES
    verdict = verify.compare(parsed.old, parsed.new, tolerances, exact=not parsed.other_platform)
    print(verify.summary(verdict))  # noqa: T201
    return 1 if verdict.differences else 0
