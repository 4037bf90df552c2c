"""Kinds of calls: reductions, metrics of libraries, functions of the scanned tree, objects."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from batchf1.scan import arrays, known, objects
from batchf1.scan.kinds import (
    CONSTANT,
    UNKNOWN,
    Kind,
    Value,
    has_bad,
    join,
)
from batchf1.scan.modules import Definition
from batchf1.scan.syntax import dotted, keyword, last
from batchf1.scan.traces import Given

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
        return arrays.reduction(frame, node, name, operands, method)
    if name in known.SIZES:
        return CONSTANT
    if name in ("items", "values") and base is not None:
        return join(base.parts.values()) if base.parts else base
    shaped = arrays.shape(node, name, first, method)
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
        frame.trace.given.append(Given(node, given, frame.batch))


def _own(
    frame: Frame,
    node: ast.Call,
    arguments: list[Value],
    named: dict[str | None, Value],
    base: Value | None,
) -> Value | None:
    """Return the kind of a call of the tree's own function or object; None for another."""
    callee = frame.env.get(dotted(node.func)) or objects.object_of(frame.module, dotted(node.func))
    if callee.kind is Kind.OBJECT:
        if callee.definition is None:
            return Value(Kind.RATIO, name=callee.name)
        for method in ("__call__", "forward"):
            own = callee.definition.module.member(callee.definition.node, method)
            if own:
                given = _in_order(own, arguments, named)
                return frame.returned(own, given)
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
    return frame.returned(made, _in_order(made, arguments, named))


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


def function_value(frame: Frame, node: ast.expr) -> Value:
    """Return what a function returns for labels and predictions of a batch."""
    if isinstance(node, ast.Lambda):
        return frame.of_lambda(node)
    if isinstance(node, ast.Call) and last(node.func) == "partial" and node.args:
        return function_value(frame, node.args[0])
    made = frame.module.resolve(node)
    if made:
        return frame.returned(made)
    name = frame.module.origin(node).rpartition(".")[2]
    old = frame.module.origin(node).startswith(_OLD_KERAS) and name.islower()
    if name in known.SKLEARN or (old and known.metric_of(name)):
        return Value(Kind.RATIO, name=name)
    return Value(Kind.NAMED, name=name) if known.metric_of(name) else UNKNOWN
