"""Reading the CSV of a figure; raises `InputError` for a file with other columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.errors import check, keep_machine_error, one_line, raise_input_error
from batchf1.figures import study_rows

NUMBER, TEXT, FLAG = "number", "text", "flag"
"""Kinds of columns; a flag is true or false."""


def read(source: Path, columns: Mapping[str, str], name: str) -> pd.DataFrame:
    """Read a table from CSV that has these columns (name -> kind), and perhaps others.

    Columns of another metric than F1, of which the column `metric` tells, get the names for F1.
    An empty cell is missing, whatever the kind; any other text of a setting is a text, `null` too.
    Raises `InputError` where it cannot be read, lacks a column, or has one of another kind.
    """
    texts = {column: str for column, kind in columns.items() if kind == TEXT}
    try:
        table = pd.read_csv(
            source, dtype=texts, keep_default_na=False, na_values=[""], low_memory=False
        )
    except (OSError, ValueError) as error:
        keep_machine_error(error, source)
        raise_input_error(str(source), f"must be the CSV of {name}", one_line(error))
    if "f1" in columns:
        names = columns_of(study_rows.label(table))
        table = table.rename(columns={named: column for column, named in names.items()})
    where = f"{source}: the CSV of {name}"
    lacking = [column for column in columns if column not in table]
    check(not lacking, where, f"must have the columns {list(columns)}", f"none named {lacking}")
    for column, kind in columns.items():
        strange = _strange(table[column], kind)
        check(not strange, where, f"must have {kind}s in {column}", strange[:1])
    return table


def columns_of(metric: str) -> dict[str, str]:
    """Map the columns that stand for a figure's metric to their names in its CSV."""
    return {"f1": metric, "expected_f1": f"expected_{metric}", "true_value": f"true_{metric}"}


def _strange(values: pd.Series, kind: str) -> list[Any]:
    """Return the values that are not of the kind, and not missing."""
    if values.empty or kind == TEXT:
        return []
    flags = pd.api.types.is_bool_dtype(values.dtype)
    if kind == FLAG or flags:
        return [] if flags and kind == FLAG else values.tolist()
    return values[pd.to_numeric(values, errors="coerce").isna() & values.notna()].tolist()
