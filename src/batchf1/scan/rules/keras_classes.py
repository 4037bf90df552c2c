"""BF102, BF103: classes of metrics that keep a mean of batch values, or never reset."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan.analysis import Analysis, Draft, level_of, methods_of, metric_text
from batchf1.scan.frames import Frame
from batchf1.scan.kinds import BAD, ELEMENTS, Kind, Value
from batchf1.scan.syntax import Function, dotted, last, own_nodes
from batchf1.scan.traces import Trace

MEAN, KEPT = "BF102", "BF103"
_RESETS = ("reset_state", "reset_states", "reset")


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each class of a metric that is at fault."""
    for node in analysis.module.scopes:
        if not isinstance(node, ast.ClassDef):
            continue
        methods = methods_of(node)
        update = methods.get("update_state") or methods.get("update")
        based = any("Metric" in last(base) or last(base) == "Mean" for base in node.bases)
        if update is None or not (based or "update_state" in methods):
            continue
        value = _kept_mean(analysis, update)
        if value is not None:
            message = f"{node.name} keeps values of batches; {metric_text(value, node.name)} "
            level = level_of(value, node.name)
            yield Draft(node, MEAN, level, node.name, message + "is not additive", _names(node))
        elif based and _never_resets(methods, update):
            message = f"{node.name} is never reset: an epoch's value has all epochs before in it"
            yield Draft(node, KEPT, "sure", node.name, message, _names(node))


def _names(node: ast.ClassDef) -> tuple[str, ...]:
    """Return the names under which the class may be logged: the default of its parameter."""
    init = methods_of(node).get("__init__")
    names = [
        one.value
        for one in (ast.walk(init) if init else ())
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return tuple(f"{prefix}{name}" for name in names[:3] for prefix in ("", "val_"))


def _kept_mean(analysis: Analysis, update: Function) -> Value | None:
    """Return the ratio that a class adds up batch after batch."""
    trace = Trace(memo=analysis.trace.memo)
    env = {one.arg: ELEMENTS for one in update.args.args[1:]}
    frame = Frame(analysis.module, trace, env, batch=update)
    frame.method = True
    frame.run(update.body)
    for given in trace.given:
        value = next((one for one in given.arguments.values() if one.kind in BAD), None)
        if value is not None and _adds(given.call, len(given.arguments)):
            return value
    totals = (one for name, one in frame.env.items() if name.startswith("self."))
    return next((one.origin.value for one in totals if one.kind is Kind.TOTAL and one.origin), None)


def _adds(call: ast.Call, arguments: int) -> bool:
    """Whether a call adds a value to the state."""
    name = last(call.func)
    target = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name == "assign":
        return bool(target) and any(
            dotted(one) == target for one in ast.walk(call.args[0]) if call.args
        )
    return name == "assign_add" or (name == "update_state" and arguments == 1)


def _never_resets(methods: dict[str, Function], update: Function) -> bool:
    resets = [methods[name] for name in _RESETS if name in methods]
    if resets:
        return all(_is_empty(one) for one in resets)
    init = methods.get("__init__")
    numbers = {
        dotted(target)
        for one in (own_nodes(init) if init else ())
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
        for target in one.targets
    }
    return (
        any(
            isinstance(one, ast.AugAssign) and dotted(one.target) in numbers - {""}
            for one in own_nodes(update)
        )
        and update.name == "update_state"
    )


def _is_empty(function: Function) -> bool:
    return all(
        isinstance(one, ast.Pass)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        or (isinstance(one, ast.Return) and one.value is None)
        for one in function.body
    )
