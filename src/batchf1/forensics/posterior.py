"""Posterior of the true F1, the prevalence and the batch size behind printed epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp, ndtr, ndtri

from batchf1.forensics.batch_law import Rates, covariance
from batchf1.forensics.grid import FEW, NU, Batches, Epochs, Found, Grid
from batchf1.forensics.sizes import rarity
from batchf1.metrics.counts import Floats

PREVALENCES = 3e-4, 0.9
"""Prevalences considered where none is given, each of a ratio alike."""
CELLS, ROUNDS = 32, 3
"""Cells of prevalence at a batch size, and how often they are cut, finer where the posterior is."""
FINE, ROUGH = 300, 0.03
"""Cells at first, and the misfit of recall and precision that counts as one deviation there."""
ALIKE = 0.5
"""Correlation of the noise of two epochs: validation has one order, and errors that recur."""
NORMAL = np.linspace(-3.3, 3.3, 23)
"""Points of a normal distribution."""
NORMAL_WEIGHTS = np.exp(-(NORMAL**2) / 2) / np.exp(-(NORMAL**2) / 2).sum()


class Draws(NamedTuple):
    """Weighted points of the posterior of the last epoch, arrays of one length.

    `noise` is the standard deviation of the logged 2PR/(P+R).
    """

    weight: Floats
    true_f1: Floats
    prevalence: Floats
    precision: Floats
    recall: Floats
    size: Floats
    noise: Floats

    def times(self, factor: float) -> Draws:
        """Multiply the weights."""
        return self._replace(weight=factor * self.weight)


class Posterior(NamedTuple):
    """Log of the evidence, the posterior, and chi2 for each epoch where it is largest."""

    log: float
    draws: Draws
    chi2: float


def _tempered(epochs: Epochs) -> float:
    """Return the share of an epoch's evidence that counts, as epochs repeat each other's noise."""
    return 1 / (1 + (len(epochs.errors) - 1) * ALIKE)


def _prior(sizes: Sequence[int]) -> Floats:
    """Return the log of the prior probability of each batch size."""
    log = -np.array([rarity(size) for size in sizes]) / 2
    return np.asarray(log - logsumexp(log))


def _joined(parts: Sequence[Floats]) -> Draws:
    return Draws(*(part.ravel() for part in np.broadcast_arrays(*parts)))


def functions(
    epochs: Epochs, sizes: Sequence[int], batches: Batches, prevalence: float | None
) -> Posterior | None:
    """Find the posterior if P and R are means over batches; None where nothing is possible."""
    pi = PREVALENCES if prevalence is None else (prevalence * 0.999, prevalence * 1.001)
    low, high = map(float, np.log(pi))
    grid, prior, left = Grid(epochs, batches), _prior(sizes), np.array(sizes)
    fine = np.linspace(low, high, FINE + 1)
    misfit = grid.rough_misfit((fine[:-1] + fine[1:]) / 2)
    edges = _refined(np.repeat(fine[None], len(left), axis=0), -misfit / ROUGH**2)
    for turn in range(ROUNDS):
        width = np.diff(edges)
        centers = edges[:, :-1] + width / 2
        found = grid.evidence(centers, width, 1 + turn // 2)
        log = _tempered(epochs) * found.log.sum(axis=-1) + prior[:, None] + np.log(width)
        mass = logsumexp(log, axis=0)
        if not np.isfinite(mass).any():
            return None
        if turn < ROUNDS - 1:
            alive = logsumexp(mass, axis=1) > logsumexp(mass) - 16
            edges = _refined(edges[alive], mass[alive])
            grid, prior, left = grid.of(alive), prior[alive], left[alive]
    total = float(logsumexp(log))
    best = np.unravel_index(log.argmax(), log.shape)
    evidence = total - np.log(log.shape[0]) - np.log(high - low)
    draws = _draws(epochs, left, centers, found, np.exp(log - total))
    return Posterior(evidence, draws, float(found.chi2[best].mean()))


def _refined(edges: Floats, log: Floats) -> Floats:
    """Return `CELLS` cells, narrow where the mass is."""
    part = np.exp((log - log.max(axis=1, keepdims=True)) / 2)
    part += 0.03 * part.sum(axis=1, keepdims=True) / part.shape[1]
    ends = np.pad(part.cumsum(axis=1), ((0, 0), (1, 0)))
    rows = zip(ends, edges, strict=True)
    return np.array([np.interp(np.linspace(0, e[-1], CELLS + 1), e, edge) for e, edge in rows])


def _draws(
    epochs: Epochs, sizes: Floats, log_prevalence: Floats, found: Found, weight: Floats
) -> Draws:
    """Spread each cell of some weight over the normal posterior of x there."""
    keep = weight > 1e-6 * weight.max()
    _, size, cell = np.nonzero(keep)
    parts = found.x, found.sd, found.low, found.high
    x, sd, low, high = (part[..., -1][keep][:, None] for part in parts)
    below, above = ndtr((low - x) / sd), ndtr((high - x) / sd)
    rank = np.clip(below + ndtr(NORMAL) * (above - below), 1e-12, 1 - 1e-12)
    x = np.clip(x + sd * ndtri(rank), low, high)
    pi, errors = np.exp(log_prevalence)[size, cell][:, None], epochs.errors[-1]
    tp = errors * np.exp(x) / 2
    called = np.maximum(errors - pi + 2 * tp, tp)
    recall, precision, _ = epochs.values[-1]
    slope = 2 * np.array([precision**2, recall**2]) / (precision + recall) ** 2
    noise = np.sqrt(np.einsum("i,nij,j->n", slope, found.covariance[keep][:, -1, :2, :2], slope))
    rates = pi, tp / called, np.minimum(tp / pi, 1)
    spread = weight[keep][:, None] * NORMAL_WEIGHTS
    return _joined([spread, expit(x), *rates, sizes[size][:, None].astype(float), noise[:, None]])


def objects(
    epochs: Epochs, sizes: Sequence[int], batches: Batches, prevalence: float | None
) -> Posterior:
    """Find the posterior if P and R are those of all samples; only the batch size is unknown."""
    (r, p, f1), halves = epochs.values.T, epochs.halves.T / np.sqrt(3)
    true = 2 * p * r / (p + r)
    sd = 2 * np.hypot(p**2 * halves[0], r**2 * halves[1]) / (p + r) ** 2
    center, spread, evidence = _prevalence(epochs)
    if prevalence is not None:
        center = np.log(prevalence)
    grid, pi = Grid(epochs, batches), np.exp(center)
    x = np.log(true / np.maximum(1 - true, 1e-6))
    mean, slope = grid.expected_f1(np.broadcast_to(x, (*batches.samples.shape[:2], 1, len(x))))
    rates = Rates(pi * r, np.minimum(pi * r * (1 / p - 1) + 1e-9, 1 - pi), pi * (1 - r) + 1e-9)
    one, two = (part[..., 2, 2] for part in covariance(rates, batches.size[-1]))
    few = 1 + FEW / (batches.samples * pi)
    variance = few * (one * batches.within + two * batches.last) + halves[2] ** 2 + epochs.moved**2
    variance += (slope * sd / np.maximum(true * (1 - true), 1e-6)) ** 2
    chi2 = (f1 - mean) ** 2 / variance
    log = -(NU + 1) / 2 * np.log1p(chi2 / NU) - np.log(2 * np.pi * variance) / 2
    log = _tempered(epochs) * log.sum(axis=-1)[..., 0] + _prior(sizes)
    total = float(logsumexp(log))
    best = np.unravel_index(log.argmax(), log.shape)
    weight = np.exp(logsumexp(log, axis=0) - total)[:, None] * NORMAL_WEIGHTS
    ends = [(true, sd), (p, halves[1]), (r, halves[0])]
    f1_, p_, r_ = (np.clip(value[-1] + error[-1] * NORMAL, 0, 1) for value, error in ends)
    size, pi_ = np.array(sizes, float)[:, None], np.exp(np.minimum(center + spread * NORMAL, 0))
    draws = _joined([weight, f1_, pi_, p_, r_, size, np.zeros(1)])
    return Posterior(evidence + total - np.log(len(log)), draws, float(chi2[best].mean()))


def _prevalence(epochs: Epochs) -> tuple[float, float, float]:
    """Return the log of the prevalence that exact P, R and accuracy give, its deviation, evidence.

    The share of errors is the prevalence times R/P + 1 - 2R, in every epoch.
    """
    (r, p, _), halves = epochs.values.T, epochs.halves.T / np.sqrt(3)
    each = np.maximum(r / p + 1 - 2 * r, epochs.half_errors / 2)
    sd_each = np.hypot((1 / p - 2) * halves[0], r / p**2 * halves[1])
    log = np.log(np.minimum(epochs.errors / each, PREVALENCES[1]))
    sd = np.hypot(epochs.half_errors / np.sqrt(3) / epochs.errors, sd_each / each)
    known = (1 / sd**2).sum()
    center = (log / sd**2).sum() / known
    alone = -(((log - center) / sd) ** 2) / 2 - np.log(sd * epochs.errors * np.sqrt(2 * np.pi))
    share, (low, high) = _tempered(epochs), np.log(PREVALENCES)
    shared = np.log(2 * np.pi / (share * known)) / 2 - np.log(high - low)
    return float(center), float(known**-0.5), float(share * alone.sum() + shared)
