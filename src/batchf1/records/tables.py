"""Tables in files: atomic writes, validated reads, and where each came from."""

from __future__ import annotations

import glob
import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.parquet as parquet
from pandera.errors import SchemaError, SchemaErrors

from batchf1.errors import one_line, refuse, require

METADATA = b"batchf1"
_HOST = platform.node()


def validate(table: pd.DataFrame, schema: pa.DataFrameSchema, thing: str) -> pd.DataFrame:
    """The table itself; `InputError` names the first column or rule that it breaks."""
    columns = set(map(str, table.columns))
    wanted = {name for name, column in schema.columns.items() if column.required}
    allowed = [re.compile(name) for name, column in schema.columns.items() if column.regex]
    lacking = sorted(wanted - columns)
    strange = [c for c in sorted(columns - wanted) if not any(a.match(c) for a in allowed)]
    require(not lacking, thing, "must have every column of its schema", f"none named {lacking}")
    require(not strange, thing, "has the columns of its schema alone", strange)
    try:
        valid: pd.DataFrame = schema.validate(table)
        return valid
    except (SchemaError, SchemaErrors) as error:
        column = getattr(getattr(error, "schema", None), "name", None)
        refuse(thing, f"column {column}" if column else "table", one_line(error)[:300])


def empty(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A table of the schema without rows."""
    needed = {name: column for name, column in schema.columns.items() if column.required}
    dtypes = {name: str(column.dtype) for name, column in needed.items()}
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in dtypes.items()})


def write(
    table: pd.DataFrame, path: str | Path, schema: pa.DataFrameSchema, provenance: dict[str, Any]
) -> None:
    """Write a valid table and where it came from as parquet, whole or not at all."""
    valid = validate(table, schema, str(path))
    arrow = pyarrow.Table.from_pandas(valid, preserve_index=False)
    metadata = (arrow.schema.metadata or {}) | {METADATA: json.dumps(provenance).encode()}
    with replacing(path) as temporary:
        parquet.write_table(arrow.replace_schema_metadata(metadata), temporary)


def read(path: str | Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A table from parquet, validated; `InputError` where it is unreadable or breaks its schema."""
    try:
        # not through the dataset API: it would take folder names like study=x for columns
        table = parquet.ParquetFile(path).read().to_pandas()
    except (OSError, pyarrow.ArrowException) as error:
        refuse(str(path), "must be a whole parquet file", one_line(error))
    return validate(table, schema, str(path))


def provenance_of(path: str | Path) -> dict[str, Any]:
    """Where a table came from, as it was given to `write`; empty where nothing is recorded."""
    try:
        metadata = parquet.read_metadata(path).metadata or {}
    except (OSError, pyarrow.ArrowException) as error:
        refuse(str(path), "must be a whole parquet file", one_line(error))
    recorded: dict[str, Any] = json.loads(metadata.get(METADATA, b"{}"))
    return recorded


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write the numbers behind a figure, whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place if nothing raises, and else goes.

    What a killed process left of `path` goes too. Raises `InputError` where it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        refuse(str(path), "could not be written", error.strerror or str(error))
    finally:
        with suppress(OSError):
            temporary.unlink()


def _sweep(path: Path) -> None:
    """Remove what processes that are gone have left of `path`; other machines' are not ours."""
    end = f".part{path.suffix}"
    for left in path.parent.glob(glob.escape(f".{path.name}.{_HOST}.") + f"*{glob.escape(end)}"):
        pid = left.name.removesuffix(end).rpartition(".")[2]
        if pid.isdigit() and not _alive(int(pid)):
            left.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
