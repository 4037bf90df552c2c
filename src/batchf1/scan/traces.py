"""What is seen while the code of a file is gone through."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

from batchf1.scan.kinds import Kind, Origin, Value

MAX_STEPS = 400_000
"""Expressions of a file that are evaluated."""
Batch = ast.AST | None


class TooComplexError(Exception):
    """A file that needs more than `MAX_STEPS`."""


class Average(NamedTuple):
    """Place where a mean over batches is taken."""

    node: ast.AST
    origin: Origin
    rule: str
    """`sum` or `list`."""
    inside: bool
    """Whether it is still in the loop over the batches."""


class Given(NamedTuple):
    """Call in a loop over batches, or in a step, that is given a ratio."""

    call: ast.Call
    arguments: dict[str | int, Value]
    batch: Batch


@dataclass
class Trace:
    """What was seen on the way."""

    averages: list[Average] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    returned: list[tuple[ast.Return, Value, Batch]] = field(default_factory=list)
    steps: int = 0
    memo: dict[tuple[ast.AST, tuple[Kind, ...]], Value] = field(default_factory=dict)
