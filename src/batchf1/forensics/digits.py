"""Counts and formulas that print the digits of a true F1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.errors import check
from batchf1.forensics.log_numbers import decimals_of, number
from batchf1.metrics.counts import Floats, Integers

EPSILON = 1e-7
"""`K.epsilon()`."""
SPLITS = 64
"""Up to this number of errors every split into FP and FN is tried, beyond only this many."""
MAX_PAIRS = 500_000
"""Approximate maximum of pairs examined for one printed value."""

Bits = NDArray[np.int64]


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
    """Formula and dtype that print the digits, and the FP (of those tried) with which they do.

    `dtype` is float32, float64 or rounded (float64, printed with `decimals` decimals).
    """

    formula: str
    dtype: str
    fp: tuple[int, ...]


def value_of(formula: str, dtype: str, tp: Any, fp: Any, fn: Any) -> Any:
    """Compute F1 by a formula of `FORMULAS`, in float32 or float64 (for "rounded" float64).

    `tp`, `fp`, `fn`: whole numbers or int64 arrays of one shape, `tp` >= 1; the result has that
    shape and dtype. Raises `InputError` for another formula or dtype.
    """
    check(formula in FORMULAS, "formula", f"must be one of {tuple(FORMULAS)}", formula)
    types: dict[str, Any] = {"float32": np.float32, "float64": np.float64, "rounded": np.float64}
    check(dtype in types, "dtype", f"must be one of {tuple(types)}", dtype)
    tp, fp, fn = (np.asarray(part).astype(types[dtype]) for part in (tp, fp, fn))
    return FORMULAS[formula](tp, fp, fn, types[dtype](EPSILON))


def printed(value: float, dtype: str, decimals: int | None = None, percent: bool = False) -> str:
    """Format a value as Python prints it: shortest digits of its dtype, or `decimals` if "rounded".

    As a percentage 100 times the value is printed, computed in that dtype, with two decimals less.
    """
    if dtype == "rounded":
        return f"{value:.{(decimals or 2) - 2}%}" if percent else f"{value:.{decimals}f}"
    shown = np.asarray(value, dtype)[()]
    return f"{100 * shown!s}%" if percent else str(shown)


def rounding(texts: Iterable[str]) -> int | None:
    """Return the number of decimals to which values were rounded in print; None if they were not.

    All are assumed to be printed alike, with the decimals of the longest: 3 to 6, as rounded values
    have few (a percentage also 0, which are 2 of the value). More decimals are taken as the digits
    of the dtype.
    """
    shown = list(texts)
    longest = max(decimals_of(text) if "e" not in text.lower() else 99 for text in shown)
    fewest = 2 if any(text.endswith("%") for text in shown) else 3
    return longest if fewest <= longest <= 6 else None


def near(text: str, max_tp: int, decimals: int | None) -> tuple[Integers, Integers, int]:
    """Return pairs (tp, e) with 2tp/(2tp+e) close to the printed `text`, and the largest tp tried.

    Two int64 arrays in rising order of tp, 1 <= tp <= `max_tp`, e >= 0. The window is the
    rounding, or the error of five float32 operations (half an ulp each) and epsilons. tp
    stops early where about `MAX_PAIRS` pairs are found. Raises `InputError` unless 0 < F1 <= 1.
    """
    value = number(text)
    check(0 < value <= 1, "true F1", "must lie in (0, 1]", text)
    width = value * 6e-7 + EPSILON
    if decimals is not None:
        width += 0.5 * 10.0**-decimals
    low, high = max(value - width, 1e-12), min(value + width, 1.0)
    least, most = 2 * (1 - high) / high, 2 * (1 - low) / low
    # tp^2/2 times the width is the expected number of pairs; with e = 0 allowed one more for each.
    bound = np.sqrt(2 * MAX_PAIRS / (most - least))
    last = int(min(max_tp, bound, MAX_PAIRS if high == 1 else np.inf))
    tp = np.arange(1, last + 1, dtype=np.int64)
    first = np.ceil(least * tp - 1e-9).astype(np.int64)
    many = np.maximum(np.floor(most * tp + 1e-9).astype(np.int64) - first + 1, 0)
    start = np.repeat(np.cumsum(many) - many, many)
    errors = np.repeat(first, many) + np.arange(many.sum()) - start
    return np.repeat(tp, many), errors, last


def kinds(text: str, tp: Integers, errors: Integers, decimals: int | None) -> Bits:
    """Return which formulas and dtypes print `text`, as bits.

    Bit i stands for `KINDS[i]`, the next bit for `ROUNDED`; int64 of the shape of `tp` and
    `errors`, 0 where none does. Beyond `SPLITS` errors only that many splits into FP and FN are
    tried, evenly spaced, so that a formula with separate p and r may be missed. Where a print can
    be rounded only that bit is computed: it covers the others.
    """
    if decimals is not None:
        return _rounds(text, value_of(*ROUNDED, tp, errors, 0 * errors), decimals) << len(KINDS)
    bits = np.zeros(tp.shape, np.int64)
    digits, scale = text.rstrip("%"), 100 if text.endswith("%") else 1
    for fp in _splits(errors):
        for bit, (formula, dtype) in enumerate(KINDS):
            target = np.dtype(dtype).type(digits)
            if str(target) == digits:  # else no number of this dtype prints so
                shown = scale * value_of(formula, dtype, tp, fp, errors - fp)
                bits |= (shown == target) * (1 << bit)
    return bits


def prints(text: str, tp: int, errors: int, decimals: int | None = None) -> tuple[Print, ...]:
    """Return every formula and dtype that print `text` for this pair, with the false positives."""
    pair = np.array([tp]), np.array([errors])
    tried = np.unique([int(fp[0]) for fp in _splits(pair[1])])
    percent, matches = text.endswith("%"), []
    for formula, dtype in KINDS:
        values = value_of(formula, dtype, np.full_like(tried, tp), tried, errors - tried)
        good = [printed(value, dtype, percent=percent) == text for value in values]
        if any(good):
            matches.append(Print(formula, dtype, tuple(tried[good].tolist())))
    if kinds(text, *pair, decimals)[0] >> len(KINDS):
        matches.append(Print(*ROUNDED, tuple(tried.tolist())))
    return tuple(matches)


def _rounds(text: str, values: Floats, decimals: int) -> Bits:
    """Return 1 where a value with this number of decimals is printed as `text`, else 0."""
    off, half = np.abs(values - number(text)), 0.5 * 10.0**-decimals
    good = off < half * (1 - 1e-8)
    percent = text.endswith("%")
    for i in np.flatnonzero(~good & (off < half * (1 + 1e-8))):  # a tie: as floats are printed
        good[i] = number(printed(values[i], "rounded", decimals, percent)) == number(text)
    return good.astype(np.int64)


def _splits(errors: Integers) -> Iterator[Integers]:
    """Yield numbers of false positives: all up to the errors, or evenly spaced ones of many."""
    for part in range(min(int(errors.max(initial=0)), SPLITS) + 1):
        yield np.where(errors <= SPLITS, np.minimum(part, errors), part * errors // SPLITS)
