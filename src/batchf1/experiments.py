"""The files of `experiments/`: what kind each is, and which figures it makes."""

from __future__ import annotations

from pathlib import Path

from batchf1 import plugins
from batchf1.config import Study, WorkedExample, load_study, read_yaml
from batchf1.cost.study import CostStudy
from batchf1.errors import require

Experiment = Study | WorkedExample | CostStudy
KINDS: dict[str, type[Experiment]] = {"batches": WorkedExample, "grids": CostStudy}
"""Key that only one kind of file has -> its kind; a file without any is a `Study`."""


def experiments(folder: str | Path) -> dict[str, Experiment]:
    """Every experiment file of a folder, by name.

    Raises `InputError` where a file does not fit or two of them claim one figure.
    """
    found: dict[str, Experiment] = {}
    owner: dict[str, Path] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        written = read_yaml(path)
        kind = next((kind for key, kind in KINDS.items() if key in written), Study)
        found[path.stem] = experiment = load_study(path, kind)
        for figure, module in experiment.figures.items():
            known = plugins.names("plots")
            require(module in known, f"{path}: figures.{figure}", f"is one of {known}", module)
            require(figure not in owner, f"{path}: figures", f"{owner.get(figure)} has it", figure)
            owner[figure] = path
    return found
