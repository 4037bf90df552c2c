"""The averaging rules: the value of each for given batches, and the rules that give a number."""

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
"""Smoothing factor of ignite's `RunningAverage`."""
ROUNDING = 1e-6
"""Relative error of a float32 sum over up to a thousand batches."""


def values_of(
    measure: Measure, each: PerBatch, pooled: float, devices: int | Sequence[Any] | None
) -> dict[str, float]:
    """Map each rule to the value that it logs; `pooled`, the metric of all samples, is first."""
    sizes, values = measure.sizes, each.values
    undefined = np.isnan(each.defined)
    by_rule = {
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
        by_rule["mean_of_prefixes"] = prefixes.mean()
    if devices is not None:
        by_rule |= _of_devices(measure, values, _device_indices(devices, len(values)))
    for rule, of_batches in measure.broadcast().items():
        by_rule[rule] = of_batches.mean()
        if np.ptp(sizes):
            by_rule[f"{rule}_by_size"] = np.average(of_batches, weights=sizes)
    return {rule: float(value) for rule, value in by_rule.items()}


def mean(values: Floats) -> float:
    """Average the values that are not NaN; NaN if all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else math.nan


def _running_average(values: Floats) -> float:
    """Compute the last of r_b = alpha r_(b-1) + (1 - alpha) v_b, with r_1 = v_1."""
    weights = (1 - ALPHA) * ALPHA ** np.arange(len(values) - 1, -1, -1.0)
    weights[0] = ALPHA ** (len(values) - 1)
    return float(weights @ values)


def _device_indices(devices: int | Sequence[Any], batches: int) -> Integers:
    """Return the device of each batch, numbered from 0."""
    if np.ndim(devices) == 0:
        number = checks.check_integer("devices", devices)
        check(
            number <= batches,
            "devices",
            f"must be at most the number of batches, {batches}",
            number,
        )
        return np.arange(batches) % number
    names, indices = np.unique(np.asarray(devices), return_inverse=True)
    rule = f"must be a number, or the name of a device for each of the {batches} batches"
    check(indices.shape == (batches,), "devices", rule, f"{len(names)} names, {indices.shape}")
    return np.asarray(indices, np.int64)


def _of_devices(measure: Measure, values: Floats, indices: Integers) -> dict[str, float]:
    devices = range(int(indices.max()) + 1)
    small = indices.astype(np.min_scalar_type(len(devices)))  # there are many rows
    of_row = np.repeat(small, measure.sizes)
    return {
        "mean_of_devices": float(np.mean([values[indices == one].mean() for one in devices])),
        "devices_pooled": float(np.mean([measure.of(of_row == one) for one in devices])),
    }


def matching_rules(values: dict[str, float], logged: object, batches: int) -> tuple[str, ...]:
    """List the rules whose value is the logged number, to the digits given.

    `logged`: a number, within the relative error of float32 sums: 1e-6 up to a thousand batches,
    beyond in proportion to their number, at most 1e-4; or its digits as text, `0.473` or `47.3%`,
    within half a unit of the last digit more. NaN matches NaN, and infinity the same infinity.
    Raises `InputError` for anything else.
    """
    target, half = _read(logged)
    rel_tol = min(ROUNDING * max(1, batches / 1000), 1e-4)
    return tuple(rule for rule, value in values.items() if _near(value, target, half, rel_tol))


def number(logged: object) -> float:
    """Convert the logged number to a float; raises `InputError` as `matching_rules`."""
    return _read(logged)[0]


def _near(value: float, target: float, half: float, rel_tol: float) -> bool:
    if math.isnan(value) or math.isnan(target):
        return math.isnan(value) and math.isnan(target)
    if math.isinf(value) or math.isinf(target):
        return value == target
    return abs(value - target) <= half + rel_tol * max(abs(value), abs(target)) + 1e-12


def _read(logged: object) -> tuple[float, float]:
    """Return the number, and half a unit of its last digit."""
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
