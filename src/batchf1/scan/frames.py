"""Abstract interpretation of a function: the kind of each value, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from batchf1.scan import calls, loops
from batchf1.scan.kinds import (
    BAD,
    CONSTANT,
    ELEMENTS,
    UNKNOWN,
    Kind,
    Origin,
    Value,
    divide,
    has_bad,
    join,
    of_items,
)
from batchf1.scan.known import is_additive, names, words
from batchf1.scan.project import Definition, Function, Module, dotted, last

MAX_DEPTH = 8
"""Calls within calls that are followed."""
MAX_STEPS = 400_000
"""Expressions of a file that are evaluated."""
_CONSTANTS = names("smooth eps epsilon beta alpha gamma threshold thresh classes k c")
"""Words of parameters that are numbers."""
Batch = ast.AST | None


class TooComplexError(Exception):
    """A file that needs more than `MAX_STEPS`."""


class Average(NamedTuple):
    """Place where a mean over batches is taken."""

    node: ast.AST
    origin: Origin
    rule: str
    """`sum` or `list`."""
    inside: bool
    """Whether it is still in the loop over the batches."""


class Given(NamedTuple):
    """Call in a loop over batches, or in a step, that is given a ratio."""

    call: ast.Call
    arguments: dict[str | int, Value]
    batch: Batch


@dataclass
class Trace:
    """What was seen on the way."""

    averages: list[Average] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    returned: list[tuple[ast.Return, Value, Batch]] = field(default_factory=list)
    steps: int = 0
    memo: dict[tuple[ast.AST, tuple[Kind, ...]], Value] = field(default_factory=dict)


class Frame:
    """Variables of a function, or of a module, while its statements are gone through."""

    def __init__(
        self,
        module: Module,
        trace: Trace,
        env: dict[str, Value] | None = None,
        *,
        batch: Batch = None,
        depth: int = 0,
    ) -> None:
        self.module, self.trace, self.depth = module, trace, depth
        self.env: dict[str, Value] = env or {}
        self.batch: Batch = batch
        """The innermost loop over batches, or the step of a framework."""
        self.born: dict[str, Batch] = {}
        """Variable -> the loop over batches in which it was last assigned."""
        self.indices: set[str] = set()
        """Variables that number the samples of a batch."""
        self.returns: list[Value] = []
        self.method = False

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
                self.run([*node.body, *node.orelse])
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

    def _bind_batch(self, target: ast.expr) -> None:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self.bind(name, ELEMENTS)

    def _bind_items(self, node: ast.For | ast.AsyncFor, items: Value) -> None:
        """Bind the variables of a loop over samples, classes or anything."""
        iterable = node.iter
        name = last(iterable) if isinstance(iterable, ast.Call) else ""
        if name in ("range", "trange"):
            if isinstance(node.target, ast.Name) and numbers_samples(iterable):
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
                self.bind(target, of_items(self.value(given)))
        else:
            self.bind(node.target, of_items(items))

    def _assign(self, node: ast.Assign) -> None:
        made = self.value(node.value)
        for target in node.targets:
            name = dotted(target)
            crossing = bool(name) and self.collects(name) and _mentions(node.value, name)
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
        adds = isinstance(node.value.op, ast.Add)
        if adds and name in (dotted(node.value.left), dotted(node.value.right)):
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

    # variables

    def collects(self, name: str) -> bool:
        """Whether a variable lives longer than the batch that is looked at."""
        return self.batch is not None and self.born.get(name) is not self.batch

    def collect(self, target: ast.expr, made: Value) -> None:
        """Append a value to a list."""
        name = root(target)
        before = self.value(target)
        if self.collects(name):
            if has_bad(made):
                origin = Origin(symbol_of(target), self.batch, made)
                made = Value(Kind.LIST, made.parts, made.name, origin)
            elif made.kind is Kind.SUM:
                made = Value(Kind.RUNNING_SUM)
            elif made.kind in (Kind.ELEMENTS, Kind.UNKNOWN, Kind.FLAT) and not made.parts:
                made = Value(Kind.GATHERED)
        elif made.kind is Kind.RUNNING and self.method and name.startswith("self."):
            made = Value(Kind.LIST, None, made.name, Origin(symbol_of(target), None, made))
        if before.kind is not Kind.LIST or made.kind is Kind.LIST:
            self.bind(target, made, again=True)

    def bind(self, target: ast.expr, made: Value, again: bool = False) -> None:
        """Give a variable, an attribute, an entry or several of them a value."""
        if isinstance(target, (ast.Tuple, ast.List)):
            for place, one in enumerate(target.elts):
                self.bind(one, _part(made, place, last(one)))
        elif isinstance(target, ast.Starred):
            self.bind(target.value, made)
        elif isinstance(target, ast.Subscript):
            self._bind_entry(target, made)
        elif name := dotted(target):
            self.env[name] = made
            if not again:
                self.born[name] = self.batch

    def _bind_entry(self, target: ast.Subscript, made: Value) -> None:
        base = self.value(target.value)
        if isinstance(target.slice, ast.Constant):
            parts = {**(base.parts or {}), target.slice.value: made}
            self.bind(target.value, base._replace(parts=parts), again=True)
        elif made.kind in (Kind.TOTAL, Kind.LIST) or made.kind in BAD:
            self.bind(target.value, made, again=True)

    def averages(
        self, node: ast.AST, origin: Origin, rule: str, inside: bool | None = None
    ) -> None:
        """Note that a mean over batches is taken here."""
        if inside is None:
            inside = self.batch is not None and self.batch is origin.loop
        self.trace.averages.append(Average(node, origin, rule, inside))

    def divided(self, node: ast.AST, upper: Value, lower: Value) -> Value:
        """Return a quotient, and note a mean over batches."""
        if upper.kind is Kind.TOTAL and upper.origin:
            self.averages(node, upper.origin, "sum")
        return divide(upper, lower)

    # expressions

    def value(self, node: ast.expr) -> Value:
        """Return the kind of an expression."""
        self.trace.steps += 1
        if self.trace.steps > MAX_STEPS:
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
        return calls.object_of(self.module, name)

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
        return calls.object_of(self.module, name)

    def _item(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if base.parts:
            if key in base.parts:
                return base.parts[key]
            if key is None:
                return join(base.parts.values())
        elif key is None and not isinstance(node.slice, ast.Slice):
            self.value(node.slice)
        if isinstance(node.slice, ast.Name) and node.slice.id in self.indices:
            return of_items(base)
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


def run_function(
    function: Function, module: Module, trace: Trace, env: dict[str, Value] | None = None
) -> Frame:
    """Go through a function whose arguments are unknown, and return its frame."""
    frame = Frame(module, trace, dict(env or {}))
    frame.method = isinstance(module.parents.get(function), ast.ClassDef)
    frame.run(function.body)
    return frame


def returned(
    made: Definition, trace: Trace, arguments: list[Value] | None = None, depth: int = 0
) -> Value:
    """Return the value of a call of a function, by default of labels and predictions."""
    function = made.node
    if isinstance(function, ast.ClassDef) or depth > MAX_DEPTH:
        return UNKNOWN
    key = (function, tuple(value.kind for value in arguments or ()))
    if key not in trace.memo:
        trace.memo[key] = UNKNOWN  # of a recursive call
        quiet = Trace(memo=trace.memo, steps=trace.steps)
        frame = Frame(made.module, quiet, _parameters(made, arguments), depth=depth + 1)
        frame.method = bool(function.args.args) and function.args.args[0].arg == "self"
        frame.run(function.body)
        trace.steps = quiet.steps
        trace.memo[key] = _result(frame.returns, function.name)
    return trace.memo[key]


def _parameters(made: Definition, arguments: list[Value] | None) -> dict[str, Value]:
    function = made.node
    assert not isinstance(function, ast.ClassDef)
    names = [one.arg for one in function.args.args]
    plain = len(names) - len(function.args.defaults)
    env: dict[str, Value] = {}
    given = list(arguments or [])
    for place, name in enumerate(names):
        if place == 0 and name in ("self", "cls"):
            given.insert(0, UNKNOWN)
            continue
        number = bool(_CONSTANTS & set(words(name))) and place > 0
        default = CONSTANT if number or place >= plain else ELEMENTS
        env[name] = given[place] if place < len(given) and not number else default
        if env[name].kind is Kind.UNKNOWN:
            env[name] = default
    return env


def _result(values: list[Value], name: str) -> Value:
    """Join what a function returns; collections over batches are its own affair."""
    made = [value for value in values if value.kind not in (Kind.TOTAL, Kind.LIST)]
    if not made:
        return UNKNOWN
    parts: dict[object, Value] = {}
    for value in made:
        for key, part in (value.parts or {}).items():
            parts[key] = join([parts.get(key, part), part])
    first = min(made, key=lambda value: value.kind not in BAD)
    first = first if first.kind in BAD else join(made)
    return first._replace(parts=parts or None, name=first.name or name, origin=None)


def root(node: ast.expr) -> str:
    """Return the variable of an expression: `scores` of `scores["f1"][0]`."""
    while isinstance(node, (ast.Subscript, ast.Starred)):
        node = node.value
    return dotted(node)


def symbol_of(node: ast.expr) -> str:
    """Return the text of an expression, of a reasonable length."""
    return dotted(node) or ast.unparse(node)[:60]


def _part(made: Value, place: int, name: str) -> Value:
    """Return what one of several targets gets."""
    if made.parts:
        return made.parts.get(place, UNKNOWN)
    return UNKNOWN if made.kind in BAD and is_additive(name) else made


def _mentions(node: ast.expr, name: str) -> bool:
    return any(
        dotted(one) == name for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Attribute))
    )


def _divides_by_number(node: ast.expr) -> bool:
    """Whether a value is divided by a number of batches."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return False
    lower = ast.unparse(node.right)[:200]
    return "len(" in lower or any(word in lower.lower() for word in ("batch", "step", "load"))


def numbers_samples(call: ast.expr) -> bool:
    """Whether `range(...)` numbers the samples of a batch, and not its classes or anything."""
    assert isinstance(call, ast.Call)
    text = ast.unparse(call)[:200]
    if all(isinstance(one, ast.Constant) for one in call.args):
        return False
    lower = text.lower()
    if any(
        word in lower for word in ("class", "channel", "label", "shape[1]", "shape[-1]", "size(1)")
    ):
        return False
    return "epoch" not in lower and "fold" not in lower
