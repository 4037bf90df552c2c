"""Import of modules named by users or other packages, also from the working directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from traceback import walk_tb
from typing import Any

from batchf1.errors import InputError, PluginError, check, one_line

OWN = __name__.partition(".")[0]
_plugins: set[str] = set()
"""Packages, and modules without one, from which a plug-in was loaded."""


def exists(where: str) -> bool:
    """Return True if the module of `module` or `module:object` exists, without importing it."""
    _look_here()
    try:
        return find_spec(where.partition(":")[0]) is not None
    except (ModuleNotFoundError, ValueError):  # of a package that is none; of `__main__`
        return False


def named(label: str, where: str) -> Any:
    """Import the object of `module:object`; raise `InputError`, naming `label`, if missing."""
    module, _, name = where.partition(":")
    check(
        bool(module and name) and exists(where),
        label,
        "must name a function that can be imported, as module:function",
        where,
    )
    with plugin(label, module):
        imported = import_module(module)
    check(hasattr(imported, name), label, f"must be defined in {module}", name)
    return getattr(imported, name)


@contextmanager
def plugin(name: str, module: str) -> Iterator[None]:
    """Load a plug-in from a module in the `with` block; `PluginError` names it where that fails."""
    package = module.partition(".")[0]
    if package == OWN:
        yield
        return
    _plugins.add(package)
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
        raise PluginError(one_line(f"{name}: {module} cannot be loaded: {note}")) from error


def raised_by(error: BaseException) -> str | None:
    """Return the module of the plug-in that raised an exception; None if no plug-in did."""
    names = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    return next((name for name in names[::-1] if name.partition(".")[0] in _plugins), None)


def _look_here() -> None:
    """Append the working directory to the import path, last, so that it hides no package."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
