"""Execution of a study of metrics."""

from __future__ import annotations

from batchf1.studies.atlas.config import AtlasStudy, cells
from batchf1.studies.atlas.rows import ATLAS
from batchf1.studies.networks import NetworkStudies

STUDIES = NetworkStudies(AtlasStudy, cells, ATLAS, "batchf1.studies.atlas.measure")
execute = STUDIES.execute


def modules() -> list[str]:
    """Return the modules that determine the results of a study of metrics."""
    return ["batchf1.studies.atlas.run", STUDIES.measuring]
