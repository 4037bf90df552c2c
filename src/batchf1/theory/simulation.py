"""Monte Carlo estimate of the mean over batches, where counts do not determine its spread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.averaging import Averaging, batch_mean, pooled
from batchf1.metrics.counts import Counts, checked
from batchf1.metrics.ratios import F1, Metric


class Simulated(NamedTuple):
    """Result of `simulate`; `f1` in a name stands for the metric that was asked for.

    Attributes
    ----------
    true_f1 : float
        Exact.
    expected_f1 : float
        Mean of the logged value over the random divisions.
    sd : float
        Standard deviation of one epoch, with a relative error of about 1 / sqrt(2 `cuts`).
    standard_error : float
        Standard error of `expected_f1`.
    cuts : int
        Number of random divisions into batches.
    seed : int
        Seed of the random divisions.
    """

    true_f1: float
    expected_f1: float
    sd: float
    standard_error: float
    cuts: int
    seed: int


def simulate(
    counts: Counts,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Metric = F1,
    cuts: int = 1000,
    seed: int = 0,
) -> Simulated:
    """Estimate what `expect` computes, and the spread of class averages, by random batches.

    Parameters
    ----------
    counts : Counts, arrays of shape (n,) or (n_classes, n)
        Counts of each single sample, as `batch_counts` and `class_counts` return with a batch size
        of 1; they contain how the classes occur together.
    batch_size : int
        From 1 to n.
    averaging, zero_division, metric
        As in `batch_mean`.
    cuts : int
        Number of random divisions into batches, at least 2.
    seed : int
        Seed of the random divisions, at least 0.

    Returns
    -------
    Simulated
        A division on which the metric is NaN in every batch is left out.

    Raises
    ------
    InputError
        For counts of more than a sample each, a batch size outside 1 .. n, fewer than 2 cuts, a
        negative seed, and as `batch_mean`.

    Examples
    --------
    >>> from batchf1.metrics.classes import class_counts
    >>> from batchf1.metrics.factories import f_beta
    >>> samples = class_counts([0, 1, 2, 0], [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], 1)
    >>> simulate(samples, 2, metric=f_beta(1, "macro"), cuts=10).cuts
    10
    """
    counts, size = checked(counts), checks.check_integer("batch_size", batch_size)
    true = pooled(counts, zero_division, metric)
    single = bool((counts.n == 1).all())
    check(single and true.ndim == 0, "counts", "must be of single samples", counts.tp.shape)
    n = counts.tp.shape[-1]
    check(size <= n, "batch_size", f"must be at most the number of samples, {n}", size)
    number, start = (
        checks.check_integer("cuts", cuts, least=2),
        checks.check_integer("seed", seed, least=0),
    )
    rng, starts = np.random.default_rng(start), np.arange(0, n, size)

    def one_cut() -> float:
        order = rng.permutation(n)
        batches = (np.add.reduceat(part[..., order], starts, axis=-1) for part in counts)
        return batch_mean(Counts(*batches), averaging, zero_division, metric=metric).item()

    means = np.array([one_cut() for _ in range(number)])
    means = means[~np.isnan(means)]
    if means.size < 2:
        return Simulated(true.item(), np.nan, np.nan, np.nan, number, start)
    sd = means.std(ddof=1).item()
    error = sd / np.sqrt(means.size).item()
    return Simulated(true.item(), means.mean().item(), sd, error, number, start)
