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
from scipy.interpolate import CubicSpline

from batchf1.errors import require
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Floats, Integers, as_counts
from batchf1.theory.expectation import expect
from batchf1.theory.laws import binomial

SIZES = (
    *range(1, 257),
    *(300, 320, 350, 384, 400, 450, 480, 500, 512, 600, 640, 700, 750, 768, 800, 900, 1000, 1024),
    *(1200, 1250, 1280, 1500, 1536, 1600, 2000, 2048, 2500, 3000, 4000, 4096, 5000, 6000, 8000),
    *(8192, 10000, 16384, 20000, 32768, 50000, 65536),
)
"""Batch sizes tried where none is named: every one up to 256, and larger ones that people use."""
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
BEST = 500
"""At most so many pairs of one split are combined at one batch size."""
SMALL = 100
"""Pairs with fewer true positives are always looked at one by one."""
SHARES = (1, 2 / 3, 1 / 2, 3 / 7, *(1 / k for k in range(3, 11)), 1 / 19)
"""Validation samples for each training sample where data are split as people do."""
AS_WELL = 0.1
"""Numbers of samples whose naive values are no more standard deviations off fit alike."""
SOFT = 4.0
"""The most that differing prevalences can add to a score, for they need not be equal; or the errors
of the epoch and of the weights after it."""

Bits = NDArray[np.int64]
Numbers = Any
"""int64 or float64 arrays, or single numbers."""

# --- what a log says ---------------------------------------------------------------------------


class SplitLog(NamedTuple):
    """Printed texts of one split, for the digits matter; None where the log has none."""

    accuracy: str | None
    naive_f1: str | None
    exact_f1: str | None


class Log(NamedTuple):
    """What a log says.

    `total` is what the progress bar counts up to: steps or, if `in_samples`, samples; `unit_told`
    says whether the log shows which, else steps are assumed. `averaging` is None where the form of
    the log does not tell the Keras well enough. `earlier_f1`: naive training F1 an epoch before.
    """

    total: int | None
    in_samples: bool
    train: SplitLog
    validation: SplitLog
    validation_samples: int | None = None
    unit_told: bool = False
    keras: str = "Keras 2"
    averaging: Averaging | None = None
    earlier_f1: str | None = None


NUMBER = r"(?:\d++(?:\.\d*+|,\d++)?+|[.,]\d++)(?:[eE][+-]?\d{1,4})?+(?:\s?%)?+"
"""Possessive, so that no text takes more than linear time."""
WRAPPED = re.compile(r"\b(?:np|numpy)\.float\d\d\(([^()\s]{1,40})\)")
HEADER = re.compile(
    r"Train (?:on|for) (\d{1,9}) (samples|steps)"
    r"(?:, validate (?:on|for) (\d{1,9}) (samples|steps))?"
)
PROGRESS = re.compile(r"(?:^|\s)(\d{1,99})/(\d{1,99})\s*+(\[|━|-\s)")
METRIC = re.compile(rf"(?<!\w)([A-Za-z_]\w*+):\s*+({NUMBER})(?![\w.])")
VALUE = re.compile(rf"[\s:=]({NUMBER})$")
NAMES_F1 = re.compile(r"f[-_ ]?1\D*+$", re.IGNORECASE)
TRAIN, VALIDATION = re.compile("train", re.IGNORECASE), re.compile("val|test", re.IGNORECASE)


class Printer(NamedTuple):
    """What only some Keras print: how they average a metric function and what their bars count."""

    form: str
    name: str
    averaging: Averaging | None
    counts: str | None


OLD_TF = "tf.keras of TensorFlow 1.13 to 2.1"
PRINTERS = [
    Printer(r"━|\d/\d+ - \S+ - \S+/step -", "Keras 3", "per_batch", "steps"),
    Printer(r"/sample", OLD_TF, "per_batch", "samples"),
    Printer(r"^Train (?:for|on \d+ (?:steps|samples$))", OLD_TF, "per_batch", None),
    Printer(r"/epoch - ", "tf.keras of TensorFlow 2.2 or later", "per_batch", "steps"),
    Printer(r"^\d+/\d+ - ", "tf.keras later than TensorFlow 1.13", "per_batch", None),
    Printer(r"(?<!\w)accuracy:", "Keras 2.3 or later (before, it is acc)", "per_batch", None),
    Printer(r"^Train on", "Keras 2.0 to 2.3, or tf.keras up to TensorFlow 1.12", None, None),
    Printer(r"", "Keras 2", None, None),
]
"""The first whose form is found in the progress line, or in the header of its `fit`, counts.

Read in the sources of Keras 2.2.4, 2.3.1 and 3.15, tf_keras 2.21 and TensorFlow 1.12 and 1.13
(`Progbar`, `ProgbarLogger`, `fit_loop`): Keras 2.2.4, which averages by size, and 2.3.1, which does
not, print alike but for the name of the accuracy.
"""


class _Progress(NamedTuple):
    """A complete progress line with an F1, its metrics, and the header of its `fit`."""

    line: str
    total: int | None
    metrics: dict[str, str]
    header: re.Match[str] | None


def parse(log_text: str) -> Log:
    """What a pasted Keras log prints: sizes, accuracies, naive F1 and true F1 of both splits.

    The last complete progress line with an F1 counts (one with a validation F1 before others, for
    `evaluate` prints one without), of Keras 2 or 3; `Train on ... samples` above it says that its
    bar counts samples. A true F1 stands on a line of its own that names F1 and the split (train;
    val or test), and the last one counts. Of several F1 metrics `f1_batch_mean` is taken, else the
    first. Numbers may have a decimal comma, be percentages or stand in `np.float64()`. Raises
    `InputError` for a log that has for no split both a naive and a true F1, for values outside
    [0, 1], and for a training set whose number of steps is missing while there is no validation to
    go by.
    """
    plain = WRAPPED.sub(r"\1", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", log_text))
    lines = [line.strip() for line in re.split(r"[\r\n\x08]+", plain) if line.strip()]
    progress, earlier = _last_progress(lines)
    exact = _true_values(lines)
    train, validation = (
        SplitLog(
            _pick(progress.metrics, prefix, "acc"),
            _pick(progress.metrics, prefix, "f1"),
            exact.get(name),
        )
        for prefix, name in (("", "train"), ("val_", "validation"))
    )
    log = _sized(progress, train, validation)._replace(earlier_f1=earlier)
    _check(log, log_text)
    return log


def _last_progress(lines: Sequence[str]) -> tuple[_Progress, str | None]:
    """The line that counts, and the naive training F1 of the like one before."""
    header, found = None, [_Progress("", None, {}, None)]
    for line in lines:
        header = HEADER.search(line) or header
        bar, metrics = PROGRESS.search(line), dict(METRIC.findall(line))
        complete = bar is None or bar[1] == bar[2]
        if not complete or not any("f1" in name.lower() for name in metrics):
            continue
        if bar is None and "loss" not in metrics:
            continue  # a true F1 in the form `f1score_train: 0.9`
        found.append(_Progress(line, int(bar[2]) if bar else None, metrics, header))
    validated = [progress for progress in found if _pick(progress.metrics, "val_", "f1")]
    *before, last = validated or found
    same = [p for p in before if p.header is last.header and p.total == last.total]
    return last, _pick(same[-1].metrics, "", "f1") if same else None


def _sized(progress: _Progress, train: SplitLog, validation: SplitLog) -> Log:
    """The log with the numbers of samples or steps, and the Keras that printed it."""
    header = progress.header
    if header and progress.total not in (None, int(header[1])):
        header = None  # of another `fit`
    shown = f"{header[0] if header else ''}\n{progress.line}"
    printer = next(p for p in PRINTERS if re.search(p.form, shown, re.MULTILINE))
    counts = header[2] if header else printer.counts
    return Log(
        int(header[1]) if header else progress.total,
        counts == "samples",
        train,
        validation,
        int(header[3]) if header and header[4] == "samples" else None,
        counts is not None,
        printer.name,
        printer.averaging,
    )


def _true_values(lines: Sequence[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        value = VALUE.search(line)
        if value is None or PROGRESS.search(line) or " - " in line:
            continue
        name = line[: value.start()]
        if not NAMES_F1.search(name):
            continue
        if VALIDATION.search(name):
            found["validation"] = _plain(value[1])
        elif TRAIN.search(name):
            found["train"] = _plain(value[1])
    return found


def _plain(text: str) -> str:
    """A printed number with a decimal point and no space."""
    return text.replace(",", ".").replace(" ", "")


def _pick(metrics: dict[str, str], prefix: str, kind: str) -> str | None:
    """The text of the split's accuracy or naive F1."""
    named = {
        name[len(prefix) :]: _plain(text)
        for name, text in metrics.items()
        if name.startswith("val_") == bool(prefix) and kind in name.lower()
    }
    return named.get("f1_batch_mean", next(iter(named.values()), None))


def _check(log: Log, text: str) -> None:
    for part in (log.train, log.validation):
        for name, value in part._asdict().items():
            require(value is None or 0 <= number(value) <= 1, name, "lies in [0, 1]", value)
    tied = _tied(log.validation) or (_tied(log.train) and log.total)
    rule = "needs the naive F1 on a progress line and the true F1 of the same split on its own line"
    shown = text.strip()[:60] or "nothing"
    require(bool(tied), "log", rule, shown)
    for name, total in (("steps", log.total), ("validation samples", log.validation_samples)):
        good = total is None or 1 <= total <= ANY
        require(good, name, f"is a whole number in 1 .. {ANY}", total)


def _tied(part: SplitLog) -> bool:
    return part.naive_f1 is not None and part.exact_f1 is not None and number(part.exact_f1) > 0


def number(text: str) -> float:
    """The value of a printed number or percentage."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def half_unit(text: str) -> float:
    """Half a unit of the last printed digit, of the value: 0.00005 for 99.75%."""
    _, _, power = text.rstrip("%").lower().partition("e")
    return float(f"0.5e{int(power or 0) - _decimals(text)}")


def _decimals(text: str) -> int:
    """Decimals of the value as it is written: 4 for 99.75%."""
    mantissa = text.rstrip("%").lower().partition("e")[0]
    return len(mantissa.partition(".")[2]) + (2 if text.endswith("%") else 0)


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


def printed(value: float, dtype: str, decimals: int | None = None, percent: bool = False) -> str:
    """A value as it is printed: shortest digits of its dtype, or for "rounded" `decimals`.

    As a percentage 100 times the value is printed, computed in that dtype, with two decimals less.
    """
    if dtype == "rounded":
        return f"{value:.{(decimals or 2) - 2}%}" if percent else f"{value:.{decimals}f}"
    shown = np.asarray(value, dtype)[()]
    return f"{100 * shown!s}%" if percent else str(shown)


def rounding(texts: Iterable[str]) -> int | None:
    """How many decimals a print of these values can have been rounded to; None if it was not.

    They are taken to be printed alike, so with as many as the longest has: 3 to 6, since who
    rounds keeps few (of a percentage also 0: 2 of the value). More are taken for the dtype's own
    digits.
    """
    shown = list(texts)
    longest = max(_decimals(text) if "e" not in text.lower() else 99 for text in shown)
    fewest = 2 if any(text.endswith("%") for text in shown) else 3
    return longest if fewest <= longest <= 6 else None


def near(text: str, max_tp: int, decimals: int | None) -> tuple[Integers, Integers, int]:
    """Pairs (tp, e) with 2tp/(2tp+e) near enough to be printed as `text`, and the largest tp tried.

    Two int64 arrays in rising order of tp, 1 <= tp <= `max_tp`, e >= 0. The window is the
    rounding, or what five float32 operations (each half an ulp) and epsilons can do. tp
    stops early where about `PAIRS` pairs are found. Raises `InputError` unless 0 < F1 <= 1.
    """
    value = number(text)
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
    many = np.maximum(np.floor(most * tp + 1e-9).astype(np.int64) - first + 1, 0)
    start = np.repeat(np.cumsum(many) - many, many)
    errors = np.repeat(first, many) + np.arange(many.sum()) - start
    return np.repeat(tp, many), errors, last


def kinds(text: str, tp: Integers, errors: Integers, decimals: int | None) -> Bits:
    """Which formulas and dtypes print `text`: bit i for `KINDS[i]`, the next bit for `ROUNDED`.

    int64 of the shape of `tp` and `errors`; 0 where none does. Beyond `SPLITS` errors only so many
    splits into FP and FN are tried, evenly spaced, so a formula with p and r apart may be missed.
    Where a print can be rounded that bit alone is looked for: it covers the others.
    """
    if decimals is not None:
        return _rounds(text, value_of(*ROUNDED, tp, errors, 0 * errors), decimals) << len(KINDS)
    bits = np.zeros(tp.shape, np.int64)
    digits, scale = text.rstrip("%"), 100 if text.endswith("%") else 1
    for fp in _splits(errors):
        for bit, (formula, dtype) in enumerate(KINDS):
            wanted = np.dtype(dtype).type(digits)
            if str(wanted) == digits:  # else no number of this dtype prints so
                shown = scale * value_of(formula, dtype, tp, fp, errors - fp)
                bits |= (shown == wanted) * (1 << bit)
    return bits


def _rounds(text: str, values: Floats, decimals: int) -> Bits:
    """1 where a value is printed as `text` with so many decimals, else 0."""
    off, half = np.abs(values - number(text)), 0.5 * 10.0**-decimals
    good = off < half * (1 - 1e-8)
    percent = text.endswith("%")
    for i in np.flatnonzero(~good & (off < half * (1 + 1e-8))):  # a tie: as floats are printed
        good[i] = number(printed(values[i], "rounded", decimals, percent)) == number(text)
    return good.astype(np.int64)


def _splits(errors: Integers) -> Iterator[Integers]:
    """False positives: each number up to the errors, or evenly spaced ones if these are many."""
    for part in range(min(int(errors.max(initial=0)), SPLITS) + 1):
        yield np.where(errors <= SPLITS, np.minimum(part, errors), part * errors // SPLITS)


def prints(text: str, tp: int, errors: int, decimals: int | None = None) -> tuple[Print, ...]:
    """Every formula and dtype that prints `text` for this pair, with the false positives."""
    pair = np.array([tp]), np.array([errors])
    tried = np.unique([int(fp[0]) for fp in _splits(pair[1])])
    percent, found = text.endswith("%"), []
    for formula, dtype in KINDS:
        values = value_of(formula, dtype, np.full_like(tried, tp), tried, errors - tried)
        good = [printed(value, dtype, percent=percent) == text for value in values]
        if any(good):
            found.append(Print(formula, dtype, tuple(tried[good].tolist())))
    if kinds(text, *pair, decimals)[0] >> len(KINDS):
        found.append(Print(*ROUNDED, tuple(tried.tolist())))
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


def _curves(true_f1: float, sizes: Sequence[int]) -> dict[int, _Curve]:
    """In the limit of large data, for which F1 and the errors' number is enough.

    Each of M ~ Binomial(size, r) relevant samples of a batch is a true positive with the same
    probability, so that F1's moments given M are the same at every size.
    """
    share = true_f1 / (2 - true_f1)  # of true positives among relevant samples
    given = _Given(share, max(sizes))
    return {size: _curve(given, share, size) for size in sizes}


class _Given:
    """Means of F, F^2 and T F given the number M of relevant samples; F = 2T / (T + M)."""

    def __init__(self, share: float, most: int) -> None:
        few = np.arange(257.0)
        many = np.unique(np.rint(np.geomspace(257, max(most, 257), 80)))
        parts = [self._moments(share, relevant) for relevant in (few, many)]
        self.place = -1 / np.maximum(np.concatenate([few, many]), 0.5)
        self.values = np.concatenate(parts, axis=1)

    @staticmethod
    def _moments(share: float, relevant: Floats) -> Floats:
        law = binomial(share, relevant)
        value = 2 * law.points / np.maximum(law.points + relevant[:, None], 1)
        moments = value, value**2, law.points * value / np.maximum(relevant, 1)[:, None]
        return np.array([(law.weights * part).sum(axis=1) for part in moments])

    def __call__(self, relevant: Floats) -> Floats:
        """The three, the last divided by M: shape (3, *relevant.shape)."""
        place = -1 / np.maximum(relevant, 0.5)  # in 1/M they are smooth
        return np.array([np.interp(place, self.place, values) for values in self.values])


def _curve(given: _Given, share: float, size: int) -> _Curve:
    """Mean and standard deviation, this without what is linear in the counts (`large_data`)."""
    rate = -np.expm1(-np.geomspace(min(1e-5 / (share * size), 1e-3), 7, 100))
    density = rate * share * size
    law = binomial(rate, float(size))
    relevant, mean = law.points, size * rate
    value, square, top = given(relevant)
    # Counts of all batches add up to those of the data: what is linear in them does not move.
    f, ff = ((law.weights * part).sum(axis=1) for part in (value, square))
    with_m = (law.weights * (relevant - mean[:, None]) * value).sum(axis=1)
    with_t = (law.weights * relevant * (top - share * value)).sum(axis=1)
    linear = with_m**2 / (mean * (1 - rate)) + with_t**2 / (mean * share * max(1 - share, 1e-12))
    sd = np.sqrt(np.maximum(ff - f**2 - linear, 0))
    place = np.log(density)
    fine = np.linspace(place[0], place[-1], 600)
    expected, spread = CubicSpline(place, np.array([f, sd]).T)(fine).T
    return _Curve(fine, expected, np.maximum(spread, 0))


class _Options(NamedTuple):
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

    def take(self, kept: Any) -> _Options:
        return _Options(*(np.asarray(part)[kept] for part in self))

    def cost(self) -> Floats:
        """-2 log of likelihood times prior."""
        return np.asarray(self.misfit + self.prior)


class _Fitting(NamedTuple):
    """The best pairs of one split at one batch size, and how many there are of each `bits`."""

    best: _Options
    bits: Bits
    numbers: Integers


class _Split:
    """What the log says of one split, and the pairs that print its true F1."""

    def __init__(self, name: str, part: SplitLog, log: Log, max_tp: int, k: int | None) -> None:
        self.name, self.part, self.log, self.k = name, part, log, k
        self.is_train = name == "training"
        self.told = _tied(part) and not (self.is_train and log.total is None)
        self.curves: dict[int, _Curve] = {}
        self.possible: dict[int, _Fitting] = {}
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
        expected, sd = self.curves[size].at(np.minimum(tp * size / n, float(size)))
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
        before, _ = self.curves[size].at(np.minimum(tp * size / n, float(size)))
        then, _ = self.curves[size].at(np.minimum(of_relevant * tp * size / n, float(size)))
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
            least, most = _by_accuracy(self.part.accuracy, errors)
            lows, highs = np.maximum(lows, least), np.minimum(highs, most)
        wish = np.rint(tp * size / self.curves[size].where(self.naive)).astype(np.int64)
        return lows, highs, np.clip(wish, lows, np.maximum(lows, highs))

    def screen(self, sizes: Sequence[int]) -> None:
        """Keep for each batch size the pairs that its naive value allows and a formula prints."""
        self.curves = _curves(self.value, sizes)
        used = np.zeros(self.tp.shape, bool)
        for size in sizes:
            for part in self._stretches(size):
                used[part] = True
        bits = kinds(self.text, self.tp[used], self.errors[used], self.k)
        tp, errors, bits = (part[bits > 0] for part in (self.tp[used], self.errors[used], bits))
        for size in sizes:
            self.possible[size] = self._fitting(tp, errors, bits, size)

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

    def _fitting(self, tp: Integers, errors: Integers, bits: Bits, size: int) -> _Fitting:
        low, high, n = self.sizes(tp, errors, size)
        expected, sd = self.spread(tp, errors, n, size)
        residual = (self.naive - expected) / sd
        # The limit is not exact: what is listed is judged again by the exact law.
        fits = (np.abs(residual) <= LIMIT + 0.5) & (low <= n) & (n <= high) & (tp + errors <= n)
        pairs = _Options(
            *(tp, errors, bits, n, low, high),
            self.misfit(residual, sd),
            self.prior(tp, errors, n),
        )
        kept = np.flatnonzero(fits)
        best = kept[np.argsort(pairs.cost()[kept], kind="stable")[:BEST]]
        numbers = np.bincount(bits[kept])
        return _Fitting(pairs.take(best), np.flatnonzero(numbers), numbers[numbers > 0])

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

    def reach(
        self, tp: int, errors: int, n: int, low: int, high: int, size: int
    ) -> tuple[int, int]:
        """The part of low .. high, with n in it, in which the naive value fits."""
        tried = np.unique(np.rint(np.geomspace(low, high, 400)).astype(np.int64))
        pair = np.full_like(tried, tp), np.full_like(tried, errors)
        good = [*tried[np.abs(self.residuals(*pair, tried, size)) <= LIMIT].tolist(), n]
        return min(good), max(good)

    def rounded(self, tp: int, errors: int, n: int, low: int, high: int, size: int) -> int:
        """The simple share of the training set next to n that fits as well, else n."""
        shares = np.rint(train_size(self.log, size) * np.array(SHARES)).astype(np.int64)
        shares = shares[(low <= shares) & (shares <= high)]
        pair = np.full_like(shares, tp), np.full_like(shares, errors)
        good = shares[np.abs(self.residuals(*pair, shares, size)) <= AS_WELL]
        return int(good[np.argmin(np.abs(good - n))]) if good.size else n


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


def _by_accuracy(text: str, errors: Numbers) -> tuple[Numbers, Numbers]:
    """Numbers of samples of which these errors leave an accuracy that is printed so."""
    share, half = 1 - number(text), half_unit(text) + 1e-12
    low = np.ceil(errors / (share + half)).astype(np.int64)
    if share <= half:
        return low, np.full_like(errors, ANY)
    return low, np.floor(errors / (share - half)).astype(np.int64)


# --- the answer --------------------------------------------------------------------------------


class Split(NamedTuple):
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
    train: Split
    validation: Split
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


def investigate(
    log_text: str,
    averaging: Averaging | None = None,
    batch_sizes: Sequence[int] = (),
    max_tp: int = 2_000_000,
    most: int = 200,
) -> Answer:
    """Every shape of the data that can have printed a log, best first, and what remains open.

    Tries `batch_sizes`, or `SIZES` where none is given; `averaging` None is that of the Keras which
    the log shows, size_weighted where it shows none. A candidate prints both true F1 values by one
    common formula, and lies within `LIMIT` standard deviations of both naive values. The score is
    -2 log of the probability that normal values are printed so, and of what is likely beforehand:
    `rarity` of the batch size, 2 log(tp + errors) of each split (of two that fit alike the smaller
    is likelier), and at most `SOFT` each for prevalences that differ and for an epoch whose
    accuracy tells of other errors than the weights after it make. Batches are random, of one size
    in both splits, 0/0 counts 0, and validation, unless the log prints its size, is not larger than
    training. At most `most` are listed. Raises `InputError` as `parse`,
    for a batch size, `max_tp` or `most` below 1, or another averaging.
    """
    _check_settings(averaging, batch_sizes, max_tp, most)
    log = parse(log_text)
    rule: Averaging = averaging or log.averaging or "size_weighted"
    k = rounding(p.exact_f1 for p in (log.train, log.validation) if p.exact_f1 is not None)
    parts = [
        _Split("training", log.train, log, max_tp, k),
        _Split("validation", log.validation, log, max_tp, k),
    ]
    tried = sorted({*(batch_sizes or SIZES)})
    for part in parts:
        if part.told:
            part.screen(tried)
    ranked, number_fitting = _combine(parts, tried, most)
    candidates, judged = _judge(parts, ranked, rule, most)
    answer = Answer(candidates, number_fitting - judged, [], log, tried, rule)
    return answer._replace(undetermined=_undetermined(parts, answer))


def _check_settings(
    averaging: str | None, batch_sizes: Sequence[int], max_tp: int, most: int
) -> None:
    named = (("batch size", size) for size in batch_sizes)
    for name, value in (("max_tp", max_tp), ("most", most), *named):
        good = isinstance(value, int) and 1 <= value <= ANY
        require(good, name, f"is a whole number in 1 .. {ANY}", value)
    rules = get_args(Averaging)
    require(averaging in (None, *rules), "averaging", f"is one of {rules}", averaging)


def rarity(size: int) -> float:
    """-2 log of how often people choose a batch size, but for a constant.

    0 for 32, Keras' default, and 1 more with each halving or doubling of it, 9 at most; 4 for a
    multiple of 10, 6 for a multiple of 25 or 3 times a power of two, 9 for the rest: chosen 7, 20
    and 90 times less often than 32. An assumption, not a measurement.
    """
    if size & (size - 1) == 0:
        return float(min(abs(size.bit_length() - 6), 9))
    if size % 10 == 0:
        return 4.0
    third, rest = divmod(size, 3)
    return 6.0 if size % 25 == 0 or (rest == 0 and third & (third - 1) == 0) else 9.0


class _Choice(NamedTuple):
    """A row of the ranking: a batch size, and a pair or nothing of each split."""

    score: float
    size: int
    rows: tuple[_Options | None, _Options | None]


def _combine(parts: list[_Split], sizes: list[int], most: int) -> tuple[list[_Choice], int]:
    """Combinations in the order in which they deserve to be judged, and how many fit in all."""
    choices, number = [], 0
    for size in sizes:
        options = [part.possible[size] if part.told else None for part in parts]
        found, count = _choices(size, options, most)
        choices += found
        number += count
    choices.sort(key=lambda choice: choice.score)
    # The best of each batch size comes into the first half of the list, however well others fit.
    best = {choice.size: choice for choice in reversed(choices)}
    first = sorted(best.values(), key=lambda choice: choice.score)[: max(most // 2, 1)]
    early = {id(choice) for choice in first}
    return [*first, *(choice for choice in choices if id(choice) not in early)], number


def _choices(size: int, options: list[_Fitting | None], most: int) -> tuple[list[_Choice], int]:
    """The best combinations at one batch size, and the number of all."""
    one, two = options
    rare = rarity(size)
    if one is None or two is None:
        alone = one or two
        assert alone is not None  # parse refuses a log that tells of neither
        rows = [alone.best.take(i) for i in range(len(alone.best.tp[:most]))]
        pairs = [(row, None) if two is None else (None, row) for row in rows]
        costs = rare + alone.best.cost()[:most]
        found = [_Choice(float(c), size, r) for c, r in zip(costs, pairs, strict=True)]
        return found, int(alone.numbers.sum())
    shared = (one.bits[:, None] & two.bits) > 0
    count = int((shared * np.outer(one.numbers, two.numbers)).sum())
    score = rare + one.best.cost()[:, None] + two.best.cost() + _unlike(one.best, two.best)
    score = np.where(one.best.bits[:, None] & two.best.bits, score, np.inf)
    order = np.argsort(score, axis=None, kind="stable")[:most]
    places = [divmod(int(i), score.shape[1]) for i in order if score.flat[i] < np.inf]
    return [
        _Choice(float(score[i, j]), size, (one.best.take(i), two.best.take(j))) for i, j in places
    ], count


def _unlike(one: _Options, two: _Options) -> Floats:
    """Squared log ratio of prevalences over its variance in random splits, `SOFT` at most."""
    positives = [part.tp + part.errors / 2 for part in (one, two)]
    logs = [np.log(p / part.n) for p, part in zip(positives, (one, two), strict=True)]
    variance = 1 / positives[0][:, None] + 1 / positives[1] + 0.01
    return np.asarray(np.minimum((logs[0][:, None] - logs[1]) ** 2 / variance, SOFT))


def _judge(
    parts: list[_Split], ranked: list[_Choice], averaging: Averaging, most: int
) -> tuple[list[Candidate], int]:
    """Up to `most` candidates by the exact law instead of the limit, and how many were judged."""
    known: dict[Any, tuple[Split, float]] = {}
    candidates: list[Candidate] = []
    judged = 0
    for choice in ranked[: 2 * most + 100]:
        if len(candidates) == most:
            break
        judged += 1
        score, splits = choice.score, []
        for part, row in zip(parts, choice.rows, strict=True):
            key = part.name, choice.size, *((int(row.tp), int(row.errors)) if row else ())
            if key not in known:
                known[key] = _split(part, row, choice.size, averaging)
            split, misfit = known[key]
            splits.append(split)
            score += misfit - float(row.misfit if row else 0)
        if all(abs(split.residual or 0) <= LIMIT for split in splits):
            candidates.append(Candidate(choice.size, splits[0], splits[1], score))
    return sorted(candidates, key=lambda candidate: candidate.score), judged


def _split(
    part: _Split, row: _Options | None, size: int, averaging: Averaging
) -> tuple[Split, float]:
    """One split by the exact law, and its misfit."""
    if row is None:
        if not part.is_train or part.log.total is None:
            return Split(), 0.0
        return Split(train_size(part.log, size), *train_range(part.log, size)), 0.0
    tp, errors, n = int(row.tp), int(row.errors), int(row.n)
    low, high = int(row.low), int(row.high)
    if not part.is_train:
        n = part.rounded(tp, errors, n, low, high, size)
        low, high = part.reach(tp, errors, n, low, high, size)
    fp = errors // 2  # only their sum matters
    law = expect(as_counts(tp, fp, errors - fp, n - tp - errors), min(size, n), averaging)
    moved = float(part.moved(tp, errors, n, size))
    sd = float(np.sqrt(law.sd**2 + part.half**2 + moved**2))
    residual = (part.naive - law.expected_f1) / sd
    prevalence, shown = (tp + errors / 2) / n, part.prints(tp, errors)
    counts = n, low, high, tp, errors, prevalence
    split = Split(*counts, law.expected_f1, law.sd, residual, shown, moved)
    return split, float(part.misfit(residual, sd))


# --- what remains open -------------------------------------------------------------------------


def _undetermined(parts: list[_Split], answer: Answer) -> list[str]:
    found = answer.candidates
    said = _open(parts, found, answer.left_out) if found else _why_not(parts)
    return [*said, *_premises(parts, answer)]


def _why_not(parts: list[_Split]) -> list[str]:
    told = [part for part in parts if part.told]
    for part in told:
        if not part.any_prints():
            return [
                f"Nothing fits: no counts up to {part.last:,} true positives print the {part.name} "
                f"F1 {part.text} by a formula of the table."
            ]
    for part in told:
        if not any(option.bits.size for option in part.possible.values()):
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


def _premises(parts: list[_Split], answer: Answer) -> list[str]:
    log = answer.log
    smaller = "" if log.validation_samples else ", validation not larger than training"
    said = [
        _tried(answer.batch_sizes),
        _averaging(answer),
        "How the errors divide into FP and FN shows only where a formula prints with some splits.",
        "Taken for granted: random batches, one batch size in both splits, 0/0 counts 0, both true "
        f"values computed and printed alike{smaller}{_unit(log)}.",
    ]
    if parts[0].told:
        said.append(_movement(log))
    if any(part.told and part.value < 1 for part in parts):
        said.append(
            f"With more than {SPLITS} errors not every split into FP and FN was tried, so pairs "
            "that only a formula with precision and recall prints may be missing."
        )
    return said


def _tried(sizes: list[int]) -> str:
    if sizes != sorted(SIZES):
        return f"Batch sizes tried: {', '.join(map(str, sizes))}, as asked."
    larger = [size for size in sizes if size > 256]
    return (
        f"Batch sizes tried: 1 to 256, and {', '.join(map(str, larger))}. Of two that fit alike "
        "the more usual one is taken for likelier: against 32, each doubling or halving scores 1 "
        "worse, another multiple of 10 scores 4, of 25 or 3 times a power of two 6, the rest 9."
    )


def _averaging(answer: Answer) -> str:
    log, rule = answer.log, answer.averaging
    means = {"per_batch": "each batch counts once", "size_weighted": "batches count by their size"}
    if log.averaging == rule:
        return f"The log is of {log.keras}: {means[rule]} in the mean ({rule})."
    if log.averaging:
        return f"The log is of {log.keras}, but {rule} was asked for: {means[rule]} in the mean."
    return (
        f"The log's form tells no more than {log.keras}. {means[rule].capitalize()} in the mean "
        f"({rule}), as {'up to Keras 2.2' if rule == 'size_weighted' else 'from Keras 2.3 on'}: "
        "taken for granted, and of weight only where the last batch is short."
    )


def _unit(log: Log) -> str:
    if log.unit_told or log.total is None:
        return ""
    return (
        ", and a progress bar that counts steps (Keras up to 2.3 counts samples in `fit` on arrays,"
        " below a line `Train on ... samples`, which is not here)"
    )


def _movement(log: Log) -> str:
    if log.train.accuracy is not None:
        how = "as far as the errors that follow from the epoch's accuracy differ"
    elif log.earlier_f1 is not None:
        how = "up to about as much as it differs from the epoch before (no accuracy is printed)"
    else:
        how = (
            "only roughly: no accuracy says how many errors the epoch itself made, and a few times "
            "those after it are allowed for"
        )
    return (
        "The naive training F1 is of weights that still move; the counts after the epoch explain "
        f"it {how}."
    )
