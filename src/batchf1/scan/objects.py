"""Metric objects: which variables hold one."""

from __future__ import annotations

import ast

from batchf1.scan import known
from batchf1.scan.kinds import UNKNOWN, Kind, Value
from batchf1.scan.modules import Module
from batchf1.scan.syntax import dotted, last


def object_of(module: Module, name: str) -> Value:
    """Return the metric object that a name was assigned, else UNKNOWN."""
    for made in module.assigned.get(name, ()) if name else ():
        call = made
        while isinstance(call, ast.Call) and last(call.func) in ("to", "cuda", "clone"):
            inner = call.func.value if isinstance(call.func, ast.Attribute) else call
            if inner is call:
                break
            call = inner
        if call is not made and dotted(call) not in ("", name):
            return object_of(module, dotted(call))
        if not isinstance(call, ast.Call):
            continue
        found = _constructed(module, call)
        if found is not None:
            return found
    return UNKNOWN


def _constructed(module: Module, call: ast.Call) -> Value | None:
    name = last(call.func)
    own = module.resolve(call.func)
    if own is not None:
        if isinstance(own.node, ast.ClassDef):
            return Value(Kind.OBJECT, name=own.node.name, definition=own)
        return None
    if known.is_metric_class(name):
        return Value(Kind.OBJECT, name=name)
    if name in known.COLLECTIONS:
        held = [
            last(one.func)
            for one in ast.walk(call)
            if isinstance(one, ast.Call) and known.is_metric_class(last(one.func))
        ]
        return Value(Kind.OBJECT, name=held[0]) if held else None
    return None
