"""Labels, predictions and batches from a file."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

from batchf1.errors import InputError, one_line, refuse, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUE = ("y_true", "label", "labels", "target", "y")
PREDICTED = ("y_pred", "y_score", "score", "scores", "prediction", "pred")
BATCH = "batch"
"""Names of the columns; the first that a file has is taken."""
FILE = "FILE"


class Rows(NamedTuple):
    """Arrays of one length; `batch` None where the file does not tell of batches."""

    true: NDArray[Any]
    predicted: NDArray[Any]
    batch: NDArray[Any] | None

    def batches(self, size: int | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """The rows, `size` after `size`, or those of each batch in the order of its first row."""
        places = range(0, len(self.true), size or len(self.true))
        slices = (slice(start, start + (size or len(self.true))) for start in places)
        for rows in slices if self.batch is None else _together(self.batch):
            yield self.true[rows], self.predicted[rows]


def _together(batch: NDArray[Any]) -> list[NDArray[Any]]:
    """The rows of each batch, in the order of its first row."""
    import numpy as np

    _, first, place = np.unique(batch, return_index=True, return_inverse=True)
    turn = np.argsort(np.argsort(first))[place]
    return np.split(np.argsort(turn, kind="stable"), np.cumsum(np.bincount(turn))[:-1])


def read(path: Path) -> Rows:
    """The rows of a CSV (of numbers), Parquet or NPZ file, known by its ending.

    Raises `InputError` for a file that cannot be read, another ending, columns that are missing,
    of different lengths, or without a row.
    """
    rule = f"ends in one of {tuple(READERS)}"
    require(path.suffix.lower() in READERS, FILE, rule, str(path))
    import numpy as np

    try:
        found = READERS[path.suffix.lower()](path)
    except InputError:
        raise
    except (OSError, EOFError, ValueError, csv.Error, BadZipFile) as error:
        said = getattr(error, "strerror", None) or one_line(error)
        refuse(FILE, "can be read", f"{path}: {said}")
    lengths = [len(part) if np.ndim(part) else 0 for part in found]
    require(len(set(lengths)) == 1, FILE, "has columns of one length", str(lengths))
    require(lengths[0] > 0, FILE, "has a row", f"none in {path}")
    return Rows(found[0], found[1], found[2] if len(found) > 2 else None)


def _wanted(columns: Collection[str]) -> list[str]:
    """The columns that are read of those that there are: labels, predictions, and any batches."""
    wanted = []
    for names in (TRUE, PREDICTED):
        known = [name for name in names if name in columns]
        require(
            bool(known), FILE, f"has a column {' or '.join(names)}", ", ".join(columns) or "none"
        )
        wanted.append(known[0])
    return wanted + [BATCH] * (BATCH in columns)


def _csv(path: Path) -> list[NDArray[Any]]:
    import numpy as np

    with path.open(newline="", encoding="utf-8-sig") as file:
        columns = [name.strip() for name in next(csv.reader(file), [])]
        places = [columns.index(name) for name in _wanted(columns)]
        with warnings.catch_warnings(action="ignore"):  # of no row, which is refused
            table = np.loadtxt(file, delimiter=",", quotechar='"', usecols=places, ndmin=2)
    return [table[:, i] for i in range(len(places))] if table.size else [table[:0, 0]] * 2


def _npz(path: Path) -> list[NDArray[Any]]:
    import numpy as np

    with path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
        several = isinstance(found, np.lib.npyio.NpzFile)
        require(several, FILE, "is an NPZ file", f"{path}: one array")
        return [found[name] for name in _wanted(found.files)]


def _parquet(path: Path) -> list[NDArray[Any]]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        wanted = _wanted(file.schema_arrow.names)
        table = file.read(columns=wanted)
    return [table[name].to_numpy() for name in wanted]


READERS: dict[str, Callable[[Path], list[NDArray[Any]]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".npz": _npz,
}
"""Ending -> what reads such a file; Parquet needs the extra `workflow`."""
