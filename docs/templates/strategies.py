"""Numbers of docs/strategies.md.

From figures/cost.csv, figures/decisions.csv and benchmarks/sums.csv.
"""

from pathlib import Path

import pandas as pd

from templates.common import benchmark, claim, only, table_rows
from templates.costs import LIGHT, grown_bytes, ratio, smallest_cells
from templates.regret import LINES, THRESHOLD, first, read, rows

SIZES = (32, 512)
"""Batch sizes of benchmarks/sums.csv."""
STRATEGIES = (*LIGHT, "epoch_end", "epoch_end_arrays")


def context(root: Path) -> dict[str, object]:
    """Compute what each strategy costs, and what choosing by the batch mean does."""
    cells, grown = smallest_cells(root), grown_bytes(root)
    zero = rows(read(root))
    worst = {name: first(zero, key)["regret"] for name, key in LINES.items()}
    most = max(worst, key=worst.__getitem__)
    claim(LINES[most] == THRESHOLD, "the worst case measured is a threshold", most)
    return {
        "costs": {name: _costs(cells.loc[name], grown[name]) for name in STRATEGIES},
        "none_by_none": ratio(cells.loc["none"]),
        "worst": worst[most],
        **_sums(benchmark(root, "sums")),
    }


def _sums(table: pd.DataFrame) -> dict[str, object]:
    """Return what metrics add to a training step, and those of Keras."""
    own = table["by"] == "keras"
    rows = []
    for task, metric in (
        table.loc[~own, ["task", "metric"]].drop_duplicates().itertuples(index=False)
    ):
        cells = [_step(table, metric, by, task) for by in ("streaming", "reconstructed")]
        rows.append([f"{metric} ({task})", *(cell for pair in cells for cell in pair)])
    keras = {metric: _step(table, metric, "keras") for metric in table.loc[own, "metric"]}
    return {"sums": table_rows(rows), "keras": keras, "rounds": table["rounds"].min()}


def _step(table: pd.DataFrame, metric: str, by: str, task: str = "binary") -> list[str]:
    """Return the ratio of a training step, with its interval, of each batch size."""
    where = {"task": task, "metric": metric, "by": by}
    rows = [only(table, **where, batch_size=size) for size in SIZES]
    return [
        f"{row['ratio_median']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
        for row in rows
    ]


def _costs(cell: pd.Series, grown: float) -> str:
    """Return the page's last three columns; a byte a row is 1 MB a million rows."""
    memory = f"{grown:.0f} MB" if grown > 10 else f"{grown:.1f} MB"
    return f"{'yes' if cell['extra_passes'] else 'no'} | {memory} | x {ratio(cell)}"
