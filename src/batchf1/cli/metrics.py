"""Names of metrics that a command takes, and the counts of classes from a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from batchf1.errors import InputError, check, keep_machine_error, raise_input_error

if TYPE_CHECKING:
    from batchf1.metrics.counts import Counts

FIELDS = ("tp", "fp", "fn", "tn")
HELP = (
    "f1 (the default), f0.5, f_beta(2) or another beta, precision, recall, jaccard; with -micro, "
    "-macro or -weighted over the classes of --counts-file; mcc, kappa, balanced_accuracy, "
    "estimated by random cuts; or the import path of a Ratio or SumMetric, my_module.MINE"
)


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
