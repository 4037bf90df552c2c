"""Logged F1 over the recall-precision plane for large data, as one integral on arrays.

Derivations: `docs/decisions.md`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import roots_legendre, xlog1py

from batchf1.metrics import checks
from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.counts import Floats
from batchf1.theory.distributions import MAX_NEGATIVE_LOG, TINY

NODES, WEIGHTS = (part / 2 for part in roots_legendre(48))
NODES = NODES + 0.5
"""Gauss' rule on [0, 1]; 48 nodes give 13 digits of exp(-c x), whatever c up to 2
`MAX_NEGATIVE_LOG`."""


class _Share(NamedTuple):
    """Shares of true positives and of errors among all samples; NaN where negatives are too few."""

    tp: Floats
    errors: Floats

    @property
    def relevant(self) -> Floats:
        return np.minimum(self.tp + self.errors, 1.0)


def logged_f1(
    precision: ArrayLike,
    recall: ArrayLike,
    prevalence: ArrayLike,
    batch_size: ArrayLike,
    zero_division: float = 0.0,
) -> Floats:
    """Compute the expected logged F1 of large data on arrays of rates.

    Parameters
    ----------
    precision, recall, prevalence : array_like of float
        Rates in (0, 1] that broadcast to one shape.
    batch_size : array_like of int
        At least 1; broadcasts with the rates.
    zero_division : {0, 1, NaN}
        Value of an empty batch; NaN leaves it out.

    Returns
    -------
    float64 array of the common shape
        In [0, 1]; NaN where a prevalence leaves fewer negatives than the false positives of that
        precision and recall.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    Equal to `large_data(...).expected_f1`, by another integral, to 12 digits. Source:
    `docs/decisions.md`.

    Examples
    --------
    >>> logged_f1([0.3, 0.9], [0.9, 0.6], prevalence=0.01, batch_size=32).round(3)
    array([0.205, 0.167])
    """
    share, size = _share(precision, recall, prevalence, batch_size)
    return _mean(share, size, checks.zero_division(zero_division))


def exchange_rate(
    precision: ArrayLike,
    recall: ArrayLike,
    prevalence: ArrayLike,
    batch_size: ArrayLike | None = None,
    zero_division: float = 0.0,
) -> Floats:
    """Compute how many further false positives offset one further true positive, for large data.

    One false negative becomes a true positive and so many true negatives become false positives;
    together these changes leave the value as it is.

    Parameters
    ----------
    precision, recall, prevalence : array_like of float
        Rates in (0, 1] that broadcast to one shape.
    batch_size : array_like of int, optional
        At least 1. The value is the expected logged F1; without a batch size it is the true F1.
    zero_division : {0, 1, NaN}
        Value of an empty batch; NaN leaves it out.

    Returns
    -------
    float64 array of the common shape
        At least 1; infinite at batch size 1 where empty batches count 0; NaN as in `logged_f1`.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    Without a batch size it is 2 / F1 - 1. Source: `docs/decisions.md`.

    Examples
    --------
    >>> float(exchange_rate(0.9, 0.9, prevalence=0.01).round(2))
    1.22
    >>> float(exchange_rate(0.9, 0.9, prevalence=0.01, batch_size=32).round(1))
    10.9
    """
    undefined = checks.zero_division(zero_division)
    if batch_size is None:
        share, _ = _share(precision, recall, prevalence, 1)
        return np.asarray(1 + share.errors / share.tp)
    share, size = _share(precision, recall, prevalence, batch_size)
    # Leaving a batch out moves the mean as giving it the mean's value does.
    empty = _mean(share, size, undefined) if np.isnan(undefined) else undefined
    gain, loss = _of_one_more(share, size - 1)
    return safe_divide(gain, loss + empty * np.exp(_log_empty(share, size - 1)), np.inf)


def _share(
    precision: ArrayLike, recall: ArrayLike, prevalence: ArrayLike, batch_size: ArrayLike
) -> tuple[_Share, Floats]:
    """Return the shares of a batch's samples, and its size."""
    rates = {"precision": precision, "recall": recall, "prevalence": prevalence}
    arrays = [checks.check_fractions(name, rate) for name, rate in rates.items()]
    size = checks.check_integers("batch_size", batch_size, least=1)
    names = "precision, recall, prevalence, batch_size"
    precise, recalled, positive, size = checks.broadcast(names, *arrays, size)
    fp_rate = recalled * (1 - precise) / precise  # false positives per positive
    enough = positive * (1 + fp_rate) <= 1 + 1e-12
    tp = np.where(enough, positive * recalled, np.nan)
    return _Share(tp, positive * (1 - recalled + fp_rate)), size.astype(np.float64)


def _mean(share: _Share, size: Floats, zero_division: float) -> Floats:
    """Return the expected F1 of a batch; for NaN, that of a batch that is not empty."""
    gap, width = _gaps(share, size)
    mean = 2 * size * share.tp * _integral((1 - gap) * _power(share, gap, size - 1), width)
    log_empty = _log_empty(share, size)
    if np.isnan(zero_division):
        return np.asarray(mean / -np.expm1(log_empty))
    return np.asarray(mean + zero_division * np.exp(log_empty))


def _of_one_more(share: _Share, others: Floats) -> tuple[Floats, Floats]:
    """Return the gain of F1 by one more true positive, and the loss by one more false positive.

    Of a batch with these `others` besides; the true positive was a false negative, the false
    positive a true negative. Without the value of a batch that was empty. Either is a sum of
    positive terms.
    """
    gap, width = _gaps(share, others)
    left = 1 - gap
    rest = others[..., None] * _power(share, gap, np.maximum(others - 1, 0))
    tp, errors = share.tp[..., None], share.errors[..., None]
    moved = _power(share, gap, others) + rest * left * (tp * left + errors)
    gain = 2 * _integral(gap * moved, width)
    return gain, 2 * share.tp * _integral(gap * left * rest, width)


def _gaps(share: _Share, draws: Floats) -> tuple[Floats, Floats]:
    """Return the nodes 1 - t of the integral over t, along a new last axis, and their range.

    Beyond, the integrand is less than exp(-`MAX_NEGATIVE_LOG`) of its largest value.
    """
    decay = np.maximum((draws - 1) * share.relevant, TINY)
    width = np.minimum(1.0, MAX_NEGATIVE_LOG / decay)
    return width[..., None] * NODES, width


def _integral(values: Floats, width: Floats) -> Floats:
    return np.asarray(width * np.vecdot(values, WEIGHTS))


def _power(share: _Share, gap: Floats, draws: Floats) -> Floats:
    """Return the mean of t^(2 tp + errors) over this number of draws, t = 1 - gap."""
    less = gap * (share.tp[..., None] * (2 - gap) + share.errors[..., None])
    return np.asarray(np.exp(xlog1py(draws[..., None], -less)))


def _log_empty(share: _Share, draws: Floats) -> Floats:
    """Return the log of the probability that no draw is relevant."""
    return np.asarray(xlog1py(draws, -share.relevant))
