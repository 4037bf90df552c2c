"""Numbers of docs/backends.md, from figures/backends.csv and the study's settings."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from batchf1.figures.backends import BACKEND, LOG_TOL, NAMES, RIGHT
from batchf1.sweep.grid import cells
from templates.common import claim, figure, table_rows

SHOWN = "streaming"
"""A strategy whose log is the true F1."""


def context(root: Path) -> dict[str, object]:
    """Compute the table of differences, and check what the page concludes."""
    path = root / "experiments/backends.yaml"
    table = figure(root, "backends")
    of_right = table[table["strategy"].isin(RIGHT)]["worst_error"].max()
    claim(of_right <= LOG_TOL, "every log is what the counts of its batches give", of_right)
    key = [BACKEND, "batch_size", "split", "strategy"]
    shapes = table.pivot_table("f1", key, "program")
    gap = (shapes["arrays"] - shapes["flat_labels"]).abs().max()
    claim(gap <= LOG_TOL, "the shape of the labels changes no log", gap)
    claim(set(table[BACKEND]) == set(NAMES), "each backend logs the same", set(table[BACKEND]))
    sizes = [f"{size:,}" for size in sorted(table["batch_size"].unique())]
    (n_seeds,) = table["n_runs"].unique()
    return {
        "sizes": " and ".join([", ".join(sizes[:-1]), sizes[-1]]),
        "n_seeds": n_seeds,
        "epochs": cells(path)[0].first.training.epochs,
        "rows": table_rows(_rows(table)),
    }


def _rows(table: pd.DataFrame) -> Iterator[list[str]]:
    first = table[BACKEND].iloc[0]
    shown = table[(table["program"] == "arrays") & (table["strategy"] == SHOWN)]
    for row in shown[shown[BACKEND] != first].to_dict("records"):
        yield [
            NAMES[row[BACKEND]],
            row["split"],
            f"{row['batch_size']:,}",
            f"{row['equal_runs']} of {row['n_runs']}",
            f"{row['difference']:.4f}",
            f"{row['worst_difference']:.4f}",
            f"{row['loss_difference']:.0e}",
        ]
