"""Numbers that users hand in: anything that is none is refused in one line."""

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
    """Check as `errors.check` does, with quotes around a text: '3' is no number."""
    if not condition:
        raise_input_error(name, rule, repr(value))


def array(name: str, rule: str, values: ArrayLike) -> NDArray[Any]:
    """`values` as an array of real numbers or bools; raises `InputError` where it is none."""
    found = _as_array(values)
    if found is None or not _real(found):
        raise_input_error(name, rule, repr(values))
    return found


def check_integers(name: str, values: ArrayLike, least: int = 0) -> NDArray[np.int64]:
    """`values`, of any shape, as int64; raises `InputError` unless all lie in `least` .. 2**53."""
    rule = f"must be whole numbers >= {least} and at most 2**53"
    found = array(name, rule, values)
    check_argument(found.dtype != bool, name, rule, values)
    good = (found >= least) & (found <= MAX_INTEGER) & (found == np.floor(found))
    if not good.all():
        raise_input_error(name, rule, found[~good][0].item())
    return found.astype(np.int64)


def broadcast(things: str, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The arrays broadcast to one shape; raises `InputError` where they have none in common."""
    try:
        return np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise_input_error(things, "must have one shape, or broadcast to one", shapes)


def check_integer(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; raises `InputError` unless it is one in `least` .. 2**53, and no bool."""
    try:
        found = index(value)
    except TypeError:
        found = -1
    good = found >= least and not isinstance(value, bool)
    check_argument(good, name, f"must be a whole number >= {least}", value)
    check(found <= MAX_INTEGER, name, "must be at most 2**53", found)
    return found


def is_number(value: Any) -> bool:
    """Whether `value` is a single real number, NaN and infinity included; a bool is none."""
    found = _as_array(value)
    return found is not None and found.ndim == 0 and _real(found) and found.dtype != bool


def real(value: Any) -> float:
    """`value` as a float; where it is no number NaN, which lies in no range."""
    return float(value) if is_number(value) else math.nan


def check_fraction(name: str, value: Any) -> float:
    """`value` as a float; raises `InputError` unless it is a single number in (0, 1]."""
    check_argument(0 < real(value) <= 1, name, "must lie in (0, 1]", value)
    return float(value)


def check_fractions(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values`, of any shape, as float64; raises `InputError` unless all lie in (0, 1]."""
    found = array(name, "must lie in (0, 1]", values)
    good = (found > 0) & (found <= 1)
    check_argument(found.dtype != bool, name, "must lie in (0, 1]", values)
    if not good.all():
        raise_input_error(name, "must lie in (0, 1]", found[~good][0].item())
    return found.astype(np.float64)


def zero_division(value: Any) -> float:
    """What 0/0 counts as: 0, 1, or NaN to leave it out; raises `InputError` for anything else."""
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
