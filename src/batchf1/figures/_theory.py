"""The exact expectation beside the measured rows of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import as_counts
from batchf1.theory.expectation import Expectation, expect, expected_f1


@cache
def _expect(tp: int, fp: int, fn: int, tn: int, size: int, averaging: Averaging) -> Expectation:
    return expect(as_counts(tp, fp, fn, tn), size, averaging)


@cache
def _expected_f1(tp: int, fp: int, fn: int, tn: int, size: int, averaging: Averaging) -> float:
    return expected_f1(as_counts(tp, fp, fn, tn), size, averaging)


def with_expectation(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `expected_f1` and `sd` of the batch mean, from their pooled counts alone.

    By each row's own averaging rule; NaN where the batches were not of the row's batch size, as
    their number tells.
    """
    found = [_expect(*cut) if cut else None for cut in _cuts(rows)]
    columns = {name: [getattr(e, name, np.nan) for e in found] for name in ("expected_f1", "sd")}
    return rows.assign(**_floats(columns))


def with_expected_f1(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `expected_f1` alone, which is found much faster."""
    found = [_expected_f1(*cut) if cut else np.nan for cut in _cuts(rows)]
    return rows.assign(**_floats({"expected_f1": found}))


def _floats(columns: dict[str, list[float]]) -> dict[str, Any]:
    return {name: np.array(values, np.float64) for name, values in columns.items()}


def _cuts(rows: pd.DataFrame) -> Iterator[tuple[int, int, int, int, int, Averaging] | None]:
    """TP, FP, FN, TN, batch size and rule of each row; None where another size was cut."""
    cells = ["tp", "fp", "fn", "tn"]
    columns = [*cells, "batch_size", "averaging", "n_batches"]
    for tp, fp, fn, tn, size, averaging, n_batches in zip(
        *(rows[c].tolist() for c in columns), strict=True
    ):
        n = tp + fp + fn + tn
        whole = n_batches == -(-n // size)
        yield (tp, fp, fn, tn, min(size, n), averaging) if whole else None
