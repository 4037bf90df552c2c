"""What `config.yaml` says, with its patterns resolved to files."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import yaml

PACKAGE, TESTS, CONFIG = Path("src/batchf1"), Path("tests"), Path("tools/mutation/config.yaml")


class Group(NamedTuple):
    """Files that share their tests; all paths from the root of the repository."""

    files: list[Path]
    tests: list[Path]
    load: list[str]
    entries: list[str]
    sample: int | None
    seed: int


def groups(root: Path, modules: list[str] | None = None) -> list[Group]:
    """All groups, or what is left of them with only these modules (`counts`, `strategies/*`)."""
    config = yaml.safe_load((root / CONFIG).read_text())
    found = []
    for group in config["groups"]:
        files = [file for file in _files(root, PACKAGE, group["files"]) if _named(file, modules)]
        tests = _files(root, TESTS, group["tests"])
        entries, sample = group.get("entries", []), group.get("sample")
        found.append(Group(files, tests, group["load"], entries, sample, config["seed"]))
    for module in modules or []:
        if not any(_named(file, [module]) for group in found for file in group.files):
            raise SystemExit(
                f"MODULES: name files of {CONFIG}, such as metrics/counts; got {module}"
            )
    return [group for group in found if group.files]


def _files(root: Path, folder: Path, patterns: list[str]) -> list[Path]:
    found = []
    for pattern in patterns:
        paths = sorted((root / folder).glob(pattern))
        if not paths:
            raise SystemExit(f"{CONFIG}: there is no {folder / pattern}")
        found += [path.relative_to(root) for path in paths]
    return found


def _named(file: Path, modules: list[str] | None) -> bool:
    name = str(file.relative_to(PACKAGE).with_suffix(""))
    return not modules or any(fnmatch(name, module) for module in modules)
