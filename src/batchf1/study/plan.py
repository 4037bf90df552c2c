"""What there is to train for an experiment: its runs, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from batchf1.study import grid, rows
from batchf1.study.decisions import cells as decisions
from batchf1.study.decisions import record
from batchf1.study.decisions.study import DecisionStudy
from batchf1.study.experiments import load
from batchf1.study.pieces import Cell
from batchf1.study.recording import Recording


class Plan(NamedTuple):
    """The runs of a study, and the table that they give."""

    cells: list[Cell]
    recording: Recording
    question: str


def plan(path: str | Path, huge: bool = False) -> Plan:
    """That of an experiment file; `InputError` names what does not fit.

    `huge`: whether it may have more than `limits.MAX_RUNS` runs.
    """
    path = Path(path)
    study = load(path)
    if isinstance(study, DecisionStudy):
        return Plan(decisions.cells(path, huge), record.recording(study), study.question)
    return Plan(grid.cells(path, huge), rows.RECORDING, study.question)
