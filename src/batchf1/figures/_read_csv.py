"""Reading the CSV of a figure; raises `InputError` for a file with other columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from batchf1.errors import check, keep_machine_error, one_line, raise_input_error
from batchf1.figures import study_rows
from batchf1.records.columns import Column, flag, number, text
from batchf1.records.tables import check_values

ANY = "not measured"
KINDS = {
    "number": number("a number", missing=ANY),
    "text": text("a text", missing=ANY),
    "flag": flag("true or false", missing=ANY),
}
"""Kind of a column in the figure of somebody else -> its description."""


def read(source: Path, columns: Mapping[str, Column | str], name: str) -> pd.DataFrame:
    """Read a table from CSV that has these columns, and perhaps others.

    `columns`: name -> description or kind. Columns of another metric than F1, of which the column
    `metric` tells, get the names for F1. An empty cell is missing, any other text of a setting is a
    text, `null` too. Raises `InputError` where the file cannot be read, lacks a column, or has a
    value that a column cannot have.
    """
    described = {
        column: KINDS[kind] if isinstance(kind, str) else kind for column, kind in columns.items()
    }
    texts = {column: str for column, of in described.items() if of.type == "string"}
    try:
        table = pd.read_csv(
            source, dtype=texts, keep_default_na=False, na_values=[""], low_memory=False
        )
    except (OSError, ValueError) as error:
        keep_machine_error(error, source)
        raise_input_error(str(source), f"must be the CSV of {name}", one_line(error))
    if "f1" in columns:
        shown = study_rows.label(table)
        names = columns_of(shown)
        table = table.rename(columns={named: column for column, named in names.items()})
        if shown != "F1":  # any number
            described |= {c: number(described[c].meaning) for c in names if c in described}
    where = f"{source}: the CSV of {name}"
    lacking = [column for column in columns if column not in table]
    check(not lacking, where, f"must have the columns {list(columns)}", f"none named {lacking}")
    for column, of in described.items():
        check_values(table[column], of, f"{where}: column {column}")
    return table


def columns_of(metric: str) -> dict[str, str]:
    """Map the columns that stand for a figure's metric to their names in its CSV."""
    return {"f1": metric, "expected_f1": f"expected_{metric}", "true_value": f"true_{metric}"}
