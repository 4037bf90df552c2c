"""The files of a scan as modules, and what an import among them means."""

from __future__ import annotations

import ast
import gc
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

from batchf1.scan import sources
from batchf1.scan.known import metric_of
from batchf1.scan.modules import Definition, Module
from batchf1.scan.sources import UnreadableError

MAX_MODULES = 600
"""Modules that are kept in memory at a time."""


class Project:
    """The files of a scan, parsed when they are first needed."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.unreadable: dict[str, str] = {}
        """Path -> why the file could not be read."""
        self._modules: dict[str, Module | None] = {}
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._paths = list(paths)
        self._with_word: dict[str, list[str]] = {}
        for path in self._paths:
            parts = _parts(path)
            if parts:
                self._by_stem[parts[-1]].append(path)

    def module(self, path: str) -> Module | None:
        """Return the module of a file; None where it cannot be read, for a reason it keeps."""
        if path not in self._modules:
            self._forget()
            self._modules[path] = None
            try:
                self._modules[path] = Module(sources.read(path), self)
            except UnreadableError as error:
                self.unreadable[path] = str(error)
            except (RecursionError, MemoryError):
                self.unreadable[path] = "nested too deeply"
        return self._modules[path]

    def with_word(self, word: str) -> list[Module]:
        """Return the modules whose text has a word; notebooks are not looked through."""
        if word not in self._with_word:
            self._with_word[word] = [
                path for path in self._paths if path.endswith(".py") and _has(path, word)
            ]
        modules = (self.module(path) for path in self._with_word[word])
        return [module for module in modules if module is not None]

    def _forget(self) -> None:
        """Drop the older half of the modules where there are too many."""
        if len(self._modules) >= MAX_MODULES:
            for path in list(self._modules)[: MAX_MODULES // 2]:
                del self._modules[path]
            gc.collect()

    def find(self, path: str, asker: Module) -> Definition | None:
        """Return what a dotted path names in the tree, the file nearest to the asker first."""
        names = path.split(".")
        for cut in range(len(names) - 1, 0, -1):
            for file in self._files(names[:cut], asker)[:3]:
                module = self.module(file)
                if module is None or (module is asker and len(names) == 1):
                    continue
                if found := _member_of(module, names[cut:], asker):
                    return found
        return None

    def find_unbound(self, name: str, asker: Module) -> Definition | None:
        """Return the function of a name that its own file leaves undefined.

        Parts of a notebook saved as scripts use each other's functions without imports. Only a
        module with a name of metrics is looked at.
        """
        if not metric_of(name) and "metric" not in name.lower():
            return None
        for stem in [stem for stem in self._by_stem if _likely(stem)]:
            for file in self._by_stem[stem][:3]:
                module = self.module(file)
                if module and module is not asker and name in module.definitions:
                    return Definition(module, module.definitions[name])
        return None

    def _files(self, names: list[str], asker: Module) -> list[str]:
        """List the files whose path ends in these names, the nearest to the asker first."""
        home = _parts(asker.source.path)
        hits = [
            path
            for path in self._by_stem.get(names[-1], ())
            if _parts(path)[-len(names) :] == names
        ]
        return sorted(hits, key=lambda path: (-_shared(_parts(path), home), len(path)))


def _has(path: str, word: str) -> bool:
    try:
        return word in sources.read(path).text
    except UnreadableError:
        return False


def _member_of(module: Module, names: list[str], asker: Module) -> Definition | None:
    if node := module.definitions.get(names[0]):
        return Definition(module, node) if len(names) == 1 else module.member(node, names[1])
    if module is not asker and (names[0] in module.imports or names[0] in module.assigned):
        return module.resolve(ast.Name(names[0]))  # handed on
    return None


def _parts(path: str) -> list[str]:
    """Return the names of a module's path, `utils/__init__.py` as `utils`."""
    parts = list(PurePath(path).with_suffix("").parts)
    return parts[:-1] if parts and parts[-1] == "__init__" else parts


def _shared(one: list[str], other: list[str]) -> int:
    same = [a == b for a, b in zip(one, other, strict=False)]
    return [*same, False].index(False)


def _likely(stem: str) -> bool:
    return any(word in stem.lower() for word in ("metric", "util", "score", "helper", "function"))
