"""`batchf1 whence`: where a table or a picture came from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "whence",
        help="say where a table or a picture came from",
        description="Commit and whether it was changed, settings, versions, devices, threads, "
        "seeds and times of everything that led to a file of this project.",
    )
    parser.add_argument("path", metavar="PATH", type=Path, help=".parquet, .csv, .png or .pdf")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> None:
    """Print the file's record, and whether there were uncommitted changes on the way to it."""
    from batchf1.records import whence

    record = whence.whence(parsed.path)
    dirty = whence.dirty(record)
    if parsed.json:
        print(json.dumps({"file": str(parsed.path), "uncommitted_changes": dirty, **record}))  # noqa: T201
    else:
        ending = "\n\nMade with uncommitted changes: no commit gives it." if dirty else ""
        print(whence.text(parsed.path, record) + ending)  # noqa: T201
