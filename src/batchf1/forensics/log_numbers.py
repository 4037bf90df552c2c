"""Printed numbers: value, digits and rounding."""

from __future__ import annotations

from collections.abc import Mapping


def number(text: str) -> float:
    """Return the value of a printed number or percentage."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def half_unit(text: str) -> float:
    """Return half a unit of the last printed digit, of the value: 0.00005 for 99.75%."""
    _, _, power = text.rstrip("%").lower().partition("e")
    return float(f"0.5e{int(power or 0) - decimals_of(text)}")


def decimals_of(text: str) -> int:
    """Return the number of decimals of the printed value: 4 for 99.75%."""
    mantissa = text.rstrip("%").lower().partition("e")[0]
    return len(mantissa.partition(".")[2]) + (2 if text.endswith("%") else 0)


def bounds(text: str) -> tuple[float, float]:
    """Return the smallest and the largest value that is printed so; float32 has no more digits."""
    half = max(half_unit(text), 1e-7)
    return number(text) - half, number(text) + half


def same_value(one: str, two: str) -> bool:
    """Return True if one value can be printed as both: with equal decimals it prints equal."""
    difference = abs(number(one) - number(two))
    if decimals_of(one) == decimals_of(two):
        return difference < half_unit(one)
    return difference <= half_unit(one) + half_unit(two) + 1e-12


def harmonic_mean(precision: float, recall: float) -> float:
    """Return 2PR / (P + R), 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def below_harmonic_mean(epoch: Mapping[str, str]) -> bool:
    """Return True if the F1 lies below 2PR / (P + R) by more than the rounding of all three."""
    if not {"f1", "precision", "recall"} <= epoch.keys():
        return False
    return bounds(epoch["f1"])[1] < _harmonic_means(epoch)[0]


def above_harmonic_mean(epoch: Mapping[str, str]) -> bool:
    """Return True if the F1 lies above 2PR / (P + R) by more than the rounding of all three."""
    if not {"f1", "precision", "recall"} <= epoch.keys():
        return False
    return bounds(epoch["f1"])[0] > _harmonic_means(epoch)[1]


def _harmonic_means(epoch: Mapping[str, str]) -> list[float]:
    """Return the smallest and the largest that the printed precision and recall allow."""
    both = zip(bounds(epoch["precision"]), bounds(epoch["recall"]), strict=True)
    return [harmonic_mean(max(p, 0.0), max(r, 0.0)) for p, r in both]
