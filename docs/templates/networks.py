"""How many networks each target trains."""

from functools import cache
from pathlib import Path

from batchf1.studies.atlas.config import AtlasStudy
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.studies.experiments import experiments, plan
from batchf1.studies.flat_labels.config import FlatLabelsStudy
from batchf1.sweep.cells import all_runs, n_runs
from batchf1.sweep.grid import Study

NEEDS_FILES = ("fashion_mnist",)
"""Data sets that are not in a package, so that no study of them is part of `all`."""


@cache
def n_trained(root: Path, name: str) -> int:
    """Return the runs of a study."""
    return n_runs(all_runs(plan(root / f"experiments/{name}.yaml").cells))


@cache
def n_bundled(root: Path) -> int:
    """Return how many networks `make figures` trains."""
    total = 0
    for name, study in experiments(root / "experiments").items():
        if isinstance(study, AtlasStudy):
            total += len(study.tasks) * study.seeds
        elif isinstance(study, FlatLabelsStudy):
            total += len(study.prevalences) * study.seeds * (1 + study.search.candidates)
        elif isinstance(study, Study | DecisionStudy) and not study.on_demand:
            cells = plan(root / f"experiments/{name}.yaml").cells
            if cells[0].first.dataset.name not in NEEDS_FILES:
                total += n_runs(all_runs(cells))
    return total
