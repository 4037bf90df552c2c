"""The exact expectation beside the measured rows of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pandas as pd

from batchf1 import expectation

_expect, _expected_f1 = cache(expectation.expect), cache(expectation.expected_f1)


def with_expectation(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `expected_f1` and `sd` of the batch mean, from their pooled counts alone."""
    found = [_expect(*cut) for cut in _cuts(rows)]
    return rows.assign(expected_f1=[e.expected_f1 for e in found], sd=[e.sd for e in found])


def with_expected_f1(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `expected_f1` alone, which is found much faster."""
    return rows.assign(expected_f1=[_expected_f1(*cut) for cut in _cuts(rows)])


def _cuts(rows: pd.DataFrame) -> Iterator[tuple[int, ...]]:
    """TP, FP, FN, TN and the batch size of each row."""
    n = rows[["tp", "fp", "fn", "tn"]].sum(axis=1)
    cuts = rows[["tp", "fp", "fn", "tn"]].assign(batch_size=rows["batch_size"].clip(upper=n))
    return (tuple(map(int, cut)) for cut in cuts.to_numpy())
