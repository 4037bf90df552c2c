"""Loops over batches: what is one."""

from __future__ import annotations

import ast
import re

from batchf1.scan import loaders
from batchf1.scan.modules import Module
from batchf1.scan.syntax import dotted, last, own_nodes

_BATCHES = re.compile(
    r"load|batch|(^|[_.])d[ls](_|\b|\d)|_iter\b|_it\b|gen(erator)?s?\b|queue", re.I
)
"""What an iterable of batches is called."""
_PAIRS = re.compile(r"data", re.I)
"""What one is called if it gives inputs and labels; else it may be a list of samples."""
_UNITS = re.compile(
    r"subject|patient|client|user|quer(y|ies)|document|sentence|volume|video|speaker", re.I
)
"""Units that a metric may have a value for, unless there is a loader of them."""
_OTHERS = re.compile(
    r"split\(|fold|class|label|thresh|epoch|\.items\(|\.keys\(|\.values\(|\bos\.|glob|column|"
    r"iterrows|itertuples|file|groupby|seed|param|configs?\b|metric|model|name|dir\b|path|"
    r"combinations|product\(|callbacks?|layers?\b|keys?\b|\.get\(",
    re.I,
)


def is_batch_loop(loop: ast.For | ast.AsyncFor, module: Module) -> bool:
    """Whether a loop runs over batches of more than one sample."""
    text = _text(loop.iter, module)
    ranged = isinstance(loop.iter, ast.Call) and last(loop.iter.func) in ("range", "trange")
    if ranged:
        looks = _numbers_batches(loop, text)
    else:
        plain = _text(loop.iter, module, False)
        unit = _UNITS.search(plain) and not re.search(r"load|batch", plain, re.I)
        named = _BATCHES.search(text) or (_gives_pairs(loop) and _PAIRS.search(text))
        looks = bool(named) and not unit and not _OTHERS.search(plain)
    zipped = isinstance(loop.iter, ast.Call) and last(loop.iter.func) == "zip"
    if zipped and not re.search(r"load|(^|[_.(])d[ls]\b", text, re.I):
        looks = False
    trains = loop in module.training_loops
    return (looks or (trains and not ranged)) and not loaders.of_one_sample(loop, module)


def _gives_pairs(loop: ast.For | ast.AsyncFor) -> bool:
    """Whether a loop unpacks its items, without a count of `enumerate`."""
    target = loop.target
    counted = isinstance(loop.iter, ast.Call) and last(loop.iter.func) == "enumerate"
    if counted and isinstance(target, ast.Tuple):
        target = target.elts[-1]
    return isinstance(target, ast.Tuple)


def _numbers_batches(loop: ast.For | ast.AsyncFor, text: str) -> bool:
    """Whether `range(...)` numbers batches, or where they begin: `x[i : i + size]`."""
    named = re.search(r"batch(es)?\b|steps|iters|load|generator", text, re.I)
    if named and "epoch" not in text and not re.search(r"batch_size|bs\b", text):
        return True
    target = dotted(loop.target)
    starts = (node.lower for node in own_nodes(loop) if isinstance(node, ast.Slice))
    if isinstance(loop.iter, ast.Call) and len(loop.iter.args) == 3:
        return any(start is not None and dotted(start) == target for start in starts)
    return any(
        isinstance(start, ast.BinOp)
        and isinstance(start.op, ast.Mult)
        and target in (dotted(start.left), dotted(start.right))
        for start in starts
    )


def _text(node: ast.expr, module: Module, aliases: bool = True) -> str:
    """Return the iterable as text, with what `bar = tqdm(loader)` stands for."""
    text = ast.unparse(node)[:300]
    for name in ast.walk(node):
        if aliases and isinstance(name, ast.Name):
            for value in module.assigned.get(name.id, [])[:4]:
                if isinstance(value, ast.Call) and last(value.func) in {
                    *loaders.WRAPPERS,
                    "DataLoader",
                }:
                    text += f" {ast.unparse(value)[:120]}"
    return text


def numbers_samples(call: ast.expr) -> bool:
    """Whether `range(...)` numbers the samples of a batch, and not its classes or anything."""
    assert isinstance(call, ast.Call)
    text = ast.unparse(call)[:200]
    if all(isinstance(one, ast.Constant) for one in call.args):
        return False
    lower = text.lower()
    if any(
        word in lower for word in ("class", "channel", "label", "shape[1]", "shape[-1]", "size(1)")
    ):
        return False
    return "epoch" not in lower and "fold" not in lower
