"""The exact expectation beside the measured rows of a sweep."""

from __future__ import annotations

from functools import cache

import pandas as pd

from batchf1.expectation import Expectation, expect

_expect = cache(expect)


def with_expectation(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `expected_f1` and `sd` of the batch mean, from their pooled counts alone."""
    n = rows[["tp", "fp", "fn", "tn"]].sum(axis=1)
    cuts = rows[["tp", "fp", "fn", "tn"]].assign(batch_size=rows["batch_size"].clip(upper=n))
    found: list[Expectation] = [_expect(*map(int, cut)) for cut in cuts.to_numpy()]
    return rows.assign(expected_f1=[e.expected_f1 for e in found], sd=[e.sd for e in found])
