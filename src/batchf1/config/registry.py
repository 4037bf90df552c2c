"""Plug-ins: data sets, strategies, frameworks and figures, found by their names.

One is of this package, listed in `plugins.toml`; of another, which registers it under an entry
point (group `batchf1.datasets`, `batchf1.strategies`, `batchf1.frameworks` or `batchf1.figures`);
or of a file of the user's own, named by its import path: `my_module.MyDataset`, and `my_module` for
a figure.
"""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from batchf1.datasets.base import Dataset
from batchf1.errors import check
from batchf1.records.imports import exists, plugin
from batchf1.records.provenance import PACKAGE

if TYPE_CHECKING:  # Keras takes seconds to import
    from batchf1.keras.base import Strategy

DATASETS, STRATEGIES, FIGURES = "datasets", "strategies", "figures"
FRAMEWORKS = "frameworks"
"""Kinds of plug-ins, and their entry points' groups behind `batchf1.`."""
OWN = PACKAGE / "config" / "plugins.toml"
"""Plug-ins of this package. Not code: a further figure must not change the fingerprint of runs."""
PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""Import path of a class."""
MODULE_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
LABELS = {DATASETS: "dataset", STRATEGIES: "strategies", FIGURES: "figure"}
LABELS |= {FRAMEWORKS: "training.engine"}
"""Kind -> what a message calls it."""


def names(kind: str) -> list[str]:
    """Return the sorted names of all plug-ins that need no import path, without importing any."""
    return sorted({*_own(kind), *_registered(kind)})


def own_names(kind: str) -> list[str]:
    """Return the sorted names of this package's own plug-ins, without importing any."""
    return sorted(_own(kind))


def import_path(kind: str, name: str, label: str | None = None) -> str:
    """Return a plug-in's `module:object`, or `module` for a figure, without importing it.

    `name` may be an import path. Raises `InputError`, which calls it `label`, for a name that
    nothing has.
    """
    for paths in (_own(kind), _registered(kind)):
        if name in paths:
            return paths[name]
    where = name if kind == FIGURES else ":".join(name.rsplit(".", 1))
    rule = f"must be one of {names(kind)}, or the import path of your own"
    path = MODULE_PATH if kind == FIGURES else PATH
    good = path.fullmatch(name) is not None and exists(where)
    check(good, label or LABELS[kind], rule, name)
    return where


def module(kind: str, name: str) -> str:
    """Return the dotted name of the module that holds a plug-in."""
    return import_path(kind, name).partition(":")[0]


def load(kind: str, name: str) -> Any:
    """Import a plug-in and return it: a class, or the module of a figure.

    Raises `InputError` where there is none, and `PluginError` where its module cannot be loaded.
    """
    where, _, attribute = import_path(kind, name).partition(":")
    with plugin(f"{LABELS[kind]} {name}", where):
        plugin_module: Any = import_module(where)
    good = not attribute or hasattr(plugin_module, attribute)
    check(good, LABELS[kind], f"must be defined in {where}", attribute)
    return getattr(plugin_module, attribute) if attribute else plugin_module


def dataset(name: str) -> type[Dataset]:
    """Return the class of a data set; raise `InputError` if it breaks its contract."""
    dataset_class: type[Dataset] = load_class(DATASETS, name, Dataset)
    return dataset_class


def strategy(name: str) -> type[Strategy]:
    """Return the class of a strategy; raise `InputError` if it breaks its contract."""
    from batchf1.keras.base import Strategy

    strategy_class: type[Strategy] = load_class(STRATEGIES, name, Strategy)
    return strategy_class


def load_class(kind: str, name: str, base: type[Any]) -> Any:
    """Return the class of a plug-in; raise `InputError` if it breaks the contract of its base."""
    loaded, label = load(kind, name), f"{LABELS[kind]} {name}"
    good = inspect.isclass(loaded) and issubclass(loaded, base) and not inspect.isabstract(loaded)
    check(good, label, f"must be a complete subclass of {base.__name__}", loaded)
    check(bool(getattr(loaded, "name", "")), label, "must have a name", "none")
    return loaded


@cache
def _registered(kind: str) -> dict[str, str]:
    """Map other packages' plug-ins to import paths; print a line for each one left out."""
    paths = {}
    for point in entry_points(group=f"batchf1.{kind}"):
        if point.name in _own(kind):
            note = f"batchf1: left out: entry point {point.name} ({point.value}) of batchf1.{kind}"
            print(f"{note}: batchf1 has one of this name", file=sys.stderr)  # noqa: T201
        else:
            paths[point.name] = point.value.replace(" ", "")
    return paths


@cache
def _own(kind: str) -> dict[str, str]:
    """Map this package's own plug-ins to their import paths."""
    own: dict[str, dict[str, str]] = tomllib.loads(OWN.read_text(encoding="utf-8"))
    return own[kind]
