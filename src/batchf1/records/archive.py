"""Archives of a version, as `make archive` writes them: their results put back into a checkout."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from batchf1.errors import check, raise_path_error
from batchf1.records import files

RESULTS = "results"
"""Folder of the tables and caches of studies."""
INDEX = "ro-crate-metadata.json"
"""File of an archive that lists its files with their SHA-256."""
CODE = ("src", "conf", "experiments", "workflow", "Snakefile")
"""Files and folders that decide what a table holds."""
CHUNK = 2**20


@dataclass(frozen=True)
class Restored:
    """Tables and caches that were put back.

    Attributes
    ----------
    tables, cached : int
        Files written: tables of studies, and files of their caches.
    kept : tuple of str
        Tables and files of caches that were there with other content, and were left as they were.
    changed : tuple of str
        Files of the code that differ from the archive's; if there is one, no table is put back.
    """

    tables: int
    cached: int
    kept: tuple[str, ...]
    changed: tuple[str, ...]


def restore(archive: Path, folder: Path) -> Restored:
    """Put tables and caches of an archive into a checkout, each checked against its hash.

    What is there is not overwritten. A cached run says itself whether it still holds, and is put
    back whatever the code; a table does not, and is put back only if the code is the archive's.

    Parameters
    ----------
    archive : Path
        File that `make archive` wrote.
    folder : Path
        Root of the checkout.

    Returns
    -------
    Restored
        Numbers of files, and what was left out.

    Raises
    ------
    InputError
        If the archive cannot be read, lists a file outside of `results/` among results, or has a
        file of another hash; what was put back before stays.
    """
    with _opened(archive) as opened:
        hashes = _hashes(opened, archive)
        changed = tuple(sorted(_changed(hashes, folder)))
        written, kept = {True: 0, False: 0}, []
        for name, sha256 in hashes.items():
            parts = PurePosixPath(name).parts
            if parts[0] != RESULTS:
                continue
            check(".." not in parts, str(archive), "cannot hold a name that leaves results", name)
            cached = "store" in parts
            path = folder / name
            if path.exists():
                if files.sha256_of(path) != sha256:
                    kept.append(name)
            elif cached or not changed:
                _extract(opened, name, sha256, path)
                written[cached] += 1
    return Restored(written[False], written[True], tuple(kept), changed)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except zipfile.BadZipFile as error:
        check(False, str(archive), "must be a whole archive of `make archive`", str(error))
    except OSError as error:
        raise_path_error(archive, "must be a readable file", error)


def _hashes(opened: zipfile.ZipFile, archive: Path) -> dict[str, str]:
    """Return name and SHA-256 of each file that the archive lists."""
    listed = INDEX in opened.namelist()
    check(listed, str(archive), "must be an archive of `make archive`", f"no {INDEX}")
    entities: list[Mapping[str, Any]] = json.loads(opened.read(INDEX))["@graph"]
    hashes = {each["@id"]: each["sha256"] for each in entities if "File" in each["@type"]}
    lacking = sorted(hashes.keys() - set(opened.namelist()))
    check(not lacking, str(archive), "must hold each file that it lists", f"no {lacking[:1]}")
    return hashes


def _changed(hashes: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Yield the files of the code that are missing here, or differ."""
    for name, sha256 in hashes.items():
        path = folder / name
        decides = PurePosixPath(name).parts[0] in CODE
        if decides and (not path.is_file() or files.sha256_of(path) != sha256):
            yield name


def _extract(opened: zipfile.ZipFile, name: str, sha256: str, path: Path) -> None:
    digest = hashlib.sha256()
    with files.replacing(path) as part:
        with opened.open(name) as source, part.open("wb") as target:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
        check(digest.hexdigest() == sha256, name, f"must have SHA-256 {sha256}", digest.hexdigest())
