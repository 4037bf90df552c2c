"""Inverse problems: the smallest sufficient batch size, and the true F1 compatible with a log.

Derivations: `docs/theory.md`, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from batchf1.errors import check
from batchf1.metrics import checks
from batchf1.metrics.averaging import Averaging, check_averaging
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import F1, Ratio
from batchf1.theory.distributions import TINY, hypergeometric, log_prob_zero
from batchf1.theory.expected_error import Epoch, empty_batch_error, parts_of_error
from batchf1.theory.nested import nested_distribution
from batchf1.theory.pool import Batching, Pool, checked_batching, checked_pool, grouped
from batchf1.theory.spread import standard_deviation


def smallest_batch(
    counts: Counts,
    tolerance: float,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> int:
    """Find the smallest batch size whose absolute expected error is at most `tolerance`.

    Parameters
    ----------
    counts : Counts
        Four single numbers, those of the whole pool.
    tolerance : float
        Above 0.
    averaging, zero_division
        As in `expect`.
    metric : Ratio
        The metric, F1 by default.

    Returns
    -------
    int
        From 1 to the number of samples; 1 where the metric of the whole pool is 0/0, as no batch
        has an error then.

    Raises
    ------
    InputError
        As `expect`, and unless `tolerance` is above 0.

    Notes
    -----
    Larger sizes may exceed the tolerance again, where the last batch is short. From a lower bound
    on, sizes are tried in rising order: each, while no more than 256 share their number of full
    batches, else 256 of these; after 2048 tries, one in a hundred. Between two tries the error is
    assumed to cross the tolerance at most once. The lower bound assumes that the error of a single
    batch crosses it once too, which is proved for the metrics here unless `zero_division` is 1.
    Source: `docs/theory.md`, section 8.

    Examples
    --------
    >>> smallest_batch(Counts(tp=160, fp=40, fn=40, tn=9760), tolerance=0.01)
    455
    """
    pool = checked_pool(counts, metric)
    good = 0 < checks.real(tolerance) < np.inf
    checks.check_argument(good, "tolerance", "must be above 0", tolerance)
    check_averaging(averaging)
    zero_division = checks.zero_division(zero_division)
    if pool is None:
        return 1
    total = int(pool.total.item())

    def holds(size: int) -> bool:
        batching = checked_batching(total, size, averaging, zero_division)
        return abs(_error(pool, batching)) <= tolerance

    fails = 0
    for size in _rising(_lower_bound(pool, tolerance, zero_division), total):
        if holds(size):
            return _first(holds, fails, size)
        fails = size
    return total


def compatible_f1(
    logged: float,
    batch_size: int,
    prevalence: float,
    n_samples: int | None = None,
    within: float = 5e-5,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    chance: float = 0.0,
) -> tuple[float, float]:
    """Find smallest and largest true F1 whose expected logged value is `logged` -+ `within`.

    Parameters
    ----------
    logged : float
        The logged value, in [0, 1].
    batch_size : int
        At least 1.
    prevalence : float
        Share of positives, in (0, 1].
    n_samples : int, optional
        None stands for a million batches, the limit of large data to about six digits.
    within : float
        In [0, 1).
    averaging, zero_division
        As in `expect`.
    chance : float
        At least 0: how many standard deviations of one epoch the logged value may lie from its
        expectation; 0 compares the expectation alone.

    Returns
    -------
    pair of floats
        Over all precisions and recalls at this prevalence, interpolated between whole counts.

    Raises
    ------
    InputError
        For values outside their range, for a prevalence that no whole number of positives has
        within 1 %, and if no classifier has such an expected value.

    Notes
    -----
    The extremes lie at the smallest and the largest possible recall; for `zero_division` 1, 17
    recalls are tried. Source: `docs/theory.md`, section 8.
    """
    checks.check_argument(0 <= checks.real(logged) <= 1, "logged", "must lie in [0, 1]", logged)
    checks.check_argument(0 <= checks.real(within) < 1, "within", "must lie in [0, 1)", within)
    checks.check_argument(
        0 < checks.real(prevalence) <= 1, "prevalence", "must lie in (0, 1]", prevalence
    )
    size = checks.check_integer("batch_size", batch_size)
    total = _number_of_samples(n_samples, size)
    batching = checked_batching(total, size, averaging, zero_division)
    positives = _number_of_positives(prevalence, total)
    checks.check_argument(checks.real(chance) >= 0, "chance", "must be at least 0", chance)
    pool = positives, total - positives, batching
    ends = (
        (partial(_expected, *pool, chance), max(logged - within, 0.0)),
        (partial(_expected, *pool, -chance), min(logged + within, 1.0)),
    )
    reached = ends[0][0](positives, 0) >= ends[0][1]
    check(reached, "logged", "cannot be reached at this prevalence and batch size", logged)
    recalls = 17 if zero_division == 1 else 2
    values = [
        float(F1.from_margins(tp, positives, tp + fp))
        for naive, target in ends
        for tp, fp in _level(naive, target, positives, total - positives, recalls)
    ]
    return min(values), max(values)


def _number_of_samples(n_samples: int | None, size: int) -> int:
    """Return the given number of samples, or that of a million batches."""
    total = 10**6 * size if n_samples is None else checks.check_integer("n_samples", n_samples)
    most = "must be at most 2**53 (None is a million batches)"
    check(total <= checks.MAX_INTEGER, "n_samples", most, total)
    return total


def _number_of_positives(prevalence: float, total: int) -> int:
    positives = round(prevalence * total)
    near = abs(positives - prevalence * total) <= 0.01 * prevalence * total
    whole = f"must be, within 1 %, that of a whole number of the {total} samples"
    checks.check_argument(near, "prevalence", whole, prevalence)
    return positives


def _expected(
    positives: int, negatives: int, batching: Batching, chance: float, tp: int, fp: int
) -> float:
    """Return the expected logged F1 of a classifier, plus `chance` standard deviations."""
    pool = grouped(positives + negatives, (tp, fp, positives - tp, negatives - fp), F1)
    epoch = Epoch(pool, batching)
    error = np.asarray(sum(parts_of_error(epoch)))
    sd = standard_deviation(epoch, error).item() if chance else 0.0
    return float(pool.true.item() + error.item() + chance * sd)


def _error(pool: Pool, batching: Batching) -> float:
    return sum(part.item() for part in parts_of_error(Epoch(pool, batching)))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Bisect for the smallest number above `low` that holds, if all from it to `high` hold."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _level(
    naive: Callable[[int, int], float], value: float, positives: int, negatives: int, recalls: int
) -> Iterator[tuple[float, float]]:
    """Yield (TP, FP) from one end to the other of the line on which the log has this value."""
    first = _where(lambda tp: naive(tp, 0), value, positives)
    yield first, 0.0
    last = _where(lambda tp: naive(tp, negatives), value, positives)
    if last < positives:
        yield last, float(negatives)
    inside = np.linspace(np.ceil(first), np.floor(last), recalls if first <= np.floor(last) else 0)
    for tp in inside.round().astype(int).tolist():
        fp = _where(lambda fp, tp=tp: -naive(tp, fp), -value, negatives)  # type: ignore[misc]
        yield tp, fp


def _where(rising: Callable[[int], float], value: float, last: int) -> float:
    """Return where in 0 .. `last` a rising function has the value, interpolated; else the end."""
    if last == 0:
        return 0.0
    after = _first(lambda x: rising(x) >= value, 0, last)
    below, above = rising(after - 1), rising(after)
    return after - float(np.clip((above - value) / max(above - below, TINY), 0, 1))


def _lower_bound(pool: Pool, tolerance: float, zero_division: float) -> int:
    """Return a batch size below which none meets the tolerance.

    For 0 and 1 the error is a mean of those of a full and of the short batch, and while both are
    beyond the tolerance on the same side so is the mean.
    """

    def single(size: int) -> float:
        if np.isnan(zero_division):
            return _least_without_empty(pool, size)
        empty = empty_batch_error(pool, size, zero_division)
        return empty.item() + pool.mean_curvature(pool.distribution(size)).item()

    side = 1 if single(1) > 0 else -1
    return _first(lambda size: side * single(size) <= tolerance, 0, int(pool.total.item()))


def _least_without_empty(pool: Pool, size: int) -> float:
    """Return a lower bound of the error of the mean over non-empty batches; it falls with the size.

    The better of two: the batch that holds a given relevant sample, for it has more of them than
    the mean batch; and a batch of a pool that has lost so many samples that before them, but for a
    probability of 1 / relevant, a non-empty batch has come.
    """
    others = hypergeometric(pool.total - 1, pool.relevant - 1, size - 1)
    more = others._replace(points=others.points + 1)
    bound = pool.mean_curvature(nested_distribution(more, pool.groups, finite=True)).item()
    used = pool.total * -np.expm1(-np.log(pool.relevant) / pool.relevant)
    used = np.minimum(np.ceil(used), pool.total - pool.relevant)
    if used + size > pool.total:
        return bound
    non_empty = -np.expm1(log_prob_zero(pool.total - used, pool.relevant, size))
    other = (1 - pool.none(used)) * pool.mean_curvature(pool.distribution(size, used)) / non_empty
    return max(bound, other.item(), key=abs)


def _rising(size: int, total: int, dense: int = 256, tries: int = 2048) -> Iterator[int]:
    """Yield batch sizes to try, from `size` up to `total`."""
    while size < total:
        yield size
        full, tries = total // size, tries - 1
        last = total // full
        if tries > 0:
            step = max(1, (last - total // (full + 1)) // dense)
            size = min(size + step, last) if size < last else last + 1
        else:
            size += max(1, size // 100)
    yield total
