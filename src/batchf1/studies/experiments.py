"""Files of `experiments/`: the kind of each, and the figures that it makes."""

from __future__ import annotations

from pathlib import Path

from batchf1.config import registry
from batchf1.config.settings import check_name
from batchf1.errors import check, raise_input_error
from batchf1.studies.atlas.config import AtlasStudy
from batchf1.studies.census import Census
from batchf1.studies.cost.config import CostStudy
from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.decisions import cells as decisions
from batchf1.studies.decisions import rows as decisions_rows
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.studies.flat_labels.config import FlatLabelsStudy
from batchf1.studies.segmentation.config import SegmentationStudy
from batchf1.studies.simulated_epoch import SimulatedEpoch
from batchf1.studies.wild_logs import WildLogs
from batchf1.studies.worked_example import WorkedExample
from batchf1.sweep import grid, rows
from batchf1.sweep.composition import read_yaml
from batchf1.sweep.grid import Study, study_of
from batchf1.sweep.plan import Plan

Experiment = (
    Study
    | DecisionStudy
    | WorkedExample
    | CostStudy
    | CutStudy
    | AtlasStudy
    | FlatLabelsStudy
    | SegmentationStudy
    | WildLogs
    | SimulatedEpoch
    | Census
)
KINDS: dict[str, type[Experiment]] = {
    "runs": Study,
    "worked_example": WorkedExample,
    "cost": CostStudy,
    "decisions": DecisionStudy,
    "cuts": CutStudy,
    "atlas": AtlasStudy,
    "flat_labels": FlatLabelsStudy,
    "segmentation": SegmentationStudy,
    "wild_logs": WildLogs,
    "simulated_epoch": SimulatedEpoch,
    "census": Census,
}
"""`kind` of an experiment file -> its class."""
KEYS = {
    "batches": "worked_example",
    "grids": "cost",
    "candidates": "decisions",
    "folds": "cuts",
    "cuts": "atlas",
}
"""Key that only one kind of file has -> its kind, for a file without `kind`; until the next
release."""
MEASURED = {"scaling": Path("benchmarks")}
"""Figure that no experiment makes -> the folder that its numbers come from."""


def load(path: Path) -> Experiment:
    """Read an experiment file according to its `kind`.

    Raises
    ------
    InputError
        Where it does not fit; names the file and the key.
    """
    written = read_yaml(path)
    kind = written.get("kind")
    if kind is None:
        kind = next((kind for key, kind in KEYS.items() if key in written), "runs")
    check(kind in KINDS, f"{path}: kind", f"must be one of {sorted(KINDS)}", kind)
    return study_of(path, written, KINDS[kind])


def experiments(folder: str | Path) -> dict[str, Experiment]:
    """Read every experiment file of a folder.

    Returns
    -------
    dict
        Name of the file, without its end -> the experiment.

    Raises
    ------
    InputError
        Where a file does not fit, two of them claim one figure, or one ends in .yml, which would
        otherwise be ignored, even where a .yaml has the same name.
    """
    by_name: dict[str, Experiment] = {}
    owner = dict(MEASURED)
    check(Path(folder).is_dir(), str(folder), "must be a folder of experiments")
    for path in sorted(Path(folder).glob("*.yml")):
        raise_input_error(str(path), "must end in .yaml, as all experiment files")
    for path in sorted(Path(folder).glob("*.yaml")):
        check_name(path.stem, f"{path}: the name")
        by_name[path.stem] = experiment = load(path)
        for figure, module in experiment.figures.items():
            check_name(figure, f"{path}: figures")
            registry.import_path(registry.FIGURES, module, f"{path}: figures.{figure}")
            rule = f"cannot make a figure of {owner.get(figure)}"
            check(figure not in owner, f"{path}: figures", rule, figure)
            owner[figure] = path
    return by_name


def plan(path: str | Path, huge: bool = False, study: Experiment | None = None) -> Plan:
    """Return the plan of an experiment file whose runs are trained.

    Parameters
    ----------
    path
        File of kind `runs` or `decisions`.
    huge
        Whether it may have more than `limits.MAX_RUNS` runs.
    study
        What the file holds, where it has been read.

    Raises
    ------
    InputError
        Where it does not fit.
    """
    path = Path(path)
    study = study or load(path)
    if isinstance(study, DecisionStudy):
        cells, recording = decisions.cells(path, huge, study), decisions_rows.recording(study)
        return Plan(path, cells, recording, study.question)
    cells = grid.cells(path, huge, study if isinstance(study, Study) else None)
    return Plan(path, cells, rows.recording(cells[0].first.metrics), study.question)
