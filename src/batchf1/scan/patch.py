"""Edits that keep the meaning and the name of a metric, as a patch; nothing is written."""

from __future__ import annotations

import ast
import difflib
import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from batchf1.scan.meaning import meaning
from batchf1.scan.modules import Module
from batchf1.scan.rules import keras_functions
from batchf1.scan.scanner import Report
from batchf1.scan.syntax import keyword, symbol_of

_RATIO = {
    "f1": "",
    "f2": "f_beta(2)",
    "f0.5": "f_beta(0.5)",
    "jaccard": "JACCARD",
}
"""Meaning -> argument `metric` of `StreamingRatio`."""
_IMPORTS = {
    "StreamingRatio": "from batchf1.keras.streaming import StreamingRatio",
    "f_beta": "from batchf1 import f_beta",
    "JACCARD": "from batchf1.metrics.ratios import JACCARD",
    "keras": "import keras",
}


class Patch(NamedTuple):
    """A patch for `git apply`, and the findings that are left to people."""

    text: str
    left: list[str]
    """Lines `path:line: symbol: reason`."""


class _Edit(NamedTuple):
    node: ast.expr
    code: str
    imports: tuple[str, ...]


def diff(report: Report) -> Patch:
    """Return the safe edits of the findings of BF101, and why the others are not made."""
    texts, left = [], []
    for path in dict.fromkeys(one.path for one in report.findings):
        module = report.project.module(path) if report.project else None
        assert module is not None
        edits: list[_Edit] = []
        lines = {
            (one.line, one.symbol): one
            for one in report.findings
            if one.path == path and one.rule != "BF105"
        }
        nodes = dict(_literal(module)) if not path.endswith(".ipynb") else {}
        for (line, symbol), finding in lines.items():
            node = nodes.get((line, symbol)) if finding.rule == keras_functions.ID else None
            made = _edit(node, module) if node is not None else _why(finding.rule, path)
            if isinstance(made, str):
                left.append(f"{finding.place}: {symbol}: left to you: {made}")
            else:
                edits.append(made)
        texts.append(_patched(module, edits))
    return Patch("".join(texts), left)


def _why(rule: str, path: str) -> str:
    if path.endswith(".ipynb"):
        return "a notebook"
    if rule == keras_functions.ID:
        return "not a function named in a list of metrics=[...]"
    return "needs a change of the loop or the class"


def _literal(module: Module) -> Iterator[tuple[tuple[int, str], ast.Name | ast.Attribute]]:
    """Yield the functions named in a list that stands in a call of `compile`."""
    for call in module.calls.get("compile", []):
        given = keyword(call, "metrics")
        for node in given.elts if isinstance(given, ast.List) else ():
            if isinstance(node, (ast.Name, ast.Attribute)):
                yield (node.lineno, symbol_of(node)), node


def _edit(node: ast.Name | ast.Attribute, module: Module) -> _Edit | str:
    """Return the edit of an entry of `metrics=`, or why there is none."""
    made = module.resolve(node)
    if made is None:
        return "its definition is not found"
    if any(path.partition(".")[0] == "tf_keras" for path in module.imports.values()):
        return "tf_keras has other metric objects"
    name, metric = made.node.name, meaning(made)
    if metric is None:
        return "it is not shown to be precision, recall, F-beta or Jaccard at threshold 0.5"
    if metric in ("precision", "recall"):
        prefix, imports = _keras(module)
        if not prefix:
            return "the name keras means something else"
        return _Edit(node, f'{prefix}.metrics.{metric.title()}(name="{name}")', imports)
    if not _binary(module):
        return "no Dense(1, activation='sigmoid') shows that the output is binary"
    argument = _RATIO[metric]
    code = f'StreamingRatio(name="{name}"' + (f", metric={argument})" if argument else ")")
    needed = (argument.partition("(")[0],) if argument else ()
    return _Edit(node, code, ("StreamingRatio", *needed))


def _keras(module: Module) -> tuple[str, tuple[str, ...]]:
    """Return the name of Keras in a module, and the import that it still needs."""
    if module.imports.get("keras") in ("keras", "tensorflow.keras"):
        return "keras", ()
    for name, path in module.imports.items():
        if path == "tensorflow":
            return f"{name}.keras", ()
    taken = {"keras"} & {*module.imports, *module.assigned, *module.definitions}
    return ("", ()) if taken else ("keras", ("keras",))


def _binary(module: Module) -> bool:
    """Whether every output layer that shows is one sigmoid unit."""
    outputs = []
    for call in module.calls.get("Dense", []):
        activation = keyword(call, "activation")
        name = activation.value if isinstance(activation, ast.Constant) else ""
        if name in ("sigmoid", "softmax"):
            units = call.args[0] if call.args else keyword(call, "units")
            one = isinstance(units, ast.Constant) and units.value == 1
            outputs.append(one and name == "sigmoid")
    return bool(outputs) and all(outputs)


def _patched(module: Module, edits: list[_Edit]) -> str:
    """Return the patch of one file."""
    source = module.source
    before = source.text.splitlines(keepends=True)
    after = list(before)
    for edit in sorted(edits, key=lambda one: (one.node.lineno, one.node.col_offset), reverse=True):
        row = edit.node.lineno - 1
        line = after[row].encode()
        end = edit.node.end_col_offset or 0
        changed = line[: edit.node.col_offset] + edit.code.encode() + line[end:]
        after[row] = changed.decode()
    needed = [_IMPORTS[name] for name in dict.fromkeys(one for e in edits for one in e.imports)]
    present = {line.strip() for line in before}
    row = _last_import(module)
    after[row:row] = [f"{line}\n" for line in sorted(needed) if line not in present]
    name = PurePath(os.path.relpath(source.path)).as_posix()
    lines = list(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _last_import(module: Module) -> int:
    """Return the number of lines up to the end of the last import at the top of a module."""
    rows = [
        node.end_lineno or 0
        for node in module.tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    first = min(
        (node.lineno for node in module.tree.body if not _is_import_or_text(node)), default=0
    )
    return max((row for row in rows if not first or row < first), default=max(rows, default=0))


def _is_import_or_text(node: ast.stmt) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, (ast.Import, ast.ImportFrom))
