"""What a step returned and what was logged, of each process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from torch import distributed

from batchf1.auditing.recorder import Chunk
from batchf1.errors import raise_input_error

NAN = "its labels or predictions are NaN"


class Part(NamedTuple):
    """Batches and logs of a process; `problem`: why its batches cannot be audited, or nothing."""

    pieces: list[Chunk]
    logs: dict[str, float]
    problem: str

    def batches(self) -> Iterator[Pair]:
        """Labels and predictions of each batch."""
        return (pair for piece in self.pieces for pair in piece.batches())

    def has_nan(self) -> bool:
        """Whether a label or a prediction is NaN."""
        arrays = [array for piece in self.pieces for array in (piece.true, piece.predicted)]
        return any(array.dtype.kind == "f" and bool(np.isnan(array).any()) for array in arrays)


def gathered(part: Part, processes: int) -> list[Part]:
    """The part of each process, in each process."""
    if processes == 1:
        return [part]
    if not (distributed.is_available() and distributed.is_initialized()):
        needed = f"{processes} processes without torch.distributed"
        return [part._replace(pieces=[], problem=part.problem or needed)]
    parts: list[Any] = [None] * processes
    distributed.all_gather_object(parts, part)
    return parts


def pair_of(outputs: Any, keys: Iterable[tuple[str, str]], step: str) -> tuple[Any, Any]:
    """Labels and predictions that a step returned; `InputError` where it did not."""
    known = outputs if isinstance(outputs, Mapping) else {}
    chosen = next((pair for pair in keys if set(pair) <= set(known)), None)
    if chosen is None:
        names = ", or ".join(f"{true} and {predicted}" for true, predicted in keys)
        rule = f"must return a dict with {names} (keys= for others)"
        raise_input_error(step, rule, ", ".join(map(str, known)) or type(outputs).__name__)
    return known[chosen[0]], known[chosen[1]]
