"""The `batchf1` command: its parser, and its handling of errors."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from typing import Any, NoReturn

from batchf1.cli import (
    audit,
    bound,
    compare,
    console,
    expect,
    fetch,
    forensics,
    new,
    provenance,
    restore,
    scan,
    train,
    verify,
    workflow,
)
from batchf1.errors import PluginError, announce_renamed, one_line
from batchf1.records import imports

COMMANDS = (
    bound,
    forensics,
    scan,
    audit,
    expect,
    compare,
    train,
    new,
    fetch,
    provenance,
    restore,
    verify,
    workflow,
)
GROUP = "batchf1.commands"
"""Group of the entry points under which other packages register modules with an `add`.

An entry point has the name of its command.
"""
EXAMPLES = """is my number wrong?
  bound takes a line of a log, forensics a whole log, scan source code, audit labels and scores,
  expect and compare the rates of a classifier
a study of one's own, or this one again:
  train, new, fetch, provenance, restore, verify
  batchf1 workflow has the steps that Snakemake calls

examples:
  batchf1 expect --prevalence 2% --precision 0.8 --recall 0.8 --batch-size 32
  batchf1 audit predictions.csv --batch-size 32 --logged 0.47
  batchf1 forensics training.log

"""
STATUSES = """exit status:
  0  fine
  1  a check failed: an error larger than allowed, tables that differ, a log that cannot be right
  2  input that cannot be used, or a machine that lacks a package, memory or space
  3  a fault of batchf1 or of a plug-in; with BATCHF1_DEBUG=1 in the environment its traceback
"""
RENAMED = {"prefer": "compare", "whence": "provenance"}
"""Old name of a command -> its name now; the old ones go with the next release."""
# Commands import what they need when they run: `batchf1 --help` answers at once.


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status, one of `STATUSES`."""
    given = _with_new_name(arguments) or ["--help"]
    with console.handle_broken_pipe():
        parsed = _parser(given).parse_args(given)
        return console.status(parsed.prog, lambda: parsed.command(parsed))


def _with_new_name(arguments: list[str] | None) -> list[str]:
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given and given[0] in RENAMED:
        announce_renamed(f"batchf1 {given[0]}", f"batchf1 {RENAMED[given[0]]}")
        given[0] = RENAMED[given[0]]
    return given


INVALID_CHOICE = re.compile(r"argument (\S+): invalid choice: '?(.*?)'? \(choose from (.*)\)$")
"""Message of argparse for a value that is not allowed."""


class _Formatter(argparse.HelpFormatter):
    """Formatter that fills a description or epilog of one line, and keeps others as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


class _Parser(argparse.ArgumentParser):
    """Parser that reports an error in one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, **kwargs})

    def error(self, message: str) -> NoReturn:
        """Exit with status 2; a rule of the package makes a sentence with the option's name."""
        text = re.sub(r"^argument (\S+): (?=(must|cannot|needs) )", r"\1 ", message)
        choice = INVALID_CHOICE.match(text)
        if choice:
            name, given, listed = choice.groups()
            allowed = re.findall(r"[^', ]+", listed)
            text = f"{name} must be one of {', '.join(allowed)}; got {given}"
            text += _suggestion(given, allowed)
        self.exit(2, f"{self.prog}: {one_line(text)}\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse arguments; overrides may stand between the options, which argparse refuses."""
        parsed, others = super().parse_known_args(args, namespace)
        if hasattr(parsed, "overrides"):
            parsed.overrides += [text for text in others if not text.startswith("-")]
            others = [text for text in others if text.startswith("-")]
        if others:
            near = _suggestion(others[0].partition("=")[0], [*self._option_string_actions])
            self.error(f"unrecognized arguments: {' '.join(others)}{near}")
        return parsed, others


def _suggestion(given: str, allowed: Sequence[str]) -> str:
    """Return a question with the name most like the given one; empty if none is near."""
    names = {name.lstrip("-"): name for name in allowed}
    near = difflib.get_close_matches(given.lstrip("-"), names, n=1)
    return f"; did you mean {names[near[0]]}?" if near else ""


def _parser(given: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="batchf1",
        description="How wrong is a batch-averaged F1?",
        epilog=EXAMPLES + STATUSES,
    )
    parser.add_argument("--version", action="version", version=f"batchf1 {version('batchf1')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    if not (given and given[0] in commands.choices):
        _add_plugins(parser, commands, given)
    return parser


def _add_plugins(parser: argparse.ArgumentParser, commands: Any, given: list[str]) -> None:
    """Add the command of another package that is called, or all if none of them is."""
    points = entry_points(group=GROUP)
    called = points.select(name=given[0] if given else "")
    for point in called or points:
        try:
            with imports.plugin(f"command {point.name}", point.module):
                point.load().add(commands)
        except PluginError as error:
            if called:
                parser.exit(console.FAULT, f"{parser.prog}: {error}\n")
            print(f"{parser.prog}: left out: {error}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
