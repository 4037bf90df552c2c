"""Figure of the error of each strategy over the batch size, at the study's largest data size."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from batchf1.config.metric_names import DEFAULT
from batchf1.figures import _line_plot

ALT = (
    "Above, the error of the logged F1 over the batch size, in training and in validation, with a "
    "line for each prevalence; below, in words, the largest error of each strategy."
)
SCHEMA, COLUMNS = _line_plot.SCHEMA, _line_plot.COLUMNS


def table(source: Path, metric: str = DEFAULT) -> pd.DataFrame:
    """Return the summary of `_line_plot.summary`; only the largest `n_samples`."""
    rows = _line_plot.with_errors(source, metric)
    return _line_plot.summary(_line_plot.at_largest(rows, "n_samples"), metric)


def draw(table: pd.DataFrame) -> Figure:
    """Plot the errors; see `_line_plot.draw`."""
    return _line_plot.draw(table, "batch_size", "prevalence")
