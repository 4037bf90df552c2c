"""BF104: `add_metric`, trackers of means and returned values in steps of one's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan import known
from batchf1.scan.analysis import Analysis, Draft, level_of, metric_text
from batchf1.scan.frames import symbol_of
from batchf1.scan.kinds import BAD, Kind
from batchf1.scan.project import keyword, last

ID = "BF104"


def check(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each value of a batch that is given to a mean."""
    classes = [one for one in analysis.module.scopes if isinstance(one, ast.ClassDef)]
    metrics = {id(one) for one in classes if any("Metric" in last(base) for base in one.bases)}
    for call, arguments, _ in analysis.trace.given:
        name = last(call.func)
        value = arguments.get(0)
        if name not in ("add_metric", "update_state") or value is None or value.kind not in BAD:
            continue
        around = analysis.module.enclosing(call, ast.ClassDef)
        if name == "update_state" and (len(arguments) > 1 or id(around) in metrics):
            continue
        symbol = symbol_of(call.args[0])
        if known.is_additive(symbol) or known.is_additive(value.name):
            continue
        key = keyword(call, "name")
        logged = str(key.value) if isinstance(key, ast.Constant) else symbol
        kept = "running values" if value.kind is Kind.RUNNING else "values of batches"
        message = f"Keras averages {kept} of {symbol}; {metric_text(value, symbol)} is not additive"
        keys = (logged, f"val_{logged}")
        yield Draft(call, ID, level_of(value, symbol), symbol, message, keys)
