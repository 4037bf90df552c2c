"""Exact expectation of the batch mean, added to the measured rows of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from batchf1.config.metric_names import DEFAULT, binary
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Counts, as_counts
from batchf1.theory.expectation import expect, expected_f1

ROUNDING = 1e-6
"""Below it a predicted deviation is that of the float32 in which Keras adds."""


def with_expectation(rows: pd.DataFrame, metric: str = DEFAULT) -> pd.DataFrame:
    """Add `expected_f1` and `sd` of the batch mean, computed from the pooled counts alone.

    By each row's own averaging rule; NaN where the batches were not of the row's batch size, as
    their number tells. `f1` in a name stands for `metric`, a name as in tables.
    """

    def compute(counts: Counts, size: int, averaging: Averaging) -> list[Any]:
        moments = expect(counts, size, averaging, metric=binary(metric))
        return [moments.expected_f1, moments.sd]

    return _with(rows, ["expected_f1", "sd"], compute)


def residuals(rows: pd.DataFrame) -> pd.Series:
    """Return (logged - expected) / sd of rows from `with_expectation`; NaN where sd is 0."""
    return (rows["f1"] - rows["expected_f1"]) / rows["sd"].where(rows["sd"] > ROUNDING)


def with_expected_f1(rows: pd.DataFrame, metric: str = DEFAULT) -> pd.DataFrame:
    """Add `expected_f1` alone, which is computed much faster."""

    def compute(counts: Counts, size: int, averaging: Averaging) -> list[Any]:
        return [expected_f1(counts, size, averaging, metric=binary(metric))]

    return _with(rows, ["expected_f1"], compute)


def _with(rows: pd.DataFrame, names: list[str], compute: Callable[..., list[Any]]) -> pd.DataFrame:
    """Add columns computed once per batch size and averaging rule; a split may be smaller."""
    cells = rows[["tp", "fp", "fn", "tn"]].to_numpy(np.int64).T
    n = cells.sum(axis=0)
    size = rows["batch_size"].to_numpy(np.int64)
    columns = np.full((len(names), len(rows)), np.nan)
    regular = rows["n_batches"].to_numpy() == -(-n // size)
    rules = {"size": np.minimum(size, n), "averaging": rows["averaging"].to_numpy()}
    groups = pd.DataFrame(rules)[regular].groupby(["size", "averaging"], observed=True).indices
    indices = np.flatnonzero(regular)
    for (batch_size, averaging), some in groups.items():
        chosen = indices[some]
        columns[:, chosen] = compute(as_counts(*cells[:, chosen]), int(batch_size), averaging)
    return rows.assign(**dict(zip(names, columns, strict=True)))
