"""The diamonds data with their grouping columns (clarity, colour, cut, price), unseen by models."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchf1.datasets.diamonds import FEATURES, whole_table

COLUMNS = ("clarity", "color", "cut", "price")
"""What the diamonds may be grouped or sorted by."""
LABEL = "label"


class Half(NamedTuple):
    """Features (n, d), labels (n,), 0 or 1, and the columns to group by."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    columns: pd.DataFrame

    def values(self, name: str) -> NDArray[np.object_]:
        """Return a column, or the labels."""
        found = self.y if name == LABEL else self.columns[name]
        return np.asarray(found)


def halves(above: float, rng: np.random.Generator) -> tuple[Half, Half]:
    """Return the diamonds, shuffled and halved; positives weigh more than `above` carats."""
    table = whole_table()
    table = table.iloc[rng.permutation(len(table))]
    middle = len(table) // 2
    first, second = (_half(part, above) for part in (table.iloc[:middle], table.iloc[middle:]))
    return first, second


def _half(table: pd.DataFrame, above: float) -> Half:
    x = table[FEATURES].to_numpy(np.float64)
    y = np.asarray(table["carat"] > above, np.int64)
    return Half(x, y, table[list(COLUMNS)])
