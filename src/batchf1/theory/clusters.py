"""Mean over batches whose units are clusters: whole images with all their pixels.

An image adds a sum above the line and one below to its batch, and a batch's value is the quotient
of its sums: Dice of 2 TP and 2 TP + FP + FN. The batches are random draws of images. Derivation:
`docs/segmentation.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import hypergeom

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.arithmetic import dot, safe_divide
from batchf1.metrics.averaging import Averaging, average, check_averaging
from batchf1.metrics.counts import Counts, Floats, Integers, checked
from batchf1.metrics.ratios import F1, Ratio, check_ratio
from batchf1.theory.distributions import log_prob_zero
from batchf1.theory.simulation import Simulated

STEP = 0.25
"""Distance of the nodes in log s; the rule errs by a relative exp(-pi**2 / STEP), 1e-16."""
SMALLEST, LARGEST = 1e-17, 45.0
"""Products of s and a sum below the line between which the nodes lie."""


class Clusters(NamedTuple):
    """Sums of each image, float64 arrays of shape (n,), with 0 <= top <= bottom.

    Parameters
    ----------
    top, bottom : float64 arrays
        What each image adds above and below the line: TP etc. weighted, or sums of probabilities.
        An image with 0 and 0 is empty: no positive pixel, labelled or predicted.

    Examples
    --------
    >>> images = clusters_of(Counts(tp=[90, 0], fp=[5, 1], fn=[5, 3], tn=[0, 96]))
    >>> expected_batch_mean(images, 1), expected_batch_mean(images, 2)
    (0.47368421052631576, 0.9278350515463918)
    """

    top: Floats
    bottom: Floats


def clusters_of(counts: Counts, metric: Ratio = F1) -> Clusters:
    """Return the sums of images from their counts of pixels, arrays of shape (n,).

    Raises `InputError` for other counts, and for a metric that is no `Ratio`.
    """
    check_ratio(metric)
    counts = checked(counts)
    return checked_clusters(dot(metric.top, counts), dot(metric.bottom, counts))


def checked_clusters(top: ArrayLike, bottom: ArrayLike) -> Clusters:
    """Return sums as `Clusters`; raise `InputError` for others than these."""
    parts = [checks.array("sums", "must be numbers", part) for part in (top, bottom)]
    above, below = (np.asarray(part, np.float64) for part in parts)
    good = above.shape == below.shape and above.ndim == 1 and above.size > 0
    check(good, "top and bottom", "must have one shape (n,)", f"{above.shape} and {below.shape}")
    good = bool(((above >= 0) & (above <= below) & (below < np.inf)).all())
    check(good, "top and bottom", "must have 0 <= top <= bottom, finite")
    return Clusters(above, below)


def batch_mean_of(
    clusters: Clusters,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
) -> float:
    """Return the mean over consecutive batches of the images; the last batch may be short.

    Parameters, result and errors are those of `expected_batch_mean`.
    """
    clusters, undefined = _checked(clusters, batch_size, averaging, zero_division)
    n = clusters.top.size
    top, bottom = (np.add.reduceat(part, np.arange(0, n, batch_size)) for part in clusters)
    values = safe_divide(top, bottom, undefined)
    return float(average(values, _sizes(n, batch_size), averaging))


def expected_batch_mean(
    clusters: Clusters,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
) -> float:
    """Compute the expected mean over batches for random batches of whole images.

    Parameters
    ----------
    clusters : Clusters
        Sums of the n images.
    batch_size : int
        Images in a batch, from 1 to n; the last batch is short where it does not divide n. At 1
        the result is the mean over images, at n the pooled value.
    averaging : {"per_batch", "size_weighted"}
        Weights of the batches in the mean; the size of a batch is its number of images.
    zero_division : {0, 1, NaN}
        Value of a batch in which all images are empty; NaN leaves it out of the mean. Where no
        image has a positive pixel it is the result.

    Returns
    -------
    float
        In [0, 1], exact to rounding.

    Raises
    ------
    InputError
        For sums, a batch size, a rule or a `zero_division` other than these.

    Notes
    -----
    1/b is the integral of exp(-s b) over s > 0, so that the mean of a quotient over all subsets of
    images needs means of products alone, which a recursion over the images gives for all sizes.
    Source: `docs/segmentation.md`.
    """
    clusters, undefined = _checked(clusters, batch_size, averaging, zero_division)
    defined = clusters.bottom > 0
    n, n_defined = defined.size, int(defined.sum())
    if n_defined == 0:
        return undefined
    top, bottom = (part[defined] for part in clusters)
    values = _subset_means(top, bottom, min(batch_size, n_defined))
    if np.isnan(undefined):
        mean = _left_out(values, n, n_defined, batch_size, averaging)
    else:
        sizes, number = np.unique(_sizes(n, batch_size), return_counts=True)
        weights = number * (sizes if averaging == "size_weighted" else 1)
        means = [_of_batch(values, undefined, n, n_defined, int(size)) for size in sizes]
        mean = float(np.average(means, weights=weights))
    return min(mean, 1.0)  # rounding may lead beyond it


def simulated_batch_mean(
    clusters: Clusters,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    cuts: int = 1000,
    seed: int = 0,
) -> Simulated:
    """Estimate what `expected_batch_mean` computes, and its spread, by random batches.

    Parameters
    ----------
    clusters, batch_size, averaging, zero_division
        As in `expected_batch_mean`.
    cuts : int
        Number of random divisions into batches, at least 2.
    seed : int
        Seed of the random divisions, at least 0.

    Returns
    -------
    Simulated
        `true_f1` is the pooled value. NaN where no image has a positive pixel and those are left
        out.

    Raises
    ------
    InputError
        As `expected_batch_mean`, for fewer than 2 cuts, and for a negative seed.
    """
    clusters, undefined = _checked(clusters, batch_size, averaging, zero_division)
    number = checks.check_integer("cuts", cuts, least=2)
    rng = np.random.default_rng(checks.check_integer("seed", seed, least=0))
    n = clusters.top.size
    starts = np.arange(0, n, batch_size)
    orders = (rng.permutation(n) for _ in range(number))
    sums = [[np.add.reduceat(part[order], starts) for part in clusters] for order in orders]
    top, bottom = np.moveaxis(np.array(sums), 1, 0)
    means = average(safe_divide(top, bottom, undefined), _sizes(n, batch_size), averaging)
    true = safe_divide(clusters.top.sum(), clusters.bottom.sum(), undefined).item()
    sd = means.std(ddof=1).item()
    return Simulated(true, means.mean().item(), sd, sd / number**0.5, number, seed)


def _checked(
    clusters: Clusters, batch_size: int, averaging: Averaging, zero_division: float
) -> tuple[Clusters, float]:
    clusters = checked_clusters(*clusters)
    check_averaging(averaging)
    size, n = checks.check_integer("batch_size", batch_size), clusters.top.size
    check(size <= n, "batch_size", f"must be at most the number of images, {n}", size)
    return clusters, checks.zero_division(zero_division)


def _sizes(n: int, batch_size: int) -> Integers:
    return np.diff(np.append(np.arange(0, n, batch_size), n))


def _subset_means(top: Floats, bottom: Floats, most: int) -> Floats:
    """Return the mean quotient of sums over all subsets of k images, for k = 0 .. `most`.

    No bottom is 0; that of k = 0 is 0.
    """
    low, high = np.log(SMALLEST / bottom.sum()), np.log(LARGEST / bottom.min())
    s = np.exp(np.arange(low, high + STEP, STEP))[:, None]
    k = np.arange(1.0, most + 1)
    # over the subsets of k of the images so far: means of prod(x), and of sum(top) * prod(x)
    product, summed = np.zeros((2, s.size, most + 1))
    product[:, 0] = 1.0
    for i, (above, below) in enumerate(zip(top, bottom, strict=True), 1):
        x, share = np.exp(-s * below), np.minimum(k / i, 1.0)  # share of subsets with this image
        with_it = x * (summed[:, :-1] + above * product[:, :-1])
        summed[:, 1:] += share * (with_it - summed[:, 1:])
        product[:, 1:] += share * (x * product[:, :-1] - product[:, 1:])
    return np.asarray(STEP * (s * summed).sum(axis=0))


def _of_batch(values: Floats, undefined: float, n: int, n_defined: int, size: int) -> float:
    """Return the expected value of a batch, of which k images are not empty."""
    k = np.arange(min(size, n_defined) + 1)
    probability = np.asarray(hypergeom.pmf(k, n, n_defined, size))
    return float(probability @ np.where(k == 0, undefined, values[k]))


def _left_out(values: Floats, n: int, n_defined: int, size: int, averaging: Averaging) -> float:
    """Return the expected mean over the batches that are not empty.

    It is that of the first such batch in a random order: `docs/theory.md`, section 2.
    """
    n_full, last = divmod(n, size)
    ratio = last / size if averaging == "size_weighted" else float(last > 0)
    full = n_full - np.arange(n_full)
    # probability that the short batch comes after i full ones
    after = np.append(np.cumprod(np.append(1.0, full / (full + ratio))), 0.0)

    def first(batch: int, before: int) -> float:
        """Return the expected value of a batch if all images of those before it are empty, or 0."""
        if before > n - n_defined:
            return 0.0
        all_empty = float(np.exp(log_prob_zero(n, n_defined, before)))
        return all_empty * _of_batch(values, 0.0, n - before, n_defined, batch)

    terms = [
        after[i + 1] * first(size, i * size) + (1 - after[i + 1]) * first(size, i * size + last)
        for i in range(n_full)
    ]
    short = [(after[i] - after[i + 1]) * first(last, i * size) for i in range(n_full + 1)]
    return float(sum(terms) + sum(short))
