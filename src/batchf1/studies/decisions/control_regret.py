"""Regret of a threshold on the binormal control of the decisions, measured and exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from batchf1.config.seeds import generator
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1
from batchf1.studies.decisions.aggregate import RESAMPLES
from batchf1.studies.decisions.regret import cuts, ratio
from batchf1.studies.decisions.rows import EMPTY, TEST, VALIDATION
from batchf1.theory.expectation import expected_f1
from batchf1.training.selection import best

NAME = "binormal"


def control(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the regret of the threshold on binormal scores per cell, and its `regret_exact`.

    The threshold is chosen once, by the F1 of all seeds' samples and by the mean of their logged
    values, so that noise of the choice does not hide its bias.

    Parameters
    ----------
    curves
        A row per prevalence, seed and threshold, as `control.curves` returns them.

    Returns
    -------
    DataFrame
        `regret_low` and `regret_high` bound the 95 % interval of the bootstrap over seeds;
        `regret_exact` is the regret of choosing by the expectation in much data.
    """
    parts = [_cells(part) for _, part in curves.groupby("prevalence")] if len(curves) else []
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _cells(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one prevalence, one for each batch size and value of empty batches."""
    curves = curves.sort_values(["seed", "threshold"], kind="stable")
    n_seeds = curves["seed"].nunique()
    drawn = _drawn(n_seeds)
    test = ratio(F1, curves, list(TEST)).reshape(n_seeds, -1)[0]
    tp, fp, fn = (drawn @ _of_seeds(curves[name], n_seeds) for name in VALIDATION[:3])
    taken = test[best(F1.from_counts(tp, fp, fn))]
    rows = []
    for (size, empty), name in cuts(map(str, curves)).items():
        lost = taken - test[best(drawn @ _of_seeds(curves[name], n_seeds) / n_seeds)]
        low, high = np.percentile(lost[1:], [2.5, 97.5])
        exact = test.max() - test[best(_expected(curves, n_seeds, size, empty))]
        numbers = {"regret": lost[0], "regret_low": low, "regret_high": high}
        rows.append(
            {"validation_batch_size": size, "empty": empty, **numbers, "regret_exact": exact}
        )
    prevalence = curves["prevalence"].iloc[0]
    names = {"decision": "threshold", "model": NAME, "class_weight": "", "chosen_by": "logged"}
    table = pd.DataFrame(rows).assign(**names, dataset=NAME, prevalence=prevalence, n_seeds=n_seeds)
    return table.assign(positives_per_batch=table["validation_batch_size"] * prevalence)


def _drawn(n_seeds: int) -> Floats:
    """Return the weight of each seed: 1 each, then the number of draws in each resample."""
    rng = generator("decisions", "control", n_seeds)
    resamples = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), RESAMPLES)
    return np.vstack([np.ones(n_seeds), resamples])


def _of_seeds(values: pd.Series, n_seeds: int) -> Floats:
    """Return values as an array with a row per seed and a column per threshold."""
    return values.to_numpy(np.float64).reshape(n_seeds, -1)


def _expected(curves: pd.DataFrame, n_seeds: int, size: int, empty: str) -> Any:
    """Return the expected logged value at each threshold in the limit of many samples."""
    first = curves.iloc[: len(curves) // n_seeds]
    counts = Counts(*(first[name].to_numpy(np.int64) for name in TEST))
    return expected_f1(counts, size, "per_batch", EMPTY[empty])
