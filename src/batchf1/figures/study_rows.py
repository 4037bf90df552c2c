"""Rows of a study's table, for the module of a figure; `docs/tables.md` has the columns.

A figure shows one metric; `f1` in a name stands for the metric that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.config import metric_names
from batchf1.config.metric_names import DEFAULT
from batchf1.errors import check
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


def metrics(source: Path) -> list[str]:
    """Return the metrics of a study's table, in their order; [f1] for any other file."""
    columns = tables.names(source) if source.suffix == ".parquet" else []
    if not schema.METRIC_COLUMNS.keys() <= set(columns):
        return [DEFAULT]
    pieces = tables.iter_chunks(source, schema.RUNS_OF_METRICS, ["metric"])
    return list(dict.fromkeys(name for piece in pieces for name in piece["metric"].unique()))


def label(table: pd.DataFrame) -> str:
    """Return the name of the metric that a figure's table is of: `F1`, or as logs name it."""
    names: Any = table["metric"].unique() if "metric" in table else []
    return metric_names.label(names[0]) if len(names) == 1 else "F1"


def read(
    source: Path,
    columns: Sequence[str] | None = None,
    keep: Condition | None = None,
    metric: str = DEFAULT,
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
    metric : str
        Metric whose rows are read; a name as in the table.

    Returns
    -------
    DataFrame
        Rows in the order of the table, with columns of `batchf1.sweep.schema.RUNS`; `f1` is what
        the strategy logged of the metric.

    Raises
    ------
    InputError
        For a file that cannot be read or is no such table, and for a metric that it lacks.
    """
    present = metrics(source)
    check(metric in present, f"{source}: metric", f"must be one of {present}", metric)
    columns_read = None if columns is None else [*settings(tables.names(source)), *columns]
    pieces = (schema.of_metric(p, metric) for p in _chunks(source, columns_read))
    return pd.concat([p if keep is None else p[keep(p)] for p in pieces], ignore_index=True)


def _chunks(source: Path, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
    """Yield pieces of a study's table with these of its columns; `f1` may be its `value`."""
    kind = schema.schema_of(tables.names(source))
    if columns is not None and "f1" not in kind.columns:
        columns = [*("value" if name == "f1" else name for name in columns), "metric"]
    return tables.iter_chunks(source, kind, columns)


def last_epoch(
    source: Path,
    columns: Sequence[str] | None = None,
    keep: Condition | None = None,
    metric: str = DEFAULT,
) -> pd.DataFrame:
    """Read the rows of the last epoch of each run, with `run_id` and `epoch`.

    Arguments and errors are those of `read`.
    """
    key = ["run_id", "epoch"]
    ends = [_ends(piece) for piece in _chunks(source, key)]
    last = pd.concat(ends).groupby(level=0).max()
    return read(
        source,
        None if columns is None else [*key, *columns],
        lambda p: (p["epoch"] == p["run_id"].map(last)) & (keep is None or keep(p)),
        metric,
    )


def _ends(piece: pd.DataFrame) -> pd.Series:
    return piece.groupby("run_id")["epoch"].max()


def combinations(source: Path) -> pd.DataFrame:
    """Return each combination of settings in a study's table, without repetitions or the seed."""
    columns = [c for c in settings(tables.names(source)) if c != REPEATED]
    pieces = _chunks(source, columns)
    return pd.concat([piece[columns].drop_duplicates() for piece in pieces], ignore_index=True)
