"""Execution of a shard in one process: train the runs not cached, then write all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchf1.config import metric_names
from batchf1.config.settings import Run
from batchf1.errors import check
from batchf1.records import provenance, tables
from batchf1.records.columns import Schema
from batchf1.records.files import digest
from batchf1.sweep import provenance_summary
from batchf1.sweep.cache import CacheEntry, Requirement, RunCache
from batchf1.sweep.cells import CHUNK_SIZE, Cell, RunRange, n_runs
from batchf1.sweep.log import Progress, log
from batchf1.sweep.plan import Plan
from batchf1.sweep.recording import Recording
from batchf1.sweep.rows import RECORDING
from batchf1.sweep.sharding import assign_shards, training_cost
from batchf1.training import backends, engines
from batchf1.training.engines import framework_of

FILES_AT_ONCE = 16
"""Groups that are held while their rows are put into order."""
Batch = list[tuple[Cell, int]]
"""Cells and seeds of runs of one shape."""


def modules(runs: Iterable[Run], recording: Recording = RECORDING) -> list[str]:
    """Return the modules that decide the runs' results, whatever their seeds."""
    of_each = (
        {
            type(run.dataset).__module__,
            *framework_of(run).modules(run),
            *metric_names.modules(run.metrics),
        }
        for run in runs
    )
    return sorted({recording.module}.union(*of_each))


def fingerprint(run: Run, recording: Recording = RECORDING) -> str:
    """Return a digest of all code, versions and recording settings that decide a run's rows.

    Comments and docstrings are left aside.
    """
    trained_by = (run.training.engine, run.training.backend, run.dataset.packages)
    of_code = _fingerprint(*trained_by, *modules([run], recording))
    return digest([of_code, recording.settings]) if recording.settings else of_code


@cache
def _fingerprint(engine: str, backend: str, packages: tuple[str, ...], *names: str) -> str:
    framework = engines.framework(engine)
    software = framework.versions(*provenance.DECISIVE, *packages)
    software |= backends.versions(backend) | {framework.name: framework.version()}
    return provenance.fingerprint(*names, software=software)


def execute(planned: Plan, shard: int, n_shards: int, folder: Path, output: Path) -> None:
    """Train the runs of one of a study's shards, and write their rows in the order of the grid.

    `folder` keeps each group of runs that trained together as soon as it is done; a run that is
    there, from the same settings, code and package versions, is not trained again, whatever it
    trained beside. A process that trains the same shard, such as one whose Snakemake was killed, is
    waited for. Raises `InputError` where there is no such shard.
    """
    parts, recording = assign_shards(planned.cells, n_shards), planned.recording
    check(0 <= shard < n_shards, "shard", f"must lie in 0..{n_shards - 1}", shard)
    run_cache, name = RunCache(folder, recording.schema), f"shard {shard}"
    with run_cache.held(name, "trains", f".shard-{shard}-of-{n_shards}.lock"):
        paths = _complete(parts[shard], run_cache, name, recording)
        _write(paths, output, shard, recording.schema)


def _complete(
    assigned: Sequence[RunRange], run_cache: RunCache, name: str, recording: Recording
) -> dict[str, Path]:
    """Train the runs that are not cached; map the id of each run, in order, to its file."""
    required: dict[str, Requirement] = {}
    for run_range in assigned:
        first = run_range.cell.first
        stamp = {"fingerprint": fingerprint(first, recording)}
        requirement = Requirement(stamp, recording.n_rows(first))
        required.update(dict.fromkeys(run_range.run_ids(), requirement))
    paths = run_cache.get(required)
    log(f"{name}: {n_runs(assigned)} runs, {len(paths)} of them kept from before")
    batches = _batches(assigned, paths)
    if batches:
        paths |= _train(batches, run_cache, name, recording)
    return {run_id: paths[run_id] for run_id in required}


def _batches(assigned: Sequence[RunRange], paths: Mapping[str, Path]) -> list[Batch]:
    """Return the runs that are not cached, by shape, in batches that train together."""
    shapes: dict[tuple[object, ...], Batch] = {}
    for run_range in assigned:
        first = run_range.cell.first
        key = (framework_of(first).shape(first), fingerprint(first))
        left = [s for s in run_range.seeds if run_range.cell.run_id(s) not in paths]
        shapes.setdefault(key, []).extend((run_range.cell, seed) for seed in left)
    return [batch for shape in shapes.values() if shape for batch in _at_once(shape)]


def _at_once(shape: Batch) -> list[Batch]:
    first = shape[0][0].first
    size = framework_of(first).group_size(first)
    return [shape[i : i + size] for i in range(0, len(shape), size)]


def _train(
    batches: Sequence[Batch], run_cache: RunCache, name: str, recording: Recording
) -> dict[str, Path]:
    """Train runs of one framework and device, caching each batch; map each run id to its file."""
    one = batches[0][0][0].first
    framework, device = framework_of(one), framework_of(one).configure(one)
    of_backend = backends.versions(one.training.backend)
    software = cache(
        lambda *packages: framework.versions(*provenance.RECORDED, *packages) | of_backend
    )
    environment = provenance.collect(device=device)
    cost = cache(lambda cell: training_cost(cell.first))
    costs = [sum(cost(cell) for cell, _ in batch) for batch in batches]
    progress = Progress(name, costs, [len(batch) for batch in batches])
    trainer, trained, n_shapes = None, None, 0
    paths: dict[str, Path] = {}
    for batch in batches:
        runs = [cell.run(seed) for cell, seed in batch]
        shape = framework.shape(runs[0])
        if trainer is None or shape != trained:
            trainer = None  # one model at a time
            trainer, trained, n_shapes = framework.trainer(runs[0]), shape, n_shapes + 1
        table = recording.table(runs, device, trainer.train(runs), trainer.expected)
        stamp = {"fingerprint": fingerprint(runs[0], recording)}
        versions = {"versions": software(*runs[0].dataset.packages)}
        paths |= _store(batch, table, environment | versions | stamp, run_cache)
        progress.advance(f" ({n_shapes} shapes compiled)")
    return paths


def _store(
    batch: Batch, table: pd.DataFrame, origin: dict[str, Any], run_cache: RunCache
) -> dict[str, Path]:
    """Cache the rows of a batch of runs; return as `put`."""
    ids = [cell.run_id(seed) for cell, seed in batch]
    cells = dict.fromkeys(cell for cell, _ in batch)
    settings = provenance_summary.settings(cell.resolved for cell in cells)
    settings["seed"] = sorted({seed for _, seed in batch})
    origin |= {"runs": ids, **provenance_summary.split(settings)}
    return run_cache.put(digest(ids), CacheEntry(table, origin))


def _write(paths: Mapping[str, Path], output: Path, shard: int, schema: Schema) -> None:
    """Write the rows of runs in the order of `paths`, chunk by chunk, and how they were made."""
    read, run_ids = lru_cache(FILES_AT_ONCE)(tables.unchecked), list(paths)
    with tables.writing(output, schema) as writer:
        for start in range(0, len(run_ids), CHUNK_SIZE):
            ids = run_ids[start : start + CHUNK_SIZE]
            writer.add(_ordered(ids, [read(path) for path in {paths[i]: None for i in ids}]))
        sizes = Counter(paths.values())
        made = ({**tables.provenance_of(path), "n_runs": n} for path, n in sizes.items())
        writer.record(provenance.collect(shard=shard, trained=provenance_summary.trained_on(made)))


def _ordered(ids: Sequence[str], parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of some runs, in their order, from several tables."""
    order = pd.Index(ids)
    indices = [order.get_indexer(pd.Index(part["run_id"])) for part in parts]
    table = pd.concat(part[index >= 0] for part, index in zip(parts, indices, strict=True))
    index = np.concatenate(indices)
    return table.iloc[index[index >= 0].argsort(kind="stable")]
