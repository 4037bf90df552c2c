"""Contract between training and a table: the rows that a study records of each run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from batchf1.config.settings import Run
from batchf1.records.columns import Schema
from batchf1.training.base import Expected, SplitResult

Rows = Callable[
    [Sequence[Run], str, Sequence[Sequence[SplitResult]], Mapping[Any, Expected]], pd.DataFrame
]
"""Runs, their device, the passes of each and what every strategy must log -> their rows."""


@dataclass(frozen=True)
class Recording:
    """Recording of a run as rows of a table, and the settings these depend on."""

    schema: Schema
    table: Rows
    """Raises `TraceError` where a log is not what the strategy's rule says of the batches."""
    n_rows: Callable[[Run], int]
    module: str
    """The module that holds `table`."""
    settings: Mapping[str, Any]
    """Settings of `table`, as plain values."""
