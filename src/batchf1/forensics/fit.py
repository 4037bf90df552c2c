"""What a log says of one split, and the pairs (true positives, errors) that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from batchf1.forensics.curves import Curve, limit_curves
from batchf1.forensics.digits import Bits, Print, kinds, near, prints
from batchf1.forensics.log import Log, SplitLog, half_unit, has_both_f1, number
from batchf1.forensics.sizes import Numbers, sizes_by_accuracy, train_range, train_size
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Floats, Integers

LIMIT = 4.0
"""A naive value further than this from its expectation, in standard deviations, does not fit."""
BEST = 500
"""At most so many pairs of one split are combined at one batch size."""
SMALL = 100
"""Pairs with fewer true positives are always looked at one by one."""
SOFT = 4.0
"""The most that differing prevalences can add to a score, for they need not be equal; or the errors
of the epoch and of the weights after it."""


class SplitFit(NamedTuple):
    """One split of a candidate; None where the log does not tell.

    `n_samples` fits best, or as well and is a simple share of the training set (`SHARES`); `n_low`
    .. `n_high` fit (by the law for large data, looked at in 400 places; for training they are what
    the steps allow). `errors` = FP + FN. `moved`: how far the naive training value may be off since
    the weights still moved. `residual` = (printed - expected) / sd, the sd with half a printed unit
    and `moved`.
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
    """A shape of the data that can have printed the log; a smaller `score` fits better."""

    batch_size: int
    train: SplitFit
    validation: SplitFit
    score: float


class Answer(NamedTuple):
    """Candidates, best first; how many were left out; what remains open; what was read and tried.

    `averaging`: the rule by which the candidates are judged.
    """

    candidates: list[Candidate]
    left_out: int
    undetermined: list[str]
    log: Log
    batch_sizes: list[int]
    averaging: Averaging


class Options(NamedTuple):
    """Pairs of one split that fit at one batch size; a split that the log tells nothing of is None.

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

    def take(self, kept: Any) -> Options:
        """The pairs at these places (indices or a mask), or one of them."""
        return Options(*(np.asarray(part)[kept] for part in self))

    def cost(self) -> Floats:
        """-2 log of likelihood times prior."""
        return np.asarray(self.misfit + self.prior)


class Fitting(NamedTuple):
    """The best pairs of one split at one batch size, and how many there are of each `bits`."""

    best: Options
    bits: Bits
    numbers: Integers


class Evidence:
    """What the log says of one split, and the pairs that print its true F1."""

    def __init__(self, name: str, part: SplitLog, log: Log, max_tp: int, k: int | None) -> None:
        self.name, self.part, self.log, self.k = name, part, log, k
        self.is_train = name == "training"
        self.told = has_both_f1(part) and not (self.is_train and log.total is None)
        self.curves: dict[int, Curve] = {}
        self.possible: dict[int, Fitting] = {}
        self.printed: dict[tuple[int, int], tuple[Print, ...]] = {}
        if not self.told:
            return
        self.text, self.value = str(part.exact_f1), number(str(part.exact_f1))
        self.naive = number(str(part.naive_f1))
        self.half = max(half_unit(str(part.naive_f1)), 1e-9)  # beyond, float32 has no digits
        self.tp, self.errors, self.last = near(self.text, max_tp, k)

    def spread(self, tp: Numbers, errors: Numbers, n: Numbers, size: int) -> tuple[Floats, Floats]:
        """(Expected naive value, standard deviation of a printed one) in the limit of large data.

        A printed value is known to half a unit only; training's is of weights that moved as well.
        """
        expected, sd = self._at(tp, n, size)
        alone = n <= size  # one batch holds all
        expected, variance = np.where(alone, self.value, expected), np.where(alone, 0, sd**2)
        moved = self.moved(tp, errors, n, size)
        return expected, np.sqrt(variance * size / n + self.half**2 + moved**2)

    def residuals(self, tp: Numbers, errors: Numbers, n: Numbers, size: int) -> Floats:
        """(Printed - expected) / standard deviation, by the limit for large data."""
        expected, sd = self.spread(tp, errors, n, size)
        return np.asarray((self.naive - expected) / sd)

    def moved(self, tp: Numbers, errors: Numbers, n: Numbers, size: int) -> Floats:
        """How far the naive training value may be off since the weights still moved; >= 0.

        As the expectation would with the errors that the epoch's accuracy tells; else as the naive
        value did since the epoch before; else as with twice the errors. 0 for validation. The curve
        is that of the F1 after the epoch, scaled.
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
        """Errors in the training epoch itself: those of its accuracy, else twice those after it."""
        if self.part.accuracy is None:
            return np.asarray(2.0 * errors)
        share, half = 1 - number(self.part.accuracy), half_unit(self.part.accuracy)
        return np.asarray(np.clip(errors, n * (share - half), n * (share + half)))

    def misfit(self, residual: Numbers, sd: Numbers) -> Floats:
        """-2 log of the probability that a normal value is printed so, `sd` as in `spread`."""
        return np.asarray(residual**2 + 2 * np.log(sd / self.half))

    def prior(self, tp: Numbers, errors: Numbers, n: Numbers) -> Floats:
        """-2 log of one without a scale, so that of two the smaller pair is likelier.

        An epoch that made twice the errors of the weights after it is one deviation off.
        """
        scale = 2 * np.log(tp + errors)
        if not self.is_train or self.part.accuracy is None:
            return np.asarray(scale)
        ratio = np.log2((self.own_errors(errors, n) + 1) / (errors + 1))
        return np.asarray(scale + np.minimum(ratio**2, SOFT))

    def sizes(self, tp: Numbers, errors: Numbers, size: int) -> tuple[Numbers, Numbers, Numbers]:
        """Lowest, highest number of samples for each pair, and the one that fits best."""
        one = np.ones(np.shape(tp), np.int64)
        if self.is_train:
            low, high = train_range(self.log, size)
            return low * one, high * one, train_size(self.log, size) * one
        known = self.log.validation_samples
        lows, highs = np.maximum(tp + errors, one), train_range(self.log, size)[1] * one
        if known:
            lows, highs = np.maximum(lows, known), known * one
        if self.part.accuracy is not None:
            least, most = sizes_by_accuracy(self.part.accuracy, errors)
            lows, highs = np.maximum(lows, least), np.minimum(highs, most)
        wish = np.rint(tp * size / self.curves[size].where(self.naive)).astype(np.int64)
        return lows, highs, np.clip(wish, lows, np.maximum(lows, highs))

    def screen(self, sizes: Sequence[int]) -> None:
        """Keep for each batch size the pairs that its naive value allows and a formula prints."""
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
        """What prints the digits for this pair."""
        if (tp, errors) not in self.printed:
            self.printed[tp, errors] = prints(self.text, tp, errors, self.k)
        return self.printed[tp, errors]

    def any_prints(self) -> bool:
        """Whether some pair prints the digits, whatever the naive value says."""
        if any(option.bits.size for option in self.possible.values()):
            return True
        chunks = (slice(i, i + 50_000) for i in range(0, self.tp.size, 50_000))
        return any(kinds(self.text, self.tp[c], self.errors[c], self.k).any() for c in chunks)

    def _at(self, tp: Numbers, n: Numbers, size: int) -> tuple[Floats, Floats]:
        return self.curves[size].at(np.minimum(tp * size / n, float(size)))

    def _stretches(self, size: int) -> list[slice]:
        """Stretches of the pairs, looked at in 400 places, beyond which none fits.

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
        places = [np.searchsorted(self.tp, pair) for pair in [(0, SMALL), *ends]]
        return [slice(int(first), int(last)) for first, last in places]

    def _fitting(self, tp: Integers, errors: Integers, bits: Bits, size: int) -> Fitting:
        low, high, n = self.sizes(tp, errors, size)
        expected, sd = self.spread(tp, errors, n, size)
        residual = (self.naive - expected) / sd
        # The limit is not exact: what is listed is judged again by the exact law.
        fits = (np.abs(residual) <= LIMIT + 0.5) & (low <= n) & (n <= high) & (tp + errors <= n)
        pairs = Options(
            *(tp, errors, bits, n, low, high),
            self.misfit(residual, sd),
            self.prior(tp, errors, n),
        )
        kept = np.flatnonzero(fits)
        best = kept[np.argsort(pairs.cost()[kept], kind="stable")[:BEST]]
        numbers = np.bincount(bits[kept])
        return Fitting(pairs.take(best), np.flatnonzero(numbers), numbers[numbers > 0])
