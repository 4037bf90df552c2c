"""Sums, means and shapes of arrays."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from batchf1.scan import known
from batchf1.scan.kinds import BAD, UNKNOWN, Axis, Kind, Value, join, reduce
from batchf1.scan.syntax import dotted, keyword

if TYPE_CHECKING:
    from batchf1.scan.frames import Frame

_SHAPES = known.names("flatten ravel view reshape permute transpose squeeze movedim swapaxes")


def reduction(
    frame: Frame, node: ast.Call, name: str, operands: list[Value], method: bool
) -> Value:
    """Return the kind of a sum or a mean, and note one over batches."""
    first = operands[0] if operands else UNKNOWN
    mean = name in known.MEANS
    if name in ("tensordot", "dot") and len(operands) > 1:
        return reduce(join(operands[:2]), None, mean=False)
    if first.kind is Kind.LIST and first.origin and mean:
        frame.averages(node, first.origin, "list")
        return UNKNOWN
    axis = _axis(frame, node, method)
    if axis == "unknown":
        return first if first.kind in BAD else UNKNOWN
    assert not isinstance(axis, str)
    return reduce(first._replace(parts=None), axis, mean=mean)


def _axis(frame: Frame, node: ast.Call, method: bool) -> Axis | str:
    given = keyword(node, "axis") or keyword(node, "dim")
    rest = node.args[0 if method else 1 :]
    if given is None and rest:
        given = rest[0]
    if isinstance(given, ast.IfExp):
        given = given.body
    if given is not None and dotted(given):
        given = frame.module.value_before(dotted(given), node.lineno) or given
    if given is None:
        return None
    try:
        axis = ast.literal_eval(given)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return "unknown"
    if isinstance(axis, (list, tuple)):
        return tuple(one for one in axis if isinstance(one, int))
    return (axis,) if isinstance(axis, int) and not isinstance(axis, bool) else None


def shape(node: ast.Call, name: str, first: Value, method: bool) -> Value | None:
    """Return the kind of a tensor in another shape; None for another call."""
    arguments = node.args[0 if method else 1 :]
    if len(arguments) == 1 and isinstance(arguments[0], (ast.Tuple, ast.List)):
        arguments = arguments[0].elts
    tensor = first.kind in (Kind.ELEMENTS, Kind.UNKNOWN, Kind.FLAT, Kind.ROWS)
    if name in _SHAPES and not tensor:
        return first
    if name in ("flatten", "Flatten", "ravel"):
        keeps = any(one.arg == "start_dim" for one in node.keywords) or bool(arguments)
        return Value(Kind.FLAT) if tensor and not keeps else first
    if name in ("view", "reshape") and tensor:
        return _reshaped(arguments, first)
    if name in ("permute", "transpose", "permute_dimensions") and tensor and arguments:
        first_axis = arguments[0]
        moved = isinstance(first_axis, ast.Constant) and first_axis.value not in (0, None)
        swaps = name == "transpose" and any(
            isinstance(one, ast.Constant) and one.value == 0 for one in arguments[1:]
        )
        return Value(Kind.CLASS_FIRST) if moved and (name != "transpose" or swaps) else first
    if name == "squeeze" and method and arguments:
        zero = isinstance(arguments[0], ast.Constant) and arguments[0].value == 0
        return Value(Kind.SAMPLE) if zero and tensor else first
    return None


def _reshaped(arguments: list[ast.expr], first: Value) -> Value:
    numbers = [_literal(one) for one in arguments]
    if numbers == [-1]:
        return Value(Kind.FLAT)
    if numbers and numbers[0] == -1 and len(numbers) == 2 and numbers[1] != 1:
        return Value(Kind.ROWS)
    if numbers == [-1, 1]:
        return Value(Kind.ROWS)
    if len(numbers) == 2 and all(isinstance(one, int) and one > 1 for one in numbers):
        return Value(Kind.SAMPLE)  # an image, without an axis of samples
    if len(numbers) == 2 and numbers[1] == -1 and "class" in ast.unparse(arguments[0]).lower():
        return Value(Kind.CLASS_FIRST)
    return first


def _literal(node: ast.expr) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _literal(node.operand)
        return -inner if inner is not None else None
    made = node.value if isinstance(node, ast.Constant) else None
    return made if isinstance(made, int) else None
