"""Metric of a command, and the counts of its classes from a file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from batchf1.errors import InputError, check, keep_machine_error, raise_input_error

if TYPE_CHECKING:
    from batchf1.metrics.counts import Counts
    from batchf1.metrics.ratios import RatioMetric

FIELDS = ("tp", "fp", "fn", "tn")
NAMED = re.compile(
    r"(?:f(\d+(?:\.\d+)?)|(precision|recall|jaccard))(?:[-_](micro|macro|weighted))?"
)
PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
"""Import path of a metric."""
HELP = (
    "f1 (the default), f0.5 or another beta, precision, recall, jaccard; with -micro, -macro or "
    "-weighted over the classes of --counts-file; or the import path of a Ratio, my_module.MINE"
)


def named(name: str, rule: str = HELP) -> RatioMetric:
    """Return the metric of a name such as `f1`, `f0.5`, `recall-macro`, or as logs name it.

    Or of an import path, which is imported.
    """
    from batchf1.metrics import factories
    from batchf1.metrics.ratios import ClassAveraged

    match = NAMED.fullmatch(name)
    if match is None and PATH.fullmatch(name):
        return _imported(name, rule)
    if match is None:
        raise_input_error("--metric", f"must be {rule}", name)
    beta, other, average = match.groups()
    ratio = getattr(factories, other)() if other else factories.f_beta(float(beta))
    return ClassAveraged(ratio, average) if average else ratio  # type: ignore[arg-type]


def _imported(path: str, rule: str) -> RatioMetric:
    """Return the metric that a module defines."""
    from batchf1.metrics.ratios import ClassAveraged, Ratio, check_metric
    from batchf1.records import imports

    module = path.rpartition(".")[0]
    check(imports.exists(module), "--metric", f"must be {rule}", path)
    metric = imports.named("--metric", ":".join(path.rsplit(".", 1)))
    good = isinstance(metric, Ratio | ClassAveraged)
    check(good, "--metric", "must be the import path of a Ratio or ClassAveraged", path)
    check_metric(metric)
    checked: RatioMetric = metric
    return checked


def counts_of_classes(path: Path) -> Counts:
    """Read counts (n_classes,) from a CSV file with columns tp, fp, fn, tn; a row a class.

    Other columns, such as the name of the class, are left alone. Raises `InputError` for a file
    that cannot be read, lacks a column or a class, and for what is no whole number.
    """
    from batchf1.metrics.counts import as_counts

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, skipinitialspace=True)
            rows = [_row(path, table, row) for row in table]
            columns = table.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        keep_machine_error(error, path)
        reason = error.strerror if isinstance(error, OSError) else error
        raise_input_error("--counts-file", "must be a readable CSV file", f"{path}: {reason}")
    missing = [name for name in FIELDS if name not in columns]
    check(
        not missing, "--counts-file", f"must have the columns {', '.join(FIELDS)}", _listed(columns)
    )
    check(bool(rows), "--counts-file", "must have a row for each class", f"none in {path}")
    return as_counts(*zip(*rows, strict=True))


def _row(path: Path, table: csv.DictReader[str], row: dict[str, str | None]) -> list[int]:
    """Return the counts of a row, for the columns that exist."""
    position = f"line {table.line_num} of {path}"
    check(
        None not in row, "--counts-file", "cannot have more cells than columns in a row", position
    )
    try:
        return [int(row[name] or "") for name in FIELDS if name in row]
    except ValueError:
        given = _listed(row[name] or "nothing" for name in FIELDS if name in row)
        raise InputError(
            f"--counts-file must hold whole numbers; got {given} in {position}"
        ) from None


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"
