"""Beside the regrets: pairs of candidates, and the binormal control, whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchf1.figures._options import UNIT, Options, among
from batchf1.figures._over_seeds import cells
from batchf1.figures._regret import Cut, cuts, ratio, regrets, values
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1
from batchf1.study.decisions.choices import best
from batchf1.study.decisions.record import EMPTY, TEST, VALIDATION
from batchf1.theory.expectation import expect, expected_f1

CONTROL = "binormal"
FAR = 2.0
"""Deviations of a gap that chance does not turn round."""
PLACE = [*UNIT[:2], "validation_batch_size"]

TOTALS = {"seed": "nunique", "n_pairs": "sum", "n_agree": "sum"}


def pairs(table: pd.DataFrame, options: list[Options]) -> pd.DataFrame:
    """How often two candidates are logged in the order that theory predicts, if it does clearly.

    Of each pair of candidates of the largest search, where empty batches count 0: `n_pairs` whose
    expected values are more than `FAR` deviations apart, as if the cuts were independent, and
    `agreement`, the share of them of which the logged values lie in that order. A row per dataset,
    prevalence and validation batch size, and one of all.
    """
    searches = [option for option in options if option.own]
    columns = {size: name for (size, empty), name in cuts(map(str, table)).items() if empty == "0"}
    found = [
        _pairs(table, option, name, size) for option in searches for size, name in columns.items()
    ]
    if not found:
        return pd.DataFrame()
    units = pd.concat(found)
    per_cell = units.groupby(PLACE).agg(TOTALS).reset_index()
    whole = units.assign(every=0).groupby("every").agg(TOTALS).reset_index(drop=True)
    both = pd.concat([per_cell, whole], ignore_index=True)
    share = both.pop("n_agree") / both["n_pairs"].where(both["n_pairs"] > 0)
    names = {"decision": searches[0].decision.removesuffix("_own"), "model": searches[0].model}
    return both.rename(columns={"seed": "n_seeds"}).assign(**names, empty="0", agreement=share)


def _pairs(table: pd.DataFrame, option: Options, name: str, size: int) -> pd.DataFrame:
    """The units with the number of clear pairs in each, and of those in the predicted order."""
    counts = (table[count].to_numpy(np.int64)[option.rows] for count in VALIDATION)
    found = expect(Counts(*counts), size)
    one, two = np.triu_indices(option.rows.shape[1], 1)
    gap = found.expected_f1[:, one] - found.expected_f1[:, two]
    clear = np.abs(gap) > FAR * np.hypot(found.sd[:, one], found.sd[:, two])
    logged = table[name].to_numpy(np.float64)[option.rows]
    agree = np.sign(logged[:, one] - logged[:, two]) == np.sign(gap)
    numbers = {"n_pairs": clear.sum(axis=1), "n_agree": (clear & agree).sum(axis=1)}
    return option.units.assign(validation_batch_size=size, **numbers)


def control(curves: pd.DataFrame) -> pd.DataFrame:
    """Cells of the threshold for binormal scores, with the regret known exactly, `regret_exact`.

    `curves`: a row per prevalence, seed and threshold, with pooled validation counts, logged values
    and, in the columns `test_*`, the expected counts of very many samples.
    """
    if curves.empty:
        return pd.DataFrame()
    table = curves.assign(dataset=CONTROL).reset_index(drop=True)
    option = among(table, "threshold", ("threshold", CONTROL, ""), best)
    found = cells(regrets([option], values(table, [option])))
    return found.merge(_exact(table, option), how="left")


def _exact(table: pd.DataFrame, option: Options) -> pd.DataFrame:
    """Prevalence, size and rule -> F1 at the best threshold minus F1 at the logged value's best.

    Both in the limit of much data. The very many samples are a pool of their own, whose expectation
    is the limit's but for terms of batch size / samples.
    """
    first = option.units.groupby("prevalence").head(1)
    rows = option.rows[first.index]
    whole = np.rint(table[list(TEST)].to_numpy(np.float64).T).astype(np.int64)
    pools, true = Counts(*whole[:, rows]), ratio(F1, table, TEST)[rows]
    found = [
        first[["prevalence"]].assign(
            validation_batch_size=size, empty=empty, regret_exact=_lost(true, pools, (size, empty))
        )
        for size, empty in cuts(map(str, table))
    ]
    return pd.concat(found)


def _lost(true: Floats, pools: Counts, cut: Cut) -> NDArray[np.float64]:
    size, empty = cut
    taken = best(expected_f1(pools, size, "per_batch", EMPTY[empty]))
    return np.asarray(true.max(axis=1) - np.take_along_axis(true, taken[:, None], 1)[:, 0])
