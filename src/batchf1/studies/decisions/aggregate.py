"""Means of regrets over seeds, with bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from batchf1.config.seeds import generator
from batchf1.metrics.counts import Floats
from batchf1.studies.decisions.regret import KEY, NUMBERS

CELL = [*KEY, "dataset", "prevalence", "validation_batch_size", "empty", "chosen_by"]
BIN = [*KEY, "bin_low", "bin_high", "empty", "chosen_by"]
EDGES = (0.0, 0.3, 1.0, 3.0, 10.0, np.inf)
"""Expected positives per batch at which a bin ends and the next begins."""
RESAMPLES = 9_999
CHUNK_SIZE, BATCH = 200, 500
"""Rows and resamples that are computed together, which takes some 25 MB."""


def cells(regrets: pd.DataFrame) -> pd.DataFrame:
    """Return mean regrets over seeds per decision, data set, prevalence, size and way of choosing.

    Parameters
    ----------
    regrets
        As `regret.regrets` returns them.

    Returns
    -------
    DataFrame
        `CELL`, the means of `regret.NUMBERS`, `n_seeds`, and the interval of the mean regret.
    """
    return _means(_with_positives(regrets), CELL)


def bins(regrets: pd.DataFrame) -> pd.DataFrame:
    """Return mean regrets over data sets, prevalences and sizes, in bins of positives per batch.

    Parameters
    ----------
    regrets
        As `regret.regrets` returns them.

    Returns
    -------
    DataFrame
        `BIN` and the columns of `cells`. In each seed the mean over the cells of the bin counts;
        `positives_per_batch` is the cells' geometric mean. Decisions without one batch size are in
        a bin without limits, over all cells.
    """
    rows = _with_positives(regrets)
    for name, labels in {"bin_low": EDGES[:-1], "bin_high": EDGES[1:]}.items():
        placed = pd.cut(rows["positives_per_batch"], EDGES, right=False, labels=labels)
        rows[name] = placed.astype(np.float64)
    return _means(rows, BIN)


def interval(values: Floats) -> tuple[Floats, Floats]:
    """Return 95 % percentile bootstrap intervals of the means along the last axis.

    Parameters
    ----------
    values
        (rows, seeds) float64.

    Returns
    -------
    low, high
        (rows,) float64; NaN for one seed. Each row has the same resamples, whatever the others are.
    """
    n = values.shape[-1]
    if n < 2:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    ends = []
    for first in range(0, len(values), CHUNK_SIZE):
        result = bootstrap(
            (values[first : first + CHUNK_SIZE],),
            np.mean,
            axis=-1,
            n_resamples=RESAMPLES,
            batch=BATCH,
            method="percentile",
            rng=generator("decisions", "bootstrap", n),
        )
        ends.append(result.confidence_interval)
    low, high = (np.concatenate(part) for part in zip(*ends, strict=True))
    return low, high


def _with_positives(regrets: pd.DataFrame) -> pd.DataFrame:
    per_batch = regrets["validation_batch_size"] * regrets["prevalence"]
    return regrets.assign(positives_per_batch=per_batch.astype(np.float64))


def _means(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return means over seeds of the means within each, and the interval of the mean regret."""
    if rows.empty:
        return pd.DataFrame()
    logs = np.log(rows["positives_per_batch"])
    of_seed = rows.assign(positives_per_batch=logs).groupby(
        [*key, "seed"], dropna=False, sort=False
    )
    seeds = of_seed[["positives_per_batch", *NUMBERS]].mean().reset_index()
    groups = seeds.groupby(key, dropna=False, sort=False)
    means = groups[["positives_per_batch", *NUMBERS]].mean()
    means["positives_per_batch"] = np.exp(means["positives_per_batch"])
    means["n_seeds"] = groups.size()
    means["regret_low"], means["regret_high"] = _intervals(seeds["regret"], groups.ngroup())
    return means.reset_index()


def _intervals(regret: pd.Series, group: pd.Series) -> tuple[Floats, Floats]:
    """Return the interval of each group, in the groups' order."""
    order = np.argsort(group, kind="stable")
    parts = np.split(regret.to_numpy()[order], np.flatnonzero(np.diff(group.to_numpy()[order])) + 1)
    sizes = np.array([len(part) for part in parts])
    low, high = np.full(len(parts), np.nan), np.full(len(parts), np.nan)
    for n in np.unique(sizes):
        alike = np.flatnonzero(sizes == n)
        low[alike], high[alike] = interval(np.array([parts[i] for i in alike]))
    return low, high
