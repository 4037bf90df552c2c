"""Statements while code is gone through: what they bind, and which of them take a mean."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from batchf1.scan import loops
from batchf1.scan.kinds import (
    BAD,
    CONSTANT,
    ELEMENTS,
    SAMPLE,
    UNKNOWN,
    Kind,
    Origin,
    Value,
    has_bad,
    join,
    of_items,
)
from batchf1.scan.syntax import dotted, last, own_nodes, root, symbol_of
from batchf1.scan.variables import Variables


class Statements(Variables):
    """Statements of a function, or of a module; `Frame` has the expressions."""

    def run(self, statements: Iterable[ast.stmt]) -> None:
        """Go through statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                self._assign(node)
            case ast.AugAssign():
                self._add(node)
            case ast.AnnAssign(value=ast.expr() as value):
                self.bind(node.target, self.value(value))
            case ast.Expr():
                self.value(node.value)
            case ast.Return():
                made = self.value(node.value) if node.value else CONSTANT
                self.returns.append(made)
                if self.batch is not None and has_bad(made):
                    self.trace.returned.append((node, made, self.batch))
            case ast.If():
                self.value(node.test)
                self._branches([node.body, node.orelse])
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.While():
                self._while(node)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    made = self.value(item.context_expr)
                    if item.optional_vars is not None:
                        self.bind(item.optional_vars, made)
                self.run(node.body)
            case ast.Try():
                self.run([*node.body, *node.orelse, *node.finalbody])
            case ast.Match():
                self._branches([case.body for case in node.cases])

    def _branches(self, branches: list[list[ast.stmt]]) -> None:
        """Go through branches one beside the other, and join what they leave behind."""
        before, after = self.env, []
        for branch in branches:
            self.env = dict(before)
            self.run(branch)
            after.append(self.env)
        merged = dict(after[0])
        for env in after[1:]:
            for name, value in env.items():
                other = merged.get(name)
                merged[name] = value if other in (None, value) else join([other or value, value])
        self.env = merged

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        items = self.value(node.iter)
        tensor = items.kind not in (Kind.UNKNOWN, Kind.CONSTANT)
        batches = not tensor and loops.is_batch_loop(node, self.module)
        outer = self.batch
        if batches:
            self.batch = node
            self._bind_batch(node.target)
        else:
            self._bind_items(node, items)
        self.run([*node.body, *node.orelse])
        self.batch = outer

    def _while(self, node: ast.While) -> None:
        outer = self.batch
        called = {last(one.func) for one in own_nodes(node) if isinstance(one, ast.Call)}
        if "next" in called or node in self.module.training_loops:
            self.batch = node
        self.run([*node.body, *node.orelse])
        self.batch = outer

    def _bind_batch(self, target: ast.expr) -> None:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self.bind(name, ELEMENTS)

    def _bind_items(self, node: ast.For | ast.AsyncFor, items: Value) -> None:
        """Bind the variables of a loop over samples, classes or anything."""
        iterable = node.iter
        name = last(iterable) if isinstance(iterable, ast.Call) else ""
        if name in ("range", "trange"):
            if isinstance(node.target, ast.Name) and loops.numbers_samples(iterable):
                self.indices.add(node.target.id)
            return
        if name in ("items", "values"):
            self.bind(
                node.target.elts[-1] if isinstance(node.target, ast.Tuple) else node.target, items
            )
        elif name == "enumerate" and isinstance(node.target, ast.Tuple):
            self.bind(node.target.elts[-1], of_items(items))
        elif (
            name == "zip" and isinstance(node.target, ast.Tuple) and isinstance(iterable, ast.Call)
        ):
            for target, given in zip(node.target.elts, iterable.args, strict=False):
                item = of_items(self.value(given))
                whole = self.batch is not None and item.kind is Kind.UNKNOWN
                self.bind(target, SAMPLE if whole else item)
        else:
            self.bind(node.target, of_items(items))

    def _assign(self, node: ast.Assign) -> None:
        made = self.value(node.value)
        for target in node.targets:
            name = dotted(target) or (
                symbol_of(target) if isinstance(target, ast.Subscript) else ""
            )
            crossing = bool(name) and self.collects(root(target)) and _mentions(node.value, name)
            self.bind(target, self._again(node, name, made) if crossing else made)

    def _again(self, node: ast.Assign, name: str, made: Value) -> Value:
        """Return the value of a variable assigned from itself, batch after batch."""
        if made.kind is Kind.SUM:
            return Value(Kind.RUNNING_SUM)
        if made.kind in (Kind.ELEMENTS, Kind.UNKNOWN, Kind.FLAT, Kind.ROWS):
            return Value(Kind.GATHERED) if isinstance(node.value, ast.Call) else made
        if made.kind not in BAD or not isinstance(node.value, ast.BinOp):
            return made
        origin = Origin(name, self.batch, made)
        sides = [node.value.left, node.value.right]
        shares = any(map(_divides_by_number, sides))
        adds = isinstance(node.value.op, ast.Add) and name in map(symbol_of, sides)
        if adds and not shares:
            return Value(Kind.TOTAL, name=made.name, origin=origin)
        self.averages(node, origin, "sum")
        return UNKNOWN

    def _add(self, node: ast.AugAssign) -> None:
        name, made = symbol_of(node.target), self.value(node.value)
        before = self.value(node.target)
        if isinstance(node.op, ast.Div):
            self.bind(node.target, self.divided(node, before, made))
            return
        if isinstance(node.value, ast.List):
            self.collect(node.target, join(map(self.value, node.value.elts)))
            return
        new = join([before, made])
        if isinstance(node.op, ast.Add) and (self.collects(root(node.target)) or made.origin):
            if made.kind in BAD:
                origin = Origin(name, self.batch, made)
                new = Value(Kind.TOTAL, name=made.name, origin=made.origin or origin)
                if self.batch is not None and _divides_by_number(node.value):
                    self.averages(node, origin, "sum", inside=False)
                    new = UNKNOWN
            elif made.kind in (Kind.SUM, Kind.RUNNING_SUM):
                new = Value(Kind.RUNNING_SUM)
        elif made.kind is Kind.SUM and self.method and name.startswith("self."):
            new = Value(Kind.RUNNING_SUM)
        self.bind(node.target, new, again=True)


def _mentions(node: ast.expr, name: str) -> bool:
    kinds = (ast.Name, ast.Attribute, ast.Subscript) if "[" in name else (ast.Name, ast.Attribute)
    return any(symbol_of(one) == name for one in ast.walk(node) if isinstance(one, kinds))


def _divides_by_number(node: ast.expr) -> bool:
    """Whether a value is divided by a number of batches."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return False
    lower = ast.unparse(node.right)[:200]
    return "len(" in lower or any(word in lower.lower() for word in ("batch", "step", "load"))
