"""Descriptions of every table, for docs/tables.md and figures/datapackage.json."""

import json
import runpy
from collections.abc import Mapping
from pathlib import Path

from batchf1.errors import check
from batchf1.figures import base, scaling
from batchf1.records.columns import Column, Schema
from batchf1.studies.atlas.rows import ATLAS
from batchf1.studies.cost.rows import COST
from batchf1.studies.cuts.schema import CUT_TABLE
from batchf1.studies.decisions.rows import EPOCHS
from batchf1.studies.flat_labels.schema import CHOICES, LOGS
from batchf1.studies.frameworks import rows as frameworks
from batchf1.studies.segmentation.schema import LOGS as DICE
from batchf1.sweep.schema import RUNS, RUNS_OF_METRICS
from templates.common import table_rows

GPU = "benchmarks/gpu.csv"
"""Table that only a machine with a GPU can make."""
RUNS_OF = "results/{}/runs.parquet"
PARQUET = {
    RUNS_OF.format("<study>"): RUNS,
    f"{RUNS_OF.format('<study>')}, of other metrics than F1": RUNS_OF_METRICS,
    RUNS_OF.format("decisions"): EPOCHS,
    RUNS_OF.format("atlas"): ATLAS,
    RUNS_OF.format("cost"): COST,
    RUNS_OF.format("cuts"): CUT_TABLE,
    RUNS_OF.format("flat_labels"): LOGS,
    "results/flat_labels/choices.parquet": CHOICES,
    RUNS_OF.format("segmentation"): DICE,
}
"""Table that a study writes, which is not committed -> its description."""


def schemas(root: Path) -> dict[str, Schema]:
    """Return the description of each committed table, by its path."""
    described = _schemas(root)
    return {path: s for path, s in described.items() if path != GPU or (root / path).exists()}


def _schemas(root: Path) -> dict[str, Schema]:
    benchmarks = runpy.run_path(str(root / "benchmarks/schemas.py"))
    return {
        **{f"figures/{path.stem}.csv": of_figure(path) for path in records(root)},
        "docs/averaging.csv": frameworks.METRICS,
        "docs/frameworks.csv": frameworks.LOGS,
        "benchmarks/census.csv": benchmarks["CENSUS"],
        "benchmarks/census_checks.csv": benchmarks["CENSUS_CHECKS"],
        "benchmarks/engines.csv": scaling.SCHEMA,
        GPU: benchmarks["GPU"],
        "benchmarks/pipelines.csv": benchmarks["PIPELINES"],
        "benchmarks/jobs.csv": benchmarks["JOBS"],
        "benchmarks/large.csv": benchmarks["LARGE"],
        "benchmarks/logs.csv": benchmarks["LOGS"],
        "benchmarks/recorder.csv": benchmarks["RECORDER"],
        "benchmarks/scan_eval.csv": benchmarks["SCAN_EVAL"],
        "benchmarks/scan_unseen.csv": benchmarks["SCAN_UNSEEN"],
        "benchmarks/scan_labels/files.csv": benchmarks["SCAN_FILES"],
        "benchmarks/scan_labels/labels.csv": benchmarks["SCAN_LABELS"],
        "benchmarks/sums.csv": benchmarks["SUMS"],
    }


def records(root: Path) -> list[Path]:
    """Return the records of the figures' tables."""
    return [path.with_suffix(".json") for path in sorted((root / "figures").glob("*.csv"))]


def of_figure(record: Path) -> Schema:
    """Return the description of a figure's table."""
    name = json.loads(record.read_text(encoding="utf-8"))["module"]
    schema: Schema | None = getattr(base.module(name), "SCHEMA", None)
    check(schema is not None, f"figure {name}", "must have SCHEMA, which describes its table")
    assert schema is not None
    return schema


def context(root: Path) -> dict[str, object]:
    """Return the sections of the page: heading -> its tables, those of one description together."""
    return {
        "studies": _sections(PARQUET),
        "committed": _sections(
            {path: s for path, s in _schemas(root).items() if s is not CUT_TABLE}
        ),
        "columns": columns,
    }


def _sections(described: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return titles and descriptions; tables that share a description share a section."""
    paths: dict[int, list[str]] = {}
    for path, schema in described.items():
        paths.setdefault(id(schema), []).append(f"`{path}`")
    return {", ".join(paths[id(schema)]): schema for schema in described.values()}


def columns(schema: Schema) -> str:
    """Return the rows of a Markdown table, a line for each column."""
    others = {"<setting>" if of.type == "any" else p: of for p, of in schema.others.items()}
    return table_rows([_line(*each) for each in ({**schema.columns, **others}).items()])


def _line(name: str, column: Column) -> list[str]:
    enum = ", ".join(f"`{value}`" for value in column.enum)
    unit = ", ".join(filter(None, (column.unit, enum or column.range)))
    cells = [f"`{name}`", column.type, unit, column.meaning, column.missing]
    return [cell.replace("|", r"\|") for cell in cells]
