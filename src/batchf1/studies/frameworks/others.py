"""Rows of the other frameworks: the F1 that each logs, audited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchf1.auditing.answer import audit
from batchf1.auditing.result import AuditResult
from batchf1.errors import check
from batchf1.metrics.ratios import F1
from batchf1.programs import example
from batchf1.programs.environments import FOLDER, PROGRAMS, output_of
from batchf1.studies.frameworks.rows import TOLERANCE, LogRow

DIGITS = 6
"""Of a number that is kept: those beyond differ between machines."""


def measure(name: str, folder: Path = FOLDER) -> list[LogRow]:
    """Run a program in its environment and audit its logs.

    Parameters
    ----------
    name
        One of `environments.PROGRAMS`.
    folder
        Where the environments are.

    Returns
    -------
    list of LogRow
        A row per way to log F1 and batching.

    Raises
    ------
    InputError
        For another name, or where the program does not run to its end.
    """
    check(name in PROGRAMS, "program", f"must be one of {tuple(PROGRAMS)}", name)
    return judged(rows_of(output_of(name, PROGRAMS[name], folder)))


def rows_of(output: dict[str, Any]) -> list[LogRow]:
    """Return the rows of a program's output, not audited yet."""
    rows = []
    for case in output["cases"]:
        pooled = example.f1(*_labels_and_scores([list(range(samples(case["batches"])))])[0])
        numbers = {"logged": round(case["logged"], DIGITS), "pooled": round(pooled, DIGITS)}
        rows.append(LogRow(output["framework"], output["version"], **case | numbers))
    return rows


def judged(rows: Iterable[LogRow]) -> list[LogRow]:
    """Return the rows with their rules and verdicts; both batchings decide together."""
    all_rows = list(rows)
    batchings: dict[tuple[str, str], list[LogRow]] = {}
    for row in all_rows:
        batchings.setdefault((row.framework, row.written), []).append(row)
    return [_judged(row, batchings[row.framework, row.written]) for row in all_rows]


def audited(row: LogRow) -> AuditResult:
    """Return the result of `audit` for a row."""
    devices = [_batches(part) for part in row.seen.split("|")]
    batches = [batch for device in devices for batch in device]
    indices = [index for index, device in enumerate(devices) for _ in device]
    return audit(
        F1,
        _labels_and_scores(batches),
        f"{row.logged:.{DIGITS}f}",
        devices=indices if indices[-1] else None,
    )


def samples(batches: str) -> int:
    """Return the number of samples in a batching of the example."""
    return sum(map(int, batches.split("/")))


def _batches(text: str) -> list[list[int]]:
    return [[int(sample) for sample in batch.split()] for batch in text.split("/")]


def _labels_and_scores(batches: list[list[int]]) -> list[tuple[Any, Any]]:
    return [(example.LABELS[batch], example.SCORES[batch]) for batch in batches]


def _judged(row: LogRow, all_cuts: list[LogRow]) -> LogRow:
    each = [audited(one).rules for one in all_cuts]
    common = [rule for rule in each[0] if all(rule in rules for rules in each)]
    right = all(abs(one.logged - one.pooled) <= TOLERANCE for one in all_cuts)
    return replace(
        row,
        fits=" ".join(audited(row).rules),
        rule=next(iter(common), ""),
        right="yes" if right else "no",
    )
