"""Evidence of a log about one split, and the pairs (true positives, errors) that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from batchf1.forensics.curves import Curve, limit_curves
from batchf1.forensics.digits import Bits, Print, kinds, near, prints
from batchf1.forensics.log import has_both_f1
from batchf1.forensics.log_numbers import decimals_of, half_unit, number
from batchf1.forensics.log_values import Log, SplitLog
from batchf1.forensics.sizes import Numbers, sizes_by_accuracy, train_range, train_size
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Floats, Integers

LIMIT = 4.0
"""Largest distance of a naive value from its expectation that fits, in standard deviations."""
MAX_COMBINED = 500
"""Maximum number of pairs of one split that are combined at one batch size."""
SMALL = 100
"""Number of true positives below which all pairs are examined."""
DOUBLE = 12
"""Decimals from which a true F1 is printed with the digits of a float64."""
SMALL_QUOTIENT = 100_000
"""Largest number of relevant samples of counts that print 12 digits or more, not by chance."""
SOFT = 4.0
"""Largest addition to a score by prevalences that differ, or by errors of the epoch that differ
from those of the weights after it: neither need be equal."""


class SplitFit(NamedTuple):
    """One split of a candidate; None where the log has no evidence.

    Attributes
    ----------
    n_samples : int
        The number of samples that fits best, or a simple share of the training set (`SHARES`) that
        fits equally.
    n_low, n_high : int
        Range that fits, by the limit of large data at 400 points; for training the range that the
        number of steps allows.
    tp, errors : int
        True positives, and FP + FN.
    prevalence : float
        (tp + errors / 2) / `n_samples`.
    expected_f1, sd : float
        Expectation and standard deviation of the naive value.
    residual : float
        (printed - expected) / standard deviation, the latter with half a printed unit and `moved`.
    prints : tuple of Print
        Formulas that print the true F1.
    moved : float
        Possible error of the naive training value because the weights change during the epoch.
    """

    n_samples: int | None = None
    n_low: int | None = None
    n_high: int | None = None
    tp: int | None = None
    errors: int | None = None
    prevalence: float | None = None
    expected_f1: float | None = None
    sd: float | None = None
    residual: float | None = None
    prints: tuple[Print, ...] = ()
    moved: float | None = None


class Candidate(NamedTuple):
    """Batch size and counts that can have printed the log; a smaller `score` fits better."""

    batch_size: int
    train: SplitFit
    validation: SplitFit
    score: float


class Answer(NamedTuple):
    """Result of `investigate`.

    Attributes
    ----------
    candidates : list of Candidate
        Best first.
    left_out : int
        Number of combinations that fit and are not listed.
    undetermined : list of str
        What the log leaves open, and the assumptions, as sentences.
    log : Log
        The parsed log.
    batch_sizes : list of int
        Batch sizes tried.
    averaging : {"per_batch", "size_weighted"}
        The rule by which the candidates are evaluated.
    """

    candidates: list[Candidate]
    left_out: int
    undetermined: list[str]
    log: Log
    batch_sizes: list[int]
    averaging: Averaging


class Options(NamedTuple):
    """Pairs of one split that fit at one batch size.

    `n`: the number of samples that fits best; `low` .. `high`: those that the log allows.
    """

    tp: Any
    errors: Any
    bits: Any
    n: Any
    low: Any
    high: Any
    misfit: Any
    prior: Any

    def take(self, indices: Any) -> Options:
        """Select pairs by indices or a mask, or a single one."""
        return Options(*(np.asarray(part)[indices] for part in self))

    def cost(self) -> Floats:
        """Return -2 log of likelihood times prior."""
        return np.asarray(self.misfit + self.prior)


class Fitting(NamedTuple):
    """Best pairs of one split at one batch size, and the number of all by `bits`."""

    best: Options
    bits: Bits
    numbers: Integers


class Evidence:
    """Evidence of the log about one split, and the pairs that print its true F1."""

    def __init__(self, name: str, part: SplitLog, log: Log, max_tp: int, k: int | None) -> None:
        self.name, self.part, self.log, self.k = name, part, log, k
        self.is_train = name == "training"
        self.has_evidence = has_both_f1(part) and not (self.is_train and log.total is None)
        self.curves: dict[int, Curve] = {}
        self.possible: dict[int, Fitting] = {}
        self.printed: dict[tuple[int, int], tuple[Print, ...]] = {}
        if not self.has_evidence:
            return
        self.text, self.value = str(part.exact_f1), number(str(part.exact_f1))
        self.naive = number(str(part.naive_f1))
        self.half = max(half_unit(str(part.naive_f1)), 1e-9)  # beyond, float32 has no digits
        self.tp, self.errors, self.last = near(self.text, max_tp, k)
        if decimals_of(self.text) >= DOUBLE:
            self._keep_quotients()

    def _keep_quotients(self) -> None:
        """Keep only counts whose quotient is the printed double, if small ones are among them.

        So small ones print 12 digits by chance once in 100 times, with epsilons or without.
        """
        exact = np.abs(2 * self.tp / (2 * self.tp + self.errors) - self.value) < 10.0**-DOUBLE / 2
        if exact.any() and (self.tp + self.errors)[exact].min() <= SMALL_QUOTIENT:
            self.tp, self.errors = self.tp[exact], self.errors[exact]

    def spread(self, tp: Numbers, errors: Numbers, n: Numbers, size: int) -> tuple[Floats, Floats]:
        """Return the expected naive value and the standard deviation of a printed one.

        In the limit of large data. A printed value is exact to half a unit only, and that of
        training is of weights that changed during the epoch.
        """
        expected, sd = self._at(tp, n, size)
        alone = n <= size  # one batch holds all
        expected, variance = np.where(alone, self.value, expected), np.where(alone, 0, sd**2)
        moved = self.moved(tp, errors, n, size)
        return expected, np.sqrt(variance * size / n + self.half**2 + moved**2)

    def residuals(self, tp: Numbers, errors: Numbers, n: Numbers, size: int) -> Floats:
        """Return (printed - expected) / standard deviation, by the limit of large data."""
        expected, sd = self.spread(tp, errors, n, size)
        return np.asarray((self.naive - expected) / sd)

    def moved(self, tp: Numbers, errors: Numbers, n: Numbers, size: int) -> Floats:
        """Estimate the error of the naive training value due to changing weights; >= 0.

        The difference of the expectation with the errors that the epoch's accuracy implies; else
        that of the naive value from the epoch before; else that with twice the errors. 0 for
        validation. The curve is that of the F1 after the epoch, scaled.
        """
        if not self.is_train:
            return np.zeros(np.shape(tp))
        if self.part.accuracy is None and self.log.earlier_f1 is not None:
            return np.full(np.shape(tp), abs(self.naive - number(self.log.earlier_f1)))
        own = self.own_errors(errors, n)
        own_tp = np.maximum(tp - (own - errors) / 2, 0)  # the positives are the same
        of_relevant = (own_tp + own) / (tp + errors)
        before, _ = self._at(tp, n, size)
        then, _ = self._at(of_relevant * tp, n, size)
        own_f1 = 2 * own_tp / np.maximum(2 * own_tp + own, 1)
        return np.asarray(np.abs(then * own_f1 / self.value - before))

    def own_errors(self, errors: Numbers, n: Numbers) -> Floats:
        """Return the errors during the training epoch: by accuracy, else twice those after it."""
        if self.part.accuracy is None:
            return np.asarray(2.0 * errors)
        share, half = 1 - number(self.part.accuracy), half_unit(self.part.accuracy)
        return np.asarray(np.clip(errors, n * (share - half), n * (share + half)))

    def misfit(self, residual: Numbers, sd: Numbers) -> Floats:
        """Return -2 log of the probability that a normal value is printed so; `sd` of `spread`."""
        return np.asarray(residual**2 + 2 * np.log(sd / self.half))

    def prior(self, tp: Numbers, errors: Numbers, n: Numbers) -> Floats:
        """Return -2 log of a scale-free prior, by which the smaller of two pairs is likelier.

        An epoch with twice the errors of the weights after it is one standard deviation off.
        """
        scale = 2 * np.log(tp + errors)
        if not self.is_train or self.part.accuracy is None:
            return np.asarray(scale)
        ratio = np.log2((self.own_errors(errors, n) + 1) / (errors + 1))
        return np.asarray(scale + np.minimum(ratio**2, SOFT))

    def sizes(self, tp: Numbers, errors: Numbers, size: int) -> tuple[Numbers, Numbers, Numbers]:
        """Return the lowest, the highest and the best-fitting number of samples for each pair."""
        one = np.ones(np.shape(tp), np.int64)
        if self.is_train:
            low, high = train_range(self.log, size)
            return low * one, high * one, train_size(self.log, size) * one
        n_printed = self.log.validation_samples
        lows, highs = np.maximum(tp + errors, one), train_range(self.log, size)[1] * one
        if n_printed:
            lows, highs = np.maximum(lows, n_printed), n_printed * one
        if self.part.accuracy is not None:
            least, most = sizes_by_accuracy(self.part.accuracy, errors)
            lows, highs = np.maximum(lows, least), np.minimum(highs, most)
        best = np.rint(tp * size / self.curves[size].where(self.naive)).astype(np.int64)
        return lows, highs, np.clip(best, lows, np.maximum(lows, highs))

    def screen(self, sizes: Sequence[int]) -> None:
        """Store for each batch size the pairs that the naive value allows and a formula prints."""
        self.curves = limit_curves(self.value, sizes)
        used = np.zeros(self.tp.shape, bool)
        for size in sizes:
            for part in self._stretches(size):
                used[part] = True
        bits = kinds(self.text, self.tp[used], self.errors[used], self.k)
        tp, errors, bits = (part[bits > 0] for part in (self.tp[used], self.errors[used], bits))
        for size in sizes:
            self.possible[size] = self._fitting(tp, errors, bits, size)

    def prints(self, tp: int, errors: int) -> tuple[Print, ...]:
        """Return the formulas that print the digits for this pair."""
        if (tp, errors) not in self.printed:
            self.printed[tp, errors] = prints(self.text, tp, errors, self.k)
        return self.printed[tp, errors]

    def any_prints(self) -> bool:
        """Return True if some pair prints the digits, whatever the naive value."""
        if any(option.bits.size for option in self.possible.values()):
            return True
        chunks = (slice(i, i + 50_000) for i in range(0, self.tp.size, 50_000))
        return any(kinds(self.text, self.tp[c], self.errors[c], self.k).any() for c in chunks)

    def _at(self, tp: Numbers, n: Numbers, size: int) -> tuple[Floats, Floats]:
        return self.curves[size].at(np.minimum(tp * size / n, float(size)))

    def _stretches(self, size: int) -> list[slice]:
        """Return slices of the pairs outside of which none fits, searched at 400 points.

        The errors of all pairs are the same multiple of the true positives, but for small numbers.
        """
        tp = np.geomspace(1, self.last + 1, 400)
        errors = tp * 2 * (1 - self.value) / self.value
        low, high, n = self.sizes(tp, errors, size)
        off = self.residuals(tp, errors, n, size)
        near_by = (np.abs(off[1:]) <= LIMIT + 1) | (np.abs(off[:-1]) <= LIMIT + 1)
        room = (low[:-1] <= high[1:] + 2) & ((tp + errors)[:-1] <= n[1:] + 2)
        fits = (near_by | (off[1:] * off[:-1] < 0)) & room
        edges = np.flatnonzero(np.diff(np.concatenate([[0], fits, [0]])))
        ends = [(tp[max(i - 1, 0)], tp[min(j + 1, 399)]) for i, j in edges.reshape(-1, 2)]
        bounds = [np.searchsorted(self.tp, pair) for pair in [(0, SMALL), *ends]]
        return [slice(int(first), int(last)) for first, last in bounds]

    def _fitting(self, tp: Integers, errors: Integers, bits: Bits, size: int) -> Fitting:
        low, high, n = self.sizes(tp, errors, size)
        expected, sd = self.spread(tp, errors, n, size)
        residual = (self.naive - expected) / sd
        # The limit is not exact: listed pairs are evaluated again by exact expectations.
        fits = (np.abs(residual) <= LIMIT + 0.5) & (low <= n) & (n <= high) & (tp + errors <= n)
        pairs = Options(
            *(tp, errors, bits, n, low, high),
            self.misfit(residual, sd),
            self.prior(tp, errors, n),
        )
        indices = np.flatnonzero(fits)
        best = indices[np.argsort(pairs.cost()[indices], kind="stable")[:MAX_COMBINED]]
        numbers = np.bincount(bits[indices])
        return Fitting(pairs.take(best), np.flatnonzero(numbers), numbers[numbers > 0])
