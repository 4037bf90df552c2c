"""Comparison of two versions of the figures' tables, within stated tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from yaml import YAMLError, safe_load

from batchf1.errors import InputError, check, keep_machine_error, one_line, raise_input_error
from batchf1.records import files

TOLERANCES = "tolerances.yaml"
"""The file beside the old tables that says how far the new ones may differ."""
ROWS = "rows"


@dataclass
class Tolerance:
    """Tolerance for the difference of a table from its earlier version."""

    key: list[str] = field(default_factory=list)
    """Columns that name a row; without any, the place in the table does."""
    within: dict[str, float] = field(default_factory=dict)
    """Column -> the largest difference, in its unit."""
    optional: str = ""
    """Why the table need not be made again."""

    def __post_init__(self) -> None:
        self.within = {column: float(value) for column, value in self.within.items()}


class Difference(NamedTuple):
    """Difference of two versions of a table that exceeds its tolerance."""

    figure: str
    column: str
    row: str
    old: str
    new: str
    allowed: float

    def __str__(self) -> str:
        position = f"{self.figure}.csv, {self.column}, {self.row}".rstrip(", ")
        return f"{position}: {self.old} before, {self.new} now; {self.allowed:g} allowed"


class Verdict(NamedTuple):
    """Result of the comparison of two folders."""

    differences: list[Difference]
    equal: list[str]
    """Figures whose tables are the same bit for bit."""
    close: list[str]
    """Figures whose tables differ no more than they may."""
    left_out: dict[str, str]
    """Figures that need not be made again, and why."""


def compare(old: Path, new: Path, tolerances: Path, exact: bool = True) -> Verdict:
    """Compare every table of two folders: bit for bit, or within the tolerances unless `exact`.

    Raises `InputError` where a folder has no tables or a file cannot be read.
    """
    default, stated = load(tolerances)
    before, now = (_tables(folder) for folder in (old, new))
    verdict = Verdict([], [], [], {})
    for figure in sorted(before.keys() | now.keys()):
        tolerance = stated.get(figure, Tolerance())
        if figure in before and figure in now:
            _compare_one(verdict, figure, (before[figure], now[figure]), tolerance, default, exact)
        elif tolerance.optional and figure in before:
            verdict.left_out[figure] = tolerance.optional
        else:
            was, is_now = ("made" if figure in side else "not made" for side in (before, now))
            verdict.differences.append(Difference(figure, "table", "", was, is_now, 0))
    return verdict


def _compare_one(
    verdict: Verdict,
    figure: str,
    paths: tuple[Path, Path],
    tolerance: Tolerance,
    default: float,
    exact: bool,
) -> None:
    first, second = (path.read_bytes() for path in paths)
    if first == second:
        verdict.equal.append(figure)
        return
    before, now = (_read(path) for path in paths)
    exceeding = list(differences(figure, before, now, tolerance, 0 if exact else default, exact))
    verdict.differences.extend(exceeding)
    if not exceeding:
        verdict.close.append(figure)


def load(path: Path) -> tuple[float, dict[str, Tolerance]]:
    """Read the default and each figure's tolerance; raise `InputError` if invalid."""
    content = files.read(path)
    try:
        written = safe_load(content)
        return float(written["default"]), {
            figure: Tolerance(**(stated or {})) for figure, stated in written["figures"].items()
        }
    except (YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: {one_line(error)}") from error


def _tables(folder: Path) -> dict[str, Path]:
    paths = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    check(bool(paths), str(folder), "must be a folder with tables of figures")
    return paths


def _read(path: Path) -> pd.DataFrame:
    try:  # as text: equal means equal digits
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        keep_machine_error(error, path)
        raise_input_error(str(path), "must be the CSV of a figure", error)


def differences(
    figure: str,
    old: pd.DataFrame,
    new: pd.DataFrame,
    tolerance: Tolerance,
    default: float,
    exact: bool = False,
) -> Iterator[Difference]:
    """Yield the differences of two tables, read as text, that exceed the tolerance."""
    if list(old.columns) != list(new.columns):
        before, now = (", ".join(table.columns) for table in (old, new))
        yield Difference(figure, "columns", "", before, now, 0)
        return
    named = {name: value for name, value in tolerance.within.items() if not exact}
    _check_columns(figure, old, tolerance)
    old, new = (_by_key(table, tolerance.key) for table in (old, new))
    if list(old.index) != list(new.index):
        yield from _other_rows(figure, old, new)
    shared = old.index[old.index.isin(new.index)]
    for column in old.columns:
        allowed = named.get(column, default)
        was, is_now = (table.loc[shared, column] for table in (old, new))
        for row in was.index[~_alike(was, is_now, allowed)]:
            yield Difference(figure, column, row, was[row], is_now[row], allowed)


def _check_columns(figure: str, table: pd.DataFrame, tolerance: Tolerance) -> None:
    for column in sorted({*tolerance.key, *tolerance.within}):
        columns = list(table.columns)
        check(
            column in columns,
            f"tolerance of {figure}",
            f"must name columns among {columns}",
            column,
        )


def _by_key(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Index the table by a text that is unique to each row."""
    if not key:
        return table.set_index(pd.Index([f"row {i + 1}" for i in range(len(table))]))
    words = table[key].apply(lambda row: ", ".join(f"{k}={v}" for k, v in row.items()), axis=1)
    nth = words.groupby(words).cumcount() + 1
    again = nth.map(lambda n: f", occurrence {n}" if n > 1 else "")
    return table.set_index(pd.Index(words + again))


def _other_rows(figure: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[Difference]:
    gone, more = old.index[~old.index.isin(new.index)], new.index[~new.index.isin(old.index)]
    for row in gone:
        yield Difference(figure, ROWS, row, "there", "not there", 0)
    for row in more:
        yield Difference(figure, ROWS, row, "not there", "there", 0)
    if gone.empty and more.empty:
        yield Difference(figure, ROWS, "", "in one order", "in another", 0)


def _alike(before: pd.Series, now: pd.Series, allowed: float) -> Any:
    """Return which cells are the same text, or floats at most `allowed` apart."""
    same = before.to_numpy() == now.to_numpy()
    if allowed == 0 or same.all():
        return same
    one, other = (pd.to_numeric(cells, errors="coerce").to_numpy(float) for cells in (before, now))
    # integers are counts, without a tolerance
    floats = (before + now).str.contains("[.eE]").to_numpy(bool)
    # a hair more, or two numbers on paper 0.001 apart would be further than 0.001
    return same | (floats & np.isclose(one, other, rtol=0, atol=allowed * (1 + 1e-9)))


def summary(verdict: Verdict, shown: int = 10) -> str:
    """Format the result as text, with at most `shown` differences per column of a figure."""
    lines, counts = [], dict[tuple[str, str], int]()
    for difference in verdict.differences:
        key = (difference.figure, difference.column)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= shown:
            lines.append(str(difference))
    lines += [
        f"{figure}.csv, {column}: {count - shown:,} more"
        for (figure, column), count in counts.items()
        if count > shown
    ]
    lines += [f"{figure}.csv: not made again: {why}" for figure, why in verdict.left_out.items()]
    return "\n".join([*lines, _count(verdict)])


def _count(verdict: Verdict) -> str:
    figures: Mapping[str, None] = dict.fromkeys(d.figure for d in verdict.differences)
    parts = [f"{len(verdict.equal)} tables are equal bit for bit"]
    if verdict.close:
        parts.append(f"{len(verdict.close)} within tolerance ({', '.join(verdict.close)})")
    parts.append(f"{len(figures)} differ" + (f" ({', '.join(figures)})" if figures else ""))
    return "; ".join(parts)
