"""Execution of a study of cuts: its table and its provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.cuts.table import rows_of
from batchf1.sweep.grid import load_study


def execute(experiment: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Fit the classifiers of a study of cuts.

    Parameters
    ----------
    experiment
        File of the study.

    Returns
    -------
    table
        Rows of `schema.CUT_TABLE`.
    record
        Their provenance.

    Raises
    ------
    InputError
        For a study that does not fit.
    """
    study = load_study(experiment, CutStudy)
    name = experiment.name.partition(".")[0]
    return rows_of(study), {"study": name, "question": study.question}
