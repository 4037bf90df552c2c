"""Estimate of the true F1 behind the precision, recall, F1 and accuracy that a log prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

import numpy as np
from scipy.special import logsumexp

from batchf1.errors import check
from batchf1.forensics import posterior
from batchf1.forensics.grid import SAMPLES, batches
from batchf1.forensics.log_numbers import half_unit, number
from batchf1.forensics.log_values import MAX_SAMPLES
from batchf1.forensics.posterior import Draws, Posterior
from batchf1.forensics.printed import complete, equal, read
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Floats

USUAL_SIZES = (
    *(4, 8, 10, 16, 20, 24, 32, 40, 48, 50, 64, 80, 100, 128, 150, 200, 256, 300, 400, 500, 512),
    *(1000, 1024, 2048),
)
"""Batch sizes tried by default."""
WIDEST = 0.5
"""A wider interval of the true F1 is no answer."""
APART = 0.02
"""Width of the steps of the true F1 in which solutions are told apart."""
MISFIT = 15.0
"""A mean chi2 (2 degrees of freedom) beyond which the epochs are none of the kinds assumed."""


class Interval(NamedTuple):
    """A 95 % interval, and the median of the likeliest solution in it."""

    low: float
    best: float
    high: float


class Estimate(NamedTuple):
    """Result of `estimate`; the values are the last epoch's.

    Attributes
    ----------
    lower_bound : float
        2PR/(P+R) of the logged values, less 1.96 standard deviations of its noise: the true F1 is
        above in 97.5 % of logs. None where precision and recall are no means over batches.
    true_f1, prevalence, precision, recall : Interval
        In [0, 1]; None where the interval of the true F1 would be wider than `WIDEST`.
    batch_sizes : tuple of int
        Likeliest first, of those tried.
    others : tuple of Interval
        Solutions of the true F1 within its interval, apart from that around `best`.
    assumed : tuple of str
        Sentences on what was taken for granted, or why there is no interval.
    """

    lower_bound: float | None
    true_f1: Interval | None
    prevalence: Interval | None
    precision: Interval | None
    recall: Interval | None
    batch_sizes: tuple[int, ...]
    others: tuple[Interval, ...]
    assumed: tuple[str, ...]


def estimate(
    epochs: Sequence[Mapping[str, str]],
    *,
    averaging: Averaging,
    objects: bool | None = None,
    batch_sizes: Sequence[int] | None = None,
    samples: int | None = None,
    steps: int | None = None,
    prevalence: float | None = None,
    training: bool = False,
) -> Estimate | None:
    """Estimate the true F1 of a split's last epoch from means over batches.

    Parameters
    ----------
    epochs : sequence of mappings
        Of one split, in order: "f1", "precision", "recall" and "accuracy" with the digits as
        printed, of values in [0, 1]. Epochs that lack a value of the last one are left out.
    averaging : {"per_batch", "size_weighted"}
        The framework's rule.
    objects : bool, optional
        True if precision and recall are metric objects, which count over the whole epoch; False if
        they are functions, which the framework averages; None weighs both.
    batch_sizes : sequence of int, optional
        Those to try; where none is given, those of `USUAL_SIZES` below the number of samples.
    samples, steps : int, optional
        Number of samples and of batches of the split.
    prevalence : float, optional
        Share of positives of the split, in (0, 1).
    training : bool
        True for the training split: the weights move within the epoch, so that intervals are wider.

    Returns
    -------
    Estimate or None
        None where the last epoch lacks precision or recall, or has one that is 0.

    Raises
    ------
    InputError
        For a value that is no number in [0, 1], another averaging, a batch size, `samples` or
        `steps` that is no whole number of at least 1, and a prevalence outside (0, 1).

    Notes
    -----
    Batches are taken to be random, with 0/0 = 0. Then precision and recall of functions are too low
    by the share of batches without predicted positives and without positives, the F1 as
    `batchf1.theory.expectation.expect` says, and the accuracy is exact. Beforehand precision and
    recall are uniform, the prevalence is log-uniform, and a batch size is as frequent as `rarity`
    says. An unknown number of samples is one of `SAMPLES`. How often the intervals hold is measured
    in `docs/forensics.md`.

    Examples
    --------
    >>> printed = {"f1": "0.3717", "precision": "0.3745", "recall": "0.3745", "accuracy": "0.9967"}
    >>> found = estimate([printed], averaging="per_batch", objects=False, samples=60000)
    >>> found.batch_sizes[0], round(found.true_f1.best, 1)
    (32, 0.9)
    """
    _check_settings(averaging, batch_sizes or (), samples, steps, prevalence)
    usual = tuple(size for size in USUAL_SIZES if samples is None or size < samples)
    sizes = tuple(batch_sizes or usual or USUAL_SIZES[:1])
    rows = complete(epochs)
    if not rows:
        return None
    if equal(rows):
        return _none("Precision, recall, F1 and accuracy are equal: micro averages over classes.")
    cut, epochs_read = batches(sizes, samples, steps, averaging), read(rows, training)
    found: list[tuple[bool, Posterior]] = []
    for exact in (False, True) if objects is None else (objects,):
        search = posterior.objects if exact else posterior.functions
        for data, log in epochs_read:
            part = search(data, sizes, cut, prevalence)
            found += [(exact, part._replace(log=part.log + log))] if part else []
    if not found or max(found, key=lambda pair: pair[1].log)[1].chi2 > MISFIT:
        return _none("These are no means over random batches of a size that was tried.")
    logs = np.array([part.log for _, part in found])
    shares = np.exp(logs - logsumexp(logs))
    draws = [part.draws.times(share) for (_, part), share in zip(found, shares, strict=True)]
    share = float(shares[[exact for exact, _ in found]].sum())
    known = _premises(sizes, samples or steps, training), _kind(objects, share)
    return _summary(rows[-1], Draws(*map(np.concatenate, zip(*draws, strict=True))), known)


def _none(why: str) -> Estimate:
    return Estimate(None, None, None, None, None, (), (), (why,))


def _summary(row: Mapping[str, str], draws: Draws, assumed: tuple[str, ...]) -> Estimate:
    """Return intervals of the posterior, and the bound."""
    p, r = (number(row[name]) - half_unit(row[name]) for name in ("precision", "recall"))
    noise = np.sqrt((draws.weight * draws.noise**2).sum() / draws.weight.sum())
    bound = max(2 * p * r / (p + r) - 1.96 * float(noise), 0.0) if min(p, r) > 0 else 0.0
    masses = {int(s): float(draws.weight[draws.size == s].sum()) for s in np.unique(draws.size)}
    likely = sorted(masses, key=lambda size: -masses[size])
    sizes = tuple(size for size in likely if masses[size] >= 0.01 * masses[likely[0]])
    f1, pi, precision, recall = (
        _interval(values, draws.weight)
        for values in (draws.true_f1, draws.prevalence, draws.precision, draws.recall)
    )
    if f1.high - f1.low > WIDEST:
        wide = f"The true F1 may be {f1.low:.2f} to {f1.high:.2f}: too wide for an estimate."
        return Estimate(bound, None, None, None, None, sizes, (), (*assumed, wide))
    inside = (f1.low <= draws.true_f1) & (draws.true_f1 <= f1.high)
    best, *others = _solutions(draws.true_f1[inside], draws.weight[inside])
    perfect = "accuracy" in row and number(row["accuracy"]) >= 1
    f1 = f1._replace(best=best.best, high=1.0 if perfect else f1.high)
    return Estimate(bound, f1, pi, precision, recall, sizes, tuple(others), assumed)


def _interval(values: Floats, weight: Floats) -> Interval:
    """Return the quantiles .025, .5 and .975."""
    order = np.argsort(values)
    mass = weight[order].cumsum()
    mass = (mass - weight[order] / 2) / mass[-1]
    return Interval(*np.interp([0.025, 0.5, 0.975], mass, values[order]).tolist())


def _solutions(values: Floats, weight: Floats) -> list[Interval]:
    """Return the solutions that lie apart, likeliest first."""
    bins = np.minimum(values / APART, 1 / APART - 1).astype(int)
    mass = np.bincount(bins, weight, minlength=round(1 / APART)) / weight.sum()
    # A solution is a run of bins that are not nearly empty.
    run = np.cumsum(np.diff(mass > APART / 10, prepend=False))[bins]
    masses = np.bincount(run, weight) / weight.sum()
    likely = [i for i in np.argsort(-masses) if masses[i] >= 0.025]
    return [_interval(values[run == i], weight[run == i]) for i in likely]


def _kind(objects: bool | None, share: float) -> str:
    """Return which kind precision and recall are taken for."""
    if objects is None:
        return (
            f"Not told whether precision and recall are functions, which are averaged over batches "
            f"({1 - share:.0%}), or objects, which are not ({share:.0%})."
        )
    kind = "objects, which count over the epoch" if objects else "functions, averaged over batches"
    return f"Precision and recall are {kind}."


def _premises(sizes: Sequence[int], number: int | None, training: bool) -> str:
    """Return what is taken for granted of the batches."""
    unknown = "" if number else f", of {SAMPLES[0]:,.0f} to {SAMPLES[-1]:,.0f} samples in all"
    moves = "; the weights move within the epoch" if training else ""
    shown = f"{len(sizes)} sizes from {min(sizes)} to {max(sizes)}"
    return f"Batches are random, one of {shown}{unknown}; 0/0 counts 0{moves}."


def _check_settings(
    averaging: str,
    sizes: Sequence[int],
    samples: int | None,
    steps: int | None,
    prevalence: float | None,
) -> None:
    rules = get_args(Averaging)
    check(averaging in rules, "averaging", f"must be one of {rules}", averaging)
    named = [("batch size", size) for size in sizes]
    named += [(n, v) for n, v in (("samples", samples), ("steps", steps)) if v is not None]
    for name, value in named:
        good = isinstance(value, int) and 1 <= value <= MAX_SAMPLES
        check(good, name, f"must be a whole number from 1 to {MAX_SAMPLES}", value)
    good = prevalence is None or 0 < prevalence < 1
    check(good, "prevalence", "must lie between 0 and 1", prevalence)
