"""The report in SARIF 2.1.0, which code scanning reads."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from batchf1.scan.findings import Finding
from batchf1.scan.rules.table import RULES
from batchf1.scan.scanner import Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"sure": "error", "choice": "warning", "note": "note", "by-name": "note"}


def sarif(report: Report) -> dict[str, Any]:
    """Return the findings as a SARIF log of one run."""
    driver = {
        "name": "batchf1 scan",
        "version": _version(),
        "rules": [_rule(rule) for rule in RULES],
    }
    unread = [
        {"level": "warning", "message": {"text": why}, "locations": [_location(path)]}
        for path, why in report.unreadable.items()
    ]
    run = {
        "tool": {"driver": driver},
        "results": [_result(one) for one in report.findings],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": unread}],
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _version() -> str:
    try:
        return version("batchf1")
    except PackageNotFoundError:  # a checkout that is not installed
        return "unknown"


def _rule(rule: str) -> dict[str, Any]:
    title, follows, instead = RULES[rule]
    text = f"Instead: {instead}." + (f" Rule of `batchf1 audit`: {follows}." if follows else "")
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in title.replace("()", "").split()),
        "shortDescription": {"text": title},
        "help": {"text": text},
    }


def _result(one: Finding) -> dict[str, Any]:
    place = "" if one.cell is None else f"cell {one.cell}, line {one.line}: "
    return {
        "ruleId": one.rule,
        "ruleIndex": list(RULES).index(one.rule),
        "level": _LEVELS[one.level],
        "message": {"text": f"{place}{one.message}. Instead: {one.instead}."},
        "locations": [_location(one.path, one.line if one.cell is None else 1)],
        "properties": {"confidence": one.level, "symbol": one.symbol},
    }


def _location(path: str, line: int | None = None) -> dict[str, Any]:
    """Return a place; the path relative to the working directory, where it lies below it."""
    file = PurePath(path)
    if file.is_absolute() and file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    uri = file.as_posix()
    where: dict[str, Any] = {"uri": f"file://{quote(uri)}" if file.is_absolute() else quote(uri)}
    region = {} if line is None else {"region": {"startLine": line}}
    return {"physicalLocation": {"artifactLocation": where} | region}
