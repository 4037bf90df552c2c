"""What there is to train for an experiment: its runs, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from batchf1.sweep.cells import Cell
from batchf1.sweep.recording import Recording


class Plan(NamedTuple):
    """The runs of a study, and the table that they give."""

    path: Path
    """The experiment file."""
    cells: list[Cell]
    recording: Recording
    question: str
