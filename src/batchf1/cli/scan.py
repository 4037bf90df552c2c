"""`batchf1 scan`: metrics averaged over batches in source code, without running it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from batchf1.cli import console
from batchf1.errors import check, one_line, raise_path_error

if TYPE_CHECKING:
    from batchf1.scan.scanner import Report

EPILOG = """examples:
  batchf1 scan train.py
  batchf1 scan src/ --diff

See docs/scan.md."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "scan",
        help="find metrics averaged over batches in source code",
        description="Look through Python files and notebooks, without running them, for F1 and "
        "other metrics that are averaged over batches though they are not additive (docs/scan.md). "
        "Leaves with status 1 where it finds one, 2 where a PATH cannot be read.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files and folders; by default tool.batchf1.scan.paths of pyproject.toml, else this "
        "folder",
    )
    parser.add_argument("--strict", action="store_true", help="a choice leaves with status 1 too")
    parser.add_argument(
        "--by-name",
        action="store_true",
        help="also functions whose definition is not found, by their names",
    )
    parser.add_argument("--rules", metavar="ID,ID", help="apply these rules alone")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print a list of JSON")
    output.add_argument(
        "--github", action="store_true", help="print annotations for GitHub Actions"
    )
    output.add_argument(
        "--diff", action="store_true", help="print the edits that are safe as a patch for git apply"
    )
    parser.add_argument(
        "--sarif", type=Path, metavar="FILE", help="also write SARIF 2.1.0, for code scanning"
    )
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> int:
    """Print the report; exit with status 1 where there is a finding."""
    from batchf1.scan.scanner import scan
    from batchf1.scan.settings import load

    settings = load(Path.cwd())
    given = parsed.rules.split(",") if parsed.rules is not None else settings.rules
    paths = parsed.paths or list(settings.paths) or ["."]
    report = scan(paths, only=given, by_name=parsed.by_name)
    readable = not report.files or len(report.unreadable) < report.files
    check(readable, "PATH", "must have a file that can be read", _reason(report))
    if parsed.sarif is not None:
        _write_sarif(parsed.sarif, report)
    _print(parsed, report)
    return int(report.fails(parsed.strict))


def _reason(report: Report) -> str:
    path, why = next(iter(report.unreadable.items()), ("", ""))
    return f"{path}: {why}"


def _print(parsed: argparse.Namespace, report: Report) -> None:
    from batchf1.scan import patch
    from batchf1.scan.report import text

    if parsed.json:
        answer = json.dumps([one.to_dict() for one in report.findings], indent=1)
    elif parsed.github:
        answer = text.github(report)
    elif parsed.diff:
        answer, left = patch.diff(report)
        print(answer, end="")  # noqa: T201
        print(*map(one_line, left), sep="\n", file=sys.stderr, end="\n" * bool(left))  # noqa: T201
        return
    else:
        first, *others = text.text(report).splitlines()
        good = not any(one.level == "sure" for one in report.findings)
        answer = "\n".join([console.verdict(first, good), *others])
    if answer:
        print(answer)  # noqa: T201
    if parsed.json or parsed.github:
        _print_unreadable(report)


def _print_unreadable(report: Report) -> None:
    for path, why in report.unreadable.items():
        print(one_line(f"batchf1 scan: {path}: not read: {why}"), file=sys.stderr)  # noqa: T201


def _write_sarif(path: Path, report: Report) -> None:
    from batchf1.scan.report.sarif import sarif

    try:
        path.write_text(json.dumps(sarif(report), indent=1) + "\n", "utf-8")
    except OSError as error:
        raise_path_error(path, "cannot be written", error)
