"""BF105: labels that stay (n,) on their way into `fit`, beside a metric function."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan.analysis import Analysis, Draft
from batchf1.scan.modules import Module
from batchf1.scan.syntax import dotted, keyword, last, symbol_of
from batchf1.scan.versions import is_before_keras_3

ID = "BF105"
_SPLITS = frozenset({"train_test_split"})
_FLAT = frozenset({"ravel", "flatten"})
_SAME = frozenset({"to_numpy", "astype", "copy", "array", "asarray", "map", "replace", "Series"})


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a note for each `fit` whose labels are a column of a table, unless Keras 2 shows."""
    for call in analysis.module.calls.get("fit", []):
        labels = keyword(call, "y") or (call.args[1] if len(call.args) > 1 else None)
        flat = labels is not None and _is_flat(labels, analysis.module, call.lineno)
        if labels is not None and flat and not is_before_keras_3(analysis.module):
            symbol = symbol_of(labels)
            message = (
                f"{symbol} has the shape (n,): in Keras 3 a metric function compares all pairs"
            )
            yield Draft(call, ID, "note", symbol, message)


def _is_flat(node: ast.expr, module: Module, line: int, depth: int = 0) -> bool:
    """Whether labels are shown to be a column: `df["y"]`, `.values`, `.ravel()`."""
    if depth > 5:
        return False
    match node:
        case ast.Subscript(slice=ast.Constant(value=str())):
            return True
        case ast.Subscript(slice=ast.Tuple()):
            return False
        case ast.Subscript():
            return _is_flat(node.value, module, line, depth + 1)
        case ast.Attribute(attr="values"):
            return _is_flat(node.value, module, line, depth + 1)
        case ast.Call():
            name = last(node.func)
            if name in _FLAT:
                return True
            if name not in _SAME:
                return False
            inner = node.args[:1] if dotted(node.func).partition(".")[0] in ("np", "pd") else []
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            return any(_is_flat(one, module, line, depth + 1) for one in inner or owner)
        case ast.Name():
            made = module.value_before(node.id, line) or _split(node.id, module)
            return made is not None and made is not node and _is_flat(made, module, line, depth + 1)
    return False


def _split(name: str, module: Module) -> ast.expr | None:
    """Return what `train_test_split` made a variable from."""
    for call in (one for split in _SPLITS for one in module.calls.get(split, [])):
        parent = module.parents.get(call)
        target = parent.targets[0] if isinstance(parent, ast.Assign) else None
        if isinstance(target, ast.Tuple):
            names = [dotted(one) for one in target.elts]
            if name in names and names.index(name) // 2 < len(call.args):
                return call.args[names.index(name) // 2]
    return None
