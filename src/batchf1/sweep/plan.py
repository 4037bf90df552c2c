"""Plan of a study: its cells, and the table that its runs give."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from batchf1.sweep.cells import Cell
from batchf1.sweep.recording import Recording


class Plan(NamedTuple):
    """Cells of a study, and the recording of its runs."""

    path: Path
    """The experiment file."""
    cells: list[Cell]
    recording: Recording
    question: str
