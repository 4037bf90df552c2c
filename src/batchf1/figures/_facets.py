"""Settings that a study varies: each is an axis of a figure, a panel, or refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from batchf1.config.metric_names import DEFAULT
from batchf1.errors import check, raise_input_error
from batchf1.figures.study_rows import REPEATED, settings
from batchf1.metrics.counts import as_counts
from batchf1.metrics.ratios import F1

CELL = ["n_samples", "batch_size", "prevalence"]
"""Columns by which a figure of the sweep has rows, apart from the split."""
LEARNED = 0.5
"""Where the true F1 is below it, little is found, and no mean of it is very wrong."""
MOST = 12
"""Largest number of settings of further axes that a figure shows, each in a panel."""

COUNTS = ["tp", "fp", "fn", "tn"]
"""Columns of the pooled counts."""


def true_f1(rows: pd.DataFrame, metric: str) -> pd.Series:
    """Return the pooled F1 of rows of any metric: where it is below `LEARNED`, little is found."""
    if metric == DEFAULT:
        return rows["reference_pooled"]
    return pd.Series(F1(as_counts(*(rows[cell] for cell in COUNTS))), rows.index)


def further(rows: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """Return the settings that vary, apart from those of `shown` and the seed.

    `rows`: a table of `schema.RUNS`.
    """
    others = [c for c in settings(rows) if c not in (*shown, REPEATED)]
    return [c for c in others if len(rows[c].unique()) > 1]


def no_others(rows: pd.DataFrame, shown: Sequence[str], figure: str) -> None:
    """Raise `InputError` for a varying setting that a figure neither shows nor averages over.

    An engine is shown as its Keras, so it must be the only one of that Keras.
    """
    of_each = [(part, shown) for _, part in rows.groupby(["framework", "version"])]
    parts = [(rows, (*shown, "engine")), *of_each]
    for part, allowed in parts:
        for column in further(part, allowed):
            values = sorted(part[column].unique().tolist())
            raise_input_error(
                f"figure {figure}", f"cannot show {column}, which the study varies", values
            )


def require_strategies(rows: pd.DataFrame, strategies: Sequence[str], figure: str) -> None:
    """Raise `InputError` for a table without rows of one of the strategies."""
    present = sorted(rows["strategy"].unique())
    good = set(strategies) <= set(present)
    check(good, f"figure {figure}", f"must have rows of the strategies {list(strategies)}", present)


def panels(table: pd.DataFrame, columns: Sequence[str], figure: str) -> list[tuple[str, Any]]:
    """Return settings as text, each with its rows of the table.

    One without words where there are no columns. Raises `InputError` for more than `MOST`.
    """
    if not columns:
        return [("", table)]
    groups = table.groupby(list(columns), dropna=False)
    facets = [(_words(columns, values), rows) for values, rows in groups]
    rule = f"cannot show more than {MOST} settings of {', '.join(columns)}"
    check(len(facets) <= MOST, f"figure {figure}", rule, len(facets))
    return facets


def _words(columns: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(word(c, value) for c, value in zip(columns, values, strict=True))


def word(column: str, value: Any) -> str:
    """Return a setting as text, such as `threshold 0.5`; of a data set its name only."""
    if column == "dataset":
        return str(value)
    shown = f"{value:.12g}" if isinstance(value, float) else str(value)
    return f"{name(column)} {shown}"


def name(column: str) -> str:
    """Return a setting's name as figures write it."""
    return column.rpartition(".")[2].replace("_", " ")
