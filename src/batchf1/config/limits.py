"""Limits on the size of a study, checked before its grid is expanded."""

from __future__ import annotations

from batchf1.errors import check

MAX_RUNS = 10_000_000
"""Largest study, in runs, unless called with `--config huge=true`; their ids alone take 2 GB."""
MAX_CELLS = 100_000
"""Settings of a study without the seed: each is composed and checked, 2 ms, before any run."""
MAX_EPOCHS = 100_000


def check_size(n_cells: int, n_runs: int, huge: bool = False) -> None:
    """Refuse a study of too many cells, or of too many runs unless it may be `huge`."""
    rule = f"must have at most {MAX_CELLS:,} cells, each with any number of seeds"
    check(n_cells <= MAX_CELLS, "grid", rule, f"{n_cells:,}")
    rule = f"must be at most {MAX_RUNS:,} (snakemake --config huge=true allows more)"
    check(huge or n_runs <= MAX_RUNS, "number of runs", rule, f"{n_runs:,}")


def check_epochs(name: str, value: int, least: int = 1) -> None:
    """Refuse a number of epochs outside the allowed range."""
    check(value >= least, name, f"must be at least {least}", value)
    check(value <= MAX_EPOCHS, name, f"must be at most {MAX_EPOCHS:,}", value)


def check_repetitions(name: str, value: int) -> None:
    """Refuse a number of repetitions that exceeds the limit, each being a cell of its own."""
    check(value >= 1, name, "must be at least 1", value)
    check(value <= MAX_CELLS, name, f"must be at most {MAX_CELLS:,}", value)
