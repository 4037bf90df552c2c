"""What the mean over batches of F1 is expected to be, and how far it strays: no training needed.

An epoch cuts a pool of N samples, whose (TP, FP, FN, TN) are known, at random into batches: as many
of one size as fit, and a shorter last one for what remains. Under that assumption all is exact but
for what a docstring says. Derivations: `docs/theory.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from batchf1.errors import require
from batchf1.metrics import checks
from batchf1.metrics.averaging import Averaging, average, check_averaging
from batchf1.metrics.counts import Counts, Floats, checked
from batchf1.metrics.ratios import F1, Ratio, check_metric, dot, safe_divide
from batchf1.theory import laws as hyper

NORMAL_95 = 1.959963984540054
RAREST = 1e-15
"""The smallest rate of positives in the limits: no data set within 2**53 samples has a smaller."""


class Expectation(NamedTuple):
    """What `expect` finds; `f1` stands for the metric that was asked for."""

    true_f1: float
    expected_f1: float
    sd: float
    error: float
    error_empty: float
    error_curvature: float
    n_batches: int
    interval95: tuple[float, float]


class Limit(NamedTuple):
    """The limit for large data; `f1` stands for the metric that was asked for.

    `sd_batch`: sqrt(m) times the standard deviation of the mean over m batches.
    `per_sample`: with N samples in whole batches the expectation is
    `expected_f1` + `per_sample` / N + O(1/N^2). NaN from `rare_positives`.
    """

    true_f1: float
    expected_f1: float
    sd_batch: float
    error: float
    error_empty: float
    error_curvature: float
    per_sample: float


# --- what users call ---------------------------------------------------------------------------


def expect(
    tp: int,
    fp: int,
    fn: int,
    tn: int,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> Expectation:
    """Mean, standard deviation and error of the logged value, for a pool cut at random.

    Counts are single whole numbers; values lie in [0, 1]. `zero_division` is the value of a batch
    in which the metric is 0/0: 0, 1, or NaN to leave the batch out of the mean; where the whole
    pool is 0/0 it is every value. `error` = expected - true. `error_empty` is the expected weight
    of the empty batches times (`zero_division` - true), and 0 for NaN; `error_curvature` is the
    rest. `interval95` is expected -+ 1.96 sd cut to [0, 1], a normal approximation; the others are
    exact to rounding.

    Raises `InputError` for a count that is no whole number >= 0, no sample, a batch size outside
    1 .. N, or another rule, `zero_division` or metric. Formulas: `docs/theory.md`, sections 1 to 5.
    """
    pool = _checked_pool(tp, fp, fn, tn, metric)
    cut = _cut(pool.total, batch_size, averaging, zero_division)
    if not pool.groups:
        same, none = cut.zero_division, 0.0 * cut.zero_division
        return Expectation(same, same, none, none, none, none, cut.batches, (same, same))
    empty, curvature = hyper.parts_of_error(pool, cut)
    error = empty + curvature
    expected, sd = pool.true + error, hyper.standard_deviation(pool, cut, error)
    interval = max(expected - NORMAL_95 * sd, 0.0), min(expected + NORMAL_95 * sd, 1.0)
    return Expectation(pool.true, expected, sd, error, empty, curvature, cut.batches, interval)


def expected_f1(
    tp: int,
    fp: int,
    fn: int,
    tn: int,
    batch_size: int,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> float:
    """`expect(...).expected_f1` alone, in a third of the time; the same arguments and errors."""
    pool = _checked_pool(tp, fp, fn, tn, metric)
    cut = _cut(pool.total, batch_size, averaging, zero_division)
    return pool.true + sum(hyper.parts_of_error(pool, cut)) if pool.groups else cut.zero_division


def covariance_identity(
    counts: Counts, averaging: Averaging = "per_batch", metric: Ratio = F1
) -> Floats:
    """Mean over observed batches minus the pooled value, as a covariance.

    With D_b the denominator of batch b, F_b its value (0 where D_b = 0) and n_b its size:
    -Cov(D_b, F_b) / mean(D_b) over the batches, or, size-weighted, -Cov(D_b/n_b, F_b) /
    mean(D_b/n_b) with weights n_b. `counts`: last axis batches; float64 of the shape of the axes
    before it, in [-1, 1]; NaN where every D_b = 0. Raises `InputError` for another rule or metric,
    no batch, or a batch without samples. Source: `docs/theory.md`, section 6.
    """
    check_metric(metric)
    counts = checked(counts)
    bottom = np.asarray(dot(metric.bottom, counts), np.float64)
    value = safe_divide(dot(metric.top, counts), bottom)
    rate = bottom / np.maximum(counts.n, 1) if averaging == "size_weighted" else bottom
    mean_rate, mean_value = (average(part, counts.n, averaging) for part in (rate, value))
    moved = (rate - mean_rate[..., None]) * (value - mean_value[..., None])
    return safe_divide(-average(moved, counts.n, averaging), mean_rate, np.nan)


def large_data(
    prevalence: float,
    precision: float,
    recall: float,
    batch_size: int,
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> Limit:
    """The limit N -> infinity at fixed prevalence, precision, recall and batch size.

    A batch is then a multinomial draw. Raises `InputError` for a rate outside (0, 1], a prevalence
    below 1e-15, a precision that this prevalence and recall leave no negatives for, and bad rules
    as `expect`. Source: `docs/theory.md`, section 7.
    """
    good = RAREST <= checks.real(prevalence) <= 1
    checks.must(good, "prevalence", f"lies in [{RAREST}, 1]", prevalence)
    tp, fp, fn = (prevalence * part for part in _per_positive(precision, recall))
    spare = 1 - prevalence - fp
    require(spare > -1e-12, "precision", "needs more negatives than there are", precision)
    zero_division = checks.zero_division(zero_division)
    check_metric(metric)
    batch_size = checks.whole("batch_size", batch_size)
    pool = _group(1.0, (tp, fp, fn, max(spare, 0.0)), metric)
    share = min(pool.relevant, 1.0)
    law = hyper.nest(hyper.binomial(share, batch_size), pool.groups, finite=False)
    log_none = batch_size * float(np.log1p(-share)) if share < 1 else -np.inf
    limit = _limit(pool, law, log_none, zero_division)
    rate = _rate(pool, law, log_none, batch_size, limit.error, zero_division)
    return limit._replace(per_sample=rate)


def rare_positives(
    positives_per_batch: float,
    precision: float,
    recall: float,
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> Limit:
    """The limit in which positives are rare too: it knows only their expected number in a batch.

    N -> infinity, prevalence -> 0, batch size x prevalence = `positives_per_batch` >= 1e-15; the
    counts of a batch are then independent Poisson numbers. Raises `InputError` for rates outside
    (0, 1], a metric that counts true negatives, and bad rules as `expect`. Source:
    `docs/theory.md`, section 7.
    """
    good = RAREST <= checks.real(positives_per_batch) < np.inf
    rule = f"must be at least {RAREST} and finite"
    checks.must(good, "positives_per_batch", rule, positives_per_batch)
    zero_division = checks.zero_division(zero_division)
    check_metric(metric)
    require(metric.bottom[3] == 0, "metric", "must not count true negatives here", metric[:2])
    counts = [positives_per_batch * part for part in _per_positive(precision, recall)]
    pool = _group(np.inf, (*counts, 0.0), metric)
    law = hyper.nest(hyper.poisson(pool.relevant), pool.groups, finite=False)
    return _limit(pool, law, -pool.relevant, zero_division)


def smallest_batch(
    tp: int,
    fp: int,
    fn: int,
    tn: int,
    tolerance: float,
    averaging: Averaging = "per_batch",
    zero_division: float = 0.0,
    metric: Ratio = F1,
) -> int:
    """The smallest batch size whose expected |error| is at most `tolerance` > 0; at most N.

    1 where the whole pool is 0/0, as no batch is off then.

    Larger sizes may break the tolerance again, where the last batch comes out short. From a lower
    bound on, sizes are tried in rising order: each, while no more than 256 share their number of
    full batches, else 256 of these; after 2048 tries, one in a hundred. Between two tries the error
    is taken to cross the tolerance at most once. The lower bound takes the error of a lone batch
    to cross it once too, which is proved for the metrics here unless `zero_division` is 1. Raises
    `InputError` as `expect`, and unless `tolerance` is above 0. Source: `docs/theory.md`,
    section 8.
    """
    pool = _checked_pool(tp, fp, fn, tn, metric)
    good = 0 < checks.real(tolerance) < np.inf
    checks.must(good, "tolerance", "must be above 0", tolerance)
    check_averaging(averaging)
    zero_division = checks.zero_division(zero_division)
    total = int(pool.total)
    if not pool.groups:
        return 1

    def holds(size: int) -> bool:
        cut = _cut(total, size, averaging, zero_division)
        return abs(sum(hyper.parts_of_error(pool, cut))) <= tolerance

    before = 0
    for size in _rising(_lower_bound(pool, tolerance, zero_division), total):
        if holds(size):
            return _first(holds, before, size)
        before = size
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
    checks.must(0 <= checks.real(logged) <= 1, "logged", "lies in [0, 1]", logged)
    checks.must(0 <= checks.real(within) < 1, "within", "lies in [0, 1)", within)
    checks.must(0 < checks.real(prevalence) <= 1, "prevalence", "lies in (0, 1]", prevalence)
    size = checks.whole("batch_size", batch_size)
    total = 10**6 * size if n_samples is None else checks.whole("n_samples", n_samples)
    most = "is at most 2**53; None is a million batches"
    require(total <= checks.LARGEST, "n_samples", most, total)
    cut = _cut(total, size, averaging, zero_division)
    positives = round(prevalence * total)
    near = abs(positives - prevalence * total) <= 0.01 * prevalence * total
    whole = f"needs, within 1 %, a whole number of the {total} samples"
    checks.must(near, "prevalence", whole, prevalence)
    negatives = total - positives

    def naive(tp: int, fp: int) -> float:
        pool = _group(total, (tp, fp, positives - tp, negatives - fp), F1)
        return pool.true + sum(hyper.parts_of_error(pool, cut))

    low, high = max(logged - within, 0.0), min(logged + within, 1.0)
    reached = naive(positives, 0) >= low
    require(reached, "logged", "is out of reach at this prevalence and batch size", logged)
    recalls = 17 if zero_division == 1 else 2
    found = [
        2 * tp / (tp + fp + positives)
        for value in (low, high)
        for tp, fp in _level(naive, value, positives, negatives, recalls)
    ]
    return min(found), max(found)


# --- checks ------------------------------------------------------------------------------------


def _checked_pool(tp: int, fp: int, fn: int, tn: int, metric: Ratio) -> hyper.Pool:
    parts = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    counts = [_single(name, part) for name, part in parts.items()]
    total = sum(counts)
    require(1 <= total <= checks.LARGEST, "tp + fp + fn + tn", "lies in 1 .. 2**53", total)
    check_metric(metric)
    return _group(total, counts, metric)


def _single(name: str, value: Any) -> int:
    count = checks.whole_numbers(name, value)
    checks.must(count.ndim == 0, name, "is a single number", value)
    return int(count)


def _group(total: float, counts: Sequence[float], metric: Ratio) -> hyper.Pool:
    """Counts of the same weights become one group; those that weigh nothing, none."""
    groups: dict[tuple[float, float], float] = {}
    for count, top, bottom in zip(counts, metric.top, metric.bottom, strict=True):
        if bottom > 0 and count > 0:
            groups[top, bottom] = groups.get((top, bottom), 0.0) + count
    weights = list(groups)
    tops, bottoms = tuple(top for top, _ in weights), tuple(bottom for _, bottom in weights)
    return hyper.Pool(float(total), tuple(groups.values()), tops, bottoms)


def _cut(total: float, batch_size: int, averaging: str, zero_division: float) -> hyper.Cut:
    size = checks.whole("batch_size", batch_size)
    require(size <= total, "batch_size", f"is at most the number of samples, {total:.0f}", size)
    check_averaging(averaging)
    undefined = checks.zero_division(zero_division)
    full, rest = divmod(int(total), size)
    return hyper.Cut(size, full, rest, averaging == "size_weighted", undefined)


def _per_positive(precision: float, recall: float) -> tuple[float, float, float]:
    """True positives, false positives and false negatives for each positive."""
    for name, value in (("precision", precision), ("recall", recall)):
        checks.must(0 < checks.real(value) <= 1, name, "lies in (0, 1]", value)
    return recall, recall * (1 - precision) / precision, 1 - recall


# --- limits ------------------------------------------------------------------------------------


def _limit(pool: hyper.Pool, law: hyper.Law, log_none: float, zero_division: float) -> Limit:
    """`log_none` is the log of the probability that a batch is empty."""
    skip = np.isnan(zero_division)
    kept = -float(np.expm1(log_none)) if skip else 1.0
    empty = 0.0 if skip else float(np.exp(log_none)) * (zero_division - pool.true) + 0.0
    curved = float(pool.mean_curvature(law)) / kept
    error = empty + curved
    values = _around(pool, law, error, zero_division)
    # The counts of all batches add up to those of the pool: what is linear in them does not move.
    fixed = sum(float(part) ** 2 for part in _up_to_linear(law.spectrum(values, 1)))
    variance = max(float(law.mean(values**2)) - fixed, 0.0)
    expected, sd = pool.true + error, np.sqrt(variance) / kept
    return Limit(pool.true, expected, float(sd), error, empty, curved, np.nan)


def _around(pool: hyper.Pool, law: hyper.Law, error: float, zero_division: float) -> Floats:
    """Value of a batch minus its expected one; 0 for a batch that is left out."""
    when_empty = error if np.isnan(zero_division) else zero_division - pool.true
    return pool.deviations(law.counts(), when_empty) - error


def _up_to_linear(parts: Floats) -> Floats:
    return np.asarray(parts[sum(np.indices(parts.shape)) <= 1])


def _rate(
    pool: hyper.Pool,
    law: hyper.Law,
    log_none: float,
    batch: int,
    error: float,
    zero_division: float,
) -> float:
    """The constant c in: expectation with N samples in whole batches = limit + c / N + O(1/N^2).

    To first order drawing without replacement multiplies the probability of counts k_i with shares
    p_i by 1 + (B (B - 1) - sum k_i (k_i - 1) / p_i) / 2N.
    """
    shares = [*pool.groups, 1 - pool.relevant]
    moved = [k - batch * p for k, p in zip(law.counts(), pool.groups, strict=True)]
    more = sum(moved[1:], moved[0])
    # in terms of d_i = k_i - B p_i, where nothing of size B^2 has to cancel
    cells = zip([*moved, -more], shares, strict=True)
    fewer = sum(d * (d - 1) / p - batch for d, p in cells if p > 0)
    values = _around(pool, law, error, zero_division)
    rate = -float(law.mean(values * (fewer + batch))) / 2
    if not np.isnan(zero_division) or log_none == -np.inf:
        return rate
    # Each empty batch before the first that is not leaves a denser pool.
    none, kept = float(np.exp(log_none)), -float(np.expm1(log_none))
    slope = float(law.mean(values * more))
    return rate / kept + batch * none * slope / kept**2 / (1 - pool.relevant)


# --- searches ----------------------------------------------------------------------------------


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
    return after - float(np.clip((above - value) / max(above - below, hyper.TINY), 0, 1))


def _lower_bound(pool: hyper.Pool, tolerance: float, zero_division: float) -> int:
    """A batch size below which none meets the tolerance.

    For 0 and 1 the error is a mean of those of a full and of the short batch, and while both are
    beyond the tolerance on the same side so is the mean.
    """

    def lone(size: int) -> float:
        if np.isnan(zero_division):
            return _least_without_empty(pool, size)
        return sum(hyper.lone_batch(pool, size, zero_division))

    side = 1 if lone(1) > 0 else -1
    return _first(lambda size: side * lone(size) <= tolerance, 0, int(pool.total))


def _least_without_empty(pool: hyper.Pool, size: int) -> float:
    """A bound on how far off the mean over non-empty batches is at least; it falls with the size.

    The better of two: the batch that holds a given relevant sample, for it has more of them than
    the mean batch; and a batch of a pool that has lost so many samples that before them, but for a
    probability of 1 / relevant, a non-empty batch has come.
    """
    others = hyper.hypergeometric(pool.total - 1, pool.relevant - 1, size - 1)
    more = others._replace(points=others.points + 1)
    bound = float(pool.mean_curvature(hyper.nest(more, pool.groups, finite=True)))
    used = pool.total * -np.expm1(-np.log(pool.relevant) / pool.relevant)
    used = min(np.ceil(used), pool.total - pool.relevant)
    if used + size > pool.total:
        return bound
    kept = -np.expm1(hyper.log_none(pool.total - used, pool.relevant, size))
    other = (1 - pool.none(used)) * pool.mean_curvature(pool.law(size, used)) / kept
    return max(bound, float(other), key=abs)


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
