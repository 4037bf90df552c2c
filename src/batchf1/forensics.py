"""From the digits that a Keras log prints to the counts and batches that can have printed them.

A true F1 printed with all its digits leaves few pairs (true positives, errors). The naive F1 beside
it says how many relevant samples a batch holds, the number of steps how many batches there were,
and the validation accuracy how many samples the errors are a share of. Each is weak; together
they can fix the data's shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from batchf1.averaging import Averaging
from batchf1.counts import Floats, Integers
from batchf1.errors import require
from batchf1.expectation import expect, large_data

SIZES = (
    *(1, 2, 4, 8, 10, 16, 20, 25, 30, 32, 50, 64, 100, 128, 200),
    *(250, 256, 300, 400, 500, 512, 1000, 1024, 2048),
)
"""Batch sizes that people use."""
LIMIT = 4.0
"""A naive value further than this from its expectation, in standard deviations, does not fit."""
EPSILON = 1e-7
"""`K.epsilon()`."""
SPLITS = 64
"""Up to so many errors every split into FP and FN is tried, beyond only so many of them."""
PAIRS = 500_000
"""At most about so many pairs are looked at for one printed value."""
ANY = 10_000_000
"""The largest data set that is thought of where the log bounds none."""
SOFT = 4.0
"""The most that differing prevalences can add to a score: they need not be equal."""

Bits = NDArray[np.int64]

# --- what a log says ---------------------------------------------------------------------------


class SplitLog(NamedTuple):
    """Printed texts of one split, for the digits matter; None where the log has none."""

    accuracy: str | None
    naive_f1: str | None
    exact_f1: str | None


class Log(NamedTuple):
    """`total` is what the progress bar counts up to: steps or, if `in_samples`, samples."""

    total: int | None
    in_samples: bool
    train: SplitLog
    validation: SplitLog


NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
PROGRESS = re.compile(r"(?:^|\s)(\d+)/(\d+)\s*(?:\[|━|-\s)")
METRIC = re.compile(rf"([A-Za-z_]\w*):\s*({NUMBER})(?![\w.])")
TRUE = re.compile(rf"^(.*?f[-_ ]?1[^\d]*?)[\s:=]+({NUMBER})$", re.IGNORECASE)
TRAIN, VALIDATION = re.compile("train", re.IGNORECASE), re.compile("val|test", re.IGNORECASE)


def parse(log_text: str) -> Log:
    """What a pasted Keras log prints: steps, accuracies, naive F1 and true F1 of both splits.

    The last complete progress line with an F1 counts, of Keras 2 or 3; a true F1 stands on a line
    of its own that names F1 and the split (train; val or test), and the last one counts. Of several
    F1 metrics `f1_batch_mean` is taken, else the first. Raises `InputError` for a log that has for
    no split both a naive and a true F1, for values outside [0, 1], and for a training set whose
    number of steps is missing while there is no validation to go by.
    """
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", log_text)
    lines = [line.strip() for line in re.split(r"[\r\n\x08]+", plain) if line.strip()]
    total, in_samples, metrics = _last_progress(lines)
    exact = _true_values(lines)
    train, validation = (
        SplitLog(_pick(metrics, prefix, "acc"), _pick(metrics, prefix, "f1"), exact.get(name))
        for prefix, name in (("", "train"), ("val_", "validation"))
    )
    log = Log(total, in_samples, train, validation)
    _check(log, log_text)
    return log


def _last_progress(lines: Sequence[str]) -> tuple[int | None, bool, dict[str, str]]:
    total, in_samples, metrics = None, False, {}
    for line in lines:
        bar, found = PROGRESS.search(line), dict(METRIC.findall(line))
        complete = bar is None or bar[1] == bar[2]
        if complete and any("f1" in name.lower() for name in found):
            if bar is None and "loss" not in found:
                continue  # a true F1 in the form `f1score_train: 0.9`
            total = int(bar[2]) if bar else total
            in_samples, metrics = "/sample" in line, found
    return total, in_samples, metrics


def _true_values(lines: Sequence[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        match = TRUE.match(line)
        if match is None or PROGRESS.search(line) or " - " in line:
            continue
        if VALIDATION.search(match[1]):
            found["validation"] = match[2]
        elif TRAIN.search(match[1]):
            found["train"] = match[2]
    return found


def _pick(metrics: dict[str, str], prefix: str, kind: str) -> str | None:
    """The text of the split's accuracy or naive F1."""
    named = {
        name[len(prefix) :]: text
        for name, text in metrics.items()
        if name.startswith("val_") == bool(prefix) and kind in name.lower()
    }
    return named.get("f1_batch_mean", next(iter(named.values()), None))


def _check(log: Log, text: str) -> None:
    for part in (log.train, log.validation):
        for name, value in part._asdict().items():
            require(value is None or 0 <= float(value) <= 1, name, "lies in [0, 1]", value)
    tied = _tied(log.validation) or (_tied(log.train) and log.total)
    rule = "needs the naive F1 on a progress line and the true F1 of the same split on its own line"
    shown = text.strip()[:60] or "nothing"
    require(bool(tied), "log", rule, shown)
    good = log.total is None or 1 <= log.total <= ANY
    require(good, "steps", f"is a whole number in 1 .. {ANY}", log.total)


def _tied(part: SplitLog) -> bool:
    return part.naive_f1 is not None and part.exact_f1 is not None and float(part.exact_f1) > 0


def half_unit(text: str) -> float:
    """Half a unit of the last printed digit of a number."""
    mantissa, _, power = text.lower().partition("e")
    return 0.5 * 10.0 ** (int(power or 0) - _decimals(mantissa))


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


# --- from a true F1 to counts ------------------------------------------------------------------


def _counts(tp: Any, fp: Any, fn: Any, _: Any) -> Any:
    return 2 * tp / (2 * tp + fp + fn)


def _harmonic(tp: Any, fp: Any, fn: Any, _: Any) -> Any:
    p, r = tp / (tp + fp), tp / (tp + fn)
    return 2 * p * r / (p + r)


def _inner(tp: Any, fp: Any, fn: Any, epsilon: Any) -> Any:
    p, r = tp / (tp + fp + epsilon), tp / (tp + fn + epsilon)
    return 2 * p * r / (p + r)


def _outer(tp: Any, fp: Any, fn: Any, epsilon: Any) -> Any:
    p, r = tp / (tp + fp), tp / (tp + fn)
    return 2 * p * r / (p + r + epsilon)


def _both(tp: Any, fp: Any, fn: Any, epsilon: Any) -> Any:
    p, r = tp / (tp + fp + epsilon), tp / (tp + fn + epsilon)
    return 2 * p * r / (p + r + epsilon)


FORMULAS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "2tp/(2tp+e)": _counts,
    "2pr/(p+r)": _harmonic,
    "2pr/(p+r), epsilon in p and r": _inner,
    "2pr/(p+r+epsilon)": _outer,
    "2pr/(p+r+epsilon), epsilon in p and r": _both,
}
"""The usual ways to compute F1; every operation in the dtype, epsilon = 1e-7."""
KINDS = [(name, dtype) for name in FORMULAS for dtype in ("float32", "float64")]
ROUNDED = (next(iter(FORMULAS)), "rounded")
"""The exact value, printed with a fixed number of decimals."""


class Print(NamedTuple):
    """A formula and dtype that prints the digits, and the FP (of those tried) with which it does.

    `dtype` is float32, float64 or rounded (float64, printed with `decimals` decimals).
    """

    formula: str
    dtype: str
    fp: tuple[int, ...]


def value_of(formula: str, dtype: str, tp: Any, fp: Any, fn: Any) -> Any:
    """F1 by a formula of `FORMULAS`, in float32 or float64 ("rounded" counts in float64).

    `tp`, `fp`, `fn`: whole numbers or int64 arrays of one shape, `tp` >= 1; the result has that
    shape and dtype. Raises `InputError` for another formula or dtype.
    """
    require(formula in FORMULAS, "formula", f"is one of {tuple(FORMULAS)}", formula)
    types: dict[str, Any] = {"float32": np.float32, "float64": np.float64, "rounded": np.float64}
    require(dtype in types, "dtype", f"is one of {tuple(types)}", dtype)
    tp, fp, fn = (np.asarray(part).astype(types[dtype]) for part in (tp, fp, fn))
    return FORMULAS[formula](tp, fp, fn, types[dtype](EPSILON))


def printed(value: float, dtype: str, decimals: int | None = None) -> str:
    """A value as it is printed: shortest digits of its dtype, or for "rounded" `decimals`."""
    if dtype == "rounded":
        return f"{value:.{decimals}f}"
    return str(np.asarray(value, dtype)[()])


def rounding(texts: Iterable[str]) -> int | None:
    """How many decimals a print of these values can have been rounded to; None if it was not.

    They are taken to be printed alike, so with as many as the longest has: 3 to 6, since who
    rounds keeps few. More are taken for the dtype's own digits.
    """
    longest = max(_decimals(text) if "e" not in text.lower() else 99 for text in texts)
    return longest if 3 <= longest <= 6 else None


def near(text: str, max_tp: int, decimals: int | None) -> tuple[Integers, Integers, int]:
    """Pairs (tp, e) with 2tp/(2tp+e) near enough to be printed as `text`, and the largest tp tried.

    Two int64 arrays in rising order of tp, 1 <= tp <= `max_tp`, e >= 0. The window is the
    rounding, or what five float32 operations (each half an ulp) and epsilons can do. tp
    stops early where about `PAIRS` pairs are found. Raises `InputError` unless 0 < F1 <= 1.
    """
    value = float(text)
    require(0 < value <= 1, "true F1", "lies in (0, 1]", text)
    width = value * 6e-7 + EPSILON
    if decimals is not None:
        width += 0.5 * 10.0**-decimals
    low, high = max(value - width, 1e-12), min(value + width, 1.0)
    least, most = 2 * (1 - high) / high, 2 * (1 - low) / low
    # tp^2/2 times the width is the expected number of pairs; with e = 0 allowed one more for each.
    bound = np.sqrt(2 * PAIRS / (most - least))
    last = int(min(max_tp, bound, PAIRS if high == 1 else np.inf))
    tp = np.arange(1, last + 1, dtype=np.int64)
    first = np.ceil(least * tp - 1e-9).astype(np.int64)
    number = np.maximum(np.floor(most * tp + 1e-9).astype(np.int64) - first + 1, 0)
    start = np.repeat(np.cumsum(number) - number, number)
    errors = np.repeat(first, number) + np.arange(number.sum()) - start
    return np.repeat(tp, number), errors, last


def kinds(text: str, tp: Integers, errors: Integers, decimals: int | None) -> Bits:
    """Which formulas and dtypes print `text`: bit i for `KINDS[i]`, the next bit for `ROUNDED`.

    int64 of the shape of `tp` and `errors`; 0 where none does. Beyond `SPLITS` errors only so many
    splits into FP and FN are tried, evenly spaced, so a formula with p and r apart may be missed.
    Where a print can be rounded that bit alone is looked for: it covers the others.
    """
    bits = np.zeros(tp.shape, np.int64)
    if decimals is not None:
        values = value_of(*ROUNDED, tp, errors, 0 * errors).tolist()
        good = [float(f"{value:.{decimals}f}") == float(text) for value in values]
        return np.array(good, np.int64) << len(KINDS)
    for fp in _splits(errors):
        for bit, (formula, dtype) in enumerate(KINDS):
            wanted = np.dtype(dtype).type(text)
            if str(wanted) == text:  # else no number of this dtype prints so
                bits |= (value_of(formula, dtype, tp, fp, errors - fp) == wanted) * (1 << bit)
    return bits


def _splits(errors: Integers) -> Iterator[Integers]:
    """False positives: each number up to the errors, or evenly spaced ones if these are many."""
    for part in range(min(int(errors.max(initial=0)), SPLITS) + 1):
        yield np.where(errors <= SPLITS, np.minimum(part, errors), part * errors // SPLITS)


def prints(text: str, tp: int, errors: int, decimals: int | None = None) -> tuple[Print, ...]:
    """Every formula and dtype that prints `text` for this pair, with the false positives."""
    pair = np.array([tp]), np.array([errors])
    tried = sorted({int(fp[0]) for fp in _splits(pair[1])})
    found = []
    for formula, dtype in KINDS:
        values = [value_of(formula, dtype, tp, fp, errors - fp) for fp in tried]
        good = [fp for fp, v in zip(tried, values, strict=True) if printed(v, dtype) == text]
        if good:
            found.append(Print(formula, dtype, tuple(good)))
    if kinds(text, *pair, decimals)[0] >> len(KINDS):
        found.append(Print(*ROUNDED, tuple(tried)))
    return tuple(found)


# --- what a naive value says -------------------------------------------------------------------


class _Curve(NamedTuple):
    """Expected naive F1 and `sd_batch` over log(true positives per batch), at one F1 and size."""

    place: Floats
    expected: Floats
    sd_batch: Floats

    def at(self, density: Floats) -> tuple[Floats, Floats]:
        logs = np.log(np.maximum(density, 1e-300))
        return (
            np.interp(logs, self.place, self.expected),
            np.interp(logs, self.place, self.sd_batch),
        )

    def where(self, value: float) -> float:
        """The density whose expectation comes nearest; the curve rises."""
        rising = np.maximum.accumulate(self.expected)
        return float(np.exp(np.interp(value, rising, self.place)))


def _curve(true_f1: float, size: int) -> _Curve:
    """In the limit of large data, for which F1 and the errors' number is enough.

    Precision and recall are set equal: the naive F1 depends on FP + FN only.
    """
    most = size / (2 - true_f1)  # positives per batch at which every sample is relevant
    coarse = np.geomspace(min(2e-3, most / 4), most * 0.999, 20)
    limits = [large_data(x / size, true_f1, true_f1, size) for x in coarse]
    place = np.log(coarse * true_f1)
    fine = np.linspace(place[0], place[-1], 600)
    expected = PchipInterpolator(place, [limit.expected_f1 for limit in limits])(fine)
    sd_batch = PchipInterpolator(place, [limit.sd_batch for limit in limits])(fine)
    return _Curve(fine, expected, sd_batch)


class _Options(NamedTuple):
    """Pairs of one split that fit at one batch size; a split that the log tells nothing of is None.

    `n`: the number of samples that fits best; `low` .. `high`: those that the log allows.
    """

    tp: Integers
    errors: Integers
    bits: Bits
    n: Integers
    low: Integers
    high: Integers
    residual: Floats

    def take(self, kept: Any) -> _Options:
        return _Options(*(np.asarray(part)[kept] for part in self))

    def cost(self) -> Floats:
        """Squared residual, and -2 log of a prior without a scale: the smaller pair is likelier."""
        return np.asarray(self.residual**2 + 2 * np.log(self.tp + self.errors))


class _Split:
    """What the log says of one split, and the pairs that print its true F1."""

    def __init__(self, name: str, part: SplitLog, log: Log, max_tp: int, k: int | None) -> None:
        self.name, self.part, self.log, self.k = name, part, log, k
        self.is_train = name == "training"
        self.told = _tied(part) and not (self.is_train and log.total is None)
        self.curves: dict[int, _Curve] = {}
        self.possible: dict[int, _Options] = {}
        if not self.told:
            return
        self.text, self.value = str(part.exact_f1), float(str(part.exact_f1))
        self.naive, self.half = float(str(part.naive_f1)), half_unit(str(part.naive_f1))
        self.tp, self.errors, self.last = near(self.text, max_tp, k)

    def residuals(self, tp: Integers, n: Integers, size: int) -> Floats:
        """(Printed - expected) / standard deviation, by the limit for large data."""
        expected, sd = self.curves[size].at(np.minimum(tp * size / n, float(size)))
        # A printed value is known to half a unit only.
        return np.asarray((self.naive - expected) / np.sqrt(sd**2 * size / n + self.half**2))

    def sizes(self, size: int) -> tuple[Integers, Integers, Integers]:
        """Lowest, highest number of samples for each pair, and the one that fits best."""
        relevant, one = self.tp + self.errors, np.ones_like(self.tp)
        low, high = train_range(self.log, size)
        if self.is_train:
            return low * one, high * one, train_size(self.log, size) * one
        lows, highs = np.maximum(relevant, 1), high * one
        if self.part.accuracy is not None:
            least, most = _by_accuracy(self.part.accuracy, self.errors)
            lows, highs = np.maximum(lows, least), np.minimum(highs, most)
        wish = np.rint(self.tp * size / self.curves[size].where(self.naive)).astype(np.int64)
        return lows, highs, np.clip(wish, lows, np.maximum(lows, highs))

    def screen(self, sizes: Sequence[int]) -> None:
        """Keep for each batch size the pairs that its naive value allows and a formula prints."""
        rough = {}
        bits = np.zeros(self.tp.shape, np.int64)
        for size in sizes:
            self.curves[size] = _curve(self.value, size)
            low, high, n = self.sizes(size)
            residual = self.residuals(self.tp, n, size)
            # The limit is not exact: what is listed is judged again by the exact law.
            fits = (np.abs(residual) <= LIMIT + 0.5) & (low <= n) & (n <= high)
            kept = np.flatnonzero(fits & (self.tp + self.errors <= n))
            found = _Options(self.tp, self.errors, bits, n, low, high, residual)
            rough[size] = kept, found.take(kept)
        used = np.unique(np.concatenate([kept for kept, _ in rough.values()]))
        bits[used] = kinds(self.text, self.tp[used], self.errors[used], self.k)
        for size, (kept, found) in rough.items():
            self.possible[size] = found._replace(bits=bits[kept]).take(bits[kept] > 0)

    def any_prints(self) -> bool:
        """Whether some pair prints the digits, whatever the naive value says."""
        if any(option.tp.size for option in self.possible.values()):
            return True
        chunks = (slice(i, i + 50_000) for i in range(0, self.tp.size, 50_000))
        return any(kinds(self.text, self.tp[c], self.errors[c], self.k).any() for c in chunks)

    def fitting(self, tp: int, low: int, high: int, size: int) -> tuple[int, int]:
        """The part of low .. high in which the naive value fits."""
        n = np.unique(np.rint(np.geomspace(low, high, 400)).astype(np.int64))
        good = n[np.abs(self.residuals(np.full_like(n, tp), n, size)) <= LIMIT]
        return (int(good[0]), int(good[-1])) if good.size else (low, high)


def train_size(log: Log, size: int) -> int:
    """Samples that an epoch sees, the last batch taken as full."""
    return log.total if log.in_samples and log.total else (log.total or 0) * size


def train_range(log: Log, size: int) -> tuple[int, int]:
    """Smallest and largest training set: the last batch short, or one more batch dropped."""
    if log.total is None:
        return 1, ANY
    if log.in_samples:
        return log.total, log.total
    return (log.total - 1) * size + 1, (log.total + 1) * size - 1


def _by_accuracy(text: str, errors: Integers) -> tuple[Integers, Integers]:
    """Numbers of samples of which these errors leave an accuracy that is printed so."""
    share, half = 1 - float(text), half_unit(text) + 1e-12
    low = np.ceil(errors / (share + half)).astype(np.int64)
    if share <= half:
        return low, np.full_like(errors, ANY)
    return low, np.floor(errors / (share - half)).astype(np.int64)


# --- the answer --------------------------------------------------------------------------------


class Split(NamedTuple):
    """One split of a candidate; None where the log does not tell.

    `n_samples` fits best, `n_low` .. `n_high` fit (by the law for large data, looked at in 400
    places; for training they are what the steps allow). `errors` = FP + FN. `residual` = (printed -
    expected) / sd, the sd with half a printed unit.
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


class Candidate(NamedTuple):
    """A shape of the data that can have printed the log; a smaller `score` fits better."""

    batch_size: int
    train: Split
    validation: Split
    score: float


class Answer(NamedTuple):
    """Candidates, best first; how many were left out; what remains open; what was read."""

    candidates: list[Candidate]
    left_out: int
    undetermined: list[str]
    log: Log


def investigate(
    log_text: str,
    averaging: Averaging = "size_weighted",
    batch_sizes: Sequence[int] = (),
    max_tp: int = 2_000_000,
    most: int = 200,
) -> Answer:
    """Every shape of the data that can have printed a log, best first, and what remains open.

    Tries `SIZES` and `batch_sizes`. A candidate prints both true F1 values by one common formula,
    and lies within `LIMIT` standard deviations of both naive values; the score adds the squared
    residuals, 2 log(tp + errors) of each split (of two that fit alike the smaller is likelier)
    and at most `SOFT` for prevalences that differ. Batches are random, of one size in both splits,
    0/0 counts 0, and validation is not larger than training. At most `most` are listed. Raises
    `InputError` as `parse`, for a batch size, `max_tp` or `most` below 1, or another averaging.
    """
    sizes = (("batch size", size) for size in batch_sizes)
    for name, value in (("max_tp", max_tp), ("most", most), *sizes):
        good = isinstance(value, int) and 1 <= value <= ANY
        require(good, name, f"is a whole number in 1 .. {ANY}", value)
    rules = get_args(Averaging)
    require(averaging in rules, "averaging", f"is one of {rules}", averaging)
    log = parse(log_text)
    k = rounding(part.exact_f1 for part in log[2:] if part.exact_f1 is not None)
    parts = [
        _Split("training", log.train, log, max_tp, k),
        _Split("validation", log.validation, log, max_tp, k),
    ]
    tried = sorted({*SIZES, *batch_sizes})
    for part in parts:
        if part.told:
            part.screen(tried)
    ranked, left_out = _combine(parts, tried, most)
    candidates = _judge(parts, ranked, averaging)
    return Answer(candidates, left_out, _undetermined(parts, candidates, left_out), log)


class _Choice(NamedTuple):
    """A row of the ranking: a batch size, and a pair or nothing of each split."""

    score: float
    size: int
    rows: tuple[_Options | None, _Options | None]


def _combine(parts: list[_Split], sizes: list[int], most: int) -> tuple[list[_Choice], int]:
    """The best combinations by the limit law, and the number of others."""
    choices, number = [], 0
    for size in sizes:
        options = [part.possible[size] if part.told else None for part in parts]
        found, count = _choices(size, options, most)
        choices += found
        number += count
    choices.sort(key=lambda choice: choice.score)
    # Each batch size has its best one listed, however well others fit.
    best = {choice.size: choice for choice in reversed(choices)}
    others = [choice for choice in choices if best[choice.size] is not choice]
    kept = [*sorted(best.values(), key=lambda choice: choice.score), *others][:most]
    return kept, number - len(kept)


def _choices(size: int, options: list[_Options | None], most: int) -> tuple[list[_Choice], int]:
    if options[0] is None or options[1] is None:
        alone = options[0] if options[1] is None else options[1]
        assert alone is not None  # parse refuses a log that tells of neither
        cost = alone.cost()
        best = np.argsort(cost, kind="stable")[:most]
        rows = [
            (alone.take(i), None) if options[1] is None else (None, alone.take(i)) for i in best
        ]
        found = [_Choice(float(cost[i]), size, r) for i, r in zip(best, rows, strict=True)]
        return found, len(cost)
    one, two = (part.take(np.argsort(part.cost(), kind="stable")) for part in options if part)
    count = _compatible(one.bits, two.bits)
    one, two = one.take(slice(1000)), two.take(slice(1000))
    score = one.cost()[:, None] + two.cost() + _unlike(one, two)
    score = np.where(one.bits[:, None] & two.bits, score, np.inf)
    best = np.argsort(score, axis=None, kind="stable")[:most]
    places = [divmod(int(i), max(two.tp.size, 1)) for i in best if score.flat[i] < np.inf]
    return [_Choice(float(score[i, j]), size, (one.take(i), two.take(j))) for i, j in places], count


def _compatible(one: Bits, two: Bits) -> int:
    """How many pairs of pairs share a formula."""
    kinds_one, number_one = np.unique(one, return_counts=True)
    kinds_two, number_two = np.unique(two, return_counts=True)
    shared = (kinds_one[:, None] & kinds_two) > 0
    return int((shared * np.outer(number_one, number_two)).sum())


def _unlike(one: _Options, two: _Options) -> Floats:
    """Squared log ratio of prevalences over its variance in random splits, `SOFT` at most."""
    positives = [part.tp + part.errors / 2 for part in (one, two)]
    logs = [np.log(p / part.n) for p, part in zip(positives, (one, two), strict=True)]
    variance = 1 / positives[0][:, None] + 1 / positives[1] + 0.01
    return np.asarray(np.minimum((logs[0][:, None] - logs[1]) ** 2 / variance, SOFT))


def _judge(parts: list[_Split], ranked: list[_Choice], averaging: Averaging) -> list[Candidate]:
    """Candidates by the exact law instead of the limit."""
    known: dict[Any, Split] = {}
    candidates = []
    for choice in ranked:
        score, splits = choice.score, []
        for part, row in zip(parts, choice.rows, strict=True):
            key = part.name, choice.size, *((int(row.tp), int(row.errors)) if row else ())
            if key not in known:
                known[key] = _split(part, row, choice.size, averaging)
            splits.append(known[key])
            if row is not None:
                score += float(splits[-1].residual or 0) ** 2 - float(row.residual) ** 2
        if all(abs(split.residual or 0) <= LIMIT for split in splits):
            candidates.append(Candidate(choice.size, splits[0], splits[1], score))
    return sorted(candidates, key=lambda candidate: candidate.score)


def _split(part: _Split, row: _Options | None, size: int, averaging: Averaging) -> Split:
    if row is None:
        if not part.is_train or part.log.total is None:
            return Split()
        return Split(train_size(part.log, size), *train_range(part.log, size))
    tp, errors, n = int(row.tp), int(row.errors), int(row.n)
    low, high = int(row.low), int(row.high)
    if not part.is_train:
        low, high = part.fitting(tp, low, high, size)
    fp = errors // 2  # only their sum matters
    law = expect(tp, fp, errors - fp, n - tp - errors, min(size, n), averaging)
    sd = float(np.hypot(law.sd, part.half))
    residual = (part.naive - law.expected_f1) / sd
    shown = prints(part.text, tp, errors, part.k)
    prevalence = (tp + errors / 2) / n
    return Split(n, low, high, tp, errors, prevalence, law.expected_f1, law.sd, residual, shown)


# --- what remains open -------------------------------------------------------------------------


def _undetermined(parts: list[_Split], found: list[Candidate], left_out: int) -> list[str]:
    said = _open(parts, found, left_out) if found else _why_not(parts)
    return [*said, *_premises(parts)]


def _why_not(parts: list[_Split]) -> list[str]:
    told = [part for part in parts if part.told]
    for part in told:
        if not part.any_prints():
            return [
                f"Nothing fits: no counts up to {part.last:,} true positives print the {part.name} "
                f"F1 {part.text} by a formula of the table."
            ]
    for part in told:
        if not any(option.tp.size for option in part.possible.values()):
            return [
                f"Nothing fits: at no batch size tried is the naive {part.name} F1 "
                f"{part.part.naive_f1} within {LIMIT:g} standard deviations of what counts lead to "
                f"that print {part.text} and suit the steps and the validation accuracy."
            ]
    return ["Nothing fits: each split has its shapes, but none of one batch size and formula."]


def _open(parts: list[_Split], found: list[Candidate], left_out: int) -> list[str]:
    among = "listed" if left_out else "tried"
    said = [_listed("batch size", [c.batch_size for c in found], among)]
    said += _lead(found)
    for i, part in enumerate(parts):
        splits = [split for c in found for split in c[1 + i : 2 + i] if isinstance(split, Split)]
        said.append(_pairs(part, splits, among))
        if part.told or (part.is_train and part.log.total):
            said.append(_samples(part, splits[0], found[0].batch_size))
    shared = {(p.formula, p.dtype) for c in found for p in _common(c)}
    names = [f"{name} in {dtype}" for name, dtype in sorted(shared)]
    said.append(_listed("formula of the true F1", names, among))
    if left_out:
        said.append(f"{left_out:,} more combinations fit and are not listed.")
    return said


def _lead(found: list[Candidate]) -> list[str]:
    """How far the second batch size is behind the first."""
    first = found[0]
    others = [candidate for candidate in found if candidate.batch_size != first.batch_size]
    if not others:
        return []
    return [
        f"Batches of {others[0].batch_size} score {others[0].score - first.score:.1f} worse than "
        f"{first.batch_size}; 4 is as much as two standard deviations, 9 as three."
    ]


def _common(candidate: Candidate) -> list[Print]:
    """The prints of the first split whose formula and dtype the other has too."""
    one, two = candidate.train.prints, candidate.validation.prints
    shared = {(p.formula, p.dtype) for p in two or one}
    return [p for p in one or two if (p.formula, p.dtype) in shared]


def _listed(name: str, values: Sequence[Any], among: str) -> str:
    different = list(dict.fromkeys(values))
    if len(different) == 1:
        return f"The {name} is determined, among those {among}: {different[0]}."
    shown = "; ".join(map(str, different[:8])) + ("; ..." if len(different) > 8 else "")
    return f"The {name} is not determined: {len(different)} fit: {shown}."


def _pairs(part: _Split, splits: Sequence[Split], among: str) -> str:
    if not part.told:
        need = "a naive F1, a true F1 above 0 and, for training, the steps"
        return f"The {part.name} counts are not told: they need {need}."
    pairs = sorted({(split.tp or 0, split.errors or 0) for split in splits})
    if len(pairs) == 1:
        return (
            f"The {part.name} counts are determined, among those {among} (up to {part.last:,} true "
            f"positives): TP {pairs[0][0]}, FP + FN {pairs[0][1]}."
        )
    (low, few), (high, many) = pairs[0], pairs[-1]
    return (
        f"The {part.name} counts are not determined: {len(pairs)} pairs are listed, from TP {low}, "
        f"FP + FN {few} to TP {high}, FP + FN {many}."
    )


def _samples(part: _Split, split: Split, size: int) -> str:
    if split.n_low == split.n_high:
        return f"The {part.name} set of the best candidate has {split.n_low} samples."
    why = " (the last batch may be short or dropped)" if part.is_train else ""
    return (
        f"The {part.name} set is not determined: with batches of {size} the best candidate allows "
        f"{split.n_low} to {split.n_high} samples{why}."
    )


def _premises(parts: list[_Split]) -> list[str]:
    log = parts[0].log
    bar = "samples" if log.in_samples else "steps (`fit` of Keras 2.2.4 on arrays counts samples)"
    said = [
        "How the errors divide into FP and FN shows only where a formula prints with some splits.",
        "Taken for granted: random batches, one batch size in both splits, 0/0 counts 0, both true "
        "values computed and printed alike, validation not larger than training, and a progress "
        f"bar that counts {bar}.",
        "The naive training F1 and accuracy are of weights that still move: the counts after the "
        "epoch explain the one as far as the weights had settled, and the other is not used.",
    ]
    if any(part.told and float(str(part.part.exact_f1)) < 1 for part in parts):
        said.append(
            f"With more than {SPLITS} errors not every split into FP and FN was tried, so pairs "
            "that only a formula with precision and recall prints may be missing."
        )
    return said
