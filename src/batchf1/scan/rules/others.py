"""BF401, BF402: averages of ignite, and functions in `metrics=` of fastai."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from batchf1.scan import known
from batchf1.scan.analysis import Analysis, Draft, level_of
from batchf1.scan.kinds import Kind, Value
from batchf1.scan.rules import keras_functions
from batchf1.scan.rules.keras_functions import Element
from batchf1.scan.syntax import keyword, last, symbol_of

IGNITE, FASTAI = "BF401", "BF402"


def check_ignite(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each running average of a metric, or of its values."""
    for name in ("RunningAverage", "Average"):
        for call in analysis.module.calls.get(name, []):
            source = keyword(call, "src") or (call.args[0] if call.args else None)
            source = source if source is not None else keyword(call, "output_transform")
            metric = _averaged(analysis, source) if source is not None else ""
            if metric and "ignite" in analysis.module.origin(call.func):
                symbol = symbol_of(call)
                message = f"ignite's {name} averages {metric} over batches, which is not additive"
                yield Draft(call, IGNITE, level_of(Value(Kind.RATIO), metric), symbol, message)


def _averaged(analysis: Analysis, node: ast.expr) -> str:
    """Name the metric in what is averaged: an object, or an entry of a step's output."""
    for one in ast.walk(node):
        text = last(one) if isinstance(one, (ast.Call, ast.Name, ast.Attribute)) else ""
        text = str(one.value) if isinstance(one, ast.Constant) else text
        if known.is_metric_class(text) or (text and known.metric_of(text)):
            return text
        made = analysis.module.value_before(text, 10**9) if isinstance(one, ast.Name) else None
        if isinstance(made, ast.Call) and known.is_metric_class(last(made.func)):
            return last(made.func)
    return ""


def check_fastai(analysis: Analysis) -> Iterator[Draft]:
    """Yield a draft for each function in the metrics of a Learner."""
    module = analysis.module
    for name, calls in module.calls.items():
        if not name.lower().endswith("learner"):
            continue
        for call in calls:
            given = keyword(call, "metrics")
            if given is not None:
                for element in keras_functions.elements(Element(given, call, module), module):
                    yield from keras_functions.judged(analysis, element, FASTAI, "fastai")
