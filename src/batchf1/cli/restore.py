"""`batchf1 restore`: put the results of an archive back, so that nothing is trained again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EPILOG = """example:
  batchf1 restore batchf1-VERSION.crate.zip
  snakemake --cores all

See docs/reproduce.md."""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "restore",
        help="put the tables and caches of an archive back",
        description="Puts results/ of an archive of `make archive` into a checkout, each file "
        "checked against its hash; nothing that is there is overwritten. `snakemake` then trains "
        "nothing that the archive has, and makes every figure from it.",
        epilog=EPILOG,
    )
    parser.add_argument("archive", metavar="FILE", type=Path, help="batchf1-VERSION.crate.zip")
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path, default=Path(), help="the checkout, by default ."
    )
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Put the results back, and print what was done."""
    from batchf1.errors import check
    from batchf1.records import archive

    here = (parsed.into / "Snakefile").is_file()
    check(here, "--into", "must be a checkout, with a Snakefile", str(parsed.into))
    restored = archive.restore(parsed.archive, parsed.into)
    print(f"{restored.tables} tables and {restored.cached} files of caches put back")  # noqa: T201
    if restored.changed:
        n, first = len(restored.changed), restored.changed[0]
        print(f"tables left out: {n} files differ from the archive's, such as {first}")  # noqa: T201
    for name in restored.kept:
        print(f"left as it was, though the archive has another: {name}")  # noqa: T201
