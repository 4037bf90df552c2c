"""Loops over batches: what is one, and whether its batches have a single sample."""

from __future__ import annotations

import ast
import re

from batchf1.scan.known import names
from batchf1.scan.modules import Module
from batchf1.scan.syntax import dotted, entry, keyword, last, own_nodes

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
_WRAPPERS = names("tqdm enumerate iter trange track progress_bar notebook_tqdm islice")
_DATASETS = re.compile(r"Dataset$|Data$")


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
    return (looks or (trains and not ranged)) and not _of_samples(loop, module)


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
                if isinstance(value, ast.Call) and last(value.func) in {*_WRAPPERS, "DataLoader"}:
                    text += f" {ast.unparse(value)[:120]}"
    return text


def _of_samples(loop: ast.For | ast.AsyncFor, module: Module) -> bool:
    """Whether each batch is one sample, as far as its loader is seen."""
    function = module.enclosing(loop, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(loop.iter):
        name = dotted(node)
        if not name:
            continue
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = module.given(name, function)
            if given:
                return all(_one_sample(dotted(value), value.lineno, module) for value in given)
        if _one_sample(name, loop.lineno, module):
            return True
    return False


def _one_sample(name: str, line: int, module: Module) -> bool:
    made = module.value_before(name, line) if name else None
    for _ in range(3):  # bar = tqdm(enumerate(loader))
        if isinstance(made, ast.Call) and last(made.func) in _WRAPPERS and made.args:
            made = module.value_before(dotted(made.args[0]), made.lineno - 1) or made.args[0]
    if not isinstance(made, ast.Call):
        return False
    if _DATASETS.search(last(made.func)) and isinstance(made.func, ast.Name):
        return True
    if last(made.func) == "batch" and made.args:
        return _number(made.args[0], module, line) == 1
    return last(made.func) == "DataLoader" and batch_size(made, module) == 1


def batch_size(loader: ast.Call, module: Module) -> int | None:
    """Return the batch size of a call of DataLoader, 1 by default; None where it does not show."""
    size = keyword(loader, "batch_size")
    if size is None and len(loader.args) > 1:
        size = loader.args[1]
    spread = [one.value for one in loader.keywords if one.arg is None]
    if size is None and spread:
        given = module.value_before(dotted(spread[0]), loader.lineno)
        size = entry(given, "batch_size")
    if size is None:
        custom = any(one.arg in ("batch_sampler", "sampler") for one in loader.keywords)
        return None if spread or custom else 1
    return _number(size, module, loader.lineno)


def _number(node: ast.expr, module: Module, line: int) -> int | None:
    if not isinstance(node, ast.Constant):
        node = module.value_before(dotted(node), line) or node
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) else None


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
