"""Execution of a study of segmentation; each network is cached as soon as it is measured."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.records import provenance
from batchf1.studies.segmentation.config import Cell, SegmentationStudy, cells
from batchf1.studies.segmentation.schema import LOGS
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry
from batchf1.sweep.grid import load_study
from batchf1.sweep.measurements import Measurements
from batchf1.training import keras_defaults

MEASURING = "batchf1.studies.segmentation.measure"


def execute(experiment: Path, folder: Path) -> CacheEntry:
    """Train and measure the networks of a study.

    Parameters
    ----------
    experiment
        File of the study.
    folder
        Cache with a table per network; one that is there, from the same settings, code and package
        versions, is read instead of made.

    Returns
    -------
    CacheEntry
        The rows of `schema.LOGS` and their provenance.

    Raises
    ------
    InputError
        For a study that does not fit.
    TraceError
        For a number that is not that of scikit-learn, or a log that is not the mean over its
        batches.
    """
    study = load_study(experiment, SegmentationStudy)
    name = experiment.name.partition(".")[0]
    networks = cells(name, study)
    settings = provenance_summary.settings(asdict(cell) for cell in networks)
    return Measurements(
        name, study.question, "networks", networks, LOGS, _stamp, _measure, lambda cell: 1.0
    ).execute(folder, settings, ["CPU"])


def _measure(cell: Cell) -> pd.DataFrame:
    keras_defaults.load()
    from batchf1.studies.segmentation.measure import measure  # TensorFlow takes seconds to import

    return measure(cell)


def _stamp(cell: Cell) -> dict[str, Any]:
    """Return what the rows of a cell depend on."""
    return {"cell": asdict(cell), "device": "CPU", "fingerprint": _fingerprint()}


@cache
def _fingerprint() -> str:
    software = provenance.versions(*provenance.DECISIVE, "scipy")
    return provenance.fingerprint(MEASURING, software=software)


def modules() -> list[str]:
    """Return the modules that determine the results of a study of segmentation."""
    return ["batchf1.studies.segmentation.run", MEASURING]
