"""Abstract interpretation of a function: the kind of each value, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from batchf1.scan import calls, functions, loops, objects, traces
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
from batchf1.scan.syntax import dotted, last, own_nodes, root, symbol_of
from batchf1.scan.traces import Batch, TooComplexError, Trace
from batchf1.scan.variables import Variables

MAX_DEPTH = 8
"""Calls within calls that are followed."""


class Frame(Variables):
    """Statements and expressions of a function, or of a module."""

    # statements

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

    # expressions

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
        return join([left, right])

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


def _mentions(node: ast.expr, name: str) -> bool:
    kinds = (ast.Name, ast.Attribute, ast.Subscript) if "[" in name else (ast.Name, ast.Attribute)
    return any(symbol_of(one) == name for one in ast.walk(node) if isinstance(one, kinds))


def _divides_by_number(node: ast.expr) -> bool:
    """Whether a value is divided by a number of batches."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return False
    lower = ast.unparse(node.right)[:200]
    return "len(" in lower or any(word in lower.lower() for word in ("batch", "step", "load"))
