"""A module of the scanned tree, and where a name in it is defined."""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from batchf1.scan.sources import Source
from batchf1.scan.syntax import Function, children, dotted, keyword, last

if TYPE_CHECKING:
    from batchf1.scan.project import Project


class Definition(NamedTuple):
    """A function or a class, and the module that defines it."""

    module: Module
    node: Function | ast.ClassDef


class Module:
    """Syntax tree of a source, with indexes of what it defines, imports and assigns."""

    def __init__(self, source: Source, project: Project) -> None:
        self.source, self.project = source, project
        self.tree = source.tree()
        self.imports: dict[str, str] = {}
        """Name -> dotted path that it was imported from."""
        self.stars: list[str] = []
        self.definitions: dict[str, Function | ast.ClassDef] = {}
        self.assigned: dict[str, list[ast.expr]] = defaultdict(list)
        """Dotted name -> the expressions assigned to it, in order."""
        self.unpacked: dict[str, tuple[ast.Call, int]] = {}
        """Dotted name -> the call that returned it with others, and its place among them."""
        self.added: dict[str, list[ast.expr]] = defaultdict(list)
        """Dotted name -> what is added or appended to it."""
        self.calls: dict[str, list[ast.Call]] = defaultdict(list)
        """Last name of a function -> its calls."""
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: list[Function | ast.ClassDef] = []
        self.loads: set[str] = set()
        """Last names of all attributes that are read."""
        self._resolved: dict[str, Definition | None] = {}
        queue = deque[ast.AST]([self.tree])
        while queue:
            node = queue.popleft()
            for child in children(node):
                self.parents[child] = node
                queue.append(child)
            self._index(node)

    def _index(self, node: ast.AST) -> None:
        match node:
            case ast.Attribute():
                self.loads.add(node.attr)
            case ast.Call():
                self.calls[last(node.func)].append(node)
                if isinstance(node.func, ast.Attribute) and node.func.attr in ("append", "extend"):
                    self.added[dotted(node.func.value)] += node.args[:1]
            case ast.AugAssign():
                self.added[dotted(node.target)].append(node.value)
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(node.target, value)
            case ast.NamedExpr():
                self._assign(node.target, node.value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.scopes.append(node)
                self.definitions.setdefault(node.name, node)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.Import():
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.imports[alias.asname or name] = name

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, part in zip(target.elts, value.elts, strict=False):
                self._assign(one, part)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Call):
            for place, one in enumerate(target.elts):
                self.unpacked[dotted(one)] = (value, place)
        elif name := dotted(target):
            self.assigned[name].append(value)

    def _import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.module or "")
            else:
                path = f"{node.module or ''}.{alias.name}".strip(".")
                self.imports[alias.asname or alias.name] = path

    @cached_property
    def training_loops(self) -> set[ast.AST]:
        """The innermost loop around each step of an optimiser."""
        calls = self.calls.get("backward", [])
        loops = (self.enclosing(call, ast.For, ast.AsyncFor, ast.While) for call in calls)
        return {loop for loop in loops if loop is not None}

    @cached_property
    def means(self) -> set[str]:
        """Variables that hold `keras.metrics.Mean()`."""
        return {
            name
            for name, values in self.assigned.items()
            if any(isinstance(one, ast.Call) and last(one.func) == "Mean" for one in values)
        }

    def enclosing(self, node: ast.AST, *kinds: type[ast.AST]) -> ast.AST | None:
        """Return the nearest node around another that is of these types."""
        parent = self.parents.get(node)
        while parent is not None and not isinstance(parent, kinds):
            parent = self.parents.get(parent)
        return parent

    def origin(self, node: ast.AST) -> str:
        """Return the dotted path of an expression with its import: `sklearn.metrics.f1_score`."""
        name = dotted(node)
        head, dot, rest = name.partition(".")
        return self.imports.get(head, head) + dot + rest

    def value_before(self, name: str, line: int) -> ast.expr | None:
        """Return the expression assigned to a name last before a line, else last of all."""
        values = self.assigned.get(name, [])
        above = [value for value in values if value.lineno <= line]
        return max(above or values, key=lambda value: value.lineno, default=None)

    def resolve(self, node: ast.AST) -> Definition | None:
        """Return the function or class that an expression names, wherever it is defined."""
        name = dotted(node)
        if not name:
            return self._of_object(node)
        if name not in self._resolved:
            self._resolved[name] = None  # while it is looked for
            self._resolved[name] = self._find(name)
        return self._resolved[name]

    def _of_object(self, node: ast.AST) -> Definition | None:
        """Return the method that `SomeClass().method` names."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
            made = self.resolve(node.value.func)
            return made and made.module.member(made.node, node.attr)
        return None

    def given(self, name: str, function: Function) -> list[ast.expr]:
        """List what the calls of a function in this module give one of its parameters."""
        names = [one.arg for one in function.args.args]
        if name not in names:
            return []
        place = names.index(name) - (names[0] in ("self", "cls"))
        values = []
        for call in self.calls.get(function.name, []):
            value = keyword(call, name)
            if value is None and 0 <= place < len(call.args):
                value = call.args[place]
            values += [value] if value is not None else []
        return values

    def _find(self, name: str) -> Definition | None:
        head, _, rest = name.partition(".")
        if rest:
            return self._find_attribute(name)
        if head in self.definitions:
            return Definition(self, self.definitions[head])
        values = self.assigned.get(head, [])
        if len(values) == 1 and dotted(values[0]) not in ("", head):
            return self.resolve(values[0])
        if head in self.imports:
            return self.project.find(self.imports[head], self)
        for star in self.stars:
            if found := self.project.find(f"{star}.{head}", self):
                return found
        return None if values else self.project.find_unbound(head, self)

    def _find_attribute(self, name: str) -> Definition | None:
        base, _, attribute = name.rpartition(".")
        head, _, middle = base.partition(".")
        if base in ("self", "cls"):
            own = self.definitions.get(attribute)
            return Definition(self, own) if own else None
        for value in self.assigned.get(base, []):  # base = SomeClass()
            made = self.resolve(value.func) if isinstance(value, ast.Call) else None
            method = made and made.module.member(made.node, attribute)
            if method:
                return method
        if head in self.definitions and not middle:
            return self.member(self.definitions[head], attribute)
        if head in self.imports:
            path = self.imports[head] + (f".{middle}" if middle else "")
            if found := self.project.find(f"{path}.{attribute}", self):
                return found
            owner = self.project.find(path, self)
            return owner and owner.module.member(owner.node, attribute)
        if head not in self.assigned and middle == "":
            return self.project.find(f"{base}.{attribute}", self)
        return None

    def member(self, owner: Function | ast.ClassDef, name: str) -> Definition | None:
        """Return the method of a class in this module."""
        if isinstance(owner, ast.ClassDef):
            for node in owner.body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    return Definition(self, node)
        return None
