"""What each rule logs for a metric of these batches, and which of them is a logged number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from batchf1.auditing.counted import PerBatch
from batchf1.auditing.samples import Measure
from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import Floats, Integers

ALPHA = 0.98
"""Of ignite's `RunningAverage`."""
ROUNDING = 1e-6
"""What float32 sums put a number off by, as a share of it, up to a thousand batches."""


def values_of(
    measure: Measure, each: PerBatch, pooled: float, devices: int | Sequence[Any] | None
) -> dict[str, float]:
    """Rule -> what it logs, the metric of all samples first."""
    sizes, values = measure.sizes, each.values
    undefined = np.isnan(each.defined)
    found = {
        "pooled": pooled,
        "per_batch": values.mean(),
        "size_weighted": np.average(values, weights=sizes),
        "undefined_skipped": mean(each.defined),
        "undefined_as_zero": np.where(undefined, 0.0, values).mean(),
        "undefined_as_one": each.ones.mean(),
        "undefined_as_nan": np.where(undefined, np.nan, values).mean(),
        "over_samples": values.sum() / sizes.sum(),
        "last_batch": values[-1],
        "mean_of_running": (np.cumsum(values) / np.arange(1, len(values) + 1)).mean(),
        "running_average": _running_average(values),
    }
    prefixes = measure.prefixes()
    if prefixes is not None:
        found["mean_of_prefixes"] = prefixes.mean()
    if devices is not None:
        found |= _of_devices(measure, values, _places(devices, len(values)))
    return {rule: float(value) for rule, value in found.items()}


def mean(values: Floats) -> float:
    """The mean of what is not NaN; NaN where all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def _running_average(values: Floats) -> float:
    """The last of r_b = alpha r_(b-1) + (1 - alpha) v_b, the first being the first value."""
    weights = (1 - ALPHA) * ALPHA ** np.arange(len(values) - 1, -1, -1.0)
    weights[0] = ALPHA ** (len(values) - 1)
    return float(weights @ values)


def _places(devices: int | Sequence[Any], batches: int) -> Integers:
    """The device of each batch, numbered from 0."""
    if np.ndim(devices) == 0:
        number = checks.check_integer("devices", devices)
        check(
            number <= batches,
            "devices",
            f"must be at most the number of batches, {batches}",
            number,
        )
        return np.arange(batches) % number
    names, places = np.unique(np.asarray(devices), return_inverse=True)
    rule = f"must be a number, or the name of a device for each of the {batches} batches"
    check(places.shape == (batches,), "devices", rule, f"{len(names)} names, {places.shape}")
    return np.asarray(places, np.int64)


def _of_devices(measure: Measure, values: Floats, places: Integers) -> dict[str, float]:
    devices = range(int(places.max()) + 1)
    small = places.astype(np.min_scalar_type(len(devices)))  # there are many rows
    of_row = np.repeat(small, measure.sizes)
    return {
        "mean_of_devices": float(np.mean([values[places == one].mean() for one in devices])),
        "devices_pooled": float(np.mean([measure.of(of_row == one) for one in devices])),
    }


def matching_rules(values: dict[str, float], logged: object, batches: int) -> tuple[str, ...]:
    """The rules that give the logged number, to the digits given.

    `logged`: a number, which float32 sums may have put off by a millionth of itself, with more than
    a thousand batches by as many times more, but no more than 1e-4; or its digits as text, `0.473`
    or `47.3%`: half a unit of the last digit more. NaN is given by NaN, and an infinite number by
    the same one. Raises `InputError` for anything else.
    """
    value, half = _read(logged)
    share = min(ROUNDING * max(1, batches / 1000), 1e-4)
    return tuple(rule for rule, found in values.items() if _near(found, value, half, share))


def number(logged: object) -> float:
    """The logged number as a float; raises `InputError` as `matching_rules`."""
    return _read(logged)[0]


def _near(found: float, value: float, half: float, share: float) -> bool:
    if math.isnan(found) or math.isnan(value):
        return math.isnan(found) and math.isnan(value)
    if math.isinf(found) or math.isinf(value):
        return found == value
    return abs(found - value) <= half + share * max(abs(found), abs(value)) + 1e-12


def _read(logged: object) -> tuple[float, float]:
    """The number, and half a unit of its last digit."""
    rule = "must be a number, or its digits as text, such as 0.473 or 47.3%"
    if not isinstance(logged, str):
        checks.check_argument(checks.is_number(logged), "logged", rule, logged)
        return float(logged), 0.0  # type: ignore[arg-type]
    text = logged.strip()
    try:
        digits = Decimal(text.removesuffix("%").strip())
        value, exponent = float(digits), digits.as_tuple().exponent
        half = 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0
    except (ArithmeticError, ValueError):  # no number, a signalling NaN, or beyond float64
        raise_input_error("logged", rule, repr(logged))
    check(math.isfinite(value) or not digits.is_finite(), "logged", rule, repr(logged))
    scale = 0.01 if text.endswith("%") else 1.0
    return scale * value, scale * half
