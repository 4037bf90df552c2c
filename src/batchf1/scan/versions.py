"""Version of Keras that a program is for, as far as imports, settings and pins show it."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from batchf1.scan.modules import Module

PINS = ("requirements.txt", "pyproject.toml", "setup.cfg", "setup.py", "environment.yml")
"""Files beside the code, or above it, that say which packages it needs; the nearest count."""
MAX_BYTES = 1_000_000
"""Largest of them that is read."""
FIRST = {"tensorflow": (2, 16), "keras": (3, 0)}
"""Package -> its first version with Keras 3."""
_LEGACY = "TF_USE_LEGACY_KERAS"
_SWITCH = re.compile(_LEGACY + r"""["'\]),\s]*[=,]?\s*["']?(1|true)\b""", re.I)
_PIN = re.compile(
    r"""^[\s"'\-]*(tensorflow|keras)(?:[-_](?:gpu|cpu|macos|intel))?(?:\[[\w,\-]*\])?\s*"""
    r"""=?\s*["']?\s*([=<>!~][^;#"']*)""",
    re.I | re.M,
)
_CLAUSE = re.compile(r"(?<![<>!~=])(===?|=|<=?|~=)\s*(\d+(?:\.\d+)*)")


def is_before_keras_3(module: Module) -> bool:
    """Whether a module shows that it runs with Keras 1 or 2.

    By `import tf_keras`, by `TF_USE_LEGACY_KERAS` in it or in another file of the scan, or by a pin
    of TensorFlow or Keras in a file for packages in its folder or the nearest one above it.
    """
    if any(path.partition(".")[0] == "tf_keras" for path in module.imports.values()):
        return True
    switched = [module, *module.project.with_word(_LEGACY)]
    if any(_SWITCH.search(one.source.text) for one in switched):
        return True
    return _pinned(Path(module.source.path).absolute().parent)


@lru_cache(maxsize=1024)
def _pinned(folder: Path) -> bool:
    for parent in (folder, *folder.parents):
        files = [parent / name for name in PINS if (parent / name).is_file()]
        if files:
            return any(_excludes_keras_3(file) for file in files)
        if (parent / ".git").exists():
            break
    return False


def _excludes_keras_3(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(MAX_BYTES)
    except OSError:
        return False
    return any(
        _below(operator, version, FIRST[package.lower()])
        for package, clauses in _PIN.findall(text)
        for operator, version in _CLAUSE.findall(clauses)
    )


def _below(operator: str, version: str, first: tuple[int, int]) -> bool:
    """Whether a clause of a requirement allows only versions before the first with Keras 3.

    >>> _below("<", "2.16", (2, 16)), _below("==", "2.16.1", (2, 16)), _below("~=", "2.10", (2, 16))
    (True, False, False)
    """
    parts = tuple(map(int, version.split(".")))
    if operator == "<":
        return parts <= first
    if operator == "~=":  # 2.15.0: any 2.15; 2.15: any 2 from 2.15 on
        last = parts[:-1]
        return (*last, 0)[:2] < first if len(last) > 1 else last < first[:1]
    return (*parts, 0)[:2] < first
