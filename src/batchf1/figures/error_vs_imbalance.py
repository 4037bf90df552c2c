"""The error of each strategy over the prevalence, at the largest data set of the study."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from batchf1.figures import _sweep
from batchf1.figures.error_vs_batch_size import COLUMNS, table

__all__ = ["COLUMNS", "draw", "table"]


def draw(table: pd.DataFrame) -> Figure:
    """See `_sweep.draw`."""
    return _sweep.draw(table, "prevalence", "batch_size")
