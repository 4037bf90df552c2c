"""Monte Carlo estimate of the mean over batches, where no law of its expectation is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.averaging import Averaging, average, check_averaging, pooled
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import F1, ClassAveraged, Metric, check_metric
from batchf1.theory.expectation import NORMAL_95

Order = NDArray[np.intp]
Samples = Counts | tuple[Any, Any] | tuple[Any, Any, Any]
Values = Callable[[Order, int], Floats]
"""Function of the samples' order and the batch size that gives the value of each batch."""


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

    @property
    def error(self) -> float:
        """`expected_f1` - `true_f1`."""
        return self.expected_f1 - self.true_f1

    @property
    def interval95(self) -> tuple[float, float]:
        """`expected_f1` -+ 1.96 `sd`, a normal approximation of where one epoch's log lies."""
        low, high = (self.expected_f1 + side * NORMAL_95 * self.sd for side in (-1, 1))
        return low, high


def simulate(
    samples: Samples,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float | None = None,
    metric: Metric = F1,
    cuts: int = 1000,
    seed: int = 0,
) -> Simulated:
    """Estimate what `expect` computes by random batches, for any function of sums over samples.

    Parameters
    ----------
    samples : tuple or Counts
        Labels and predictions (y_true, y_pred), or (y_true, y_pred, sample_weight), as the metric
        takes them; or `Counts`: single numbers, of the whole pool, for a metric of a binary output;
        or those of each single sample, arrays (n,) or (n_classes, n), as `batch_counts` and
        `class_counts` return with a batch size of 1.
    batch_size : int
        From 1 to n.
    averaging, metric
        As in `batch_mean`; of (y_true, y_pred) also a metric of numbers, such as `r2()`.
    zero_division : {0, 1, NaN}, optional
        Value of a batch in which the metric is undefined, by default `metric.undefined`; NaN leaves
        the batch out of the mean.
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
        For counts of classes of more than a sample each, labels and predictions that the metric
        does not take, a batch size outside 1 .. n, fewer than 2 cuts, a negative seed, and as
        `batch_mean`.

    Notes
    -----
    It takes the time of `cuts` permutations of n samples. `size_weighted` takes the number of a
    batch's samples, whatever their weights.

    Examples
    --------
    >>> from batchf1 import mcc, r2
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=400)
    >>> found = simulate((y, y + rng.normal(size=400)), 8, metric=r2(), cuts=50)
    >>> abs(found.true_f1) < 0.05, found.error < -0.1
    (True, True)
    >>> counts = Counts(tp=16, fp=4, fn=4, tn=176)
    >>> simulate(counts, 20, metric=mcc(), cuts=50).cuts
    50
    """
    check_metric(metric)
    check_averaging(averaging)
    size = checks.check_integer("batch_size", batch_size)
    undefined = metric.undefined if zero_division is None else checks.zero_division(zero_division)
    made = _of_counts if isinstance(samples, Counts) else _of_arrays
    true, n, values = made(samples, metric, undefined)
    check(size <= n, "batch_size", f"must be at most the number of samples, {n}", size)
    number, start = (
        checks.check_integer("cuts", cuts, least=2),
        checks.check_integer("seed", seed, least=0),
    )
    rng, starts = np.random.default_rng(start), np.arange(0, n, size)
    sizes = np.diff([*starts, n])
    orders = (rng.permutation(n) for _ in range(number))
    means = np.array([float(average(values(one, size), sizes, averaging)) for one in orders])
    means = means[~np.isnan(means)]
    if means.size < 2:
        return Simulated(true, np.nan, np.nan, np.nan, number, start)
    sd = means.std(ddof=1).item()
    error = sd / np.sqrt(means.size).item()
    return Simulated(true, means.mean().item(), sd, error, number, start)


def _of_counts(counts: Any, metric: Metric, undefined: float) -> tuple[float, int, Values]:
    """Return the metric of all samples, their number, and its values of batches."""
    counts = checked(counts)
    over_classes = isinstance(metric, ClassAveraged) or metric.n_classes is not None
    if counts.tp.ndim == 0 and not over_classes:
        kinds = np.repeat(np.arange(4), [int(part) for part in counts])
        counts = Counts(*(np.asarray(kinds == kind, np.int64) for kind in range(4)))
    true = pooled(counts, undefined, metric)
    single = bool((counts.n == 1).all())
    check(single and true.ndim == 0, "counts", "must be of single samples", counts.tp.shape)
    n = counts.tp.shape[-1]

    def values(order: Order, size: int) -> Floats:
        starts = np.arange(0, n, size)
        parts = (np.add.reduceat(part[..., order], starts, axis=-1) for part in counts)
        return np.asarray(metric(Counts(*parts), undefined))

    return true.item(), n, values


def _of_arrays(samples: Any, metric: Metric, undefined: float) -> tuple[float, int, Values]:
    good = isinstance(samples, tuple) and len(samples) in (2, 3)
    rule = "must be (y_true, y_pred), (y_true, y_pred, sample_weight) or a batchf1.Counts"
    check(good, "samples", rule, type(samples).__name__)
    y_true, y_pred, *weights = samples
    columns = metric.columns(y_true, y_pred, weights[0] if weights else None)
    parts = [part for part in columns if part is not None]

    def values(order: Order, size: int) -> Floats:
        each = (_batches(part[order], size) for part in parts)
        sums = (metric.summary(*batch) for batch in zip(*each, strict=True))
        return np.concatenate([metric.of_sums(one, np, undefined) for one in sums])

    true = metric.of_sums(metric.summary(*parts), np, undefined)
    return float(true), len(parts[0]), values


def _batches(rows: Floats, size: int) -> Iterator[Floats]:
    """Yield the full batches, (size, columns, batches), and the short one, (rest, columns, 1)."""
    full = len(rows) // size
    if full:
        yield np.moveaxis(rows[: full * size].reshape(full, size, -1), 0, -1)
    if len(rows) % size:
        yield rows[full * size :, :, None]
