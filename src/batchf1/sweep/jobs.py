"""Jobs of `batchf1 train --multirun`: the files that each keeps, and one table of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from omegaconf import OmegaConf

from batchf1.config.conf import GROUPS
from batchf1.config.settings import Run
from batchf1.errors import check
from batchf1.records import files, provenance, tables
from batchf1.sweep import provenance_summary, schema
from batchf1.sweep.collect import as_column
from batchf1.sweep.schema import COLUMN_OF, SETTING, axis, column_of
from batchf1.training import backends
from batchf1.training.engines import framework_of

ROWS, SETTINGS = "runs.parquet", "settings.yaml"
"""Files of a job, beside its log."""
QUESTION = "Runs of batchf1 train --multirun"
NAMED = {*map(column_of, COLUMN_OF), "dataset.name", "dataset.variant", "program.name"}
NAMED |= COLUMN_OF.keys()
"""Settings that every table has a column for."""


def write(
    run: Run,
    device: str,
    table: pd.DataFrame,
    folder: Path,
    overrides: Sequence[str],
    choices: Mapping[str, Any],
) -> None:
    """Write the rows of a job's run, and its settings, into the job's folder.

    `overrides` and `choices`: those of Hydra, from which `collect` finds the settings that vary.
    """
    framework = framework_of(run)
    software = framework.versions(*provenance.RECORDED, *run.dataset.packages)
    software |= backends.versions(run.training.backend)
    here = provenance.collect(device=device, versions=software)
    record = here | {
        "n_runs": 1,
        "frameworks": [f"{framework.name} {framework.version()}"],
        "trained": provenance_summary.trained_on([here]),
        "settings": run.resolved,
        "overrides": list(overrides),
        "choices": {group: str(choices[group]) for group in GROUPS if group in choices},
        **_summary([run.resolved], QUESTION),
    }
    tables.write(table, folder / ROWS, schema.runs_schema(run.metrics), record)
    with files.replacing(folder / SETTINGS) as part:
        part.write_text(OmegaConf.to_yaml(OmegaConf.create(run.resolved)))


class _Job(NamedTuple):
    """Rows of a job and their record."""

    path: Path
    rows: pd.DataFrame
    record: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings by their dotted names."""
        return dict(provenance_summary.flat(self.record["settings"]))

    @property
    def keys(self) -> list[str]:
        """Keys of the overrides."""
        return [text.lstrip("+~").partition("=")[0] for text in self.record["overrides"]]


def collect(folders: Sequence[Path], output: Path) -> pd.DataFrame:
    """Write the rows of all jobs below some folders into one table, and return it.

    In the order of the jobs' numbers, with a column for each setting that the jobs vary, as a
    study's table has. Raises `InputError` for a folder without jobs, a table of something else, and
    a run that two jobs trained.
    """
    jobs = [_read(path) for folder in folders for path in _below(folder)]
    seen: dict[str, Path] = {}
    for job in jobs:
        for run_id in job.rows["run_id"].unique():
            rule = f"must have each run once; {run_id} is in {seen.get(run_id)} too"
            check(run_id not in seen, "--collect", rule, str(job.path))
            seen[run_id] = job.path
    of_jobs = _alike([job.rows for job in jobs])
    parts = zip(of_jobs, _axes(jobs), strict=True)
    table = pd.concat([rows.assign(**axes) for rows, axes in parts], ignore_index=True)
    for name in table.columns[len(of_jobs[0].columns) :]:
        table[name] = as_column(table[name].tolist()).array
    tables.write(table, output, schema.schema_of(of_jobs[0].columns), _record(jobs))
    return table


def _alike(of_jobs: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return tables of the same columns: with the metric where one has another than F1."""
    several = any("metric" in rows for rows in of_jobs)
    return [schema.with_metric(rows) for rows in of_jobs] if several else of_jobs


def _below(folder: Path) -> list[Path]:
    """Return the tables of jobs in a folder, by the numbers in their paths."""
    paths = sorted(folder.rglob(ROWS), key=lambda path: _by_number(str(path)))
    check(bool(paths), "--collect", f"must name folders that have jobs with {ROWS}", str(folder))
    return paths


def _by_number(path: str) -> list[tuple[int, str]]:
    """Return a key that puts 10 after 9."""
    return [(int(part or -1), text) for text, part in re.findall(r"(\D+)(\d*)", f"/{path}")]


def _read(path: Path) -> _Job:
    table = tables.read(path, schema.schema_of(tables.names(path)))
    record = tables.provenance_of(path)
    rule = "must be the rows of a job of batchf1 train"
    check("overrides" in record, str(path), rule, record.get("study", "another table"))
    return _Job(path, table, record)


def _axes(jobs: Sequence[_Job]) -> list[dict[str, Any]]:
    """Return, for each job, the columns of the settings that vary and have no column yet."""
    settings = [job.settings for job in jobs]
    keys = dict.fromkeys(key for job in jobs for key in job.keys)
    columns = {key: column_of(key) for key in keys if _is_setting(key, settings)}
    # an override of another kind, such as +experiment=mine, may set anything
    others = keys.keys() - columns.keys() - COLUMN_OF.keys() - {"study", "metrics"}
    leaves = dict.fromkeys(name for each in settings for name in each) if others else {}
    columns |= {name: name for name in leaves if re.match(SETTING, name) and name not in NAMED}
    points = [
        {column: _value(key, job, each) for key, column in columns.items()}
        for job, each in zip(jobs, settings, strict=True)
    ]
    varied = [column for column in points[0] if len({repr(each[column]) for each in points}) > 1]
    return [{column: axis(each[column]) for column in varied} for each in points]


def _is_setting(key: str, settings: Iterable[Mapping[str, Any]]) -> bool:
    """Return True if a key of an override has a column of its own in a table."""
    if key in COLUMN_OF or not re.match(SETTING, column_of(key)):
        return False
    return key in GROUPS or any(column_of(key) in each for each in settings)


def _value(key: str, job: _Job, settings: Mapping[str, Any]) -> Any:
    chosen = job.record["choices"]
    return chosen.get(key) if key in GROUPS else settings.get(column_of(key))


def _record(jobs: Sequence[_Job]) -> dict[str, Any]:
    """Return the provenance of the jobs' table."""
    records = [job.record for job in jobs]
    return provenance.collect(
        n_runs=len(jobs),
        frameworks=sorted({name for record in records for name in record["frameworks"]}),
        devices=sorted({record["device"] for record in records}),
        trained=provenance_summary.trained_on(entry for r in records for entry in r["trained"]),
        **_summary([record["settings"] for record in records], QUESTION),
    )


def _summary(resolved: Sequence[Mapping[str, Any]], question: str) -> dict[str, Any]:
    names = dict.fromkeys(str(settings["study"]) for settings in resolved)
    entries = provenance_summary.settings(resolved)
    return {"study": ", ".join(names), "question": question, **provenance_summary.split(entries)}
