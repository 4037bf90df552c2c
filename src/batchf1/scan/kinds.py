"""Kinds of values: what an expression is about a batch, and how kinds combine."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from batchf1.scan.modules import Definition


class Kind(Enum):
    """What a value is; `join` of several is the first of them in this order."""

    TOTAL = "a sum of ratios of batches"
    RATIO = "a ratio of sums over a batch"
    RUNNING = "a ratio of sums over all batches so far"
    NAMED = "by its name a ratio; its definition is not in the scanned tree"
    RUNNING_SUM = "a sum over all batches so far"
    SUM = "a sum over a batch"
    SAMPLE_VALUE = "a value for each sample, or of one"
    SAMPLE_SUM = "a sum for each sample"
    CLASS_FIRST = "elements of a batch, the classes along the first axis"
    ROWS = "elements of a batch, in rows of classes"
    FLAT = "elements of a batch along one axis"
    SAMPLE = "elements of one sample"
    ELEMENTS = "elements of a batch, the samples along the first axis"
    GATHERED = "elements of all batches so far"
    LIST = "ratios of batches in a list"
    MEAN = "a mean over a batch"
    OBJECT = "a metric object"
    CONSTANT = "a number, or the size of something"
    UNKNOWN = "anything else"


class Value(NamedTuple):
    """Kind of an expression, and what is known of its parts."""

    kind: Kind
    parts: Mapping[object, Value] | None = None
    """Values of a dict by key, or of a tuple by index."""
    name: str = ""
    """Name of the function or class that made the value."""
    origin: Origin | None = None
    """How a total, or a list, came about; of a ratio: that it was taken from such a list."""
    definition: Definition | None = None
    """Class of an object that is defined in the scanned tree."""


class Origin(NamedTuple):
    """Variable in which values of batches are collected, and the loop that does it."""

    symbol: str
    loop: ast.AST | None
    value: Value


BAD = frozenset({Kind.RATIO, Kind.RUNNING, Kind.NAMED})
"""Kinds whose mean over batches is no value of the metric."""
UNKNOWN, CONSTANT = Value(Kind.UNKNOWN), Value(Kind.CONSTANT)
ELEMENTS, SAMPLE = Value(Kind.ELEMENTS), Value(Kind.SAMPLE)
_ORDER = {kind: place for place, kind in enumerate(Kind)}
_SAMPLES = frozenset({Kind.SAMPLE_SUM, Kind.SAMPLE_VALUE})
_TENSORS = frozenset({Kind.CLASS_FIRST, Kind.ROWS, Kind.FLAT, Kind.SAMPLE, Kind.ELEMENTS})
Axis = tuple[int, ...] | None
"""Axes of a reduction, None for all of them."""


def join(values: Iterable[Value]) -> Value:
    """Return the value of arithmetic on others, or of one of several branches."""
    every = list(values)
    if not every:
        return UNKNOWN
    first = min(every, key=lambda value: _ORDER[value.kind])
    if first.kind is Kind.CONSTANT and any(value.kind is Kind.UNKNOWN for value in every):
        return UNKNOWN
    return first


def divide(upper: Value, lower: Value) -> Value:
    """Return the value of a division."""
    one, two = upper.kind, lower.kind
    if one is Kind.TOTAL:
        return UNKNOWN
    if one in BAD:
        return upper
    if two in BAD:
        return lower
    if one is Kind.RUNNING_SUM or (one is Kind.SUM and two is Kind.RUNNING_SUM):
        sums = two in (Kind.RUNNING_SUM, Kind.SUM)
        return Value(Kind.RUNNING) if sums else Value(Kind.MEAN)
    if one is Kind.SUM:
        return Value(Kind.MEAN if two in (Kind.CONSTANT, Kind.UNKNOWN) else Kind.RATIO)
    if one is Kind.MEAN:
        return Value(Kind.RATIO) if two in (Kind.MEAN, Kind.SUM) else upper
    if one in _SAMPLES:
        return Value(Kind.SAMPLE_VALUE)
    if one is Kind.CONSTANT and two is not Kind.UNKNOWN:
        return lower
    return upper


def reduce(value: Value, axis: Axis, *, mean: bool) -> Value:
    """Return the sum or the mean of a value along axes."""
    kind = value.kind
    whole = Value(Kind.MEAN if mean else Kind.SUM)
    along_batch = axis is None or 0 in axis
    if kind is Kind.LIST:
        return UNKNOWN if mean else Value(Kind.TOTAL, name=value.name, origin=value.origin)
    if kind is Kind.GATHERED:
        return Value(Kind.MEAN if mean else Kind.RUNNING_SUM)
    if kind is Kind.SAMPLE:
        return Value(Kind.SAMPLE_VALUE)
    if kind is Kind.SAMPLE_VALUE:
        return Value(Kind.MEAN) if along_batch else value
    if kind is Kind.SAMPLE_SUM:
        return whole if along_batch else value
    if kind is Kind.FLAT:
        return whole
    if kind is Kind.ROWS:
        return whole if axis is None or 0 in axis else Value(Kind.FLAT)
    if kind is Kind.CLASS_FIRST:
        return Value(Kind.FLAT) if axis == (0,) else whole
    if kind in (Kind.ELEMENTS, Kind.UNKNOWN):
        return whole if along_batch else Value(Kind.SAMPLE_SUM)
    return value


def of_items(value: Value) -> Value:
    """Return the value of an item when one iterates over a value."""
    if value.kind is Kind.LIST:
        made = value.origin.value if value.origin else UNKNOWN
        parts = value.parts and {
            key: part._replace(origin=value.origin._replace(symbol=str(key)))
            if part.kind in BAD and value.origin
            else part
            for key, part in value.parts.items()
        }
        return made._replace(parts=parts, origin=value.origin)
    if value.kind is Kind.CLASS_FIRST:
        return Value(Kind.FLAT)
    return SAMPLE if value.kind in _TENSORS else value


def has_bad(value: Value) -> bool:
    """Whether a value, or a part of it, is a ratio of sums."""
    return value.kind in BAD or any(part.kind in BAD for part in (value.parts or {}).values())
