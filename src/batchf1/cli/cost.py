"""`batchf1 cost`: measure what each strategy costs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser("cost", help="measure what each strategy costs")
    parser.add_argument("experiment", type=Path, help="experiments/<study>.yaml")
    parser.add_argument(
        "--store", type=Path, required=True, help="folder that keeps finished measurements"
    )
    parser.add_argument("--output", type=Path, required=True, help="table of the measurements")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> None:
    """Measure and write the table."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # inherited by the measuring processes
    from batchf1.records import provenance, tables
    from batchf1.study.cost.rows import COST
    from batchf1.study.cost.run import execute

    made = execute(parsed.experiment, parsed.store)
    tables.write(made.table, parsed.output, COST, provenance.collect(**made.origin))
