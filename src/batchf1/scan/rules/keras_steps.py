"""BF104: `add_metric`, trackers of means and returned values in steps of one's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan import known
from batchf1.scan.analysis import Analysis, Draft, level_of, methods_of, metric_text
from batchf1.scan.kinds import BAD
from batchf1.scan.syntax import dotted, keyword, last, symbol_of

ID = "BF104"


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each value of a batch that is given to a mean."""
    yield from _returned(analysis)
    for call, arguments, _ in analysis.trace.given:
        name = last(call.func)
        value = arguments.get(0)
        mean = dotted(call.func) in analysis.module.means
        if value is None or value.kind not in BAD:
            continue
        if name not in ("add_metric", "update_state") and not mean:
            continue
        around = analysis.module.enclosing(call, ast.ClassDef)
        metric = isinstance(around, ast.ClassDef) and "update_state" in methods_of(around)
        if name != "add_metric" and (len(arguments) > 1 or metric):
            continue
        symbol = symbol_of(call.args[0])
        if known.is_additive(symbol) or known.is_additive(value.name):
            continue
        key = keyword(call, "name")
        logged = str(key.value) if isinstance(key, ast.Constant) else symbol
        message = (
            f"Keras averages {symbol} over batches; {metric_text(value, symbol)} is not additive"
        )
        keys = (logged, f"val_{logged}")
        yield Draft(call, ID, level_of(value, symbol), symbol, message, keys)


def _returned(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each value that a step of a Keras model returns: the last batch's stays."""
    for node, value, batch in analysis.trace.returned:
        around = analysis.module.parents.get(batch) if batch is not None else None
        step = analysis.step_of.get(batch, "") if batch is not None else ""
        if step not in ("train_step", "test_step") or not isinstance(around, ast.ClassDef):
            continue
        if not any(last(base) in ("Model", "Sequential") for base in around.bases):
            continue
        for name, part in (value.parts or {}).items():
            if part.kind in BAD and not known.is_additive(str(name)):
                message = f"Keras logs the {name} that {step} returns for the last batch alone"
                keys = (str(name), f"val_{name}")
                yield Draft(node, ID, level_of(part, str(name)), str(name), message, keys)
