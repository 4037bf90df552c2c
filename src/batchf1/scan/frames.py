"""Abstract interpretation of a function: the kind of each value, without running anything."""

from __future__ import annotations

import ast

from batchf1.scan import calls, cells, functions, loops, objects, traces
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
from batchf1.scan.modules import Definition
from batchf1.scan.statements import Statements
from batchf1.scan.syntax import dotted, symbol_of
from batchf1.scan.traces import Batch, TooComplexError, Trace

MAX_DEPTH = 8
"""Calls within calls that are followed."""


class Frame(Statements):
    """Statements and expressions of a function, or of a module."""

    def returned(self, made: Definition, arguments: list[Value] | None = None) -> Value:
        """Return the value of a call of a function, by default of labels and predictions."""
        function = made.node
        if isinstance(function, ast.ClassDef) or self.depth > MAX_DEPTH:
            return UNKNOWN
        memo = self.trace.memo
        key = (function, tuple(value.kind for value in arguments or ()))
        if key not in memo:
            memo[key] = UNKNOWN  # of a recursive call
            quiet = Trace(memo=memo, steps=self.trace.steps)
            env = functions.parameters(made, arguments)
            frame = Frame(made.module, quiet, env, depth=self.depth + 1)
            frame.method = bool(function.args.args) and function.args.args[0].arg == "self"
            frame.run(function.body)
            self.trace.steps = quiet.steps
            memo[key] = functions.result(frame.returns, function.name)
            if functions.of_one_sample(arguments) and memo[key].kind in BAD:
                memo[key] = Value(Kind.SAMPLE_VALUE)
            elif memo[key].kind is Kind.RATIO and functions.is_masked_mean(function):
                memo[key] = Value(Kind.MEAN)
        return memo[key]

    def of_lambda(self, node: ast.Lambda) -> Value:
        """Return the value of a lambda of labels and predictions."""
        inner = Frame(self.module, self.trace, dict(self.env), depth=self.depth + 1)
        inner.env.update({one.arg: ELEMENTS for one in node.args.args})
        return inner.value(node.body)

    def value(self, node: ast.expr) -> Value:
        """Return the kind of an expression."""
        self.trace.steps += 1
        if self.trace.steps > traces.MAX_STEPS:
            raise TooComplexError
        match node:
            case ast.Constant():
                return CONSTANT
            case ast.Name():
                return self._variable(node.id)
            case ast.Call():
                return calls.value(self, node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Subscript():
                return self._item(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.UnaryOp():
                return self.value(node.operand)
            case ast.Compare():
                return join(map(self.value, [node.left, *node.comparators]))
            case ast.BoolOp():
                return join(map(self.value, node.values))
            case ast.IfExp():
                return join([self.value(node.body), self.value(node.orelse)])
            case ast.Tuple() | ast.List():
                return self._sequence(node)
            case ast.Dict():
                return self._dict(node)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return self._comprehension(node, node.elt)
            case ast.DictComp():
                return self._comprehension(node, node.value)
            case ast.NamedExpr():
                made = self.value(node.value)
                self.bind(node.target, made)
                return made
            case ast.Starred() | ast.Await() | ast.FormattedValue():
                return self.value(node.value)
            case ast.JoinedStr():
                for part in node.values:
                    self.value(part)
        return UNKNOWN

    def _variable(self, name: str) -> Value:
        if name in self.env:
            return self.env[name]
        if name.isupper() and len(name) > 1:
            return CONSTANT
        return objects.object_of(self.module, name)

    def _attribute(self, node: ast.Attribute) -> Value:
        if node.attr in ("shape", "ndim", "size"):
            return CONSTANT
        name = dotted(node)
        if name in self.env:
            return self.env[name]
        if node.attr in ("data", "T", "values", "value", "array"):
            return self.value(node.value)
        if not name:
            self.value(node.value)
            return UNKNOWN
        return objects.object_of(self.module, name)

    def _item(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if base.kind is Kind.LIST and key is None:
            return base
        if base.parts:
            if key in base.parts:
                return base.parts[key]
            if key is None:
                return join(base.parts.values())
        elif key is None and not isinstance(node.slice, ast.Slice):
            self.value(node.slice)
        if isinstance(node.slice, ast.Name) and node.slice.id in self.indices:
            item = of_items(base)
            whole = self.batch is not None and item.kind is Kind.UNKNOWN
            return SAMPLE if whole else item
        if base.kind is Kind.LIST and isinstance(key, int):
            return UNKNOWN
        return base if base.kind is not Kind.OBJECT or base.name else UNKNOWN

    def _arithmetic(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, (ast.Div, ast.FloorDiv)):
            return self.divided(node, left, right)
        return CONSTANT if cells.has_all(node) else join([left, right])

    def _sequence(self, node: ast.Tuple | ast.List) -> Value:
        parts: dict[object, Value] = dict(enumerate(map(self.value, node.elts)))
        if not parts:
            return CONSTANT
        return join(parts.values())._replace(parts=parts, origin=None)

    def _dict(self, node: ast.Dict) -> Value:
        parts: dict[object, Value] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            made = self.value(item)
            if isinstance(key, ast.Constant):
                parts[key.value] = made
        return Value(Kind.UNKNOWN, parts) if parts else CONSTANT

    def _comprehension(
        self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, item: ast.expr
    ) -> Value:
        env, indices = dict(self.env), set(self.indices)
        batch: Batch = None
        for one in node.generators:
            source = self.value(one.iter)
            loop = ast.copy_location(ast.For(one.target, one.iter, [], []), node)
            self.module.parents[loop] = node
            if source.kind is Kind.UNKNOWN and loops.is_batch_loop(loop, self.module):
                batch = loop
                self._bind_batch(one.target)
            else:
                self._bind_items(loop, source)
        made = self.value(item)
        self.env, self.indices = env, indices
        origin = made.origin or (batch and Origin(symbol_of(item), batch, made))
        if origin and has_bad(made):
            return Value(Kind.LIST, made.parts, made.name, origin)
        return made._replace(parts=None) if made.kind is not Kind.CONSTANT else made
