"""Variables while code is gone through: what they are bound to, and what they collect."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod

from batchf1.scan.kinds import BAD, UNKNOWN, Kind, Origin, Value, divide, has_bad
from batchf1.scan.known import is_additive
from batchf1.scan.modules import Module
from batchf1.scan.syntax import dotted, last, root, symbol_of
from batchf1.scan.traces import Average, Batch, Trace


class Variables(ABC):
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

    @abstractmethod
    def value(self, node: ast.expr) -> Value:
        """Return the kind of an expression."""

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


def _part(made: Value, place: int, name: str) -> Value:
    """Return what one of several targets gets."""
    if made.parts:
        return made.parts.get(place, UNKNOWN)
    return UNKNOWN if made.kind in BAD and is_additive(name) else made
