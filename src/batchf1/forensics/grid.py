"""Evidence of printed epochs for batch sizes and prevalences.

Given these and the accuracy, one unknown of an epoch is left: x, the log odds of its true F1.
Logged recall, precision and F1 have the means and covariance of `batch_law`, and rounding; least
squares finds x, and what remains is the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from batchf1.forensics.batch_law import Rates, covariance, expected_f1, prob_nonempty
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Floats

SAMPLES = np.geomspace(300, 1e5, 5)
"""Numbers of samples considered where none is given."""
SHORT = 3.0
"""Variance of a last batch of unknown size, of that of a full one: it falls as the size."""
NU = 20.0
"""Degrees of freedom of Student's t in place of the normal: means of few positives have tails."""
FEW = 10.0
"""Positives of the split at which the variance is doubled: the law of few is not normal."""
LOWEST, HIGHEST = -5.0, 10.0
"""Values of x considered."""
POINTS = np.arange(51)
"""Values of x between which the expected F1 is interpolated, equally spaced."""
STEP = 1e-4
"""Relative step of a numerical derivative."""
KNOTS = 6
"""Cells of a batch size at which the covariance is computed, to be interpolated between."""


class Epochs(NamedTuple):
    """Printed values of e epochs.

    `values`: recall, precision and F1, (e, 3), `halves`: half units of their last digits;
    `errors`: share of errors, (e,), `half_errors`; `moved`: standard deviation of what weights
    that move within the epoch add to the three.
    """

    values: Floats
    halves: Floats
    errors: Floats
    half_errors: Floats
    moved: Floats


class Batches(NamedTuple):
    """Batches of each number of samples and batch size, arrays that broadcast to (n, b, 1, 1).

    `size` and `rest`: samples in the full batches and in the last; `samples`: in all; `weight`:
    of the last batch in the mean; `within` and `last`: factors of the two covariances.
    """

    size: Floats
    rest: Floats
    samples: Floats
    weight: Floats
    within: Floats
    last: Floats


def batches(
    sizes: Sequence[int], samples: int | None, steps: int | None, averaging: Averaging
) -> Batches:
    """Cut the samples, or each number of `SAMPLES`, into batches of each size."""
    size = np.array(sizes, float)
    n = np.maximum(SAMPLES[:, None], 2 * size)
    if samples is not None:
        n = np.full((1, len(size)), float(samples))
    elif steps is not None:
        n = (steps - 0.5) * size[None]
    size = np.minimum(size, n)
    number = np.ceil(n / size)
    by_size = averaging == "size_weighted"
    if samples is None:  # nothing is known of the last batch
        rest = np.maximum(size[-1:] / 2, 1)
        weight = (number > 1) / number * (0.5 if by_size else 1)
    else:
        rest = n - (number - 1) * size
        weight = rest / n if by_size else 1 / number
    m = n / size
    # Between equal batches, or weighted by size, the counts' linear part cancels.
    unequal = np.where((rest < size) & (number > 1) & (not by_size), SHORT, 0.0)
    if samples is not None:
        unequal *= size / rest / SHORT
    parts = size, rest, n, weight, (m - 1) / m**2, unequal / m**2
    return Batches(*(part[..., None, None] for part in parts))


class Found(NamedTuple):
    """Result at each cell, (n, b, cells, epochs).

    `log`: of the evidence; `chi2`: of the misfit; `x` and `sd`: normal posterior of x between `low`
    and `high`; `covariance`: of the logged recall, precision and F1 (..., 3, 3).
    """

    log: Floats
    chi2: Floats
    x: Floats
    sd: Floats
    low: Floats
    high: Floats
    covariance: Floats


class Grid:
    """Evidence at batch sizes and prevalences; metric functions log means over batches."""

    def __init__(self, epochs: Epochs, batches: Batches) -> None:
        self.epochs, self.batches = epochs, batches
        most = np.log(2 / epochs.errors - 2)  # no true negatives
        self.step = (np.minimum(most, HIGHEST) - LOWEST) / POINTS[-1]
        self.curve: Floats = CubicSpline(POINTS, self._curve(), axis=-1).c

    def of(self, sizes: NDArray[np.bool_]) -> Grid:
        """Select batch sizes."""
        grid = copy(self)
        grid.batches = Batches(*(part[:, sizes] for part in self.batches))
        grid.curve = self.curve[:, :, :, sizes]
        return grid

    def _kinds(self) -> list[tuple[Floats, Floats, Floats]]:
        """Return size, share of all samples and weight of the full batches, and of the last."""
        b = self.batches
        last = b.rest, b.rest / b.samples[-1:], b.weight
        return [(b.size, b.size / b.samples, 1 - b.weight), last]

    def _curve(self) -> Floats:
        """Return the expected F1 at each of `POINTS`, (n, b, epochs, x)."""
        errors = self.epochs.errors[:, None]
        tp = errors * np.exp(LOWEST + self.step[:, None] * POINTS) / 2
        parts = [w * expected_f1(tp, errors, size, drawn) for size, drawn, w in self._kinds()]
        return np.asarray(parts[0] + parts[1])

    def expected_f1(self, x: Floats) -> tuple[Floats, Floats]:
        """Interpolate the expected F1 and its slope at x, (n, b, cells, epochs)."""
        place = np.clip((x - LOWEST) / self.step, 0, POINTS[-1] - 0.001)
        left = place.astype(np.intp)
        t = place - left
        row, column, _, epoch = np.ix_(*map(np.arange, (*x.shape[:2], 1, x.shape[3])))
        a, b, c, d = self.curve[:, left, row, column, epoch]
        return d + t * (c + t * (b + t * a)), (c + t * (2 * b + t * 3 * a)) / self.step

    def _nonempty(self, share: Floats) -> Floats:
        parts = [
            weight * prob_nonempty(share, size, drawn) for size, drawn, weight in self._kinds()
        ]
        return np.asarray(parts[0] + parts[1])

    def _two(self, x: Floats, prevalence: Floats, errors: Floats) -> Floats:
        """Return the expected recall and precision."""
        tp = errors * np.exp(x) / 2
        called = np.clip(errors - prevalence + 2 * tp, 1e-12, 1)
        recall, precision = tp / prevalence * self._nonempty(prevalence), tp / called
        return np.stack([recall, precision * self._nonempty(called)], axis=-1)

    def rough_misfit(self, log_prevalence: Floats) -> Floats:
        """Return the mean square of what recall and precision leave at prevalences (c,): (b, c)."""
        data, pi = self.epochs, np.exp(log_prevalence)[None, None, :, None]
        many = copy(self)  # of the largest number of samples
        many.batches = Batches(*(part[-1:] for part in self.batches))
        tp = np.maximum(
            np.minimum(pi * data.values[:, 0] / many._nonempty(pi), pi), pi - data.errors
        )
        tp = np.clip(tp, 1e-9, 1 - data.errors)
        two = many._two(np.log(2 * tp / data.errors), pi, data.errors)
        return np.asarray(((two[0] - data.values[:, :2]) ** 2).sum(axis=-1).mean(axis=-1))

    def evidence(self, log_prevalence: Floats, width: Floats, steps: int) -> Found:
        """Evaluate cells of this width, both (b, cells), after `steps` of least squares.

        Precision and recall are uniform beforehand, within what leaves all counts at least 0.
        """
        data, pi = self.epochs, np.exp(log_prevalence)[None, :, :, None]
        tp = pi * np.maximum(data.values[:, 0], 1e-9) / self._nonempty(pi)
        least = np.maximum(pi - data.errors - data.half_errors, data.errors * np.exp(LOWEST) / 2)
        most = np.minimum(pi, 1 - data.errors + data.half_errors)
        low, high = (np.log(2 * part / data.errors) for part in (least, np.maximum(most, 1e-12)))
        possible, high = low < high, np.maximum(low, high)
        x = np.clip(np.log(2 * tp / data.errors), low, high)
        noise = self._noise(x[-1], log_prevalence)
        for _ in range(steps):
            log, chi2, center, variance, total = self._fit(x, pi, noise, width)
            x = np.clip(center, low, high)
        sd = np.sqrt(variance)
        mass = ndtr((high - center) / sd) - ndtr((low - center) / sd)
        tp = data.errors * np.exp(x) / 2
        precision = tp / np.maximum(data.errors - pi + 2 * tp, tp)
        with np.errstate(divide="ignore"):
            log = log + np.log(mass) + 2 * np.log(precision) - np.log(pi)
        log = np.where(possible & (mass > 0), log, -np.inf)
        low, high = np.broadcast_to(low, x.shape), np.broadcast_to(high, x.shape)
        return Found(log, chi2, center, sd, low, high, total)

    def _noise(self, x: Floats, log_prevalence: Floats) -> tuple[Floats, Floats]:
        """Return both covariances of a batch, (b, cells, epochs, 3, 3), interpolated."""
        cells = np.arange(log_prevalence.shape[1])
        knots = np.unique(np.linspace(0, cells[-1], KNOTS).round().astype(int))
        at = log_prevalence[:, knots]
        pi = np.exp(at)[..., None]
        tp = np.minimum(self.epochs.errors * np.exp(x[:, knots]) / 2, pi)
        fp = np.clip(self.epochs.errors - pi + tp, 1e-9, 1 - pi)
        rates = Rates(tp, fp, np.maximum(pi - tp, 1e-9))
        left = np.clip(np.searchsorted(knots, cells, "right") - 1, 0, len(knots) - 2)
        part = (log_prevalence - at[:, left]) / (at[:, left + 1] - at[:, left])
        part = part[..., None, None, None]
        one, two = covariance(rates, self.batches.size[-1])
        return (
            (1 - part) * one[:, left] + part * one[:, left + 1],
            (1 - part) * two[:, left] + part * two[:, left + 1],
        )

    def _fit(
        self, x: Floats, pi: Floats, noise: tuple[Floats, Floats], width: Floats
    ) -> tuple[Floats, ...]:
        """Find x by one step; returns log evidence, chi2, x, its variance, and the covariance.

        The covariance includes rounding, also of the accuracy, and the prevalences of the cell.
        """
        data, within, last = self.epochs, self.batches.within, self.batches.last
        (f1, slope), two = self.expected_f1(x), self._two(x, pi, data.errors)
        by_x = (self._two(x + STEP, pi, data.errors) - two) / STEP
        by_x = np.concatenate([by_x, slope[..., None]], axis=-1)
        by_errors = (self._two(x, pi, data.errors * (1 + STEP)) - two) / STEP
        by_pi = (self._two(x, pi * (1 + STEP), data.errors) - two) / STEP
        relative = data.half_errors / data.errors
        few = 1 + FEW / (self.batches.samples * pi)
        total = noise[0] * (few * within)[..., None, None]
        total = total + noise[1] * (few * last)[..., None, None]
        total += (data.halves**2 / 3 + data.moved[:, None] ** 2)[:, None, :] * np.eye(3)
        for by, sd in ((by_errors, relative / 3**0.5), (by_pi, width[:, :, None] / 12**0.5)):
            by = by * sd[..., None]
            total[..., :2, :2] += by[..., :, None] * by[..., None, :]
        residual = data.values - np.concatenate([two, f1[..., None]], axis=-1)
        solved = np.linalg.solve(total, np.stack([by_x, residual], axis=-1))
        known = (by_x * solved[..., 0]).sum(axis=-1)
        step = (by_x * solved[..., 1]).sum(axis=-1) / known
        chi2 = np.maximum((residual * solved[..., 1]).sum(axis=-1) - known * step**2, 0)
        log = -(NU + 2) / 2 * np.log1p(chi2 / NU) - np.log(2 * np.pi)
        log -= (np.linalg.slogdet(total)[1] + np.log(known)) / 2
        return log, chi2, x + step, 1 / known + relative**2 / 3, total
