"""BF101: a function in `metrics=` of Keras that returns a ratio of sums over the batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from batchf1.scan import calls, known, objects
from batchf1.scan.analysis import Analysis, Draft, level_of, metric_text
from batchf1.scan.frames import Frame
from batchf1.scan.kinds import BAD, UNKNOWN, Kind, Value, join
from batchf1.scan.modules import Definition, Module
from batchf1.scan.syntax import Function, dotted, entry, keyword, last, own_nodes, symbol_of

ID = "BF101"
_LISTS = ("metrics", "weighted_metrics")
_WRAPPERS = frozenset({"partial", "MeanMetricWrapper", "list", "tuple"})


class Element(NamedTuple):
    """One entry of `metrics=`: its code, the node whose line is reported, its module."""

    node: ast.expr
    at: ast.expr
    module: Module


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each entry whose batch values are no value of the metric."""
    for call, given in compiled(analysis.module):
        for element in elements(Element(given, call, analysis.module), analysis.module):
            yield from judged(analysis, element, ID, "Keras")


def compiled(module: Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield the calls that hand metrics to `compile`, and the metrics."""
    for call in module.calls.get("compile", []):
        if isinstance(call.func, ast.Attribute):
            given = [keyword(call, name) for name in _LISTS]
            given += call.args[2:3] if not any(given) else []
            spread = [one.value for one in call.keywords if one.arg is None]
            for one in spread:
                held = module.value_before(dotted(one), call.lineno) if dotted(one) else one
                given += [entry(held, name) for name in _LISTS]
            yield from ((call, one) for one in given if one is not None)
    for made in list(module.calls.values()):
        for call in made:
            given_metrics = keyword(call, "metrics")
            if (
                given_metrics is not None
                and last(call.func) != "compile"
                and _compiles(call, module)
            ):
                yield call, given_metrics


def _compiles(call: ast.Call, module: Module) -> bool:
    """Whether a function of the tree hands its parameter `metrics` to `compile`."""
    made = module.resolve(call.func)
    if made is None or isinstance(made.node, ast.ClassDef):
        return False
    return any(
        isinstance(node, ast.Call)
        and last(node.func) == "compile"
        and "metrics" in map(dotted, [one for one in [keyword(node, "metrics")] if one])
        for node in own_nodes(made.node)
    )


def elements(element: Element, home: Module, depth: int = 0) -> Iterator[Element]:
    """Yield the entries of lists, dicts, variables and functions that return them."""
    node, at, module = element
    if depth > 6:
        return
    parts: list[Element] = []
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            parts = [Element(one, one if module is home else at, module) for one in node.elts]
        case ast.Starred():
            parts = [Element(node.value, at, module)]
        case ast.Dict():
            parts = [Element(one, one if module is home else at, module) for one in node.values]
        case ast.BinOp():
            parts = [Element(one, at, module) for one in (node.left, node.right)]
        case ast.IfExp():
            parts = [Element(one, at, module) for one in (node.body, node.orelse)]
        case ast.Constant(value=str()):
            parts = _registered(element)
        case ast.Name() | ast.Attribute():
            parts = _of_variable(element, home)
        case ast.Subscript():
            parts = _of_entry(element, home)
        case ast.Call():
            parts = _of_call(element)
    for part in parts:
        yield from elements(part, home, depth + 1)
    if not parts and not isinstance(node, (ast.List, ast.Tuple, ast.Dict, ast.Constant)):
        yield element


def _of_variable(element: Element, home: Module) -> list[Element]:
    """Return what a variable was assigned, and what was appended to it."""
    node, at, module = element
    name = dotted(node)
    if not name or module.resolve(node):
        return []
    value = module.value_before(name, at.lineno if module is home else 10**9)
    found = [] if value is None else [Element(value, value if module is home else at, module)]
    if value is not None and dotted(value) == name:
        return []
    others = [
        *module.added.get(name, ()),
        *(_of_parameter(name, node, module) if not found else ()),
    ]
    return found + [Element(one, one if module is home else at, module) for one in others]


def _of_parameter(name: str, node: ast.expr, module: Module) -> list[ast.expr]:
    """Return the default of a parameter, and what calls in its module give it."""
    function = module.enclosing(node, ast.FunctionDef)
    if not isinstance(function, ast.FunctionDef):
        return []
    names = [one.arg for one in function.args.args]
    defaults = function.args.defaults
    pairs = zip(names[len(names) - len(defaults) :], defaults, strict=True)
    return [*(value for one, value in pairs if one == name), *module.given(name, function)]


def _of_entry(element: Element, home: Module) -> list[Element]:
    """Return the entry of a dict: `settings["metrics"]`."""
    node, at, module = element
    assert isinstance(node, ast.Subscript)
    held = module.value_before(dotted(node.value), at.lineno if module is home else 10**9)
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    value = entry(held, key) if isinstance(key, str) else None
    return [] if value is None else [Element(value, value if module is home else at, module)]


def _registered(element: Element) -> list[Element]:
    """Return the function that a string names in `custom_objects`."""
    node, at, module = element
    assert isinstance(node, ast.Constant)
    for call in module.calls.get("get_custom_objects", []):
        parent = module.parents.get(call)
        holder = module.parents.get(parent) if parent is not None else None
        key = parent.slice if isinstance(parent, ast.Subscript) else None
        same = isinstance(key, ast.Constant) and key.value == node.value
        if same and isinstance(holder, ast.Assign):
            return [Element(holder.value, at, module)]
    for name in ("update", "custom_object_scope", "CustomObjectScope"):
        for call in module.calls.get(name, []):
            made = call.args[0] if call.args else None
            if name == "update" and "custom_objects" not in ast.unparse(call.func)[:80]:
                continue
            if isinstance(made, ast.Dict):
                for key, value in zip(made.keys, made.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == node.value:
                        return [Element(value, at, module)]
    return []


def _of_call(element: Element) -> list[Element]:
    """Return what a function returns that makes a list of metrics, or what a wrapper wraps."""
    node, at, module = element
    assert isinstance(node, ast.Call)
    if last(node.func) in _WRAPPERS and node.args:
        return [Element(node.args[0], at, module)]
    made = module.resolve(node.func)
    if made is None or isinstance(made.node, ast.ClassDef):
        return []
    found: list[Element] = []
    for one in own_nodes(made.node):
        value = one.value if isinstance(one, ast.Return) else None
        if isinstance(value, ast.Name):
            value = _local_list(made, value) or value
        if isinstance(value, (ast.List, ast.Tuple, ast.Dict)):
            found.append(Element(value, at, made.module))
    return found


def _local_list(made: Definition, name: ast.Name) -> ast.expr | None:
    for one in own_nodes(made.node):
        if (
            isinstance(one, ast.Assign)
            and isinstance(one.value, (ast.List, ast.Dict))
            and any(dotted(target) == name.id for target in one.targets)
        ):
            return one.value
    return None


def judged(analysis: Analysis, element: Element, rule: str, who: str) -> Iterator[Draft]:
    """Yield a draft if the entry is a function that returns a ratio of sums."""
    value, key = _value(analysis, element)
    symbol = symbol_of(element.node)
    if value.kind not in BAD or _harmless(symbol, value.name):
        return
    metric = metric_text(value, symbol)
    so_far = ", a value of all batches so far," if value.kind is Kind.RUNNING else ""
    message = f"{who} averages {symbol}{so_far} over batches; {metric} is not additive"
    yield Draft(element.at, rule, level_of(value, symbol), symbol, message, (key, f"val_{key}"))


def _harmless(*names: str) -> bool:
    """Whether a name says that the ratio is a loss."""
    every = {word for name in names for word in known.words(name)}
    return any(word.endswith(("loss", "bce", "entropy")) for word in every)


def _value(analysis: Analysis, element: Element) -> tuple[Value, str]:
    """Return the value of the function for a batch, and the name that Keras logs."""
    node, _, module = element
    frame = Frame(module, analysis.trace)
    if isinstance(node, ast.Call):
        return _of_factory(analysis, element)
    if isinstance(node, ast.Lambda):
        return calls.function_value(frame, node), "lambda"
    made = module.resolve(node)
    if made is not None:
        if isinstance(made.node, ast.ClassDef):
            return UNKNOWN, ""
        value = frame.returned(made)
        parts = [part for part in (value.parts or {}).values() if part.kind in BAD]
        return join([value, *parts]) if parts else value, made.node.name
    name = last(node)
    known_library = module.origin(node).partition(".")[0] in ("tf", "tensorflow", "keras", "sm")
    known_library = known_library and dotted(node) not in module.imports
    held = objects.object_of(module, dotted(node))
    if held.kind is Kind.OBJECT or name[:1].isupper() or (known_library and "." in dotted(node)):
        return UNKNOWN, ""
    return calls.function_value(frame, node), name


def _of_factory(analysis: Analysis, element: Element) -> tuple[Value, str]:
    """Return the value of a function that another one returns."""
    node, _, module = element
    assert isinstance(node, ast.Call)
    if "segmentation_models" in module.origin(node.func) and last(node.func) in _SM:
        each = keyword(node, "per_image")
        if not (isinstance(each, ast.Constant) and each.value):
            return Value(Kind.RATIO, name="iou"), _SM[last(node.func)]
    made = module.resolve(node.func)
    if made is None or isinstance(made.node, ast.ClassDef):
        return UNKNOWN, ""
    inner: dict[str, Function] = {
        one.name: one for one in ast.walk(made.node) if isinstance(one, ast.FunctionDef)
    }
    for one in own_nodes(made.node):
        value = one.value if isinstance(one, ast.Return) else None
        if isinstance(value, ast.Name) and value.id in inner:
            found = Frame(module, analysis.trace).returned(Definition(made.module, inner[value.id]))
            return found._replace(name=made.node.name), value.id
        if isinstance(value, ast.Lambda):
            return calls.function_value(Frame(made.module, analysis.trace), value), "lambda"
    return UNKNOWN, ""


_SM = {"IOUScore": "iou_score", "FScore": "f1-score", "Precision": "precision", "Recall": "recall"}
"""Metric of segmentation_models, a value a batch -> the name that Keras logs."""
