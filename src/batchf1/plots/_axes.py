"""What a study varies, and what a figure makes of it: an axis is shown, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1 import tables
from batchf1.errors import refuse, require

NAMED = tuple(tables.COLUMN_OF.values())
"""Settings that every table of runs has a column for."""
REPEATED = "seed"
"""The axis that a figure takes means over, and says so."""
MOST = 12
"""Settings of axes beside a figure's own that it shows, each in a panel."""


def further(rows: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """The settings that vary beside those of `shown` and the seed, in the order of the columns.

    `rows`: a table of `tables.RUNS`.
    """
    settings = [c for c in map(str, rows) if c in NAMED or re.match(tables.SETTING, c)]
    return [c for c in settings if c not in (*shown, REPEATED) and len(rows[c].unique()) > 1]


def no_others(rows: pd.DataFrame, shown: Sequence[str], figure: str) -> None:
    """Refuse a table with an axis that the figure neither shows nor repeats over."""
    for column in further(rows, shown):
        values = sorted(rows[column].unique().tolist())
        refuse(f"figure {figure}", f"does not show {column}, which the study varies", values)


def panels(table: pd.DataFrame, columns: Sequence[str], figure: str) -> list[tuple[str, Any]]:
    """The settings of some columns in words, each with its rows of the table.

    One without words where there are no columns. Raises `InputError` for more than `MOST`.
    """
    if not columns:
        return [("", table)]
    found = [(_words(columns, values), rows) for values, rows in table.groupby(list(columns))]
    rule = f"shows at most {MOST} settings of {', '.join(columns)}"
    require(len(found) <= MOST, f"figure {figure}", rule, len(found))
    return found


def _words(columns: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(word(c, value) for c, value in zip(columns, values, strict=True))


def word(column: str, value: Any) -> str:
    """A setting as a picture says it, such as `threshold 0.5`; of a data set its name alone."""
    if column == "dataset":
        return str(value)
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{column.rpartition('.')[2].replace('_', ' ')} {shown}"


def last_epoch(source: Path) -> pd.DataFrame:
    """The rows of the last epoch of each run in a table of `tables.RUNS`."""
    rows = tables.read(source, tables.RUNS)
    return rows[rows["epoch"] == rows.groupby("run_id")["epoch"].transform("max")]
