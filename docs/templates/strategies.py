"""Numbers of docs/strategies.md, from figures/cost.csv and figures/decisions.csv."""

from pathlib import Path

import pandas as pd

from templates.common import claim
from templates.costs import LIGHT, grown_bytes, ratio, smallest_cells
from templates.regret import LINES, THRESHOLD, first, read, rows

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
    }


def _costs(cell: pd.Series, grown: float) -> str:
    """Return the page's last three columns; a byte a row is 1 MB a million rows."""
    memory = f"{grown:.0f} MB" if grown > 10 else f"{grown:.1f} MB"
    return f"{'yes' if cell['extra_passes'] else 'no'} | {memory} | x {ratio(cell)}"
