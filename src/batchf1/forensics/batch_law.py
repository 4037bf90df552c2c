"""Expectation and covariance of the precision, recall and F1 that per-batch functions log.

Of any rates and numbers of samples at once, where `batchf1.theory` wants whole counts. A ratio
N / D of counts is the integral of N t^(D-1) over (0, 1), so that its moments follow from the
generating function of a batch's counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from batchf1.metrics.counts import Floats

RATIOS = np.array([[1, 0, 1], [1, 1, 0], [2, 1, 1]])
"""Denominators of recall, precision and F1: weights of true positives, false positives and
false negatives. Each numerator is the first weight times the true positives."""
POINTS = 12
"""Points of a Gauss-Legendre rule."""
DEEP = 22.0
"""The integrand beyond exp(-DEEP) is left out."""


class Rates(NamedTuple):
    """Shares of all samples that are true positives, false positives and false negatives."""

    tp: Floats
    fp: Floats
    fn: Floats


def prob_nonempty(share: Any, size: Any, drawn: Any) -> Floats:
    """Return the probability that a batch holds a sample of a kind with this share of all.

    `size` is the batch's, `drawn` its share of all samples, in [0, 1]; everything broadcasts.
    Expected recall and precision of a batch, 0 where 0/0, are the true ones times that of positives
    and of predicted positives.
    """
    return -np.expm1(_log_pgf(size, drawn, [share], [1.0]))


def expected_f1(tp: Any, errors: Any, size: Any, drawn: Any) -> Floats:
    """Return the expected F1 of a batch, 0 where 0/0, of shares of true positives and of errors."""
    tp, errors, size, drawn = np.broadcast_arrays(tp, errors, size, drawn)
    t, weights = _rule(size * (2 * tp + errors))
    tp, errors, size, drawn = (part[..., None] for part in (tp, errors, size, drawn))
    gone = (1 - t) * (1 + t), 1 - t  # with the weights of F1's denominator
    pgf = np.exp(_log_pgf(size, drawn, [tp, errors], gone))
    slope = 1 / (1 - drawn * gone[0])
    slope += (1 - drawn) * (1 / (1 - tp * gone[0] - errors * gone[1]) - 1)
    return np.asarray(2 * (size * tp * t * pgf * slope * weights).sum(axis=-1))


def _log_pgf(size: Any, drawn: Any, shares: list[Any], gone: Any) -> Floats:
    """Return log E[prod (1 - gone_i)^count_i] of a batch.

    With a_i the shares, x_i `gone`, n the size and s `drawn` it is
    n (1-s) [log(1 - sum a_i x_i) + sum a_i x_i] + (n/s) sum a_i log(1 - s x_i):
    multinomial where s = 0, else with the first two factorial cumulants of draws without
    replacement, and exact where the shares tend to 0, or s to 1.
    """
    drawn = np.maximum(drawn, 1e-9)
    lost = sum(share * x for share, x in zip(shares, gone, strict=True))
    multinomial = np.log1p(-np.minimum(lost, 1 - 1e-12)) + lost
    thinned = 0.0
    for share, x in zip(shares, gone, strict=True):
        thinned = thinned + share * np.log1p(-drawn * np.minimum(x, 1 - 1e-12))
    return np.asarray(size * ((1 - drawn) * multinomial + thinned / drawn))


def _rule(mean: Floats) -> tuple[Floats, Floats]:
    """Return points t in (0, 1) and weights, (..., POINTS), for exp(-mean (1-t)) and such."""
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    reach = np.minimum(DEEP / np.maximum(mean, 1e-300), 1.0)[..., None]
    return 1 - reach * (nodes + 1) / 2, reach * weights / 2


def covariance(rates: Rates, size: Any) -> tuple[Floats, Floats]:
    """Return covariances of a batch's recall, precision and F1, (..., 3, 3), for large data.

    The first is without the part that is linear in the counts: the counts of all batches add up to
    those of the data, so that this part does not move the mean over equal batches.
    """
    tp, fp, fn, size = np.broadcast_arrays(*rates, size)
    shares = np.stack([tp, fp, fn])
    rules = [_rule(size * np.tensordot(row, shares, 1)) for row in RATIOS]
    means = [
        _first_moments(shares, size, row, rule) for row, rule in zip(RATIOS, rules, strict=True)
    ]
    second = np.empty((*size.shape, 3, 3))
    for i in range(3):
        for j in range(i + 1):
            product = _product(shares, size, (RATIOS[i], RATIOS[j]), (rules[i], rules[j]))
            second[..., i, j] = second[..., j, i] = product - means[i][0] * means[j][0]
    # Cov(ratio, counts) Cov(counts)^-1 Cov(counts, ratio); the inverse is of a multinomial.
    cross = np.stack([m[1:] - m[0] * size * shares for m in means])  # (ratio, count, ...)
    rest = np.maximum(1 - shares.sum(axis=0), 1e-9)
    inverse = np.einsum("ia...,ja...,a...->...ij", cross, cross, 1 / np.maximum(shares, 1e-12))
    total = cross.sum(axis=1)
    inverse += np.einsum("i...,j...->...ij", total, total / rest)
    return second - inverse / size[..., None, None], second


def _first_moments(shares: Floats, size: Floats, row: Any, rule: tuple[Floats, Floats]) -> Floats:
    """Return the mean of a ratio, and those of its products with the counts: (4, ...)."""
    t, weights = rule
    p, n = shares[..., None], size[..., None]
    z = t ** row[:, None].reshape(3, *[1] * t.ndim)
    stays = 1 - (p * (1 - z)).sum(axis=0)
    once = row[0] * n * p[0] * z[0] / t * stays ** (n - 1)
    pairs = once * (n - 1) / stays * p * z
    pairs[0] += once
    return np.asarray((weights * np.concatenate([once[None], pairs])).sum(axis=-1))


def _product(shares: Floats, size: Floats, rows: Any, rules: Any) -> Floats:
    """Return the mean product of two ratios, (...)."""
    (t, one), (u, two) = rules
    t, u = t[..., :, None], u[..., None, :]
    p, n = shares[..., None, None], size[..., None, None]
    first, second = rows
    z = [t**a * u**b for a, b in zip(first, second, strict=True)]
    stays = 1 - sum(p[i] * (1 - z[i]) for i in range(3))
    hits = n * p[0] * z[0] * stays ** (n - 1)
    hits *= (1 + (n - 1) * p[0] * z[0] / stays) / (t * u)
    return np.asarray(first[0] * second[0] * np.einsum("...i,...ij,...j->...", one, hits, two))
