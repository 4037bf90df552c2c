"""Labels, predictions and batches from a file."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

from batchf1.errors import InputError, check, keep_machine_error, one_line, raise_input_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUE = ("y_true", "label", "labels", "target", "y")
PREDICTED = ("y_pred", "y_score", "score", "scores", "prediction", "pred")
BATCH = "batch"
NAMES = {"y_true": TRUE, "y_pred": PREDICTED, "batch": (BATCH,)}
"""Role of a column -> the names that it may have; a file has a single one of them."""
OPTIONS = {"y_true": "--y-true", "y_pred": "--y-pred", "batch": "--batch"}
"""Role of a column -> the option that names another column."""
FILE = "FILE"
Chosen = Mapping[str, str | None]
"""Role of a column -> its name in the file, where a user gave it."""
Read = tuple[dict[str, str], list[Any]]
"""Role of a column -> its name in the file; and the arrays, in the same order."""


class Rows(NamedTuple):
    """Arrays of one length; `batch` is None where the file has no batches.

    `columns`: what a column is for, a key of `NAMES` -> its name in the file.
    """

    true: NDArray[Any]
    predicted: NDArray[Any]
    batch: NDArray[Any] | None
    columns: dict[str, str]

    def batches(self, size: int | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yield the rows in batches of `size`, or by batch in the order of its first row."""
        places = range(0, len(self.true), size or len(self.true))
        slices = (slice(start, start + (size or len(self.true))) for start in places)
        for rows in slices if self.batch is None else _together(self.batch):
            yield self.true[rows], self.predicted[rows]


def _together(batch: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the rows of each batch, in the order of its first row."""
    import numpy as np

    _, first, inverse = np.unique(batch, return_index=True, return_inverse=True)
    turn = np.argsort(np.argsort(first))[inverse]
    return np.split(np.argsort(turn, kind="stable"), np.cumsum(np.bincount(turn))[:-1])


def read(path: Path, chosen: Chosen = MappingProxyType({})) -> Rows:
    """Read the rows of a CSV (of numbers), Parquet or NPZ file; the suffix gives the format.

    `chosen`: columns by their names, for keys of `NAMES`; by default the one that has a name of
    those. Raises `InputError` for a file that cannot be read, another ending, columns that are
    missing, of different lengths, or without a row, several columns for one purpose or of one name,
    and a CSV row without a number in each column that is read, or with other cells than columns.
    """
    rule = "must end in {}, {} or {}".format(*READERS)
    check(path.suffix.lower() in READERS, FILE, rule, str(path))
    import numpy as np

    try:
        columns, arrays = READERS[path.suffix.lower()](path, chosen)
    except InputError:
        raise
    except (OSError, EOFError, ValueError, csv.Error, BadZipFile) as error:
        keep_machine_error(error, path)
        reason = getattr(error, "strerror", None) or one_line(error)
        raise_input_error(FILE, "must be readable", f"{path}: {reason}")
    lengths = [len(part) if np.ndim(part) else 0 for part in arrays]
    check(len(set(lengths)) == 1, FILE, "must have columns of one length", str(lengths))
    check(lengths[0] > 0, FILE, "must have at least one row", f"none in {path}")
    true, predicted, batch = [*arrays, None][:3]
    unnamed = batch is not None and batch.dtype.kind == "f" and bool(np.isnan(batch).any())
    check(not unnamed, "batch", "must not contain NaN")
    return Rows(true, predicted, batch, columns)


def _columns(names: Sequence[str], chosen: Chosen) -> dict[str, str]:
    """Return the columns to read: labels, predictions, and batches if there are any."""
    names_by_role = {role: chosen.get(role) or _known(role, names) for role in NAMES}
    columns = {role: name for role, name in names_by_role.items() if name is not None}
    for role, name in columns.items():
        check(name in names, OPTIONS[role], "must be a column of FILE", name)
        check(names.count(name) == 1, FILE, "cannot have two columns of one name", name)
        single = list(columns.values()).count(name) == 1
        check(single, OPTIONS[role], "must name a column that no other option names", name)
    return columns


def _known(role: str, names: Sequence[str]) -> str | None:
    """Return the column of a role by its name; None for batches that the file lacks."""
    present = [name for name in NAMES[role] if name in names]
    rule = f"must have one column for {role} (choose it by {OPTIONS[role]})"
    check(len(present) < 2, FILE, rule, " and ".join(present))
    if not present and role != "batch":
        rule = f"must have a column {' or '.join(NAMES[role])}, or one named by {OPTIONS[role]}"
        raise_input_error(FILE, rule, ", ".join(names) or "none")
    return present[0] if present else None


def _csv(path: Path, chosen: Chosen) -> Read:
    import numpy as np

    numbers = array("d")
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, skipinitialspace=True, strict=True)
        names = [name.strip() for name in next(lines, [])]
        columns = _columns(names, chosen)
        places = [names.index(name) for name in columns.values()]
        for cells in lines:
            if cells:  # else the line is empty
                numbers.extend(_numbers(cells, names, places, lines.line_num))
    table = np.frombuffer(numbers, dtype=np.float64).reshape(-1, len(places))
    return columns, list(table.T)


def _numbers(cells: list[str], names: list[str], places: list[int], line: int) -> list[float]:
    """Return the numbers of a row that ends in a line, counted from 1."""
    if len(cells) != len(names):
        rule = "must have a cell for each column, with decimal points and no commas in numbers"
        raise_input_error(
            FILE, rule, f"{len(cells)} cells under {len(names)} columns in line {line}"
        )
    try:
        return [float(cells[index]) for index in places]
    except ValueError:
        odd = next(index for index in places if not _is_number(cells[index]))
        raise_input_error(
            FILE, "must have numbers only", f"{cells[odd]!r} under {names[odd]} in line {line}"
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _npz(path: Path, chosen: Chosen) -> Read:
    import numpy as np

    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        several = isinstance(archive, np.lib.npyio.NpzFile)
        check(several, FILE, "must be an NPZ file of several arrays", f"{path}: one array")
        columns = _columns(archive.files, chosen)
        return columns, [archive[name] for name in columns.values()]


def _parquet(path: Path, chosen: Chosen) -> Read:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        columns = _columns(file.schema_arrow.names, chosen)
        table = file.read(columns=list(columns.values()))
    return columns, [table[name].to_numpy() for name in columns.values()]


READERS: dict[str, Callable[[Path, Chosen], Read]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".npz": _npz,
}
"""Ending -> what reads such a file; Parquet needs the extra `workflow`."""
