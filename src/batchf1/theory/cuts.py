"""Expected mean over batches of given sizes: random batches, and stratified ones.

Both divide fixed predictions. Batches that follow a property of the samples (groups, time) have no
such distribution: their mean follows from the observed counts by `covariance_identity`.
Derivations: `docs/cuts.md`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import hypergeom

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.counts import Counts, Floats, Integers
from batchf1.metrics.ratios import F1
from batchf1.theory.expected_error import empty_batch_error
from batchf1.theory.pool import checked_pool

MIN_PROBABILITY = 1e-20
"""Smallest probability that is not neglected."""


def random_cut(counts: Counts, sizes: ArrayLike, zero_division: float = 0.0) -> float:
    """Compute the expected mean over batches of F1 for random batches of any sizes.

    Parameters
    ----------
    counts : Counts
        Four single numbers, those of the pool.
    sizes : array_like of int, shape (b,)
        Sizes of the batches, at least 1, that add up to the samples of the pool. Each batch counts
        once.
    zero_division : {0, 1}
        Value of an empty batch, and the result where the pool is empty.

    Returns
    -------
    float
        In [0, 1], exact.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    Source: `docs/theory.md`, sections 1 and 2.

    Examples
    --------
    >>> round(random_cut(Counts(tp=14, fp=19, fn=1, tn=1489), [376, 377, 389, 381]), 3)
    0.565
    """
    undefined = _defined(zero_division)
    pool = checked_pool(counts, F1)
    sizes = _parts("sizes", sizes, int(sum(counts)), least=1)
    if pool is None:
        return undefined
    size, number = np.unique(sizes, return_counts=True)
    batch = size[None].astype(np.float64)
    error = empty_batch_error(pool, batch, undefined) + pool.mean_curvature(
        pool.distribution(batch)
    )
    return float(pool.true.item() + np.average(error[0], weights=number))


def stratified_cut(
    counts: Counts, positives: ArrayLike, negatives: ArrayLike, zero_division: float = 0.0
) -> float:
    """Compute the expected mean over batches of F1 for stratified batches.

    Each batch has a given number of positives and of negatives, drawn at random.

    Parameters
    ----------
    counts : Counts
        Four single numbers, those of the pool.
    positives, negatives : array_like of int, shape (b,)
        Numbers of each batch, at least 0, that add up to those of the pool.
    zero_division : {0, 1}
        Value of a batch without a positive, labelled or predicted.

    Returns
    -------
    float
        In [0, 1], exact.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    A sum over two independent hypergeometric distributions. Source: `docs/cuts.md`.

    Examples
    --------
    >>> round(stratified_cut(Counts(14, 19, 1, 1489), [3, 4, 4, 4], [373, 373, 385, 377]), 3)
    0.594
    """
    undefined = _defined(zero_division)
    checked_pool(counts, F1)
    parts = _parts("positives", positives, int(counts.tp + counts.fn))
    others = _parts("negatives", negatives, int(counts.fp + counts.tn))
    pairs = np.stack(checks.broadcast("positives and negatives", parts, others))
    batches, number = np.unique(pairs, axis=1, return_counts=True)
    means = [_of_batch(counts, int(p), int(n), undefined) for p, n in batches.T]
    return float(np.average(means, weights=number))


def _of_batch(counts: Counts, positives: int, negatives: int, undefined: float) -> float:
    """Return the expected F1 of one batch with these numbers of positives and negatives."""
    tp, tp_probability = _hypergeometric(counts.tp, counts.fn, positives)
    fp, fp_probability = _hypergeometric(counts.fp, counts.tn, negatives)
    value = F1.from_counts(tp[:, None], fp, positives - tp[:, None], zero_division=undefined)
    return float(tp_probability @ value @ fp_probability)


def _hypergeometric(marked: int, others: int, draws: int) -> tuple[Integers, Floats]:
    """Return the possible numbers of marked samples among the drawn, and their probabilities."""
    number = np.arange(max(0, draws - others), min(marked, draws) + 1)
    if number.size == 1:  # certain; SciPy has no distribution of a class without samples
        return number, np.ones(1)
    probability = np.asarray(hypergeom.pmf(number, marked + others, marked, draws))
    likely = probability > MIN_PROBABILITY
    return number[likely], probability[likely]


def _defined(zero_division: float) -> float:
    undefined = checks.zero_division(zero_division)
    check(not np.isnan(undefined), "zero_division", "must be 0 or 1 here", undefined)
    return undefined


def _parts(name: str, values: ArrayLike, total: int, least: int = 0) -> Integers:
    parts = checks.check_integers(name, values, least)
    check(
        parts.ndim == 1 and parts.size > 0,
        name,
        "must have a number for each batch, shape (b,)",
        parts.shape,
    )
    check(
        int(parts.sum()) == total, name, f"must add up to the {total} of the pool", int(parts.sum())
    )
    return parts
