"""State of metric objects, in variables that Keras tracks and in other attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops

from batchf1.auditing.arrays import UNREADABLE
from batchf1.auditing.broadcast import Pair
from batchf1.keras import objects


@contextmanager
def restored(metrics: Iterable[Any], variables: Iterable[Any] = ()) -> Iterator[None]:
    """Restore the state of metrics and further variables on exit."""
    held = list(metrics)
    tracked = [variable for metric in held for variable in metric.variables] + [*variables]
    values = [ops.convert_to_numpy(variable) for variable in tracked]
    untracked = [
        (owner, name, value, _copy(value)) for one in held for owner, name, value in _untracked(one)
    ]
    try:
        yield
    finally:
        for variable, value in zip(tracked, values, strict=True):
            variable.assign(value)
        for owner, name, value, copy in untracked:
            _put_back(owner, name, value, copy)


def unreset(metric: Any, pair: Pair) -> list[str]:
    """List the attributes that a batch changes and `reset_state` does not reset."""
    metric.reset_state()
    before = {name: _copy(value) for _, name, value in _untracked(metric)}
    objects.updated(metric, [pair])
    metric.reset_state()
    after = {name: value for _, name, value in _untracked(metric)}
    return [name for name, value in after.items() if not _same(before.get(name), _copy(value))]


def _untracked(metric: Any) -> Iterator[tuple[Any, str, Any]]:
    """Yield owner, name and value of each attribute that may be state and is not tracked."""
    for name, value in vars(metric).items():
        if isinstance(value, keras.metrics.Metric):
            yield from _untracked(value)
        elif name not in ("_variables", "_metrics") and _may_be_state(value):
            yield metric, name, value


def _may_be_state(value: Any) -> bool:
    if isinstance(value, keras.Variable | bool):
        return False
    return isinstance(value, Real | list | dict | set) or hasattr(value, "dtype")


def _copy(value: Any) -> Any:
    """Copy a value; a tensor or a variable as an array, None if it has no value."""
    for kind in (list, dict, set):
        if isinstance(value, kind):
            return kind(value)
    if not hasattr(value, "dtype"):
        return value
    try:
        return np.array(ops.convert_to_numpy(value))
    except UNREADABLE:
        return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | dict | set) and isinstance(other, list | dict | set):
        return len(one) == len(other)
    return one is other or bool(np.all(np.equal(one, other)))


def _put_back(owner: Any, name: str, value: Any, copy: Any) -> None:
    """Set the attribute to its earlier object, with the earlier content."""
    if copy is not None:
        if isinstance(value, dict | set):
            value.clear()
            value.update(copy)
        elif isinstance(value, list):
            value[:] = copy
        elif isinstance(value, np.ndarray):
            value[...] = copy
        elif hasattr(value, "assign"):  # a variable of TensorFlow
            value.assign(copy)
        elif hasattr(value, "copy_"):  # a tensor of PyTorch
            value.copy_(ops.convert_to_tensor(copy))
    vars(owner)[name] = value
