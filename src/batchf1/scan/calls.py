"""Kinds of calls: reductions, metrics of libraries, functions of the scanned tree, objects."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from batchf1.scan import frames, known
from batchf1.scan.kinds import (
    BAD,
    CONSTANT,
    ELEMENTS,
    UNKNOWN,
    Axis,
    Kind,
    Value,
    divide,
    has_bad,
    join,
    reduce,
)
from batchf1.scan.project import Definition, Module, dotted, keyword, last

if TYPE_CHECKING:
    from batchf1.scan.frames import Frame

_LIBRARIES = known.names(
    "sklearn torchmetrics pytorch_lightning segmentation_models monai ignite torcheval functional "
    "evaluate medpy catalyst smp fastai lightning"
)
_WATCHED = known.names(
    "update add add_value update_state log log_dict assign assign_add add_metric append "
    "push record AverageMeter"
)
"""Methods that are given values of batches."""
_WITHIN = frozenset({"py_function", "py_func", "numpy_function", "function", "partial"})
_RUNNING = frozenset(
    f"{tf}.{one}"
    for tf in ("tf.metrics", "tensorflow.metrics", "tensorflow.compat.v1.metrics")
    for one in ("mean_iou", "auc", "precision", "recall", "mean_per_class_accuracy")
)
"""Functions of TensorFlow 1 that keep counts of all batches so far."""
_OLD_KERAS = ("keras.metrics.", "tensorflow.keras.metrics.")
"""Functions for F1 in Keras 1, averaged over batches, were removed in 2.0."""
_ITSELF = frozenset({"to", "cuda", "cpu", "clone", "eval", "train", "double", "float"})
"""Methods that return the object itself."""
_SHAPES = known.names("flatten ravel view reshape permute transpose squeeze movedim swapaxes")
_EACH = frozenset({"map_fn", "vectorized_map", "vmap", "vmapped"})
_SAME = known.names("tqdm enumerate reversed sorted iter zip filter")


def value(frame: Frame, node: ast.Call) -> Value:
    """Return the kind of a call."""
    name = last(node.func)
    method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value, frame)
    base = frame.value(node.func.value) if method and isinstance(node.func, ast.Attribute) else None
    if name in _WITHIN and node.args:
        return function_value(frame, node.args[0])
    arguments = [frame.value(one) for one in node.args]
    named = {one.arg: frame.value(one.value) for one in node.keywords}
    if (name in _WATCHED and method) or dotted(node.func) in frame.module.means:
        _note(frame, node, [*arguments], {k: v for k, v in named.items() if k})
    if (
        name in ("append", "extend")
        and method
        and node.args
        and isinstance(node.func, ast.Attribute)
    ):
        frame.collect(node.func.value, arguments[0])
        return UNKNOWN
    operands = [*([base] if base is not None else []), *arguments]
    first = operands[0] if operands else UNKNOWN
    if name in known.SUMS or name in known.MEANS:
        return _reduction(frame, node, name, operands, method)
    if name in known.SIZES:
        return CONSTANT
    if name in ("items", "values") and base is not None:
        return join(base.parts.values()) if base.parts else base
    shaped = _shape(node, name, first, method)
    if shaped is not None:
        return shaped
    return (
        _own(frame, node, arguments, named, base)
        or _library(frame, node, name, arguments)
        or _arrays(frame, node, name, operands, named)
    )


def _is_module(node: ast.expr, frame: Frame) -> bool:
    """Whether `K` of `K.sum(y)` is a module and no tensor."""
    name = dotted(node)
    head = name.partition(".")[0]
    return (
        bool(name)
        and name not in frame.env
        and (head in frame.module.imports or head in known.ARRAYS)
    )


def _note(frame: Frame, node: ast.Call, arguments: list[Value], named: dict[str, Value]) -> None:
    given: dict[str | int, Value] = dict(enumerate(arguments))
    given.update(named)
    if any(has_bad(one) or one.kind is Kind.OBJECT for one in given.values()):
        frame.trace.given.append(frames.Given(node, given, frame.batch))


def _reduction(
    frame: Frame, node: ast.Call, name: str, operands: list[Value], method: bool
) -> Value:
    first = operands[0] if operands else UNKNOWN
    mean = name in known.MEANS
    if name in ("tensordot", "dot") and len(operands) > 1:
        return reduce(join(operands[:2]), None, mean=False)
    if first.kind is Kind.LIST and first.origin and mean:
        frame.averages(node, first.origin, "list")
        return UNKNOWN
    axis = _axis(frame, node, method)
    if axis == "unknown":
        return first if first.kind in BAD else UNKNOWN
    assert not isinstance(axis, str)
    return reduce(first._replace(parts=None), axis, mean=mean)


def _axis(frame: Frame, node: ast.Call, method: bool) -> Axis | str:
    given = keyword(node, "axis") or keyword(node, "dim")
    rest = node.args[0 if method else 1 :]
    if given is None and rest:
        given = rest[0]
    if isinstance(given, ast.IfExp):
        given = given.body
    if given is not None and dotted(given):
        given = frame.module.value_before(dotted(given), node.lineno) or given
    if given is None:
        return None
    try:
        axis = ast.literal_eval(given)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return "unknown"
    if isinstance(axis, (list, tuple)):
        return tuple(one for one in axis if isinstance(one, int))
    return (axis,) if isinstance(axis, int) and not isinstance(axis, bool) else None


def _shape(node: ast.Call, name: str, first: Value, method: bool) -> Value | None:
    """Return the kind of a tensor in another shape; None for another call."""
    arguments = node.args[0 if method else 1 :]
    if len(arguments) == 1 and isinstance(arguments[0], (ast.Tuple, ast.List)):
        arguments = arguments[0].elts
    tensor = first.kind in (Kind.ELEMENTS, Kind.UNKNOWN, Kind.FLAT, Kind.ROWS)
    if name in _SHAPES and not tensor:
        return first
    if name in ("flatten", "Flatten", "ravel"):
        keeps = any(one.arg == "start_dim" for one in node.keywords) or bool(arguments)
        return Value(Kind.FLAT) if tensor and not keeps else first
    if name in ("view", "reshape") and tensor:
        return _reshaped(arguments, first)
    if name in ("permute", "transpose", "permute_dimensions") and tensor and arguments:
        first_axis = arguments[0]
        moved = isinstance(first_axis, ast.Constant) and first_axis.value not in (0, None)
        swaps = name == "transpose" and any(
            isinstance(one, ast.Constant) and one.value == 0 for one in arguments[1:]
        )
        return Value(Kind.CLASS_FIRST) if moved and (name != "transpose" or swaps) else first
    if name == "squeeze" and method and arguments:
        zero = isinstance(arguments[0], ast.Constant) and arguments[0].value == 0
        return Value(Kind.SAMPLE) if zero and tensor else first
    return None


def _reshaped(arguments: list[ast.expr], first: Value) -> Value:
    numbers = [_literal(one) for one in arguments]
    if numbers == [-1]:
        return Value(Kind.FLAT)
    if numbers and numbers[0] == -1 and len(numbers) == 2 and numbers[1] != 1:
        return Value(Kind.ROWS)
    if numbers == [-1, 1]:
        return Value(Kind.ROWS)
    if len(numbers) == 2 and all(isinstance(one, int) and one > 1 for one in numbers):
        return Value(Kind.SAMPLE)  # an image, without an axis of samples
    if len(numbers) == 2 and numbers[1] == -1 and "class" in ast.unparse(arguments[0]).lower():
        return Value(Kind.CLASS_FIRST)
    return first


def _literal(node: ast.expr) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _literal(node.operand)
        return -inner if inner is not None else None
    made = node.value if isinstance(node, ast.Constant) else None
    return made if isinstance(made, int) else None


def _own(
    frame: Frame,
    node: ast.Call,
    arguments: list[Value],
    named: dict[str | None, Value],
    base: Value | None,
) -> Value | None:
    """Return the kind of a call of the tree's own function or object; None for another."""
    callee = frame.env.get(dotted(node.func)) or object_of(frame.module, dotted(node.func))
    if callee.kind is Kind.OBJECT:
        if callee.definition is None:
            return Value(Kind.RATIO, name=callee.name)
        for method in ("__call__", "forward"):
            own = callee.definition.module.member(callee.definition.node, method)
            if own:
                given = _in_order(own, arguments, named)
                return frames.returned(own, frame.trace, given, frame.depth)
        return UNKNOWN
    if base is not None and base.kind is Kind.OBJECT and base.definition is None:
        if last(node.func) in _ITSELF:
            return base
        ends = last(node.func) in ("compute", "result", "aggregate")
        return Value(Kind.RUNNING, name=base.name) if ends else UNKNOWN
    made = frame.module.resolve(node.func)
    if made is None:
        return None
    if isinstance(made.node, ast.ClassDef):
        return Value(Kind.OBJECT, name=made.node.name, definition=made)
    return frames.returned(made, frame.trace, _in_order(made, arguments, named), frame.depth)


def _in_order(
    made: Definition, arguments: list[Value], named: dict[str | None, Value]
) -> list[Value]:
    """Return the arguments of a call by place, UNKNOWN for what is left out."""
    assert not isinstance(made.node, ast.ClassDef)
    names = [one.arg for one in made.node.args.args]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    after = [named.get(name, UNKNOWN) for name in names[len(arguments) :]]
    while after and after[-1] is UNKNOWN:
        after.pop()
    return [*arguments, *after]


def _library(frame: Frame, node: ast.Call, name: str, arguments: list[Value]) -> Value | None:
    """Return the kind of a metric of a library; None for another call."""
    origin = frame.module.origin(node.func)
    name = origin.rpartition(".")[2] or name
    known_one = name in known.SKLEARN or (
        known.is_metric_function(name) and any(one in origin for one in _LIBRARIES)
    )
    if origin.startswith(_OLD_KERAS) and known.metric_of(name) and name.islower():
        return Value(Kind.RATIO, name=name)
    if origin in _RUNNING:
        return Value(Kind.RUNNING, name=name)
    if not known_one:
        return None
    average = keyword(node, "average") or keyword(node, "reduction")
    kept = average.value if isinstance(average, ast.Constant) else None
    pooled = kept == "micro" and (keyword(node, "labels") or keyword(node, "reduction"))
    if kept in ("micro", "samples", "micro-imagewise", "macro-imagewise") and not pooled:
        return Value(Kind.MEAN)
    kinds = {one.kind for one in arguments[:2]}
    if kinds and kinds <= {Kind.SAMPLE, Kind.SAMPLE_VALUE}:
        return Value(Kind.SAMPLE_VALUE)
    ratio = Value(Kind.RUNNING if Kind.GATHERED in kinds else Kind.RATIO, name=name)
    if name == "precision_recall_fscore_support":
        return ratio._replace(parts={**dict.fromkeys(range(3), ratio), 3: CONSTANT})
    return ratio


def _arrays(
    frame: Frame,
    node: ast.Call,
    name: str,
    operands: list[Value],
    named: dict[str | None, Value],
) -> Value:
    """Return the kind of a function of arrays, or of one that is not in the tree."""
    first = operands[0] if operands else UNKNOWN
    if name in ("sqrt", "exp"):
        lossy = name == "exp" and bool(node.args) and _speaks_of_loss(node.args[0])
        made = Value(Kind.RATIO, name="rmse" if name == "sqrt" else "perplexity")
        return made if first.kind is Kind.MEAN or (lossy and first.kind is Kind.UNKNOWN) else first
    if name in _EACH and node.args:
        return Value(Kind.SAMPLE_VALUE)
    if name in ("cond", "switch") and node.args:
        branches = [one.body if isinstance(one, ast.Lambda) else one for one in node.args[1:]]
        return join([frame.value(one) for one in branches] or [UNKNOWN])
    if name in known.DIVIDE and len(operands) > 1:
        return frame.divided(node, operands[0], operands[1])
    if name == "confusion_matrix":
        return Value(Kind.RUNNING_SUM if first.kind is Kind.GATHERED else Kind.SUM)
    if name in ("accuracy_score", "hamming_loss", "mean_absolute_error", "log_loss"):
        return Value(Kind.MEAN)
    if name == "mean_squared_error":
        root = keyword(node, "squared")
        return Value(Kind.RATIO, name="rmse") if root is not None else Value(Kind.MEAN)
    if known.is_metric_class(name) and frame.module.resolve(node.func) is None:
        return Value(Kind.OBJECT, name=name)
    if name in known.THROUGH:
        return join(
            [*operands, *(made for key, made in named.items() if key not in ("axis", "dim"))]
        )
    if name in _SAME:
        return first
    by_name = known.metric_of(name) if len(node.args) >= 2 and not known.is_additive(name) else None
    lower = name[:1].islower() or name[:1] == "_"
    return (
        Value(Kind.NAMED, name=name)
        if by_name and lower and not _method_of_value(node)
        else UNKNOWN
    )


def _speaks_of_loss(node: ast.expr) -> bool:
    return not isinstance(node, ast.UnaryOp) and any(
        isinstance(one, ast.Name) and "loss" in known.words(one.id) for one in ast.walk(node)
    )


def _method_of_value(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and not dotted(node.func)


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


def function_value(frame: Frame, node: ast.expr) -> Value:
    """Return what a function returns for labels and predictions of a batch."""
    if isinstance(node, ast.Lambda):
        inner = frames.Frame(frame.module, frame.trace, dict(frame.env), depth=frame.depth + 1)
        inner.env.update({one.arg: ELEMENTS for one in node.args.args})
        return inner.value(node.body)
    if isinstance(node, ast.Call) and last(node.func) == "partial" and node.args:
        return function_value(frame, node.args[0])
    made = frame.module.resolve(node)
    if made:
        return frames.returned(made, frame.trace, None, frame.depth)
    name = frame.module.origin(node).rpartition(".")[2]
    old = frame.module.origin(node).startswith(_OLD_KERAS) and name.islower()
    if name in known.SKLEARN or (old and known.metric_of(name)):
        return Value(Kind.RATIO, name=name)
    return Value(Kind.NAMED, name=name) if known.metric_of(name) else UNKNOWN


__all__ = ["divide", "function_value", "object_of", "value"]
