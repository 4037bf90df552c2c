"""Execution of a study of segmentation."""

from __future__ import annotations

from batchf1.studies.networks import NetworkStudies
from batchf1.studies.segmentation.config import SegmentationStudy, cells
from batchf1.studies.segmentation.schema import LOGS

STUDIES = NetworkStudies(SegmentationStudy, cells, LOGS, "batchf1.studies.segmentation.measure")
execute = STUDIES.execute


def modules() -> list[str]:
    """Return the modules that determine the results of a study of segmentation."""
    return ["batchf1.studies.segmentation.run", STUDIES.measuring]
