"""Analysis of a module: every function, class and top level, and what was seen on the way."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import NamedTuple

from batchf1.scan import known
from batchf1.scan.frames import Frame
from batchf1.scan.kinds import UNKNOWN, Kind, Origin, Value, has_bad, join
from batchf1.scan.modules import Module
from batchf1.scan.syntax import Function, dotted, own_nodes
from batchf1.scan.traces import Trace

STEPS = ("training_step", "validation_step", "test_step", "train_step")
"""Methods that a framework calls once a batch, with those of the class that end in `_step`."""
_KEPT = frozenset({Kind.LIST, Kind.TOTAL, Kind.RUNNING_SUM, Kind.GATHERED, Kind.OBJECT})


class Draft(NamedTuple):
    """A finding before its file, its suppressions and its monitors are known."""

    node: ast.AST
    rule: str
    level: str
    symbol: str
    message: str
    keys: tuple[str, ...] = ()
    """Names under which the value is logged."""


class Analysis:
    """A module, and a trace of all that is in it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.trace = Trace()
        self.step_of: dict[ast.AST, str] = {}
        """Method that runs once a batch -> its name."""
        top = Frame(module, self.trace)
        top.run(module.tree.body)
        for scope in module.scopes:
            if isinstance(scope, ast.ClassDef):
                self._class(scope)
            elif not isinstance(module.parents.get(scope), ast.ClassDef):
                run_function(scope, module, self.trace)

    def _class(self, node: ast.ClassDef) -> None:
        """Go through the steps of a class first, then through the methods that read their lists."""
        methods = methods_of(node)
        steps = _steps(methods)
        state: dict[str, Value] = {}
        if not steps:
            for name in (*methods, *methods):
                frame = run_function(methods[name], self.module, Trace(memo=self.trace.memo), state)
                state |= _kept(frame)
        returned: dict[str, Value] = {}
        for name in steps:
            method = methods[name]
            self.step_of[method] = name
            frame = Frame(self.module, self.trace, dict(state), batch=method)
            frame.run(method.body)
            state |= _kept(frame)
            returned[name.removesuffix("_step")] = join(frame.returns or [UNKNOWN])
        for name, method in methods.items():
            if name not in steps:
                run_function(method, self.module, self.trace, state | _outputs(method, returned))

    @cached_property
    def monitors(self) -> list[tuple[str, str, int]]:
        """List what callbacks and tuners choose by: name, key and line."""
        found = []
        for name, calls in self.module.calls.items():
            place = _MONITORS.get(name)
            for call in calls if place is not None else ():
                keys = [one.value for one in call.keywords if one.arg in ("monitor", "objective")]
                given = keys or call.args[place : place + 1] if place is not None else []
                for key in given:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        found.append((name, key.value, call.lineno))
        return found


_MONITORS = {"EarlyStopping": 0, "ReduceLROnPlateau": 0, "ModelCheckpoint": 1, "Objective": 0}
_MONITORS |= dict.fromkeys(("RandomSearch", "Hyperband", "BayesianOptimization", "GridSearch"), 1)
"""Class that chooses by a logged value -> the place of the key among its arguments."""


def run_function(
    function: Function, module: Module, trace: Trace, env: dict[str, Value] | None = None
) -> Frame:
    """Go through a function whose arguments are unknown, and return its frame."""
    frame = Frame(module, trace, dict(env or {}))
    frame.method = isinstance(module.parents.get(function), ast.ClassDef)
    frame.run(function.body)
    return frame


def methods_of(node: ast.ClassDef) -> dict[str, Function]:
    """Return the methods of a class by name."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {one.name: one for one in node.body if isinstance(one, functions)}


def _steps(methods: dict[str, Function]) -> list[str]:
    """List the methods that run once a batch: steps, and what they call."""
    if not any(name.endswith(STEPS) for name in methods):
        return []
    names = [name for name in methods if name.endswith("_step") and not name.startswith("on_")]
    for name in names:  # grows
        for call in own_nodes(methods[name]):
            if isinstance(call, ast.Call):
                base, _, called = dotted(call.func).rpartition(".")
                if base == "self" and called in methods and called not in names:
                    names.append(called)
    return names


def _kept(frame: Frame) -> dict[str, Value]:
    """Return what the attributes of an object collect."""
    return {
        name: value
        for name, value in frame.env.items()
        if name.startswith("self.") and (value.kind in _KEPT or value.parts)
    }


def _outputs(method: Function, returned: dict[str, Value]) -> dict[str, Value]:
    """Return the list of what the steps returned, where a method of an epoch's end takes it."""
    names = [one.arg for one in method.args.args]
    if not method.name.endswith("epoch_end") or len(names) < 2:
        return {}
    for prefix, value in returned.items():
        if method.name.endswith(f"{prefix}_epoch_end") and has_bad(value):
            origin = Origin(names[1], None, value)
            return {names[1]: Value(Kind.LIST, value.parts, value.name, origin)}
    return {}


def level_of(value: Value, symbol: str) -> str:
    """Return the level of a finding: overlaps of masks may be meant per batch."""
    if value.kind is Kind.NAMED:
        return "by-name"
    return "choice" if known.is_overlap(value.name) or known.is_overlap(symbol) else "sure"


def metric_text(value: Value, symbol: str) -> str:
    """Name the metric as the atlas does, or say that it is a ratio."""
    return known.metric_of(symbol) or known.metric_of(value.name) or "a ratio of sums"
