"""What a metric function computes: its syntax tree is evaluated on small batches, by a few rules.

Nothing of the function is run by Python. Only arithmetic, array functions and calls of functions of
the scanned tree are known; anything else leaves the meaning open.
"""

from __future__ import annotations

import ast
import math
import random
from collections.abc import Callable
from typing import TypeAlias

from batchf1.scan.known import ARRAYS, names
from batchf1.scan.modules import Definition, Module
from batchf1.scan.syntax import dotted, last

Number: TypeAlias = float | list[float]
TOLERANCE = 1e-4
"""Largest difference to a metric, which an epsilon in the denominator makes."""
_MAX_STEPS = 20_000


class _OpenError(Exception):
    """Something that this evaluation does not know."""


def _each(function: Callable[..., float], *values: Number) -> Number:
    """Apply a function to numbers, or to lists of them element by element."""
    sizes = {len(value) for value in values if isinstance(value, list)}
    if not sizes:
        return function(*values)
    if len(sizes) > 1:
        raise _OpenError
    rows = (value if isinstance(value, list) else [value] * max(sizes) for value in values)
    return [function(*row) for row in zip(*rows, strict=True)]


def _divide(a: float, b: float) -> float:
    return a / b if b else math.nan


_BINARY: dict[str, Callable[[float, float], float]] = {
    "multiply": lambda a, b: a * b,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "divide": _divide,
    "divide_no_nan": lambda a, b: a / b if b else 0.0,
    "true_divide": _divide,
    "maximum": max,
    "minimum": min,
    "pow": lambda a, b: a**b,
    "greater": lambda a, b: float(a > b),
    "greater_equal": lambda a, b: float(a >= b),
    "less": lambda a, b: float(a < b),
    "less_equal": lambda a, b: float(a <= b),
    "equal": lambda a, b: float(a == b),
    "not_equal": lambda a, b: float(a != b),
    "logical_and": lambda a, b: float(bool(a and b)),
    "logical_or": lambda a, b: float(bool(a or b)),
}
_UNARY: dict[str, Callable[[float], float]] = {
    "round": round,
    "rint": round,
    "abs": abs,
    "square": lambda a: a * a,
    "logical_not": lambda a: float(not a),
    "is_nan": lambda a: float(math.isnan(a)),
    "isnan": lambda a: float(math.isnan(a)),
}
_SAME = names(
    "cast convert_to_tensor flatten reshape identity stop_gradient constant to_float variable "
    "squeeze float32 float"
)
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Mult: "multiply",
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Div: "divide",
    ast.Pow: "pow",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.BitAnd: "logical_and",
}


class _Evaluation:
    """Evaluation of one function for labels and scores."""

    def __init__(self, module: Module, env: dict[str, Number], steps: list[int]) -> None:
        self.module, self.env, self.steps = module, env, steps
        self.local: dict[str, ast.FunctionDef] = {}

    def run(self, body: list[ast.stmt]) -> Number:
        for node in body:
            match node:
                case ast.Return(value=ast.expr() as value):
                    return self.value(value)
                case ast.Assign(targets=[ast.Name() as target]):
                    self.env[target.id] = self.value(node.value)
                case ast.FunctionDef():
                    self.local[node.name] = node
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case _:
                    raise _OpenError
        raise _OpenError

    def value(self, node: ast.expr) -> Number:
        self.steps[0] += 1
        if self.steps[0] > _MAX_STEPS:
            raise _OpenError
        match node:
            case ast.Constant(value=(bool() | int() | float()) as number):
                return float(number)
            case ast.Name() if node.id in self.env:
                return self.env[node.id]
            case ast.BinOp() if type(node.op) in _OPERATORS:
                name = _OPERATORS[type(node.op)]
                return _each(_BINARY[name], self.value(node.left), self.value(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return _each(lambda a: -a, self.value(node.operand))
            case ast.Compare(ops=[op], comparators=[other]) if type(op) in _OPERATORS:
                name = _OPERATORS[type(op)]
                return _each(_BINARY[name], self.value(node.left), self.value(other))
            case ast.Call():
                return self._call(node)
        raise _OpenError

    def _call(self, node: ast.Call) -> Number:
        name = last(node.func)
        if name == "epsilon":
            return 1e-7
        made = self.local.get(name) or self.module.resolve(node.func)
        if isinstance(made, ast.FunctionDef):
            made = Definition(self.module, made)
        if made is not None:
            given = [self.value(one) for one in node.args]
            named = {one.arg: self.value(one.value) for one in node.keywords if one.arg}
            return _evaluate(made, given, self.steps, named, dict(self.local))
        head = dotted(node.func).partition(".")[0]
        if isinstance(node.func, ast.Attribute) and head not in ARRAYS:
            raise _OpenError
        return self._array(name, node)

    def _array(self, name: str, node: ast.Call) -> Number:
        """Apply a function of arrays; an axis leaves the meaning open."""
        if any(one.arg in ("axis", "dim") for one in node.keywords):
            raise _OpenError
        if name in _SAME and node.args:
            return self.value(node.args[0])
        arguments = [self.value(one) for one in node.args]
        if name in ("sum", "reduce_sum", "mean", "reduce_mean") and len(arguments) == 1:
            items = arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
            return sum(items) / (len(items) if "mean" in name else 1)
        if name in ("clip", "clip_by_value") and len(arguments) == 3:
            return _each(lambda a, low, high: min(max(a, low), high), *arguments)
        if name in _UNARY and len(arguments) == 1:
            return _each(_UNARY[name], *arguments)
        if name in _BINARY and len(arguments) == 2:
            return _each(_BINARY[name], *arguments)
        if name == "where" and len(arguments) == 3:
            return _each(lambda a, yes, no: yes if a else no, *arguments)
        raise _OpenError


def _evaluate(
    made: Definition,
    given: list[Number],
    steps: list[int],
    named: dict[str, Number] | None = None,
    local: dict[str, ast.FunctionDef] | None = None,
) -> Number:
    if not isinstance(made.node, ast.FunctionDef):
        raise _OpenError
    names = [one.arg for one in made.node.args.args]
    run = _Evaluation(made.module, {}, steps)
    run.local = local or {}
    defaults = made.node.args.defaults
    for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        if isinstance(default, ast.Constant):
            run.env[name] = run.value(default)
    run.env |= dict(zip(names, given, strict=False)) | (named or {})
    return run.run(made.node.body)


def _f_beta(beta: float) -> Callable[[float, float, float], float]:
    return lambda tp, fp, fn: (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp)


METRICS: dict[str, Callable[[float, float, float], float]] = {
    "precision": lambda tp, fp, fn: tp / (tp + fp),
    "recall": lambda tp, fp, fn: tp / (tp + fn),
    "f1": _f_beta(1),
    "f2": _f_beta(2),
    "f0.5": _f_beta(0.5),
    "jaccard": lambda tp, fp, fn: tp / (tp + fp + fn),
}
"""Name -> metric of true positives, false positives and false negatives."""


def meaning(made: Definition) -> str | None:
    """Return which of `METRICS` a function of labels and scores computes; None if none shows."""
    fitting = set(METRICS)
    draw = random.Random(0)
    for size in (7, 16, 33, 50):
        labels = [1.0, *(float(draw.random() < 0.4) for _ in range(size))]
        scores = [0.9, 0.5, *(draw.random() for _ in range(size - 1))]
        positive = [score > 0.5 for score in scores]
        pairs = list(zip(labels, positive, strict=True))
        tp = sum(label * hit for label, hit in pairs)
        fp, fn = sum(hit for _, hit in pairs) - tp, sum(labels) - tp
        try:
            value = _evaluate(made, [list(labels), list(scores)], [0])
        except (_OpenError, RecursionError, OverflowError, ValueError, TypeError, ArithmeticError):
            return None
        if isinstance(value, list):
            return None
        fitting = {one for one in fitting if abs(METRICS[one](tp, fp, fn) - value) < TOLERANCE}
    return min(fitting, default=None)
