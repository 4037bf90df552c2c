"""`batchf1 claims`: the article's claims and their verdicts, for the workflow's report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser("claims", help="put the README's verdicts into the report")
    parser.add_argument("readme", type=Path, help="README.md with the table of claims")
    parser.add_argument("--output", type=Path, required=True, help="reStructuredText")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> None:
    """Write the claims."""
    from batchf1.records import report

    report.write_claims(parsed.output, report.claims(parsed.readme))
