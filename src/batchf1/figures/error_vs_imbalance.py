"""Figure of the error of each strategy over the prevalence, at the study's largest data size."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from batchf1.figures import _line_plot
from batchf1.figures.error_vs_batch_size import COLUMNS, SCHEMA, table

__all__ = ["ALT", "COLUMNS", "SCHEMA", "draw", "table"]

ALT = (
    "Above, the error of the logged F1 over the prevalence, in training and in validation, with a "
    "line for each batch size; below, in words, the largest error of each strategy."
)


def draw(table: pd.DataFrame) -> Figure:
    """Plot the errors; see `_line_plot.draw`."""
    return _line_plot.draw(table, "prevalence", "batch_size")
