"""BF301 to BF303: sums, lists and meters of batch values in a loop of one's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan import known, loaders
from batchf1.scan.analysis import Analysis, Draft, level_of, metric_text
from batchf1.scan.kinds import BAD, Kind, Value
from batchf1.scan.syntax import dotted, last, symbol_of
from batchf1.scan.traces import Average, Given

SUM, LIST, METER = "BF301", "BF302", "BF303"
_RULES = {"sum": SUM, "list": LIST}
_DONE = {SUM: "a sum over batches, divided", LIST: "a mean of the values of batches"}
_METHODS = frozenset({"update", "add", "add_value", "push", "record", "append", "update_state"})
_METERS = known.names(
    "meter meters metric metrics logger tracker track avg average averager running monitor "
    "mean stats"
)


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each mean over batches: one for each variable and loop."""
    groups: dict[object, list[Average]] = {}
    for average in analysis.trace.averages:
        around = analysis.module.enclosing(average.node, ast.FunctionDef, ast.AsyncFunctionDef)
        key = (average.origin.symbol, id(average.origin.loop), id(around))
        groups.setdefault(key, []).append(average)
    for group in groups.values():
        if _of_one_sample(analysis, group[0].origin.loop):
            continue
        average = min(group, key=lambda one: (one.inside, getattr(one.node, "lineno", 0)))
        symbol, value = average.origin.symbol, average.origin.value
        part = (value.parts or {}).get(symbol, value)
        rule = _RULES[average.rule]
        yield from _draft(average.node, rule, symbol, part, f"{symbol} is {_DONE[rule]}")
    for given in analysis.trace.given:
        drafts = list(_meters(analysis, given)) if given.batch is not None else []
        if drafts and not _of_one_sample(analysis, given.batch):
            yield from drafts


def _of_one_sample(analysis: Analysis, loop: ast.AST | None) -> bool:
    return loop is not None and loaders.of_one_sample(loop, analysis.module, far=True)


def _draft(node: ast.AST, rule: str, symbol: str, value: Value, text: str) -> Iterator[Draft]:
    if known.is_additive(symbol) or known.is_additive(value.name):
        return
    running = value.kind is Kind.RUNNING
    why = (
        "of values of all batches so far"
        if running
        else f"; {metric_text(value, symbol)} is not additive"
    )
    yield Draft(node, rule, level_of(value, symbol), symbol, f"{text}{' ' * running}{why}")


def _meters(analysis: Analysis, given: Given) -> Iterator[Draft]:
    """Yield a draft for each value that goes to a meter."""
    call = given.call
    if last(call.func) not in _METHODS or not isinstance(call.func, ast.Attribute):
        return
    if last(call.func) == "update_state" and (
        given.batch in analysis.step_of or len(given.arguments) == 1
    ):
        return  # BF104
    base = call.func.value
    name = symbol_of(base)
    words = set(known.words(name))
    if words & {"bar", "pbar", "progress", "history"}:
        return
    if last(call.func) == "append" and not _read_as_mean(analysis, dotted(base)):
        return
    for key, value in given.arguments.items():
        if value.kind not in BAD or (isinstance(key, int) and key > 1):
            continue
        if (
            isinstance(key, int)
            and key == 1
            and 0 in given.arguments
            and given.arguments[0].kind in BAD
        ):
            continue
        if (isinstance(key, str) or key == 1) and not words & _METERS:
            continue
        symbol = key if isinstance(key, str) else name
        what = symbol_of(call.args[key]) if isinstance(key, int) else key
        text = f"{name} averages {what} over batches"
        yield from _draft(call, METER, symbol, value, text)


def _read_as_mean(analysis: Analysis, name: str) -> bool:
    """Whether something that values are appended to gives their mean: `tracker.mean`."""
    reads = {f"{name}.{one}" for one in ("mean", "avg", "average", "value")}
    return bool(name) and any(
        dotted(node) in reads and not isinstance(analysis.module.parents.get(node), ast.Call)
        for node in ast.walk(analysis.module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("mean", "avg", "average", "value")
    )


__all__ = ["LIST", "METER", "SUM", "check"]
