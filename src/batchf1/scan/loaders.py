"""Loaders: whether their batches have a single sample, as far as it shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from batchf1.scan.known import names
from batchf1.scan.modules import Module
from batchf1.scan.syntax import Function, dotted, entry, keyword, last, own_nodes

WRAPPERS = names("tqdm enumerate iter trange track progress_bar notebook_tqdm islice")
"""Functions that hand on what they are given."""
_DATASETS = re.compile(r"Dataset$|Data$")
MAX_STEPS = 6
"""Variables and functions on the way from a loop to its loader."""


def of_one_sample(loop: ast.AST, module: Module, *, far: bool = False) -> bool:
    """Whether each batch of a loop is one sample.

    Parameters
    ----------
    loop
        Loop over batches; for anything else the answer is no.
    module
        Module of the loop.
    far
        Whether to look for the loader in other functions and files, too, and for the default of an
        option of the command line, which takes longer.

    Returns
    -------
    bool
        True where every loader that the loop may get is found and has one sample in a batch.
    """
    if not isinstance(loop, (ast.For, ast.AsyncFor)):
        return False
    look = _Far(module) if far else _Near(module)
    nodes = (node for node in ast.walk(loop.iter) if isinstance(node, ast.expr))
    return any(look.is_one(node, loop) for node in nodes)


class _Near:
    """Names that a module shows without its functions being followed."""

    def __init__(self, module: Module, steps: int = MAX_STEPS) -> None:
        self.module, self.steps = module, steps

    def is_one(self, node: ast.expr, place: ast.AST | None = None) -> bool:
        """Whether an expression is a loader of single samples."""
        if self.steps <= 0:
            return False
        self.steps -= 1
        name = dotted(node)
        if not name:
            return isinstance(node, ast.Call) and self._makes_one(node)
        given = list(self._given(name, place or node))
        if given:
            return all(type(self)(module, self.steps).is_one(one) for module, one in given)
        above: int = getattr(place, "lineno", node.lineno - 1)
        made = self.module.value_before(name, above)
        if made is None or made is node or dotted(made) == name:
            return made is None and self._unpacked(name)
        return self.is_one(made)

    def _makes_one(self, call: ast.Call) -> bool:
        name = last(call.func)
        if name in WRAPPERS and call.args:
            return self.is_one(call.args[0])
        if _DATASETS.search(name) and isinstance(call.func, ast.Name):
            return True
        if name == "batch" and call.args:
            return self.number(call.args[0]) == 1
        if name == "DataLoader":
            return self.batch_size(call) == 1
        return self._returns_one(call, None)

    def batch_size(self, loader: ast.Call) -> int | None:
        """Return the batch size of a call of DataLoader, 1 by default; None if it is not shown."""
        size = keyword(loader, "batch_size")
        if size is None and len(loader.args) > 1:
            size = loader.args[1]
        spread = [one.value for one in loader.keywords if one.arg is None]
        if size is None and spread:
            given = self.module.value_before(dotted(spread[0]), loader.lineno)
            size = entry(given, "batch_size")
        if size is None:
            custom = any(one.arg in ("batch_sampler", "sampler") for one in loader.keywords)
            return None if spread or custom else 1
        return self.number(size)

    def number(self, node: ast.expr) -> int | None:
        """Return an integer that is written down, or that a variable was assigned."""
        if not isinstance(node, ast.Constant):
            node = self.module.value_before(dotted(node), node.lineno) or node
        value = node.value if isinstance(node, ast.Constant) else None
        return value if isinstance(value, int) else None

    def _given(self, name: str, place: ast.AST) -> Iterator[tuple[Module, ast.expr]]:
        """Yield what calls give a parameter, with their modules."""
        function = self.module.enclosing(place, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from ((self.module, one) for one in self.module.given(name, function))

    def _unpacked(self, name: str) -> bool:
        """Whether a variable is one of several that a call returns, and is such a loader."""
        call, place = self.module.unpacked.get(name, (None, 0))
        return call is not None and self._returns_one(call, place)

    def _returns_one(self, call: ast.Call, place: int | None) -> bool:
        return False


class _Far(_Near):
    """Callers and functions in other files, and options of a command line."""

    def _given(self, name: str, place: ast.AST) -> Iterator[tuple[Module, ast.expr]]:
        near = list(super()._given(name, place))
        function = self.module.enclosing(place, ast.FunctionDef, ast.AsyncFunctionDef)
        if near or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from near
        elif name in [one.arg for one in function.args.args]:
            for module in self.module.project.with_word(function.name):
                if _calls(module, function, self.module):
                    yield from ((module, one) for one in module.given(name, function))

    def _returns_one(self, call: ast.Call, place: int | None) -> bool:
        made = self.module.resolve(call.func)
        if made is None or isinstance(made.node, ast.ClassDef):
            return False
        results = [node.value for node in own_nodes(made.node) if isinstance(node, ast.Return)]
        if place is not None:
            results = [
                one.elts[place] if isinstance(one, ast.Tuple) and place < len(one.elts) else None
                for one in results
            ]
        look = _Far(made.module, self.steps)
        return bool(results) and all(one is not None and look.is_one(one) for one in results)

    def number(self, node: ast.expr) -> int | None:
        near = super().number(node)
        if near is not None:
            return near
        made = self.module.value_before(dotted(node), node.lineno - 1)
        if made is not None and self.steps > 0:
            self.steps -= 1
            return self.number(made)
        given = list(self._given(dotted(node), node))
        numbers = [_Near(module).number(one) for module, one in given] or _defaults(
            node, self.module
        )
        return numbers[0] if len(set(numbers)) == 1 else None


def _calls(module: Module, function: Function, home: Module) -> bool:
    """Whether a module calls a function of another one."""
    found = (module.resolve(call.func) for call in module.calls.get(function.name, []))
    return module is not home and any(
        made is not None
        and made.node.name == function.name
        and made.module.source.path == home.source.path
        for made in found
    )


def _defaults(node: ast.expr, module: Module) -> list[int | None]:
    """Return the defaults of the options that `args.batch_size` may come from, the near ones first.

    A parameter's own default counts, too.
    """
    name = last(node)
    function = module.enclosing(node, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, ast.Name):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return []
        names = [one.arg for one in function.args.args]
        pairs = dict(zip(names[::-1], function.args.defaults[::-1], strict=False))
        return [_Near(module).number(pairs[name])] if name in pairs else []
    for modules in ([module], module.project.with_word("add_argument")):
        found = [one for each in modules for one in _options(each, name)]
        if found:
            return found
    return []


def _options(module: Module, name: str) -> list[int | None]:
    """Return the defaults of the options of a name in a module."""
    found: list[int | None] = []
    for call in module.calls.get("add_argument", []):
        flags = [
            one.value.lstrip("-").replace("-", "_")
            for one in call.args
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        renamed = keyword(call, "dest")
        flags += [str(renamed.value)] if isinstance(renamed, ast.Constant) else []
        if name in flags:
            default = keyword(call, "default")
            found.append(_Near(module).number(default) if default is not None else None)
    return found
