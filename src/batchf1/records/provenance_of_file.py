"""Provenance of a figure's files: written beside its CSV and into its pictures, read from both.

A figure's record says module, settings, data and package versions, so that it is the same wherever
the same is made again. Which commit a file is of, git knows; when and where its runs were trained,
the study's table under `results/`, where there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from batchf1.errors import check, keep_machine_error, one_line, raise_input_error
from batchf1.records import files, provenance, tables
from batchf1.records.files import sha256_of

KEY = "batchf1"
"""Key of the text in a PNG that holds the record; a PDF has it in its keywords."""
OF_STUDY = ("study", "question", "n_runs", "frameworks", "devices", "config", "grid")
"""Fields of a study's table in a figure's record."""
UNCOMMITTED = "uncommitted changes"
Record = Mapping[str, Any]


def write_record(
    table: Path, module: str, sources: Sequence[Path], metric: str | None = None
) -> None:
    """Write the record of a figure's CSV beside it, atomically; `metric`: that was asked for."""
    record = {
        "module": module,
        "sha256": sha256_of(table),
        "versions": provenance.versions(*provenance.RECORDED),
        "sources": [_source(path) for path in sources],
        **({} if metric is None else {"metric": metric}),
    }
    with files.replacing(record_path(table)) as temporary:
        temporary.write_text(json.dumps(record, sort_keys=True, indent=1) + "\n")


def record_path(table: Path) -> Path:
    """Return the path of the record of a figure's CSV: beside it, with the same stem."""
    return table.with_suffix(".json")


def _source(path: Path) -> dict[str, Any]:
    """Return the record of a source: a study's settings, or the SHA-256 of a plain file."""
    if path.suffix != ".parquet":
        return {"file": str(path), "sha256": sha256_of(path)}
    record = tables.provenance_of(path)
    return {"file": str(path)} | {key: record[key] for key in OF_STUDY if key in record}


def of_csv(table: Path) -> dict[str, Any]:
    """Read the record beside a figure's CSV.

    Raises `InputError` where there is none, it cannot be read, or it was written for another CSV.
    """
    sha256, path = sha256_of(table), record_path(table)
    record = _parsed(files.read(path), path)
    rule = f"must be the file that {path.name} was written for; make it again (workflow table)"
    check(record.get("sha256") == sha256, str(table), rule, f"SHA-256 {sha256}")
    return record


def embedded(record: Record) -> str:
    """Serialize a record for a picture: ASCII on one line, the same for equal records."""
    return json.dumps(record, sort_keys=True)


def provenance_of(path: Path) -> dict[str, Any]:
    """Read the record of a table (.parquet, .csv) or picture (.png, .pdf), and its git status.

    `commit`: the last one that changed the file, None for none; `uncommitted`: whether the file
    differs from it, None outside a repository; `trained`: of each study whose table lies here, how
    its runs were trained. A CSV that is not the one its record was written for has the key
    `changed`. Raises `InputError` for another kind of file, one that cannot be read, and one
    without a record.
    """
    kinds = _readers()
    check(path.suffix in kinds, str(path), f"must end in one of {', '.join(kinds)}", path.suffix)
    files.read(path)
    record: dict[str, Any] = kinds[path.suffix](path)
    check(bool(record), str(path), "must have a record of what it was made from")
    if path.suffix == ".parquet":
        return record
    if path.suffix == ".csv" and record.get("sha256") != sha256_of(path):
        record |= {"changed": True}
    commit, uncommitted = provenance.commit_of(path), provenance.dirty(path.parent, path.name)
    here = {"commit": commit, "uncommitted": uncommitted, "trained": _trained(path, record)}
    return record | here


def _trained(path: Path, record: Record) -> list[Any]:
    """Return how the runs behind a figure were trained, from tables in the same checkout."""
    root = provenance.root_of(path)
    sources = [root / source["file"] for source in record.get("sources", []) if root]
    studies = [path for path in sources if path.suffix == ".parquet" and path.exists()]
    return [entry for path in studies for entry in tables.provenance_of(path).get("trained", [])]


def _readers() -> dict[str, Any]:
    parquet = tables.provenance_of
    return {".parquet": parquet, ".csv": _of_csv, ".png": _of_png, ".pdf": _of_pdf}


def _of_csv(path: Path) -> dict[str, Any]:
    record = record_path(path)
    return _parsed(files.read(record), record) if record.exists() else {}


def _of_png(path: Path) -> dict[str, Any]:
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()  # texts may stand behind the pixels
            texts: dict[str, str] = getattr(picture, "text", {})
    except (OSError, SyntaxError, ValueError) as error:
        keep_machine_error(error, path)
        raise_input_error(str(path), "must be a whole PNG", error)
    return _parsed(texts.get(KEY, "{}").encode(), path)


def _of_pdf(path: Path) -> dict[str, Any]:
    """Read the keywords as matplotlib writes them: a literal string, not compressed."""
    match = re.search(rb"/Keywords \(((?:[^\\()]|\\.)*)\)", files.read(path), re.DOTALL)
    keywords = re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL) if match else b"{}"
    return _parsed(keywords, path) if keywords.startswith(b"{") else {}


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise_input_error(str(path), "must hold its record as JSON", one_line(error))
    check(isinstance(record, dict), str(path), "must hold its record as a JSON object", record)
    recorded: dict[str, Any] = record
    return recorded


def text(path: Path, record: Record) -> str:
    """Format a record as text: the file's fields, then those of each source."""
    parts = [[str(path), *_indented(_lines(record))]]
    for source in record.get("sources", []):
        parts.append([source["file"], *_indented(_source_lines(source))])
    return "\n\n".join("\n".join(part) for part in parts)


def bibtex(path: Path, record: Record) -> str:
    """Format a BibTeX entry for a file: version and authors, the commit that it is of, its date."""
    package, commit = metadata("batchf1"), record.get("commit")
    changed = record.get("uncommitted", record.get("dirty"))
    date = provenance.date_of(path.parent, commit) if commit else None
    fields = {
        "title": f"{{{path.name} of batchf1: how wrong is a batch-averaged F1?}}",
        "author": f"{{{package['Author']}}}",
        "version": package["Version"],
        "year": date[:4] if date else None,
        "note": f"Commit {_commit(commit, changed)}" if commit else None,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@software{{batchf1_{path.stem},", *lines, "}"])


def summary(record: Record) -> str:
    """Format a record as one line: number of runs, devices and framework."""
    studies = [source for source in record.get("sources", []) if "n_runs" in source]
    parts = [f"Study {source['study']}: {_runs(source)}" for source in studies]
    others = [source["file"] for source in record.get("sources", []) if "n_runs" not in source]
    return "; ".join(dict.fromkeys([*parts, *others])) + "." if parts or others else ""


def _indented(lines: Iterator[tuple[str, str]]) -> list[str]:
    return [f"  {key:10} {value}" for key, value in lines]


def _lines(record: Record) -> Iterator[tuple[str, str]]:
    if record.get("changed"):
        yield "changed", "not the file that this was written for"
    if "module" in record:
        yield "made by", record["module"]
    if "metric" in record:
        yield "metric", record["metric"]
    if "commit" in record:
        changed = record.get("uncommitted", record.get("dirty"))
        yield "commit", _commit(record["commit"], changed)
    if "time" in record:
        yield "time", record["time"]
    if "platform" in record:
        yield "machine", f"Python {record.get('python')}, {record['platform']}"
    yield "versions", _pairs(record.get("versions", {}))
    if "study" in record:
        yield from _source_lines(record)
    elif "config" in record:  # runs that trained together, or a measurement
        yield "settings", _pairs(record["config"])
        if record.get("grid"):
            yield "grid", _pairs(record["grid"])
    for entry in record.get("trained", []):
        commit = _commit(entry["commit"], entry["dirty"])
        yield (
            "trained",
            f"{entry['n_runs']:,} runs at {commit}, {entry['first']} to {entry['last']}",
        )


def _source_lines(source: Record) -> Iterator[tuple[str, str]]:
    if "sha256" in source:
        yield "sha256", source["sha256"]
    if "n_runs" in source:
        yield "study", f"{source['study']}: {source['question']}"
        yield "made of", _runs(source)
        yield "settings", _pairs(source["config"])
        yield "grid", _pairs(source["grid"])


def _commit(commit: str | None, changed: bool | None) -> str:
    return f"{commit or 'none'}, {UNCOMMITTED}" if changed else commit or "none"


def _runs(source: Record) -> str:
    devices, frameworks = (" and ".join(source[key]) for key in ("devices", "frameworks"))
    return f"{source['n_runs']:,} runs on {devices} in {frameworks}"


def _pairs(values: Record) -> str:
    return "; ".join(f"{key}={_values(value)}" for key, value in values.items())


def _values(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
