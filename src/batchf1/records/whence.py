"""Where a file came from: written beside a CSV and into a picture, read from any of them.

A record is what `provenance.collect` gives for the step that made the file, and `sources`: what the
step read, each with its own record, or the SHA-256 of a plain file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchf1.errors import one_line, refuse, require
from batchf1.records import files, provenance, tables

KEY = "batchf1"
"""Of the text in a PNG that holds the record; in a PDF it is the keywords."""
Record = Mapping[str, Any]


def of_table(table: Path, module: str, sources: Sequence[Path]) -> dict[str, Any]:
    """The record of a figure's CSV, once it is written: this step's and those of its sources."""
    read = [source(path) for path in sources]
    return provenance.collect(module=module, sha256=sha256(table), sources=read)


def of_picture(table: Path, module: str) -> dict[str, Any]:
    """The record of a figure's picture, from the CSV and what stands beside it.

    Without a time, so that equal numbers with an equal record give equal files.
    """
    record = provenance.collect(module=module, sources=[source(table)])
    del record["time"]
    return record


def source(path: Path) -> dict[str, Any]:
    """What a step reads: its name with its record, or, of a plain file, SHA-256 and dirty flag."""
    record = _readers().get(path.suffix, lambda _: {})(path)
    if record and record.get("sha256") in (None, sha256(path)):
        return {"file": str(path), "provenance": record}
    changed = provenance.dirty(path.parent, path.name)
    return {"file": str(path), "sha256": sha256(path), "dirty": changed}


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; `InputError` where it cannot be read."""
    return hashlib.sha256(files.read(path)).hexdigest()


def sidecar(table: Path) -> Path:
    """Where the record of a figure's CSV stands: beside it, same stem."""
    return table.with_suffix(".json")


def write_sidecar(table: Path, record: Record) -> None:
    """Write the record of a CSV beside it, whole or not at all."""
    with tables.replacing(sidecar(table)) as temporary:
        temporary.write_text(json.dumps(record, sort_keys=True, indent=1) + "\n")


def embedded(record: Record) -> str:
    """The record as it stands in a picture: ASCII on one line, the same for equal records."""
    return json.dumps(record, sort_keys=True)


def dirty(record: Record) -> bool:
    """Whether any step, or any plain file, on the way to a record's file had uncommitted changes.

    Of a run only the shard that last read it counts, which checked that the run is from its code.
    """
    sources = record.get("sources", [])
    steps = [*(s.get("provenance", {}) for s in sources), *record.get("checked", [])]
    here = [record, *sources]
    return any(part.get("dirty") is True for part in here) or any(map(dirty, steps))


def whence(path: Path) -> dict[str, Any]:
    """The record of a table (.parquet, .csv) or a picture (.png, .pdf).

    A CSV that is not the one its record was written for has the key `changed`. Raises `InputError`
    for another kind of file, one that cannot be read, and one without a record.
    """
    kinds = _readers()
    require(path.suffix in kinds, str(path), f"is one of {', '.join(kinds)}", path.suffix)
    files.read(path)
    record: dict[str, Any] = kinds[path.suffix](path)
    require(bool(record), str(path), "must say where it came from", "no such record")
    if record.get("sha256") not in (None, sha256(path)):
        record |= {"changed": True}
    return record


def _readers() -> dict[str, Any]:
    parquet = tables.provenance_of
    return {".parquet": parquet, ".csv": _of_csv, ".png": _of_png, ".pdf": _of_pdf}


def _of_csv(path: Path) -> dict[str, Any]:
    beside = sidecar(path)
    return _parsed(files.read(beside), beside) if beside.exists() else {}


def _of_png(path: Path) -> dict[str, Any]:
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()  # texts may stand behind the pixels
            texts: dict[str, str] = getattr(picture, "text", {})
    except (OSError, SyntaxError, ValueError) as error:
        refuse(str(path), "must be a whole PNG", error)
    return _parsed(texts.get(KEY, "{}").encode(), path)


def _of_pdf(path: Path) -> dict[str, Any]:
    """From the keywords as matplotlib writes them: a literal string, not compressed."""
    found = re.search(rb"/Keywords \(((?:[^\\()]|\\.)*)\)", files.read(path), re.DOTALL)
    keywords = re.sub(rb"\\(.)", rb"\1", found[1], flags=re.DOTALL) if found else b"{}"
    return _parsed(keywords, path) if keywords.startswith(b"{") else {}


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        refuse(str(path), "must hold its record as JSON", one_line(error))
    require(isinstance(record, dict), str(path), "must hold its record as a JSON object", record)
    recorded: dict[str, Any] = record
    return recorded


def text(path: Path, record: Record) -> str:
    """A record in words, a paragraph for each step from the file back to the trainings."""
    return "\n\n".join("\n".join(part) for part in _paragraphs(str(path), record))


def summary(record: Record) -> str:
    """A record in a line: commits, and how many runs on which devices in which Keras."""
    parts = [f"Commit {record.get('commit') or 'unknown'}"]
    for step in _steps(record):
        if "n_runs" in step:
            parts.append(f"study {step['study']}: {_runs(step)}")
    if dirty(record):
        parts.append(f"made with {UNCOMMITTED}")
    return "; ".join(parts) + "."


def _steps(record: Record) -> Iterator[Record]:
    yield record
    for part in record.get("sources", []):
        yield from _steps(part.get("provenance", {}))


def _paragraphs(name: str, record: Record) -> Iterator[list[str]]:
    yield [name, *(f"  {key:10} {value}" for key, value in _lines(record))]
    for part in record.get("sources", []):
        if "provenance" in part:
            yield from _paragraphs(part["file"], part["provenance"])
        else:
            changed = f", {UNCOMMITTED}" if part.get("dirty") else ""
            yield [part["file"], f"  {'sha256':10} {part['sha256']}{changed}"]


UNCOMMITTED = "uncommitted changes"


def _lines(record: Record) -> Iterator[tuple[str, str]]:
    if record.get("changed"):
        yield "changed", "not the file that this was written for"
    if "module" in record:
        yield "made by", record["module"]
    yield "commit", _commit(record)
    if record.get("time"):
        yield "time", record["time"]
    yield "machine", f"Python {record.get('python')}, {record.get('platform')}"
    yield "versions", _pairs(record.get("versions", {}))
    if "device" in record:
        yield "device", record["device"]
    if "n_runs" in record:
        yield from _study_lines(record)
    elif "config" in record:  # one run
        yield "settings", _pairs(record["config"])


def _study_lines(record: Record) -> Iterator[tuple[str, str]]:
    yield "study", f"{record['study']}: {record['question']}"
    yield "made of", _runs(record)
    yield "seeds", _values(record["seeds"])
    yield "settings", _pairs(record["config"])
    yield "grid", _pairs(record["grid"])
    for entry in record["trained"]:
        period = f"{entry['first'] or 'unknown'} to {entry['last'] or 'unknown'}"
        yield "trained", f"{entry['n_runs']:,} runs at {_commit(entry)}, {period}"
    for entry in record.get("checked", []):
        yield "checked", f"of the code of {_commit(entry)}"


def _commit(record: Record) -> str:
    commit = record.get("commit") or "unknown"
    return f"{commit}, {UNCOMMITTED}" if record.get("dirty") else commit


def _runs(record: Record) -> str:
    return (
        f"{record['n_runs']:,} runs on {' and '.join(record['devices'])} in Keras "
        f"{' and '.join(record['keras'])}, threads: {_values(record['threads'])}"
    )


def _pairs(values: Record) -> str:
    return "; ".join(f"{key}={_values(value)}" for key, value in values.items())


def _values(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
