"""Batches and logs of each process, gathered by `torch.distributed`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from torch import distributed

from batchf1.auditing.recorder import Chunk
from batchf1.errors import raise_input_error

NAN = "its labels or predictions are NaN"


class ProcessData(NamedTuple):
    """Batches and logs of a process; `problem`: why its batches cannot be audited, else empty."""

    chunks: list[Chunk]
    logs: dict[str, float]
    problem: str

    def batches(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over labels and predictions of each batch."""
        return (pair for chunk in self.chunks for pair in chunk.batches())

    def has_nan(self) -> bool:
        """Return True if a label or a prediction is NaN."""
        arrays = [array for chunk in self.chunks for array in (chunk.true, chunk.predicted)]
        return any(array.dtype.kind == "f" and bool(np.isnan(array).any()) for array in arrays)


def gathered(part: ProcessData, processes: int) -> list[ProcessData]:
    """Gather the data of all processes, in each process."""
    if processes == 1:
        return [part]
    if not (distributed.is_available() and distributed.is_initialized()):
        needed = f"{processes} processes without torch.distributed"
        return [part._replace(chunks=[], problem=part.problem or needed)]
    parts: list[Any] = [None] * processes
    distributed.all_gather_object(parts, part)
    return parts


def pair_of(outputs: Any, keys: Iterable[tuple[str, str]], step: str) -> tuple[Any, Any]:
    """Return labels and predictions from the outputs of a step; `InputError` if it has none."""
    values = outputs if isinstance(outputs, Mapping) else {}
    chosen = next((pair for pair in keys if set(pair) <= set(values)), None)
    if chosen is None:
        names = ", or ".join(f"{true} and {predicted}" for true, predicted in keys)
        rule = f"must return a dict with {names} (keys= for others)"
        raise_input_error(step, rule, ", ".join(map(str, values)) or type(outputs).__name__)
    return values[chosen[0]], values[chosen[1]]
