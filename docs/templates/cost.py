"""Numbers of docs/cost.md, from figures/cost.csv."""

from pathlib import Path

import pandas as pd

from templates.common import claim
from templates.costs import LIGHT, cells, check_memory, ratio, smallest_cells


def context(root: Path) -> dict[str, object]:
    """Compute the ratios, and check the bounds that the page states."""
    plain, blocks = smallest_cells(root), cells(root, "blocks", largest=True)
    light = blocks.loc[list(LIGHT), "epoch_ratio"]
    check_memory(root)
    _check_peaks(blocks, cells(root, "blocks"))
    _check_passes(plain, cells(root, "plain", largest=True))
    return {
        "none_by_none": ratio(plain.loc["none"]),
        "plain": plain["epoch_ratio"],
        "blocks": blocks["epoch_ratio"],
        "low": light.min(),
        "high": light.max(),
        "share": _time_of_a_row(blocks) / _time_of_a_row(cells(root, "plain", largest=True)),
    }


def _time_of_a_row(found: pd.DataFrame) -> float:
    """Return the seconds of a row without a strategy."""
    none = found.loc["none"]
    return float(none["epoch_seconds"] / none["n_rows"])


def _check_peaks(many: pd.DataFrame, few: pd.DataFrame) -> None:
    for peak in ("peak_bytes", "grown_bytes"):
        rise = (many[peak] - few[peak])[[*LIGHT, "epoch_end"]].max() / 1e6
        claim(rise < 3, "from 10,000 to 10 million rows the peak rises by less than 3 MB", rise)


def _check_passes(*found: pd.DataFrame) -> None:
    ratios = pd.concat([cells["epoch_ratio"] for cells in found])
    at_end, arrays = ratios[["epoch_end"]], ratios[["epoch_end_arrays"]]
    sentence = "epoch_end on a data set takes 1.4 to 1.5 times the time"
    claim(at_end.between(1.35, 1.55).all(), sentence, at_end.tolist())
    claim(arrays.between(6, 8).all(), "on arrays six to eight times", arrays.tolist())
