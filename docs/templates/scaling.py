"""Numbers of docs/scaling.md, from the tables of `benchmarks/`."""

from pathlib import Path
from typing import Any

import pandas as pd

from batchf1.config import limits
from batchf1.figures import scaling
from batchf1.studies import expected
from batchf1.studies.experiments import plan
from batchf1.sweep.sharding import assign_shards
from templates.common import benchmark, claim
from templates.networks import n_trained

ENGINES = {
    "plain": "plain",
    "bare": "bare loop",
    "ensemble": "ensemble",
    "steps": "ensemble, steps alone",
    "floor": "multiplications",
}
"""Name in the template -> engine of the table."""


def context(root: Path) -> dict[str, object]:
    """Compute the speeds of the engines, of the pipelines and of the large study."""
    ours, plain = _pipelines(benchmark(root, "pipelines"))
    (large,) = benchmark(root, "large").to_dict("records")
    claim(large["n_runs"] == n_trained(root, "large"), "the large study was measured whole")
    hours = large["seconds"] * 1e6 / large["n_runs"] / 3600
    claim(3.25 < hours < 3.75, "a million runs take three and a half hours", hours)
    parts = assign_shards(plan(root / "experiments/large.yaml").cells, large["cores"])
    engines, jobs = benchmark(root, "engines"), benchmark(root, "jobs")
    compared = scaling.ratios(engines)
    largest = compared[compared["n_samples"] == compared["n_samples"].max()]
    falling = largest.sort_values("batch_size")["compiled"].is_monotonic_decreasing
    claim(falling, "plain Keras takes more times as long the smaller the batches are")
    return {
        "expected_line": expected.line(
            "large", expected.of_shards(parts), large["cores"], float("inf"), False
        ),
        "shards": _shards(jobs[jobs["job"].str.startswith("shard-")]),
        "n_sweep": n_trained(root, "sweep"),
        "n_cells": len(plan(root / "experiments/large.yaml").cells),
        "speeds": {size: _seconds_a_run(engines, 44_000, size) for size in (8, 1024)},
        "ours": ours,
        "plain": plain,
        "alike": [(a, b) for a in ours for b in plain if a["n_runs"] == b["n_runs"]],
        "n_together": compared["n_runs"].max(),
        "times": {name: scaling.times(largest[name]) for name in largest},
        "by_samples": ", ".join(
            f"{scaling.times(rows['compiled'])} at {n:,} samples"
            for n, rows in compared[compared["batch_size"] == 8].groupby("n_samples")
        ),
        "durations": _durations,
        "large": large,
        "files_of_a_million": float(f"{large['store_files'] * 1e6 / large['n_runs']:.2g}"),
        "limits": limits,
    }


def _shards(jobs: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return, for each study, the numbers of its shards as texts: runs, seconds and so on."""
    columns = ("runs", "seconds", "cpu_seconds", "peak_mb")
    return {
        str(study): {name: ", ".join(f"{n:,.0f}" for n in rows[name]) for name in columns}
        for study, rows in jobs.groupby("study", sort=False)
    }


def _seconds_a_run(engines: pd.DataFrame, n: int, size: int) -> dict[str, str]:
    rows = engines[(engines["n_samples"] == n) & (engines["batch_size"] == size)]
    seconds = rows.set_index("engine")["later_s"]
    return {name: f"{seconds[engine]:.2g}" for name, engine in ENGINES.items()}


def _pipelines(table: pd.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the studies of this project and those of the plain pipeline, by their runs."""
    table = table.sort_values("n_runs")
    ours, plain = (
        table[table["pipeline"] == name].to_dict("records")
        for name in ("this project", "plain pipeline")
    )
    return ours, plain


def _durations(studies: list[dict[str, Any]]) -> str:
    """Return the seconds of studies as text, such as `20 s for 240 runs, 90 s for 2,400 runs`."""
    return ", ".join(f"{of['seconds']:.0f} s for {of['n_runs']:,} runs" for of in studies)
