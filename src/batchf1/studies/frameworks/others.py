"""Audited measurements of the programs: a row for each number that a framework logged."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batchf1.auditing.answer import audit
from batchf1.auditing.result import AuditResult
from batchf1.errors import check, raise_input_error
from batchf1.metrics.ratios import F1
from batchf1.records.provenance import PACKAGE
from batchf1.studies.frameworks import example
from batchf1.studies.frameworks.environments import FOLDER, PROGRAMS, python
from batchf1.studies.frameworks.keras import TOLERANCE
from batchf1.training import keras_defaults

TIMEOUT = 300
"""Seconds for a program, which takes some ten."""
DIGITS = 6
"""Of a number that is kept: those beyond differ between machines."""


@dataclass(frozen=True)
class Row:
    """Number that a framework logged for the example, and the result of its audit."""

    framework: str
    version: str
    written: str
    """What the user writes, in Markdown."""
    batches: str
    """Batch sizes of the example, as `4/4/2`."""
    seen: str
    """The samples that went into the number: batches apart by `/`, devices by `|`."""
    logged: float
    pooled: float
    """F1 of all samples of the example."""
    fits: str = ""
    """The rules of `audit` that give this number."""
    rule: str = ""
    """The first that gives the numbers of all cuts; empty without one."""
    right: str = ""
    """`yes` where each cut has its pooled value, else `no`."""
    instead: str = ""
    """What to write instead, in Markdown."""


def measure(name: str, folder: Path = FOLDER) -> list[Row]:
    """Run a program in its environment and return its rows.

    `name`: one of `PROGRAMS`; `folder`: where the environments are. Raises `InputError` for
    another name, or where the program does not run to its end.
    """
    check(name in PROGRAMS, "program", f"must be one of {tuple(PROGRAMS)}", name)
    program = PROGRAMS[name]
    command = [str(python(program.environment, folder)), "-m", _module(program.module)]
    # no folder of the working directory must be taken for a framework
    quiet = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONSAFEPATH": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    try:
        with keras_defaults.environment():
            done = subprocess.run(
                [*command, *([program.argument] if program.argument else [])],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                env=os.environ | quiet,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise_input_error(
            name, "must run in its environment: snakemake --cores all frameworks", str(error)
        )
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines() or ["no word"]
    check(done.returncode == 0, name, "must run to its end", said[-1])
    return judged(rows_of(json.loads(said[-1])))


def _module(name: str) -> str:
    return f"{__name__.rpartition('.')[0]}.programs.{name}"


def rows_of(output: dict[str, Any]) -> list[Row]:
    """Return the rows of a program's output, not audited yet."""
    rows = []
    for case in output["cases"]:
        pooled = example.f1(*_labels_and_scores([list(range(samples(case["batches"])))])[0])
        numbers = {"logged": round(case["logged"], DIGITS), "pooled": round(pooled, DIGITS)}
        rows.append(Row(output["framework"], output["version"], **case | numbers))
    return rows


def judged(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with their rules and verdicts; both batchings decide together."""
    found = list(rows)
    together: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        together.setdefault((row.framework, row.written), []).append(row)
    return [_judged(row, together[row.framework, row.written]) for row in found]


def audited(row: Row) -> AuditResult:
    """Return the result of `audit` for a row."""
    devices = [_batches(part) for part in row.seen.split("|")]
    batches = [batch for device in devices for batch in device]
    places = [place for place, device in enumerate(devices) for _ in device]
    return audit(
        F1,
        _labels_and_scores(batches),
        f"{row.logged:.{DIGITS}f}",
        devices=places if places[-1] else None,
    )


def samples(batches: str) -> int:
    """Return the number of samples in a batching of the example."""
    return sum(map(int, batches.split("/")))


def _batches(text: str) -> list[list[int]]:
    return [[int(sample) for sample in batch.split()] for batch in text.split("/")]


def _labels_and_scores(batches: list[list[int]]) -> list[tuple[Any, Any]]:
    return [(example.LABELS[batch], example.SCORES[batch]) for batch in batches]


def _judged(row: Row, all_cuts: list[Row]) -> Row:
    each = [audited(one).rules for one in all_cuts]
    common = [rule for rule in each[0] if all(rule in rules for rules in each)]
    right = all(abs(one.logged - one.pooled) <= TOLERANCE for one in all_cuts)
    return replace(
        row,
        fits=" ".join(audited(row).rules),
        rule=next(iter(common), ""),
        right="yes" if right else "no",
    )
