"""Pairs of candidates that are logged in the order of their expectations, or not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from batchf1.metrics.counts import Counts
from batchf1.studies.decisions.options import UNIT, Options
from batchf1.studies.decisions.regret import cuts
from batchf1.studies.decisions.rows import VALIDATION
from batchf1.theory.expectation import expect

FAR = 2.0
"""Deviations of a gap that chance does not turn round."""
PLACE = [*UNIT[:2], "validation_batch_size"]

TOTALS = {"seed": "nunique", "n_pairs": "sum", "n_agree": "sum"}


def pairs(table: pd.DataFrame, options: list[Options]) -> pd.DataFrame:
    """Count how often two candidates are logged in the order that theory clearly predicts.

    Parameters
    ----------
    table
        Table of a study of decisions.
    options
        Its decisions, of which those with `own` are used: the largest search.

    Returns
    -------
    DataFrame
        A row per dataset, prevalence and validation batch size, and one of all. `n_pairs`: pairs
        whose expected values are more than `FAR` deviations apart, as if the cuts were independent,
        with empty batches as 0. `agreement`: the share of these that are logged in the expected
        order.
    """
    searches = [option for option in options if option.own]
    columns = {size: name for (size, empty), name in cuts(map(str, table)).items() if empty == "0"}
    parts = [
        _pairs(table, option, name, size) for option in searches for size, name in columns.items()
    ]
    if not parts:
        return pd.DataFrame()
    units = pd.concat(parts)
    per_cell = units.groupby(PLACE).agg(TOTALS).reset_index()
    total = units.assign(every=0).groupby("every").agg(TOTALS).reset_index(drop=True)
    both = pd.concat([per_cell, total], ignore_index=True)
    share = both.pop("n_agree") / both["n_pairs"].where(both["n_pairs"] > 0)
    names = {"decision": searches[0].decision.removesuffix("_own"), "model": searches[0].model}
    return both.rename(columns={"seed": "n_seeds"}).assign(**names, empty="0", agreement=share)


def _pairs(table: pd.DataFrame, option: Options, name: str, size: int) -> pd.DataFrame:
    """Return the units with their clear pairs, and those in the predicted order."""
    counts = (table[count].to_numpy(np.int64)[option.rows] for count in VALIDATION)
    moments = expect(Counts(*counts), size)
    one, two = np.triu_indices(option.rows.shape[1], 1)
    gap = moments.expected_f1[:, one] - moments.expected_f1[:, two]
    clear = np.abs(gap) > FAR * np.hypot(moments.sd[:, one], moments.sd[:, two])
    logged = table[name].to_numpy(np.float64)[option.rows]
    agree = np.sign(logged[:, one] - logged[:, two]) == np.sign(gap)
    numbers = {"n_pairs": clear.sum(axis=1), "n_agree": (clear & agree).sum(axis=1)}
    return option.units.assign(validation_batch_size=size, **numbers)
