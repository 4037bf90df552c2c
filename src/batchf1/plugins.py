"""Packages in which every module is one plug-in, whose `name` is its file's."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import TypeVar

from batchf1.provenance import PACKAGE

T = TypeVar("T")


def names(package: str) -> list[str]:
    """The plug-ins of a package (`datasets`, `strategies`, `plots`), without importing any."""
    folder = str(PACKAGE / package)
    return sorted(m.name for m in pkgutil.iter_modules([folder]) if not m.name.startswith("_"))


def implementation(package: str, name: str, base: type[T]) -> type[T]:
    """The subclass of `base` that module `name` of the package defines."""
    module = import_module(f"batchf1.{package}.{name}")
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} must define exactly one {base.__name__}")
    if getattr(found[0], "name", None) != name:
        raise TypeError(f"{module.__file__}: {found[0].__name__} must have name = {name!r}")
    return found[0]
