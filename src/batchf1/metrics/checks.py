"""Numbers that users hand in: anything that is none is refused in one line."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchf1.errors import refuse, require

LARGEST = 2**53
"""Up to here float64 holds every whole number."""


def must(condition: bool, thing: str, rule: str, value: Any) -> None:
    """`errors.require`, but that a text gets quotes: '3' is no number."""
    if not condition:
        refuse(thing, rule, repr(value))


def array(thing: str, rule: str, values: ArrayLike) -> NDArray[Any]:
    """`values` as an array of real numbers or bools; raises `InputError` where it is none."""
    found = _as_array(values)
    if found is None or not _real(found):
        refuse(thing, rule, repr(values))
    return found


def whole_numbers(thing: str, values: ArrayLike, least: int = 0) -> NDArray[np.int64]:
    """`values`, of any shape, as int64; raises `InputError` unless all lie in `least` .. 2**53."""
    rule = f"must be whole numbers >= {least} and at most 2**53"
    found = array(thing, rule, values)
    must(found.dtype != bool, thing, rule, values)
    good = (found >= least) & (found <= LARGEST) & (found == np.floor(found))
    if not good.all():
        refuse(thing, rule, found[~good][0].item())
    return found.astype(np.int64)


def together(things: str, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The arrays broadcast to one shape; raises `InputError` where they have none in common."""
    try:
        return np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        refuse(things, "must have one shape, or broadcast to one", shapes)


def whole(thing: str, value: Any, least: int = 1) -> int:
    """`value` as an int; raises `InputError` unless it is one in `least` .. 2**53, and no bool."""
    try:
        found = index(value)
    except TypeError:
        found = -1
    good = found >= least and not isinstance(value, bool)
    must(good, thing, f"is a whole number >= {least}", value)
    require(found <= LARGEST, thing, "is at most 2**53", found)
    return found


def is_number(value: Any) -> bool:
    """Whether `value` is a single real number, NaN and infinity included; a bool is none."""
    found = _as_array(value)
    return found is not None and found.ndim == 0 and _real(found) and found.dtype != bool


def real(value: Any) -> float:
    """`value` as a float; where it is no number NaN, which lies in no range."""
    return float(value) if is_number(value) else math.nan


def share(thing: str, value: Any) -> float:
    """`value` as a float; raises `InputError` unless it is a single number in (0, 1]."""
    must(0 < real(value) <= 1, thing, "lies in (0, 1]", value)
    return float(value)


def shares(thing: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values`, of any shape, as float64; raises `InputError` unless all lie in (0, 1]."""
    found = array(thing, "lies in (0, 1]", values)
    good = (found > 0) & (found <= 1)
    must(found.dtype != bool, thing, "lies in (0, 1]", values)
    if not good.all():
        refuse(thing, "lies in (0, 1]", found[~good][0].item())
    return found.astype(np.float64)


def zero_division(value: Any) -> float:
    """What 0/0 counts as: 0, 1, or NaN to leave it out; raises `InputError` for anything else."""
    good = is_number(value) and (value in (0, 1) or bool(np.isnan(value)))
    require(good, "zero_division", "is 0, 1 or NaN", value)
    return float(value)


def _as_array(values: ArrayLike) -> NDArray[Any] | None:
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        return None


def _real(values: NDArray[Any]) -> bool:
    return np.can_cast(values.dtype, np.float64, "same_kind")  # Keras' bfloat16 too
