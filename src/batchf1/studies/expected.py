"""Expected seconds of the studies that will be computed, known before anything runs."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from typing import NamedTuple

from batchf1.errors import raise_input_error
from batchf1.studies.atlas.config import AtlasStudy
from batchf1.studies.cost.config import CostStudy, measurements
from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.flat_labels.config import FlatLabelsStudy
from batchf1.studies.segmentation.config import SegmentationStudy
from batchf1.sweep.cells import RunRange, n_runs
from batchf1.sweep.sharding import shard_seconds

MEASURED_WHOLE = (AtlasStudy, CutStudy, FlatLabelsStudy, SegmentationStudy)
"""Kinds of studies that one job makes, whose `SECONDS_A_RUN` are measured."""
UNITS = {"s": 1, "min": 60, "h": 3600}
TIME = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(UNITS)})?")


class Work(NamedTuple):
    """Number of runs, and the expected seconds of each job that makes some of them on one core."""

    n_runs: int
    jobs: list[float]


def of_shards(parts: Sequence[Sequence[RunRange]]) -> Work:
    """Return the work of some shards of a study."""
    return Work(sum(map(n_runs, parts)), list(map(shard_seconds, parts)))


def of_study(
    name: str,
    study: AtlasStudy | CutStudy | FlatLabelsStudy | SegmentationStudy | CostStudy,
) -> Work:
    """Return the work of a study that one job makes."""
    if isinstance(study, MEASURED_WHOLE):
        return Work(study.n_runs, [study.n_runs * study.SECONDS_A_RUN])
    seconds = [cell.seconds for cell in measurements(name, study, ["cpu"])]
    return Work(len(seconds), [sum(seconds)])


def elapsed(jobs: Sequence[float], n_cores: int) -> float:
    """Return the seconds until all jobs are done: each core takes the longest that is left."""
    cores = [0.0] * n_cores
    for seconds in sorted(jobs, reverse=True):
        heapq.heapreplace(cores, cores[0] + seconds)
    return max(cores)


def line(name: str, work: Work, n_cores: int, warn_after: float, has_store: bool) -> str:
    """Return the line about a study that will be computed.

    Parameters
    ----------
    name
        Name of the study.
    work
        What it still has to do.
    n_cores
        Jobs that run at once, at least 1.
    warn_after
        Seconds above which the line says that the study takes long.
    has_store
        Whether runs are kept from before; how many of these are still valid is not looked up.
    """
    seconds = elapsed(work.jobs, n_cores)
    cores = f"{n_cores} core" + "s" * (n_cores > 1)
    text = f"study {name}: {work.n_runs:,} runs, about {seconds:,.0f} s on {cores}"
    text += f", less what results/{name}/store has of them" * has_store
    return text + f"; more than warn_after, {warn_after:,.0f} s" * (seconds > warn_after)


def seconds_of(time: object) -> float:
    """Return the seconds of a time such as `90 s`, `30 min`, `2 h`, or a number of seconds."""
    found = TIME.fullmatch(str(time).strip())
    rule = "must be a time such as 90 s, 30 min or 2 h"
    if found is None:
        raise_input_error("--config warn_after", rule, time)
    return float(found[1]) * UNITS[found[2] or "s"]
