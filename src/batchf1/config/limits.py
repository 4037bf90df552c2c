"""Limits on the size of a study, checked before its grid is expanded."""

from __future__ import annotations

from batchf1.errors import check

MAX_RUNS = 10_000_000
"""Largest study, in runs, unless called with `--config huge=true`; their ids alone take 2 GB."""
MAX_CELLS = 100_000
"""Settings of a study without the seed: each is composed and checked, 2 ms, before any run."""
MAX_EPOCHS = 100_000
MAX_UNITS, MAX_THREADS = 2**20, 1024
MAX_SEED = 2**63 - 1
"""int64 in tables."""


def check_size(n_cells: int, n_runs: int, huge: bool = False) -> None:
    """Refuse a study of too many cells, or of too many runs unless it may be `huge`."""
    rule = f"must have at most {MAX_CELLS:,} cells, each with any number of seeds"
    check(n_cells <= MAX_CELLS, "grid", rule, f"{n_cells:,}")
    rule = f"must be at most {MAX_RUNS:,} (snakemake --config huge=true allows more)"
    check(huge or n_runs <= MAX_RUNS, "number of runs", rule, f"{n_runs:,}")
