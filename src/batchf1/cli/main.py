"""The `batchf1` command."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from batchf1.cli import claims as cli_claims
from batchf1.cli import console
from batchf1.cli import cost as cli_cost
from batchf1.cli import expect as cli_expect
from batchf1.cli import forensics as cli_forensics
from batchf1.cli import verify as cli_verify
from batchf1.cli import whence as cli_whence
from batchf1.errors import one_line

# Imports stand in the functions that need them: `batchf1 --help` answers at once.


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit status 2, and one line, for input that makes no sense."""
    with console.while_read():
        parsed = _parser().parse_args(arguments)
        return console.status(f"batchf1 {parsed.name}", lambda: parsed.command(parsed))


class _Parser(argparse.ArgumentParser):
    """A parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        self.exit(2, f"{self.prog}: {one_line(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="batchf1", description="How wrong is a batch-averaged F1?")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    cli_expect.add(commands)
    cli_forensics.add(commands)
    cli_whence.add(commands)
    cli_verify.add(commands)
    cli_cost.add(commands)
    cli_claims.add(commands)

    shard = commands.add_parser("shard", help="train one shard of a study")
    shard.add_argument("experiment", type=Path, help="experiments/<study>.yaml")
    shard.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    shard.add_argument("--store", type=Path, required=True, help="folder that keeps finished runs")
    shard.add_argument("--output", type=Path, required=True, help="table of the shard's rows")
    shard.set_defaults(command=_shard)

    collect = commands.add_parser("collect", help="put the shards of a study into one table")
    collect.add_argument("experiment", type=Path, help="experiments/<study>.yaml")
    collect.add_argument("shards", type=Path, nargs="+", help="tables of the shards")
    collect.add_argument("--output", type=Path, required=True, help="the study's table")
    collect.set_defaults(command=_collect)

    table = commands.add_parser("table", help="write the numbers behind a figure")
    table.add_argument("figure", help="module of batchf1.figures")
    table.add_argument("source", type=Path, nargs="+", help="the study's table or file")
    table.add_argument(
        "--output",
        type=Path,
        required=True,
        help="figures/<figure>.csv; where it came from goes beside it, as .json",
    )
    table.set_defaults(command=_table)

    draw = commands.add_parser("draw", help="draw a figure from its numbers")
    draw.add_argument("figure", help="module of batchf1.figures")
    draw.add_argument("source", type=Path, help="figures/<figure>.csv")
    draw.add_argument("--output", type=Path, required=True, nargs="+", help=".png and .pdf files")
    draw.add_argument("--caption", type=Path, help="caption for the report, reStructuredText")
    draw.set_defaults(command=_draw)

    install = commands.add_parser("install-keras224", help="put the article's Keras into a folder")
    install.add_argument("folder", type=Path, help="new folder; .keras224 is looked for by default")
    install.set_defaults(command=_install)
    return parser


def _shard(parsed: argparse.Namespace) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from batchf1.records import provenance, tables
    from batchf1.study import schema
    from batchf1.study.shard import execute

    made = execute(parsed.experiment, parsed.shard, parsed.store)
    record = provenance.collect(shard=parsed.shard, **made.origin)
    tables.write(made.table, parsed.output, schema.RUNS, record)


def _collect(parsed: argparse.Namespace) -> None:
    from batchf1.records import provenance, tables
    from batchf1.study import schema
    from batchf1.study.shard import collect

    made = collect(parsed.experiment, parsed.shards)
    tables.write(made.table, parsed.output, schema.RUNS, provenance.collect(**made.origin))


def _table(parsed: argparse.Namespace) -> None:
    from batchf1.figures import base as figures
    from batchf1.records import tables, whence

    tables.write_csv(figures.table(parsed.figure, parsed.source), parsed.output)
    record = whence.of_table(parsed.output, parsed.figure, parsed.source)
    whence.write_sidecar(parsed.output, record)


def _draw(parsed: argparse.Namespace) -> None:
    from batchf1.figures import base as figures
    from batchf1.records import report, whence

    figures.module(parsed.figure)
    record = whence.of_picture(parsed.source, parsed.figure)
    words = figures.draw(parsed.figure, parsed.source, parsed.output, record)
    if parsed.caption:
        report.write_caption(parsed.caption, *words, whence.summary(record))


def _install(parsed: argparse.Namespace) -> None:
    from batchf1.study.frameworks.keras224 import software as keras224

    keras224.install(parsed.folder)


if __name__ == "__main__":
    sys.exit(main())
