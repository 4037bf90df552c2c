"""Execution of a study of networks; each is cached as soon as it is trained and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.records import provenance
from batchf1.records.columns import Schema
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry
from batchf1.sweep.grid import load_study
from batchf1.sweep.measurements import Measurements
from batchf1.training import keras_defaults


@dataclass(frozen=True)
class NetworkStudies:
    """Studies of one kind, whose cells are networks.

    Parameters
    ----------
    settings
        Class of the settings in an experiment file.
    cells
        Name and settings of a study -> its networks, dataclasses with a `cell_id`.
    schema
        Schema of the table.
    measuring
        Name of the module whose `measure` trains a network and returns its rows.
    """

    settings: type[Any]
    cells: Callable[[str, Any], list[Any]]
    schema: Schema
    measuring: str

    def execute(self, experiment: Path, folder: Path) -> CacheEntry:
        """Train and measure the networks of a study.

        Parameters
        ----------
        experiment
            File of the study.
        folder
            Cache with a table per network; one that is there, from the same settings, code and
            package versions, is read instead of made.

        Returns
        -------
        CacheEntry
            The rows of the schema and their provenance.

        Raises
        ------
        InputError
            For a study that does not fit.
        TraceError
            For a number that is not that of scikit-learn, or a log that is not the mean over its
            batches.
        """
        study = load_study(experiment, self.settings)
        name = experiment.name.partition(".")[0]
        cells = self.cells(name, study)
        settings = provenance_summary.settings(asdict(cell) for cell in cells)
        question = study.question
        of_cells = (self._stamp, self._measure, lambda cell: 1.0)
        return Measurements(name, question, "networks", cells, self.schema, *of_cells).execute(
            folder, settings, ["CPU"]
        )

    def _measure(self, cell: Any) -> pd.DataFrame:
        keras_defaults.load()
        measure = import_module(self.measuring).measure  # TensorFlow takes seconds to import
        return pd.DataFrame(measure(cell))

    def _stamp(self, cell: Any) -> dict[str, Any]:
        """Return what the rows of a cell depend on."""
        of_code = _fingerprint(self.measuring)
        return {"cell": asdict(cell), "device": "CPU", "fingerprint": of_code}


@cache
def _fingerprint(measuring: str) -> str:
    software = provenance.versions(*provenance.DECISIVE, "scipy")
    return provenance.fingerprint(measuring, software=software)
