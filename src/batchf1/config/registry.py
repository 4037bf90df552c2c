"""Plug-ins: data sets, strategies, frameworks and figures, found by the names that they declare.

One is of this package; of another, which registers it under an entry point (group
`batchf1.datasets`, `batchf1.strategies`, `batchf1.frameworks` or `batchf1.figures`); or of a file
of the user's own, named by its import path: `my_module.MyDataset`, and `my_module` for a figure.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
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
FOLDERS = {DATASETS: "datasets", STRATEGIES: "keras", FIGURES: "figures"}
"""Kind -> the package of this one that holds its own."""
PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""Import path of a class."""
MODULE_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
ENGINES = {
    "ensemble": "batchf1.training.keras3.framework:Keras3",
    "plain": "batchf1.training.keras3.framework:Keras3",
    "keras224": "batchf1.training.keras224.framework:Keras224",
}
"""Value of `training.engine` -> the framework that it means."""


LABELS = {DATASETS: "dataset", STRATEGIES: "strategies", FIGURES: "figure"}
LABELS |= {FRAMEWORKS: "training.engine"}
"""Kind -> what a message calls it."""


def names(kind: str) -> list[str]:
    """Return the sorted names of all plug-ins that need no import path, without importing any."""
    return sorted(_known(kind))


def own_names(kind: str) -> list[str]:
    """Return the sorted names of this package's own plug-ins, without importing any."""
    return sorted(_own(kind))


def import_path(kind: str, name: str, thing: str | None = None) -> str:
    """Return a plug-in's `module:object`, or `module` for a figure, without importing it.

    `name` may be an import path. Raises `InputError`, which calls it `thing`, for a name that
    nothing has.
    """
    known = _known(kind)
    if name in known:
        return known[name]
    where = name if kind == FIGURES else ":".join(name.rsplit(".", 1))
    rule = f"must be one of {sorted(known)}, or the import path of your own"
    path = MODULE_PATH if kind == FIGURES else PATH
    good = path.fullmatch(name) is not None and exists(where)
    check(good, thing or LABELS[kind], rule, name)
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
        found: Any = import_module(where)
    good = not attribute or hasattr(found, attribute)
    check(good, LABELS[kind], f"must be defined in {where}", attribute)
    return getattr(found, attribute) if attribute else found


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
    found = load(kind, name)
    good = inspect.isclass(found) and issubclass(found, base) and not inspect.isabstract(found)
    check(good, f"{LABELS[kind]} {name}", f"must be a complete subclass of {base.__name__}", found)
    check(bool(getattr(found, "name", "")), f"{LABELS[kind]} {name}", "must have a name", "none")
    return found


def _known(kind: str) -> dict[str, str]:
    """Map each plug-in that needs no import path to its import path."""
    return _own(kind) | _registered(kind)


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
    """Map this package's own plug-ins, found by parsing its files, to their import paths."""
    if kind == FRAMEWORKS:
        return ENGINES
    folder = PACKAGE / FOLDERS[kind]
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    found: dict[str, str] = {}
    for path in files:
        module_name = f"{PACKAGE.name}.{FOLDERS[kind]}.{path.stem}"
        found |= {name: module_name + end for name, end in _declared(kind, path)}
    return found


def _declared(kind: str, path: Path) -> list[tuple[str, str]]:
    """Return the plug-ins declared in a file, a figure named by the file, a class by its `name`."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if kind == FIGURES:
        return [(path.stem, "")] if any(_binds_columns(node) for node in body) else []
    classes = [node for node in body if isinstance(node, ast.ClassDef) and node.bases]
    return [(name, f":{node.name}") for node in classes for name in _names_in(node)]


def _binds_columns(node: ast.stmt) -> bool:
    """Return True if a statement binds `COLUMNS`, as the module of a figure does."""
    if isinstance(node, ast.ImportFrom):
        return any(alias.asname == "COLUMNS" or alias.name == "COLUMNS" for alias in node.names)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == "COLUMNS" for target in targets)


def _names_in(node: ast.ClassDef) -> list[str]:
    """Return the text assigned to `name` in the body of a class."""
    return [
        part.value.value
        for part in node.body
        if isinstance(part, ast.Assign)
        and isinstance(part.value, ast.Constant)
        and isinstance(part.value.value, str)
        and any(isinstance(target, ast.Name) and target.id == "name" for target in part.targets)
    ]
