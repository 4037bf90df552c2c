"""Many runs in one process, each kept as soon as it is done."""

from __future__ import annotations

import heapq
import sys
import time
from collections import defaultdict
from dataclasses import asdict, astuple, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from batchf1.datasets.base import Dataset
from batchf1.errors import InputError, require
from batchf1.records import provenance, tables
from batchf1.study import origin, plugins
from batchf1.study.frameworks.keras224 import software as keras224
from batchf1.study.settings import Cell, Run, Study, cells, digest, load_study, runs


class Made(NamedTuple):
    """A table of `tables.RUNS`, and what is recorded with it of where its rows came from."""

    table: pd.DataFrame
    origin: dict[str, Any]


class Seconds(NamedTuple):
    """Expected cost of a step, of an epoch beside its steps, and of a new shape."""

    step: float
    epoch: float
    shape: float


SECONDS = {
    "fused": Seconds(2e-5, 0.05, 5.0),
    "plain": Seconds(1e-3, 0.2, 2.0),
    "keras224": Seconds(5e-4, 0.05, 0.5),
}
"""By engine; they only balance the shards."""
SAY_SECONDS = 10
OF_EVERY_DATASET = {setting.name for setting in fields(Dataset)}


def deal(all_runs: list[Run], n_shards: int) -> list[list[Run]]:
    """The runs in `n_shards` parts of about equal expected cost.

    Runs of one shape stay together, since they share a compiled model, and runs of Keras 2.2.4 and
    of Keras 3 apart, since a process can hold one of them. Raises `InputError` where there are
    fewer shards than kinds of Keras.
    """
    original = [run for run in all_runs if is_original(run)]
    today = [run for run in all_runs if not is_original(run)]
    kinds = [group for group in (original, today) if group]
    require(n_shards >= len(kinds), "shards", "are at least one for each Keras", n_shards)
    if len(kinds) < 2:
        return _balanced(all_runs, n_shards)
    share = sum(map(_cost, _shapes(original))) / sum(map(_cost, _shapes(all_runs)))
    of_original = min(max(round(share * n_shards), 1), n_shards - 1)
    return _balanced(original, of_original) + _balanced(today, n_shards - of_original)


def is_original(run: Run) -> bool:
    """Whether a run trains in Keras 2.2.4."""
    return run.training.engine == "keras224"


def versions(original: bool, *packages: str) -> dict[str, str]:
    """Versions of packages, by default the decisive ones, beside Keras 2.2.4 or today's.

    Keras 2.2.4 is named, not looked for: a process finds its folder only once it is activated.
    """
    return provenance.versions(*packages) | ({"keras": keras224.VERSION} if original else {})


def _balanced(some: list[Run], n_parts: int) -> list[list[Run]]:
    """The costliest shape goes first to the part with the least to do."""
    parts: list[tuple[float, int, list[Run]]] = [(0.0, i, []) for i in range(n_parts)]
    for group in sorted(_shapes(some), key=_cost, reverse=True):
        cost, i, part = heapq.heappop(parts)
        heapq.heappush(parts, (cost + _cost(group), i, part + group))
    return [part for _, _, part in sorted(parts, key=lambda p: p[1])]


def _shapes(some: list[Run]) -> list[list[Run]]:
    shapes: dict[tuple[object, ...], list[Run]] = defaultdict(list)
    for run in some:
        shapes[shape(run)].append(run)
    return list(shapes.values())


def shape(run: Run) -> tuple[object, ...]:
    """What decides the shapes of a run's arrays and the network they pass through.

    Any setting of a data set's own may change its features; of those that all data sets have, the
    sizes alone do.
    """
    d, t, m = run.dataset, run.training, run.model
    own = {name: value for name, value in asdict(d).items() if name not in OF_EVERY_DATASET}
    data = (d.name, digest(own), d.n_samples, d.n_validation, t.batch_size)
    program = (t.threshold, t.engine, *astuple(run.program), *run.strategies)
    return (*data, tuple(m.hidden), m.learning_rate, *program)


def _cost(group: list[Run]) -> float:
    """Expected seconds of runs of one shape."""
    return SECONDS[group[0].training.engine].shape + sum(map(_training_cost, group))


def _training_cost(run: Run) -> float:
    """Expected seconds of a run without its shape's."""
    cost, sizes = SECONDS[run.training.engine], (run.dataset.n_samples, run.dataset.n_validation)
    steps = sum(-(-n // run.training.batch_size) for n in sizes)
    return run.training.epochs * (cost.epoch + cost.step * steps)


def modules(all_runs: list[Run]) -> list[str]:
    """The modules that decide what the runs give; plug-ins are named, since imports hide them."""
    today = [run for run in all_runs if not is_original(run)]
    return sorted(
        {type(run.dataset).__module__ for run in all_runs}
        | {
            "batchf1.study.frameworks.keras224.run"
            if is_original(run)
            else "batchf1.study.frameworks.keras3.run"
            for run in all_runs
        }
        | {plugins.module(plugins.STRATEGIES, n) for run in today for n in run.strategies}
    )


def execute(experiment: Path, shard: int, store: Path) -> Made:
    """Train the runs of one shard of a study; their rows, and how each was trained.

    `store` holds a table per run; one that is there, from the same settings, code and package
    versions, is read instead of trained. Raises `InputError` where there is no such shard.
    """
    study, all_runs = load_study(experiment, Study), runs(experiment)
    require(0 <= shard < study.shards, "shard", f"must lie in 0..{study.shards - 1}", shard)
    mine = deal(all_runs, study.shards)[shard]
    found = {run.run_id: kept for run in mine if (kept := _kept(store, run)) is not None}
    missing = [run for run in mine if run.run_id not in found]
    say(f"shard {shard}: {len(mine)} runs, {len(found)} of them kept from before")
    if missing:
        found |= _train(missing, store, f"shard {shard}")
    done = [found[run.run_id] for run in mine]
    table = pd.concat([tables.empty(tables.RUNS), *(made.table for made in done)])
    software = versions(any(map(is_original, mine)), *provenance.RECORDED)
    trained = origin.trained([made.origin for made in done])
    return Made(table, {"versions": software, "trained": trained})


def _kept(store: Path, run: Run) -> Made | None:
    """The rows of a run from the store; None where they are missing, damaged or of other code."""
    path = _path(store, run)
    try:
        recorded = tables.provenance_of(path)
        if recorded.get("fingerprint") != fingerprint(run):
            return None
        rows = tables.read(path, tables.RUNS)
    except InputError:
        return None
    return Made(rows, recorded) if _are_of(rows, [run]) else None


def _are_of(rows: pd.DataFrame, some: list[Run]) -> bool:
    """Whether these are all rows of the runs and no others."""
    return rows["run_id"].value_counts().to_dict() == {run.run_id: run.n_rows for run in some}


def fingerprint(run: Run) -> str:
    """A digest of the code and package versions that decide what a run gives."""
    return _fingerprint(is_original(run), *modules([run]))


@cache
def _fingerprint(original: bool, *names: str) -> str:
    return provenance.fingerprint(*names, software=versions(original))


def _path(store: Path, run: Run) -> Path:
    return store / f"{run.run_id}.parquet"


def _train(missing: list[Run], store: Path, name: str) -> dict[str, Made]:
    """Train runs and keep each, by run_id; a line now and then says how far it is."""
    trainer_class, configure = implementation(missing[0])
    import keras  # here: TensorFlow takes seconds to import, and this is the Keras chosen above

    device = configure(missing[0])
    software = versions(is_original(missing[0]), *provenance.RECORDED)
    here = provenance.collect(device=device, versions=software)
    start = said = time.monotonic()
    total, done, compiled = sum(map(_training_cost, missing)), 0.0, 0
    trainer, trained, found = None, None, {}
    for i, run in enumerate(missing, 1):
        if trainer is None or shape(run) != trained:
            trainer = None  # one model at a time; TensorFlow still keeps some 50 MB a shape
            keras.backend.clear_session()
            trainer, trained, compiled = trainer_class(run), shape(run), compiled + 1
        of_run = {"config": run.resolved, "fingerprint": fingerprint(run)}
        found[run.run_id] = made = Made(trainer.train(run, device), here | of_run)
        tables.write(made.table, _path(store, run), tables.RUNS, made.origin)
        done += _training_cost(run)
        now = time.monotonic()
        if now - said > SAY_SECONDS or i == len(missing):
            said, left = now, (now - start) * (total - done) / done
            say(
                f"{name}: {i} runs done, {len(missing) - i} left, about {left:.0f} s to go"
                f" ({compiled} shapes compiled)"
            )
    return found


def implementation(run: Run) -> tuple[Any, Any]:
    """`Trainer` and `configure` of the Keras in which the run trains."""
    if is_original(run):
        keras224.activate()
        from batchf1.study.frameworks.keras224.run import Trainer as OriginalTrainer
        from batchf1.study.frameworks.keras224.run import configure as configure_original

        return OriginalTrainer, configure_original
    from batchf1.study.frameworks.keras3.run import Trainer, configure

    return Trainer, configure


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def collect(experiment: Path, shards: list[Path]) -> Made:
    """The rows of a study in the order of its grid, whatever the shards, and its settings.

    The rows say every setting that the grid varies (`tables.COLUMN_OF`, `tables.SETTING`). Raises
    `InputError` where a run or a row is missing, stands twice, or is not of the study.
    """
    grid = cells(experiment)
    all_runs = [cell.run for cell in grid]
    wanted = [run.run_id for run in all_runs]
    table = pd.concat([tables.read(path, tables.RUNS) for path in shards], ignore_index=True)
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
    points = {cell.run.run_id: cell.point for cell in grid}
    further = [key for key in grid[0].point if key not in tables.COLUMN_OF]
    values = {key: {run_id: tables.axis(p[key]) for run_id, p in points.items()} for key in further}
    return {key: run_ids.map(of_run) for key, of_run in values.items()}
