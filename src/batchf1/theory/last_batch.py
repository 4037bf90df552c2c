"""Effect of an incomplete last batch on an F1 that is rebuilt from logged counts.

Exact: the batch is a draw without replacement from the pool's (TP, FP + FN, TN).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import multivariate_hypergeom

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.counts import Floats, Integers
from batchf1.metrics.ratios import F1


class Outcomes(NamedTuple):
    """Possible differences and their probabilities, float64 arrays of one shape (k,).

    A difference is rebuilt F1 - true F1, in [-1, 1].
    """

    difference: Floats
    probability: Floats

    def quantile(self, share: float) -> float:
        """Return the smallest absolute difference that a `share` of the cuts do not exceed."""
        checks.check_argument(0 <= checks.real(share) <= 1, "share", "must lie in [0, 1]", share)
        size = np.abs(self.difference)
        order = np.argsort(size, kind="stable")
        # added up from the largest size: from the smallest, rounding would hide what is rare
        above = np.append(np.cumsum(self.probability[order][:0:-1])[::-1], 0.0)
        return float(size[order][np.argmax(above <= (1 - share) * (1 + 1e-9))])

    @property
    def mean(self) -> float:
        """The expected difference."""
        return float(self.difference @ self.probability)


def dropped(tp: int, errors: int, n_samples: int, batch_size: int) -> Outcomes:
    """Return F1 without the last batch minus F1 of all samples.

    `errors` = FP + FN. F1 of samples without positives, real or predicted, is 0. All differences
    are 0 where the batch size divides the number of samples. Raises `InputError` for counts that
    are no whole numbers >= 0 or do not fit `n_samples`, no positive, real or predicted, or a
    batch size outside 1 .. `n_samples`.
    """
    last_tp, last_errors, probability = _last_batch(tp, errors, n_samples, batch_size)
    rest = F1.from_counts(tp - last_tp, errors - last_errors, 0)
    return Outcomes(rest - F1.from_counts(tp, errors, 0), probability)


def summed(tp: int, errors: int, n_samples: int, batch_size: int) -> Outcomes:
    """Return rebuilt F1 - true F1 for counts logged as sums and weighted by batch size.

    That is Keras 2.2.4. A batch of size n then weighs n times its sum, so the last one weighs
    n_last / batch_size of what it should. Raises as `dropped`.
    """
    return _weighted(lambda share: share, tp, errors, n_samples, batch_size)


def averaged(tp: int, errors: int, n_samples: int, batch_size: int) -> Outcomes:
    """Return rebuilt F1 - true F1 for counts logged as means that count once per batch.

    That is Keras >= 2.3. The last batch then weighs batch_size / n_last of what it should. Raises
    as `dropped`.
    """
    return _weighted(lambda share: 1 / share, tp, errors, n_samples, batch_size)


def _weighted(
    weight_of: Callable[[float], float], tp: int, errors: int, n_samples: int, batch_size: int
) -> Outcomes:
    """Return F1 with the last batch weighted by a function of n_last / batch_size, minus F1."""
    last_tp, last_errors, probability = _last_batch(tp, errors, n_samples, batch_size)
    less = 1 - weight_of((n_samples % batch_size or batch_size) / batch_size)
    rebuilt = F1.from_counts(tp - less * last_tp, errors - less * last_errors, 0)
    return Outcomes(rebuilt - F1.from_counts(tp, errors, 0), probability)


def _last_batch(
    tp: int, errors: int, n_samples: int, batch_size: int
) -> tuple[Integers, Integers, Floats]:
    """Return all pairs of TP and FP + FN of the incomplete last batch, with probabilities."""
    tp, errors = (
        checks.check_integer("tp", tp, least=0),
        checks.check_integer("errors", errors, least=0),
    )
    check(tp + errors > 0, "tp + errors", "must be above 0", tp + errors)
    n_samples, batch_size = (
        checks.check_integer("n_samples", n_samples),
        checks.check_integer("batch_size", batch_size),
    )
    least = f"must be at least tp + errors = {tp + errors}"
    check(n_samples >= tp + errors, "n_samples", least, n_samples)
    check(
        batch_size <= n_samples,
        "batch_size",
        f"must be at most n_samples = {n_samples}",
        batch_size,
    )
    size = n_samples % batch_size
    pairs = np.indices((min(tp, size) + 1, min(errors, size) + 1)).reshape(2, -1)
    draws = np.stack([*pairs, size - pairs.sum(axis=0)], axis=-1)
    pool = [tp, errors, n_samples - tp - errors]
    draws = draws[(draws[:, 2] >= 0) & (draws[:, 2] <= pool[2])]
    probability = multivariate_hypergeom.pmf(draws, pool, size)
    # SciPy subtracts logarithms of factorials, which at 10^8 samples leaves seven digits
    return draws[:, 0], draws[:, 1], np.asarray(probability / probability.sum())
