"""Control of a study of decisions: binormal scores, for which the truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from batchf1.config.seeds import generator
from batchf1.metrics.counts import Counts, Floats, batch_counts
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.studies.decisions.rows import TEST, VALIDATION, logged

N_TEST = 10**9
"""Samples of a test set whose counts are the expected ones, to the nearest whole number."""


def curves(name: str, study: DecisionStudy) -> pd.DataFrame:
    """Return the counts and logged values of the control at each threshold.

    Scores are the probability of a positive given x, which is normal in both classes, one deviation
    wide, the positives' mean `control.separation` above the negatives'.

    Parameters
    ----------
    name
        Name of the study, from which the random numbers are seeded.
    study
        Its settings.

    Returns
    -------
    DataFrame
        A row per `prevalence`, `seed` and `threshold`, with the columns of counts and of the logged
        F1 of `rows.EPOCHS`.
    """
    parts = [
        _curve(study, prevalence, seed, generator(name, "binormal", prevalence, seed))
        for prevalence in study.prevalences
        for seed in range(study.seeds)
    ]
    return pd.concat(parts, ignore_index=True)


def cuts(study: DecisionStudy, prevalence: float) -> Floats:
    """Return the x at which the score equals each of the control's thresholds, float64."""
    distance = study.control.separation
    return np.asarray(
        (logit(study.control.thresholds) - logit(prevalence)) / distance + distance / 2
    )


def rates(study: DecisionStudy, prevalence: float) -> tuple[Floats, Floats]:
    """Return the exact share of the positives, and of the negatives, above each threshold."""
    above = cuts(study, prevalence)
    return norm.sf(above - study.control.separation), norm.sf(above)


def _curve(
    study: DecisionStudy, prevalence: float, seed: int, rng: np.random.Generator
) -> pd.DataFrame:
    labels, scores = _drawn(study, prevalence, rng)
    sizes = study.validation_batch_sizes
    at_each = (batch_counts(labels, scores, sizes[0], t) for t in study.control.thresholds)
    batches = Counts(*map(np.stack, zip(*at_each, strict=True)))
    return pd.DataFrame(
        {
            "prevalence": prevalence,
            "seed": seed,
            "threshold": study.control.thresholds,
            **dict(zip(VALIDATION, batches.pooled(), strict=True)),
            **dict(zip(TEST, _expected(study, prevalence), strict=True)),
            **logged(batches, sizes, "per_batch"),
        }
    )


def _drawn(
    study: DecisionStudy, prevalence: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats]:
    """Return labels and scores of a validation set, in random order."""
    n, distance = study.control.n_validation, study.control.separation
    labels = rng.permutation(n) < round(n * prevalence)
    x = rng.standard_normal(n) + distance * labels
    return labels, expit(distance * (x - distance / 2) + logit(prevalence))


def _expected(study: DecisionStudy, prevalence: float) -> Iterator[Any]:
    """Yield tp, fp, fn and tn that are expected of the test set at each threshold."""
    positives = round(N_TEST * prevalence)
    hit, false = rates(study, prevalence)
    tp = np.rint(positives * hit).astype(np.int64)
    fp = np.rint((N_TEST - positives) * false).astype(np.int64)
    yield from (tp, fp, positives - tp, N_TEST - positives - fp)
