"""Many runs in one process, and the shards of a study put together."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.errors import require
from batchf1.records import provenance, tables
from batchf1.study import origin, plugins, rows
from batchf1.study.deal import deal, training_cost
from batchf1.study.grid import Cell, Study, cells, load_study, runs
from batchf1.study.schema import COLUMN_OF, RUNS, axis
from batchf1.study.settings import Run
from batchf1.study.store import Made, Progress, Store, say


def modules(all_runs: list[Run]) -> list[str]:
    """The modules that decide what the runs give."""
    of_data = {type(run.dataset).__module__ for run in all_runs}
    of_frameworks = {module for run in all_runs for module in run.framework.modules(run)}
    return sorted(of_data | of_frameworks | {rows.__name__})


def fingerprint(run: Run) -> str:
    """A digest of the code and package versions that decide what a run gives."""
    return _fingerprint(run.training.engine, *modules([run]))


@cache
def _fingerprint(engine: str, *names: str) -> str:
    framework = plugins.framework(engine)
    software = framework.versions() | {framework.name: framework.version()}
    return provenance.fingerprint(*names, software=software)


def execute(experiment: Path, shard: int, folder: Path) -> Made:
    """Train the runs of one shard of a study; their rows, and how each was trained.

    `folder` keeps a table per run; one that is there, from the same settings, code and package
    versions, is read instead of trained. Raises `InputError` where there is no such shard.
    """
    study, all_runs = load_study(experiment, Study), runs(experiment)
    require(0 <= shard < study.shards, "shard", f"must lie in 0..{study.shards - 1}", shard)
    mine, store = deal(all_runs, study.shards)[shard], Store(folder, RUNS)
    found = {run.run_id: kept for run in mine if (kept := _kept(store, run)) is not None}
    missing = [run for run in mine if run.run_id not in found]
    say(f"shard {shard}: {len(mine)} runs, {len(found)} of them kept from before")
    if missing:
        found |= _train(missing, store, f"shard {shard}")
    done = [found[run.run_id] for run in mine]
    table = pd.concat([tables.empty(RUNS), *(made.table for made in done)])
    return Made(table, {"trained": origin.trained([made.origin for made in done])})


def _kept(store: Store, run: Run) -> Made | None:
    made = store.find(run.run_id, {"fingerprint": fingerprint(run)})
    return made if made is not None and _are_of(made.table, run) else None


def _are_of(table: pd.DataFrame, run: Run) -> bool:
    """Whether these are all rows of the run and no others."""
    return table["run_id"].value_counts().to_dict() == {run.run_id: run.n_rows}


def _train(missing: list[Run], store: Store, name: str) -> dict[str, Made]:
    """Train runs of one framework, device and number of threads; keep each, by run_id."""
    framework = missing[0].framework
    device = framework.configure(missing[0])
    software = framework.versions(*provenance.RECORDED)
    here = provenance.collect(device=device, versions=software)
    progress = Progress(name, [training_cost(run) for run in missing])
    trainer, trained, n_shapes = None, None, 0
    found: dict[str, Made] = {}
    for run in missing:
        shape = framework.shape(run)
        if trainer is None or shape != trained:
            trainer = None  # one model at a time
            trainer, trained, n_shapes = framework.trainer(run), shape, n_shapes + 1
        table = rows.table([run], device, trainer.train([run]), trainer.expected)
        of_run = {"config": run.resolved, "fingerprint": fingerprint(run)}
        found[run.run_id] = made = Made(table, here | of_run)
        store.keep(run.run_id, made)
        progress.advance(f" ({n_shapes} shapes compiled)")
    return found


def collect(experiment: Path, shards: list[Path]) -> Made:
    """The rows of a study in the order of its grid, whatever the shards, and its settings.

    The rows say every setting that the grid varies (`schema.COLUMN_OF`, `schema.SETTING`). Raises
    `InputError` where a run or a row is missing, stands twice, or is not of the study.
    """
    grid = cells(experiment)
    all_runs = [cell.run for cell in grid]
    wanted = [run.run_id for run in all_runs]
    table = pd.concat([tables.read(path, RUNS) for path in shards], ignore_index=True)
    found = set(table["run_id"])
    lacking, strange = set(wanted) - found, found - set(wanted)
    require(not lacking, str(experiment), "every run must be in a shard", f"none for {lacking}")
    require(not strange, str(experiment), "shards hold runs of the study alone", strange)
    sizes = table["run_id"].value_counts()
    for run in all_runs:
        rule = f"must have {run.n_rows} rows in the shards"
        require(sizes[run.run_id] == run.n_rows, run.label, rule, int(sizes[run.run_id]))
    place = table["run_id"].map({run_id: i for i, run_id in enumerate(wanted)})
    table = table.iloc[place.argsort(kind="stable")]
    table = table.assign(**_axes(grid, table["run_id"]))
    return Made(table, origin.of_study(experiment, all_runs, table, shards))


def _axes(grid: list[Cell], run_ids: pd.Series) -> dict[str, pd.Series]:
    """What each row's run has of the settings that the grid varies and no other column tells."""
    points: dict[str, dict[str, Any]] = {cell.run.run_id: cell.point for cell in grid}
    further = [key for key in grid[0].point if key not in COLUMN_OF]
    values = {key: {run_id: axis(p[key]) for run_id, p in points.items()} for key in further}
    return {key: run_ids.map(of_run) for key, of_run in values.items()}
