"""Tables in files: atomic writes, validated reads, and provenance."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray
from pandas.api.types import infer_dtype

from batchf1.errors import InputError, keep_machine_error, one_line, raise_input_error
from batchf1.errors import check as errors_check
from batchf1.records.columns import Column, Schema
from batchf1.records.files import replacing

METADATA, CHECKSUM, ROWS_CHECKSUM = b"batchf1", b"batchf1.sha256", b"batchf1.rows.sha256"
"""Keys in a file's footer: the record of where the table came from, and two SHA-256 digests, of
the record and of the rows (Parquet's own page checksums cover neither page headers nor footer)."""
COMPRESSION = "zstd"
ROWS = 2**15
"""Number of rows in a chunk that is read."""


TYPES = {
    "boolean": ("boolean",),
    "integer": ("integer",),
    "number": ("integer", "floating", "mixed-integer-float"),
    "string": ("string",),
}
"""Type of a column -> what `pandas.api.types.infer_dtype` says of its values."""
DTYPES = {"boolean": "bool", "integer": "int64", "number": "float64", "string": "str"}


def validate(table: pd.DataFrame, schema: Schema, name: str) -> pd.DataFrame:
    """Return the table; raise `InputError` for the first column or rule that it breaks."""
    _check_names(map(str, table.columns), schema, name)
    for column, values in table.items():
        described = schema.column(str(column))
        assert described is not None  # its name was checked
        check_values(values, described, f"{name}: column {column}")
    for rule, holds in schema.rules.items():
        errors_check(bool(holds(table).all()), name, rule)
    key = schema.primary_key(map(str, table.columns))
    repeated = table[table.duplicated(key)][key].head(1).to_dict("records") if key else []
    errors_check(not repeated, name, f"must have one row for each {', '.join(key)}", repeated)
    return table


def check_values(values: pd.Series[Any], column: Column, name: str) -> None:
    """Raise `InputError` for a value that a column cannot have."""
    array = values.to_numpy()
    absent = pd.isna(array)
    if array.dtype.kind == "O":
        absent |= array == ""
    whole = bool(column.missing) or not absent.any()
    errors_check(whole, name, "must have no missing value", f"{absent.sum()} missing")
    present = array[~absent]
    if not present.size or column.type == "any":
        return
    rule = f"must be of type {column.type}"
    errors_check(_is_of(present, column), name, rule, _strange(present, column))
    if column.enum:
        wrong = ~pd.Series(present).isin(column.enum).to_numpy()
        rule = f"must be one of {column.enum}"
    elif column.range:
        low, high = column.limits
        wrong, rule = (present < low) | (present > high), f"must be {column.range}"
    else:
        return
    errors_check(not wrong.any(), name, rule, present[wrong][:1].tolist())


def _is_of(values: NDArray[Any], column: Column) -> bool:
    """Return True if values are of a column's type; integers beside missing ones may be floats."""
    found = infer_dtype(values)
    if column.type == "integer" and column.missing and found == "floating":
        with np.errstate(invalid="ignore"):  # of an infinite value
            return bool((values % 1 == 0).all())
    return found in TYPES[column.type]


def _strange(values: NDArray[Any], column: Column) -> list[Any]:
    """Return a value that is not of a column's type; of numbers the first that is none."""
    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy()
    strange = values[pd.isna(numbers)] if column.type in ("integer", "number") else values
    first: list[Any] = (strange if len(strange) else values)[:1].tolist()
    return first


def _check_names(names: Iterable[str], schema: Schema, label: str) -> None:
    columns = list(names)
    lacking = [name for name in schema.columns if name not in columns]
    strange = [name for name in columns if schema.column(name) is None]
    errors_check(
        not lacking, label, "must have every column of its schema", f"none named {lacking}"
    )
    errors_check(not strange, label, "must have the columns of its schema only", strange)
    ordered = [name for name in columns if name in schema.columns]
    same = ordered == list(schema.columns)
    errors_check(same, label, "must have its columns in the order of its schema", ordered)


def empty(schema: Schema) -> pd.DataFrame:
    """Return an empty table of the schema."""
    dtypes = {name: DTYPES[column.type] for name, column in schema.columns.items()}
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in dtypes.items()})


def write(
    table: pd.DataFrame, path: str | Path, schema: Schema, provenance: dict[str, Any]
) -> None:
    """Write a valid table and its provenance as Parquet, atomically."""
    with writing(path, schema) as writer:
        writer.add(table)
        writer.record(provenance)


class RowDigest:
    """SHA-256 of a table's column names and rows, independent of how the rows are chunked."""

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}

    def add(self, chunk: pd.DataFrame) -> None:
        """Append the rows of a chunk that has the columns of the first."""
        for name in chunk.columns:
            self._columns.setdefault(str(name), hashlib.sha256()).update(_bytes(chunk[name]))

    def value(self) -> bytes:
        """Return the digest of all rows so far, in hexadecimal digits."""
        of_columns = {name: sha256.hexdigest() for name, sha256 in self._columns.items()}
        return _checksum(json.dumps(of_columns).encode())


def _bytes(column: pd.Series[Any]) -> bytes:
    """Return the values of a column one after the other, texts separated by a NUL character."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.to_numpy().tobytes()
    return "".join(f"{value}\0" for value in column.to_numpy(object)).encode()


class Writer:
    """Writer of a table into a file, chunk by chunk."""

    def __init__(self, path: Path, file: Path, schema: Schema) -> None:
        """`file` takes what is added until it takes the place of `path`."""
        self.path, self.file, self.schema = path, file, schema
        self._provenance: dict[str, Any] = {}
        self._open: parquet.ParquetWriter | None = None
        self._digest = RowDigest()

    def add(self, piece: pd.DataFrame) -> None:
        """Append valid rows, with the columns and types of the first piece.

        Raises `InputError` for others; whether a row stands twice is looked at in a piece alone.
        """
        valid = validate(piece, self.schema, str(self.path))
        alike = self._open.schema if self._open else None
        same = alike is None or list(valid.columns) == alike.names
        rule = "must have the columns of the first piece in all pieces"
        errors_check(same, str(self.path), rule, list(valid.columns))
        try:
            arrow = pyarrow.Table.from_pandas(valid, schema=alike, preserve_index=False)
        except pyarrow.ArrowException as error:
            raise_input_error(str(self.path), rule, one_line(error))
        if self._open is None:
            self._open = parquet.ParquetWriter(
                self.file, arrow.schema, compression=COMPRESSION, write_page_checksum=True
            )
        self._open.write_table(arrow)
        self._digest.add(arrow.to_pandas())

    def record(self, provenance: dict[str, Any]) -> None:
        """Set the record that `provenance_of` will return for the file."""
        self._provenance = provenance

    def finish(self) -> None:
        """Complete the file."""
        if self._open is None:
            self.add(empty(self.schema))
        assert self._open is not None
        record = json.dumps(self._provenance).encode()
        digests = {CHECKSUM: _checksum(record), ROWS_CHECKSUM: self._digest.value()}
        self._open.add_key_value_metadata({METADATA: record, **digests})
        self._open.close()

    def give_up(self) -> None:
        """Close the file, whatever state it is in."""
        if self._open is not None:
            with suppress(OSError, pyarrow.ArrowException):
                self._open.close()


@contextmanager
def writing(path: str | Path, schema: Schema, swept: bool = False) -> Iterator[Writer]:
    """Write a table of any length as Parquet, atomically, one row group per chunk.

    `swept`: as in `files.replacing`.
    """
    with replacing(path, swept) as temporary:
        writer = Writer(Path(path), temporary, schema)
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.give_up()
            raise


def read(path: str | Path, schema: Schema) -> pd.DataFrame:
    """Read a table from Parquet; `InputError` if it is damaged or breaks its schema."""
    return validate(unchecked(path), schema, str(path))


def unchecked(path: str | Path) -> pd.DataFrame:
    """Read a table from Parquet without validation; raise `InputError` if the file is damaged."""
    with _reading(path) as file:
        table: pd.DataFrame = file.read().to_pandas()
        digest = RowDigest()
        digest.add(table)
        _check_digest(file, digest, path)
    return table


def iter_chunks(
    path: str | Path, schema: Schema, columns: Collection[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Read a table from Parquet in validated chunks of some ten thousand rows.

    One piece at least, which may have no rows. With `columns`, of these alone; rules about several
    columns are then looked at only where all of them are there. Raises `InputError` as `read` does.
    """
    with _reading(path) as file:
        arrow_schema = file.schema_arrow
        _check_names(arrow_schema.names, schema, str(path))
        chosen = (
            None if columns is None else [name for name in arrow_schema.names if name in columns]
        )
        part = schema if columns is None else schema.only(columns)
        n_read, digest = 0, RowDigest()
        for batch in file.iter_batches(ROWS, columns=chosen):
            n_read += batch.num_rows
            table = pyarrow.Table.from_batches([batch]).to_pandas()
            digest.add(table)
            yield validate(table, part, str(path))
        if n_read == 0:
            table = arrow_schema.empty_table().to_pandas()
            digest.add(table)
            yield validate(table if chosen is None else table[chosen], part, str(path))
        if columns is None:
            _check_digest(file, digest, path)


def _check_digest(file: parquet.ParquetFile, digest: RowDigest, path: str | Path) -> None:
    """Refuse rows that differ from those written; files of older versions record no digest."""
    written = (file.metadata.metadata or {}).get(ROWS_CHECKSUM)
    good = written is None or written == digest.value()
    errors_check(good, str(path), "must be a whole parquet file", "rows that were changed")


def names(path: str | Path) -> list[str]:
    """Return a table's column names from its footer; raise `InputError` if unreadable."""
    with _reading(path) as file:
        columns: list[str] = file.schema_arrow.names
    return columns


@contextmanager
def _reading(path: str | Path) -> Iterator[parquet.ParquetFile]:
    try:
        # not through the dataset API: it would take folder names like study=x for columns
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except InputError:
        raise
    except Exception as error:  # a flipped bit can raise anything in PyArrow and pandas
        keep_machine_error(error, path)
        text = one_line(f"{type(error).__name__}: {error}")
        raise_input_error(str(path), "must be a whole parquet file", text)


def provenance_of(path: str | Path) -> dict[str, Any]:
    """Return the provenance of a table as given to `write`; empty if nothing is recorded.

    Raises `InputError` where the file, or its record, is damaged.
    """
    with _reading(path) as file:
        metadata = file.metadata.metadata or {}
        record = metadata.get(METADATA, b"{}")
        good = metadata.get(CHECKSUM, _checksum(record)) == _checksum(record)
        errors_check(good, str(path), "must be a whole parquet file", "a record that was changed")
        recorded: dict[str, Any] = json.loads(record)
    return recorded


def _checksum(record: bytes) -> bytes:
    return hashlib.sha256(record).hexdigest().encode()


def drop_damaged(paths: Iterable[Path]) -> list[Path]:
    """Remove the tables with a damaged footer or record, such as truncated ones; return them.

    The values of their rows are not looked at: who reads them checks them. A file that may not be
    read stays.
    """
    dropped = []
    for path in paths:
        if not os.access(path, os.R_OK):
            continue
        try:
            provenance_of(path)
        except InputError:
            path.unlink(missing_ok=True)
            dropped.append(path)
    return dropped


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write the numbers behind a figure as CSV, atomically."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
