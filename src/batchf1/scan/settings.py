"""Settings of the scan in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from batchf1.errors import check, raise_input_error

_KEYS = ("paths", "rules")


class Settings(NamedTuple):
    """The table `[tool.batchf1.scan]`."""

    paths: tuple[str, ...] = ()
    """What is scanned where the command names nothing; relative to the file."""
    rules: tuple[str, ...] | None = None
    """IDs of the rules to apply; None for all."""


def load(folder: Path) -> Settings:
    """Read the nearest pyproject.toml in a folder or above it.

    Raises
    ------
    InputError
        For a file that is no TOML, and for an unknown key or a value of another type.
    """
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        if file.is_file():
            return _read(file)
    return Settings()


def _read(file: Path) -> Settings:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise_input_error(str(file), "must be TOML", str(error))
    table = data.get("tool", {})
    for name in ("batchf1", "scan"):
        table = table.get(name, {})
        check(isinstance(table, dict), f"{file}: tool.{name}", "must be a table", table)
    for key, value in table.items():
        name = f"{file}: tool.batchf1.scan.{key}"
        check(key in _KEYS, name, f"must be one of {', '.join(_KEYS)}", key)
        good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        check(good, name, "must be a list of texts", value)
    paths = tuple(str(file.parent / one) for one in table.get("paths", ()))
    return Settings(paths, tuple(table["rules"]) if "rules" in table else None)
