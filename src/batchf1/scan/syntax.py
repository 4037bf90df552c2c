"""Parts of syntax trees: names, arguments, entries, nodes of a scope."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Scope: TypeAlias = Function | ast.ClassDef | ast.Lambda | ast.Module
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def last(node: ast.AST) -> str:
    """Return the last name of an expression: `score` of `metrics.score(y)["a"]`."""
    while True:
        match node:
            case ast.Attribute():
                return node.attr
            case ast.Name():
                return node.id
            case ast.Call():
                node = node.func
            case ast.Subscript() | ast.Starred():
                node = node.value
            case _:
                return ""


def dotted(node: ast.AST) -> str:
    """Return names joined by dots, `self.f1`; empty for another expression."""
    if type(node) is ast.Name:  # most often
        return node.id
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def entry(node: ast.expr | None, key: str) -> ast.expr | None:
    """Return the value of a key in `{...}` or `dict(...)`."""
    if isinstance(node, ast.Call):
        return keyword(node, key)
    if isinstance(node, ast.Dict):
        for name, value in zip(node.keys, node.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return value
    return None


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements, expressions and other parts of a node; faster than Python's own."""
    for name in node._fields:
        part = getattr(node, name, None)
        if isinstance(part, list):
            yield from (one for one in part if isinstance(one, ast.AST))
        elif isinstance(part, ast.AST) and name not in ("ctx", "op"):
            yield part


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope in order, not those of functions and classes in it."""
    stack = [*children(scope)][::-1]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, SCOPES):
            stack += [*children(node)][::-1]


def root(node: ast.expr) -> str:
    """Return the variable of an expression: `scores` of `scores["f1"][0]`."""
    while isinstance(node, (ast.Subscript, ast.Starred)):
        node = node.value
    return dotted(node)


def symbol_of(node: ast.expr) -> str:
    """Return the text of an expression, of a reasonable length."""
    return dotted(node) or ast.unparse(node)[:60]
