"""Arrays of any library, read without importing it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.errors import raise_input_error

UNREADABLE = (AttributeError, BufferError, RuntimeError, TypeError, ValueError)
"""What libraries raise where NumPy cannot have their data."""


def detached_copy(name: str, values: Any) -> Any:
    """A copy that nobody else writes to, on the device that has the values, not waited for.

    `values`: a PyTorch tensor, whose gradient is left behind, or a JAX array, each computed
    perhaps later; else whatever NumPy reads, and the copy is NumPy's. Raises `InputError` where
    NumPy cannot read it.
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
    """The values as a NumPy array, in float32 where NumPy lacks their type, as bfloat16.

    Raises `InputError` where NumPy cannot read them.
    """
    try:
        found = np.asarray(_read(_of_tensor(values) if hasattr(values, "detach") else values))
        return found.astype(np.float32) if found.dtype.kind == "V" else found
    except UNREADABLE:
        raise_input_error(name, "must be an array that NumPy can read", type(values).__name__)


def _of_tensor(values: Any) -> Any:
    tensor = values.detach().cpu()
    try:
        return tensor.numpy()
    except TypeError:  # of bfloat16
        return tensor.float().numpy()


def _read(values: Any) -> Any:
    """What NumPy reads by itself: it asks no array for DLPack unless told to."""
    by_dlpack = hasattr(values, "__dlpack__") and not hasattr(values, "__array__")
    return np.from_dlpack(values) if by_dlpack else values
