"""`batchf1 provenance`: the record of what a table or a picture was made from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

EPILOG = """examples:
  batchf1 provenance figures/theory.png
  batchf1 provenance --bibtex figures/theory.png

See docs/reproduce.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "provenance",
        help="say where a table or a picture came from",
        description="Settings, data and package versions behind a file of this project; the "
        "commit it is of, by git; and how its runs were trained, where their table lies here.",
        epilog=EPILOG,
    )
    parser.add_argument("path", metavar="PATH", type=Path, help=".parquet, .csv, .png or .pdf")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--bibtex", action="store_true", help="print an entry to cite the file by")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Print the file's record."""
    from batchf1.records import provenance_of_file

    record = provenance_of_file.provenance_of(parsed.path)
    if parsed.bibtex:
        print(provenance_of_file.bibtex(parsed.path, record))  # noqa: T201
        return
    answer = {"file": str(parsed.path), **record}
    print(json.dumps(answer) if parsed.json else provenance_of_file.text(parsed.path, record))  # noqa: T201
