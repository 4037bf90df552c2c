"""How many expected positives per batch the logged F1 needs, where positives are rare."""

import numpy as np

from batchf1.theory.limits import rare_positives

OFF = 0.05
"""The error of the rule of thumb."""
SKILLS = (*np.linspace(0.5, 0.99, 15), 0.6, 0.7, 0.8, 0.9, 0.95)
"""Precision and recall of the classifiers for which it must hold."""


def few() -> int:
    """Return the largest whole number below which all classifiers are off by more than `OFF`."""
    return max(k for k in range(1, 20) if all(_off(k, rate) > OFF for rate in SKILLS))


def least(rate: float, tolerance: float) -> float:
    """Return the expected positives per batch below which the error exceeds a tolerance."""
    low, high = 0.1, 100.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if _off(middle, rate) > tolerance else (low, middle)
    return high


def _off(positives: float, rate: float) -> float:
    return abs(float(rare_positives(positives, rate, rate).error))
