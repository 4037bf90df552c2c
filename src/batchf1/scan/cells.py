"""The four cells of a confusion matrix, whose sum is the number of elements."""

from __future__ import annotations

import ast
import re

from batchf1.scan.known import words
from batchf1.scan.syntax import last

_CELLS = frozenset({"tp", "fp", "fn", "tn"})
_LONG = re.compile(r"(true|false)s?(pos|neg)")


def has_all(node: ast.BinOp) -> bool:
    """Whether a sum is that of all four cells, by their names, and at most a small number.

    A ratio over it, such as `(tp + tn) / (tp + fp + fn + tn)`, is a mean over the elements.
    """
    found = set()
    terms: list[ast.expr] = [node]
    while terms:
        match terms.pop():
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                terms += [left, right]
            case ast.Constant():
                pass
            case ast.expr() as term:
                cell = _cell(term)
                if cell in found or not (cell or _is_small(term)):
                    return False
                found.add(cell)
    return found - {""} == _CELLS


def _cell(node: ast.expr) -> str:
    """Return which cell a variable, an entry of it or its sum is by its name; empty for another."""
    if isinstance(node, ast.Call):
        summed = last(node.func) == "sum"
        if summed and isinstance(node.func, ast.Attribute) and not node.args:
            return _cell(node.func.value)
        return _cell(node.args[0]) if summed and node.args else ""
    parts = words(last(node))
    long = _LONG.search("".join(parts))
    if long:
        return long[1][0] + long[2][0]
    return next((part for part in parts if part in _CELLS), "")


def _is_small(node: ast.expr) -> bool:
    return bool({"eps", "epsilon", "smooth"} & set(words(last(node))))
