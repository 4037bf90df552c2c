"""The `batchf1` command: the parser, and the one place where an error becomes a line."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import entry_points
from typing import NoReturn

from batchf1.cli import (
    audit,
    console,
    expect,
    fetch,
    forensics,
    prefer,
    train,
    verify,
    whence,
    workflow,
)
from batchf1.errors import one_line

COMMANDS = (audit, expect, fetch, forensics, prefer, train, verify, whence, workflow)
GROUP = "batchf1.commands"
"""Of the entry points under which other packages register modules with an `add` of their own."""
# What a command computes with is imported when it runs: `batchf1 --help` answers at once.


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status: 2, and one line, for input that makes no sense."""
    with console.while_read():
        parsed = _parser().parse_args(arguments)
        return console.status(parsed.prog, lambda: parsed.command(parsed))


class _Parser(argparse.ArgumentParser):
    """A parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        self.exit(2, f"{self.prog}: {one_line(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="batchf1", description="How wrong is a batch-averaged F1?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    for point in entry_points(group=GROUP):
        point.load().add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
