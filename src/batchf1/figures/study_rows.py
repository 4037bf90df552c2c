"""Rows of a study's table, for the module of a figure; `docs/tables.md` has the columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.records import tables
from batchf1.sweep import schema

NAMED = tuple(schema.COLUMN_OF.values())
"""Settings that every table of runs has a column for."""
REPEATED = "seed"
"""The axis that a figure takes means over, which its caption mentions."""

Condition = Callable[[pd.DataFrame], pd.Series]
"""Returns True for the rows of a piece of a table that are to be read."""


def settings(columns: Iterable[Any]) -> list[str]:
    """Return the columns that are settings, of a study's table or of a figure's."""
    return [c for c in map(str, columns) if c in NAMED or re.match(schema.SETTING, c)]


def read(
    source: Path, columns: Sequence[str] | None = None, keep: Condition | None = None
) -> pd.DataFrame:
    """Read rows of a study's table.

    Parameters
    ----------
    source : Path
        `results/<study>/runs.parquet`.
    columns : sequence of str, optional
        Columns to read beside the settings; None for all.
    keep : callable, optional
        Condition on the rows, called with pieces of the table; no more of the table is held in
        memory than the rows that meet it.

    Returns
    -------
    DataFrame
        Rows in the order of the table, with columns of `batchf1.sweep.schema.RUNS`.

    Raises
    ------
    InputError
        For a file that cannot be read or is no such table.
    """
    columns_read = None if columns is None else [*settings(tables.names(source)), *columns]
    pieces = tables.iter_chunks(source, schema.RUNS, columns_read)
    return pd.concat([p if keep is None else p[keep(p)] for p in pieces], ignore_index=True)


def last_epoch(
    source: Path, columns: Sequence[str] | None = None, keep: Condition | None = None
) -> pd.DataFrame:
    """Read the rows of the last epoch of each run, with `run_id` and `epoch`.

    Arguments and errors are those of `read`.
    """
    key = ["run_id", "epoch"]
    ends = [_ends(piece) for piece in tables.iter_chunks(source, schema.RUNS, key)]
    last = pd.concat(ends).groupby(level=0).max()
    return read(
        source,
        None if columns is None else [*key, *columns],
        lambda p: (p["epoch"] == p["run_id"].map(last)) & (keep is None or keep(p)),
    )


def _ends(piece: pd.DataFrame) -> pd.Series:
    return piece.groupby("run_id")["epoch"].max()


def combinations(source: Path) -> pd.DataFrame:
    """Return each combination of settings in a study's table, without repetitions or the seed."""
    columns = [c for c in settings(tables.names(source)) if c != REPEATED]
    pieces = tables.iter_chunks(source, schema.RUNS, columns)
    return pd.concat([piece.drop_duplicates() for piece in pieces], ignore_index=True)
