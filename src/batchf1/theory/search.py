"""The inverse questions: which batch size is large enough, and which F1 a log lets be true.

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
from batchf1.theory.pool import Cut, Pool, checked_cut, checked_pool, grouped


def smallest_batch(
    counts: Counts,
    tolerance: float,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> int:
    """The smallest batch size whose expected error is at most `tolerance` > 0 in size; at most N.

    It is 1 where the whole pool is 0/0, as no batch is off then.
    Larger sizes may break the tolerance again, where the last batch comes out short. From a lower
    bound on, sizes are tried in rising order: each, while no more than 256 share their number of
    full batches, else 256 of these; after 2048 tries, one in a hundred. Between two tries the error
    is taken to cross the tolerance at most once. The lower bound takes the error of a lone batch
    to cross it once too, which is proved for the metrics here unless `zero_division` is 1. Raises
    `InputError` as `expect`, and unless `tolerance` is above 0. Source: `docs/theory.md`,
    section 8.

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
        cut = checked_cut(total, size, averaging, zero_division)
        return abs(_error(pool, cut)) <= tolerance

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
) -> tuple[float, float]:
    """Smallest and largest true F1 whose expected log value is `logged` -+ `within`.

    Over all precisions and recalls at this prevalence of `n_samples`, interpolated between whole
    counts; None stands for a million batches, the limit for large data to about six digits. Only
    the expectation is compared: add two standard deviations to `within` to allow for chance. The
    extremes lie at the smallest and the largest possible recall; but for `zero_division` 1, where
    17 recalls are tried. Raises `InputError` for values outside their range, for a prevalence that
    no whole number of positives has within 1 %, and if no classifier is expected to give the value.
    Source: `docs/theory.md`, section 8.
    """
    checks.check_argument(0 <= checks.real(logged) <= 1, "logged", "lies in [0, 1]", logged)
    checks.check_argument(0 <= checks.real(within) < 1, "within", "lies in [0, 1)", within)
    checks.check_argument(
        0 < checks.real(prevalence) <= 1, "prevalence", "lies in (0, 1]", prevalence
    )
    size = checks.check_integer("batch_size", batch_size)
    total = _number_of_samples(n_samples, size)
    cut = checked_cut(total, size, averaging, zero_division)
    positives = _number_of_positives(prevalence, total)
    naive = partial(_expected, positives, total - positives, cut)
    low, high = max(logged - within, 0.0), min(logged + within, 1.0)
    reached = naive(positives, 0) >= low
    check(reached, "logged", "is out of reach at this prevalence and batch size", logged)
    recalls = 17 if zero_division == 1 else 2
    found = [
        float(F1.from_margins(tp, positives, tp + fp))
        for value in (low, high)
        for tp, fp in _level(naive, value, positives, total - positives, recalls)
    ]
    return min(found), max(found)


def _number_of_samples(n_samples: int | None, size: int) -> int:
    """As given, or a million batches."""
    total = 10**6 * size if n_samples is None else checks.check_integer("n_samples", n_samples)
    most = "is at most 2**53; None is a million batches"
    check(total <= checks.MAX_INTEGER, "n_samples", most, total)
    return total


def _number_of_positives(prevalence: float, total: int) -> int:
    positives = round(prevalence * total)
    near = abs(positives - prevalence * total) <= 0.01 * prevalence * total
    whole = f"needs, within 1 %, a whole number of the {total} samples"
    checks.check_argument(near, "prevalence", whole, prevalence)
    return positives


def _expected(positives: int, negatives: int, cut: Cut, tp: int, fp: int) -> float:
    """What the log is expected to show of a classifier with these true and false positives."""
    pool = grouped(positives + negatives, (tp, fp, positives - tp, negatives - fp), F1)
    return pool.true.item() + _error(pool, cut)


def _error(pool: Pool, cut: Cut) -> float:
    return sum(part.item() for part in parts_of_error(Epoch(pool, cut)))


def _first(holds: Callable[[int], bool], fails: int, known: int) -> int:
    """The smallest number above `fails` that holds, if all above it hold as `known` does."""
    while known - fails > 1:
        middle = (fails + known) // 2
        fails, known = (fails, middle) if holds(middle) else (middle, known)
    return known


def _level(
    naive: Callable[[int, int], float], value: float, positives: int, negatives: int, recalls: int
) -> Iterator[tuple[float, float]]:
    """(TP, FP) from one end to the other of the line on which the log has this value."""
    first = _where(lambda tp: naive(tp, 0), value, positives)
    yield first, 0.0
    last = _where(lambda tp: naive(tp, negatives), value, positives)
    if last < positives:
        yield last, float(negatives)
    whole = np.linspace(np.ceil(first), np.floor(last), recalls if first <= np.floor(last) else 0)
    for tp in whole.round().astype(int).tolist():
        fp = _where(lambda fp, tp=tp: -naive(tp, fp), -value, negatives)  # type: ignore[misc]
        yield tp, fp


def _where(rising: Callable[[int], float], value: float, last: int) -> float:
    """Where in 0 .. `last` a rising function takes the value, interpolated; the end if nowhere."""
    if last == 0:
        return 0.0
    after = _first(lambda x: rising(x) >= value, 0, last)
    below, above = rising(after - 1), rising(after)
    return after - float(np.clip((above - value) / max(above - below, TINY), 0, 1))


def _lower_bound(pool: Pool, tolerance: float, zero_division: float) -> int:
    """A batch size below which none meets the tolerance.

    For 0 and 1 the error is a mean of those of a full and of the short batch, and while both are
    beyond the tolerance on the same side so is the mean.
    """

    def lone(size: int) -> float:
        if np.isnan(zero_division):
            return _least_without_empty(pool, size)
        empty = empty_batch_error(pool, size, zero_division)
        return empty.item() + pool.mean_curvature(pool.distribution(size)).item()

    side = 1 if lone(1) > 0 else -1
    return _first(lambda size: side * lone(size) <= tolerance, 0, int(pool.total.item()))


def _least_without_empty(pool: Pool, size: int) -> float:
    """A bound on how far off the mean over non-empty batches is at least; it falls with the size.

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
    kept = -np.expm1(log_prob_zero(pool.total - used, pool.relevant, size))
    other = (1 - pool.none(used)) * pool.mean_curvature(pool.distribution(size, used)) / kept
    return max(bound, other.item(), key=abs)


def _rising(size: int, total: int, dense: int = 256, tries: int = 2048) -> Iterator[int]:
    """Batch sizes to try, from `size` up to `total`."""
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
