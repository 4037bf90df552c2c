"""`batchf1 fetch`: download the files of a data set that no package carries."""

from __future__ import annotations

import argparse
import os
from typing import Any

EPILOG = """example:
  batchf1 fetch fashion_mnist

See docs/reproduce.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "fetch",
        help="get the files of a data set that does not come in a package",
        description="Downloads the official files where they are not on this machine, checks their "
        "SHA-256, and says in a line what was done.",
        epilog=EPILOG,
    )
    parser.add_argument("dataset", metavar="DATASET", help="fashion_mnist, or the name of yours")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Fetch the files, and print what was done."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from batchf1.config import registry

    fetch = getattr(registry.dataset(parsed.dataset)(), "fetch", lambda: "nothing to fetch")
    print(f"dataset {parsed.dataset}: {fetch()}")  # noqa: T201
