"""BF201 to BF203: values that a LightningModule logs in a step, or averages over devices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan import known
from batchf1.scan.analysis import Analysis, Draft, level_of, metric_text
from batchf1.scan.kinds import BAD, Kind, Value
from batchf1.scan.syntax import dotted, keyword, symbol_of
from batchf1.scan.traces import Given

VALUE, COMPUTED, DEVICES = "BF201", "BF202", "BF203"


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each logged value that Lightning averages."""
    for given in analysis.trace.given:
        if dotted(given.call.func) not in ("self.log", "self.log_dict"):
            continue
        step = analysis.step_of.get(given.batch) if given.batch is not None else None
        for node, value, key in _logged(given):
            symbol = symbol_of(node)
            if value.kind not in BAD or known.is_additive(symbol) or known.is_additive(value.name):
                continue
            if step is not None and _averaged(step, given.call):
                yield _of_step(given.call, value, symbol, key)
            elif step is None and _true(given.call, "sync_dist"):
                message = f"sync_dist averages {symbol} over devices, each with its own samples"
                yield Draft(given.call, DEVICES, "note", symbol, message, (key,))


def _of_step(call: ast.Call, value: Value, symbol: str, key: str) -> Draft:
    level = level_of(value, symbol)
    metric = metric_text(value, symbol)
    if value.kind is Kind.RUNNING:
        message = f"Lightning averages {symbol}, a value of all batches so far, over batches"
        return Draft(call, COMPUTED, level, symbol, message, (key,))
    message = f"Lightning averages {symbol} over batches; {metric} is not additive"
    return Draft(call, VALUE, level, symbol, message, (key,))


def _logged(given: Given) -> Iterator[tuple[ast.expr, Value, str]]:
    """Yield what a call logs: its code, its value and its key."""
    call, arguments, _ = given
    several = dotted(call.func) == "self.log_dict"
    place: str | int = ("dictionary" if several else "value") if not call.args else int(not several)
    node = keyword(call, "value" if not several else "dictionary")
    if node is None:
        if len(call.args) <= int(not several):
            return
        place = int(not several)
        node = call.args[place]
    else:
        place = "value" if not several else "dictionary"
    value = arguments.get(place)
    if value is None:
        return
    if not several:
        key = call.args[0] if call.args else keyword(call, "name")
        yield node, value, str(key.value) if isinstance(key, ast.Constant) else ""
        return
    entries = (
        dict(zip(map(_text, node.keys), node.values, strict=True))
        if isinstance(node, ast.Dict)
        else {}
    )
    if not value.parts:
        yield node, value, ""
    for name, part in (value.parts or {}).items():
        yield entries.get(str(name), node), part, str(name)


def _text(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _averaged(step: str, call: ast.Call) -> bool:
    """Whether Lightning averages the value: in training only if asked to."""
    if step == "training_step":
        return _true(call, "on_epoch")
    given = keyword(call, "on_epoch")
    return not (isinstance(given, ast.Constant) and given.value is False)


def _true(call: ast.Call, name: str) -> bool:
    given = keyword(call, name)
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)
