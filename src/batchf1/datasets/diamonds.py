"""Diamonds: is a stone heavier than a given weight in carat? From its measures.

53,940 round-cut diamonds, from the wheel of plotnine (MIT), which is located but not imported.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from batchf1.datasets.base import Features
from batchf1.datasets.threshold_task import ThresholdTask
from batchf1.records.files import packaged

if TYPE_CHECKING:
    import pandas as pd

SHA256 = "9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4"
FEATURES = ["x", "y", "z", "depth", "table"]


@dataclass
class Diamonds(ThresholdTask):
    """`carat > cut` from x, y, z (mm), depth and table (%), without duplicates and zero sizes."""

    name = "diamonds"
    n_available = 53_775
    packages = ("plotnine",)
    quantity = "carat"
    value_counts = Path(__file__).with_suffix(".csv")

    def table(self) -> tuple[Features, Features]:
        """Return carat and features, see `ThresholdTask.table`."""
        return _table()


@cache
def whole_table() -> pd.DataFrame:
    """Return all columns of the stones, without duplicates and zero sizes.

    Returns
    -------
    pandas.DataFrame
        A row for each stone. It is cached: do not modify it.

    Raises
    ------
    InputError
        If the file is missing or has another SHA-256.
    """
    import pandas as pd

    content = packaged("plotnine", "data/diamonds.csv", SHA256)
    table = pd.read_csv(io.BytesIO(content)).drop_duplicates()
    return table[(table[["x", "y", "z"]] > 0).all(axis=1)]


@cache
def _table() -> tuple[Features, Features]:
    table = whole_table()
    return table["carat"].to_numpy(np.float32), table[FEATURES].to_numpy(np.float32)
