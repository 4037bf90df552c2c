"""Numbers of docs/cost.md, from figures/cost.csv."""

from pathlib import Path

from templates.common import claim
from templates.costs import LIGHT, blocks, check_memory, ratio, smallest_cells


def context(root: Path) -> dict[str, object]:
    """Compute the ratios, and check the bounds that the page states."""
    cells, many, few = smallest_cells(root), blocks(root), blocks(root, largest=False)
    check_memory(root)
    for peak in ("peak_bytes", "grown_bytes"):
        rise = (many[peak] - few[peak])[[*LIGHT, "epoch_end"]].max() / 1e6
        claim(rise < 3, "from 10,000 to 10 million rows the peak rises by less than 3 MB", rise)
    at_end, arrays = (cells.loc[name, "epoch_ratio"] for name in ("epoch_end", "epoch_end_arrays"))
    claim(1.35 < at_end < 1.55, "epoch_end on a data set takes 1.4 to 1.5 times the time", at_end)
    claim(6 <= arrays <= 8, "epoch_end on arrays takes six to eight times the time", arrays)
    light = many.loc[list(LIGHT), "epoch_ratio"]
    return {
        "none_by_none": ratio(cells.loc["none"]),
        "plain": cells["epoch_ratio"],
        "blocks": many["epoch_ratio"],
        "low": light.min(),
        "high": light.max(),
    }
