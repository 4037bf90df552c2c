"""Validation of numbers and arrays that users pass."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import check, raise_input_error

MAX_INTEGER = 2**53
"""Up to here float64 holds every whole number."""


def check_argument(condition: bool, name: str, rule: str, value: Any) -> None:
    """Raise `InputError` unless `condition` holds; a text is quoted, for '3' is no number."""
    if not condition:
        raise_input_error(name, rule, repr(value))


def array(name: str, rule: str, values: ArrayLike) -> NDArray[Any]:
    """Return `values` as an array of real numbers or bools, or raise `InputError`."""
    result = _as_array(values)
    if result is None or not _real(result):
        raise_input_error(name, rule, repr(values))
    return result


def check_integers(name: str, values: ArrayLike, least: int = 0) -> NDArray[np.int64]:
    """Return `values`, of any shape, as int64; raise unless all lie in `least` .. 2**53."""
    rule = f"must be whole numbers >= {least} and at most 2**53"
    result = array(name, rule, values)
    check_argument(result.dtype != bool, name, rule, values)
    good = (result >= least) & (result <= MAX_INTEGER) & (result == np.floor(result))
    if not good.all():
        raise_input_error(name, rule, result[~good][0].item())
    return result.astype(np.int64)


def broadcast(names: str, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Broadcast the arrays to one shape; raise `InputError` where they have none in common."""
    try:
        return np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise_input_error(names, "must have one shape, or broadcast to one", shapes)


def check_integer(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int; raise unless it is one in `least` .. 2**53 and no bool."""
    try:
        result = index(value)
    except TypeError:
        result = -1
    good = result >= least and not isinstance(value, bool)
    check_argument(good, name, f"must be a whole number >= {least}", value)
    check(result <= MAX_INTEGER, name, "must be at most 2**53", result)
    return result


def is_number(value: Any) -> bool:
    """Return True for a single real number, NaN and infinity included; a bool is none."""
    result = _as_array(value)
    return result is not None and result.ndim == 0 and _real(result) and result.dtype != bool


def real(value: Any) -> float:
    """Return `value` as a float, or NaN, which lies in no range, if it is no number."""
    return float(value) if is_number(value) else math.nan


def check_fraction(name: str, value: Any) -> float:
    """Return `value` as a float; raise unless it is a single number in (0, 1]."""
    check_argument(0 < real(value) <= 1, name, "must lie in (0, 1]", value)
    return float(value)


def check_fractions(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values`, of any shape, as float64; raise unless all lie in (0, 1]."""
    result = array(name, "must lie in (0, 1]", values)
    good = (result > 0) & (result <= 1)
    check_argument(result.dtype != bool, name, "must lie in (0, 1]", values)
    if not good.all():
        raise_input_error(name, "must lie in (0, 1]", result[~good][0].item())
    return result.astype(np.float64)


def zero_division(value: Any) -> float:
    """Return the value of 0/0 as a float; raise unless it is 0, 1, or NaN to leave it out."""
    good = is_number(value) and (value in (0, 1) or bool(np.isnan(value)))
    check(good, "zero_division", "must be 0, 1 or NaN", value)
    return float(value)


def _as_array(values: ArrayLike) -> NDArray[Any] | None:
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        return None


def _real(values: NDArray[Any]) -> bool:
    return np.can_cast(values.dtype, np.float64, "same_kind")  # Keras' bfloat16 too
