"""Conversion of arrays of any library to NumPy, without importing that library."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.errors import raise_input_error

UNREADABLE = (AttributeError, BufferError, RuntimeError, TypeError, ValueError)
"""Exceptions of libraries whose data NumPy cannot read."""


def detached_copy(name: str, values: Any) -> Any:
    """Copy an array on its own device, without gradient and without waiting for the device.

    `values`: a PyTorch tensor or a JAX array, whose computation may still be under way; else
    whatever NumPy reads, and the copy is a NumPy array. Raises `InputError` for what NumPy cannot
    read.
    """
    if isinstance(values, np.ndarray):
        return np.array(values)
    try:
        if hasattr(values, "detach"):  # PyTorch
            return values.detach().clone()
        if hasattr(values, "block_until_ready"):  # JAX, whose arrays can be donated, and then end
            return values.copy()
        return np.array(_read(values))
    except UNREADABLE:
        raise_input_error(name, "must be an array that NumPy can read", type(values).__name__)


def to_numpy(name: str, values: Any) -> NDArray[Any]:
    """Convert to a NumPy array, of float32 where NumPy lacks the dtype, as bfloat16.

    Raises `InputError` for what NumPy cannot read.
    """
    try:
        array = np.asarray(_read(_of_tensor(values) if hasattr(values, "detach") else values))
        return array.astype(np.float32) if array.dtype.kind == "V" else array
    except UNREADABLE:
        raise_input_error(name, "must be an array that NumPy can read", type(values).__name__)


def _of_tensor(values: Any) -> Any:
    tensor = values.detach().cpu()
    try:
        return tensor.numpy()
    except TypeError:  # of bfloat16
        return tensor.float().numpy()


def _read(values: Any) -> Any:
    """Read by DLPack what has no `__array__`: NumPy does not by itself."""
    by_dlpack = hasattr(values, "__dlpack__") and not hasattr(values, "__array__")
    return np.from_dlpack(values) if by_dlpack else values
