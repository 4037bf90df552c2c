"""The report for people, and annotations for GitHub."""

from __future__ import annotations

from collections import Counter

from batchf1.errors import one_line
from batchf1.scan.findings import LEVELS, Finding
from batchf1.scan.rules.table import RULES
from batchf1.scan.scanner import Report

_COMMANDS = {"sure": "error", "choice": "warning", "note": "notice", "by-name": "notice"}


def text(report: Report) -> str:
    """Format a line of totals, the findings, and the files that could not be read."""
    lines = [line for one in report.findings for line in _lines(one)]
    lines += [one_line(f"{path}: not read: {why}") for path, why in report.unreadable.items()]
    return "\n".join([summary(report), *lines])


def _lines(finding: Finding) -> list[str]:
    follows = RULES[finding.rule].follows
    rule = f"; audit's rule: {follows}" if follows else ""
    head = f"{finding.place}: {finding.rule} {finding.level}: {finding.message}{rule}"
    return [one_line(head), f"    instead: {finding.instead}"]


def summary(report: Report) -> str:
    """Count the findings of each level, and the files."""
    counts = Counter(one.level for one in report.findings)
    found = [f"{counts[level]} {level}" for level in LEVELS if counts[level]]
    unread = f", {len(report.unreadable)} not read" if report.unreadable else ""
    return f"{', '.join(found) or 'nothing found'} in {report.files:,} files{unread}"


def github(report: Report) -> str:
    """Format the findings as commands of GitHub Actions, a line each."""
    return "\n".join(map(_annotation, report.findings))


def _annotation(one: Finding) -> str:
    where = f"file={_property(one.path)},line={one.line}" if one.cell is None else ""
    where = where or f"file={_property(one.path)}"
    place = "" if one.cell is None else f"cell {one.cell}, line {one.line}: "
    message = one_line(f"{place}{one.message}; instead: {one.instead}").replace("%", "%25")
    return f"::{_COMMANDS[one.level]} {where},title={one.rule}::{message}"


def _property(value: str) -> str:
    """Escape a property of a command, as GitHub's toolkit does."""
    for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        value = value.replace(character, code)
    return value
