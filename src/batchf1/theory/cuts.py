"""What the mean over the batches of two cuts is expected to be: at random, and stratified.

Both cut fixed predictions. A group that lies together by what it is has no such law: its mean is
what `covariance_identity` says of the counts observed. Derivations: `docs/cuts.md`.
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
"""Probabilities below it are left out."""


def random_cut(counts: Counts, sizes: ArrayLike, zero_division: float = 0.0) -> float:
    """Expected mean over batches of F1, each batch counting once, for a random cut of any sizes.

    `counts`: four single numbers, those of the pool. `sizes`: (b,) whole numbers >= 1 that add up
    to its samples. `zero_division`: value of an empty batch, 0 or 1; where the pool is empty it is
    the answer. In [0, 1], exact. Raises `InputError` for anything else. Source: `docs/theory.md`,
    sections 1 and 2.

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
    """Expected mean over batches of F1 where each holds a given number of positives and negatives.

    Which ones is random. `positives` and `negatives`: (b,) whole numbers >= 0 that add up to those
    of the pool, `counts`, four single numbers. Without a positive a batch may be empty and then
    counts `zero_division`, 0 or 1. In [0, 1], exact: a sum over two independent hypergeometric
    laws. Raises `InputError` for anything else. Source: `docs/cuts.md`.

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
    """Expected F1 of one batch of so many positives and negatives."""
    hits, likely = _law(counts.tp, counts.fn, positives)
    alarms, as_likely = _law(counts.fp, counts.tn, negatives)
    value = F1.from_counts(
        hits[:, None], alarms, positives - hits[:, None], zero_division=undefined
    )
    return float(likely @ value @ as_likely)


def _law(marked: int, others: int, draws: int) -> tuple[Integers, Floats]:
    """How many of the marked are drawn, and with what probability."""
    number = np.arange(max(0, draws - others), min(marked, draws) + 1)
    if number.size == 1:  # certain; SciPy has no law of a class without samples
        return number, np.ones(1)
    probability = np.asarray(hypergeom.pmf(number, marked + others, marked, draws))
    felt = probability > MIN_PROBABILITY
    return number[felt], probability[felt]


def _defined(zero_division: float) -> float:
    undefined = checks.zero_division(zero_division)
    check(not np.isnan(undefined), "zero_division", "is 0 or 1 here", undefined)
    return undefined


def _parts(name: str, values: ArrayLike, total: int, least: int = 0) -> Integers:
    parts = checks.check_integers(name, values, least)
    check(parts.ndim == 1 and parts.size > 0, name, "are those of each batch, (b,)", parts.shape)
    check(int(parts.sum()) == total, name, f"add up to the pool's {total}", int(parts.sum()))
    return parts
