"""What users name by an import path: of an installed package, or a file where they work."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from batchf1.errors import require


def exists(where: str) -> bool:
    """Whether there is the module of `module` or `module:object`; it is not imported."""
    _look_here()
    try:
        return find_spec(where.partition(":")[0]) is not None
    except (ModuleNotFoundError, ValueError):  # of a package that is none; of `__main__`
        return False


def named(thing: str, where: str) -> Any:
    """The object of `module:object`; `InputError`, which calls it `thing`, where there is none."""
    module, _, name = where.partition(":")
    require(bool(module and name) and exists(where), thing, "module:function is found", where)
    found = import_module(module)
    require(hasattr(found, name), thing, f"{module} must have it", name)
    return getattr(found, name)


def _look_here() -> None:
    """Let the working directory hold modules; last, so that a folder there hides no package."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
