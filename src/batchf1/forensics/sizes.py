"""Usual batch sizes, and the numbers of samples that a log allows."""

from __future__ import annotations

from typing import Any

import numpy as np

from batchf1.forensics.log_numbers import half_unit, number
from batchf1.forensics.log_values import MAX_SAMPLES, Log

SIZES = (
    *range(1, 257),
    *(300, 320, 350, 384, 400, 450, 480, 500, 512, 600, 640, 700, 750, 768, 800, 900, 1000, 1024),
    *(1200, 1250, 1280, 1500, 1536, 1600, 2000, 2048, 2500, 3000, 4000, 4096, 5000, 6000, 8000),
    *(8192, 10000, 16384, 20000, 32768, 50000, 65536),
)
"""Batch sizes tried by default: all up to 256, and usual larger ones."""
SHARES = (1, 2 / 3, 1 / 2, 3 / 7, *(1 / k for k in range(3, 11)), 1 / 19)
"""Usual ratios of validation to training samples."""

Numbers = Any
"""int64 or float64 arrays, or single numbers."""


def rarity(size: int) -> float:
    """Return -2 log of the prior frequency of a batch size, up to a constant.

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


def train_size(log: Log, size: int) -> int:
    """Return the samples of a training epoch, assuming a full last batch."""
    return log.total if log.in_samples and log.total else (log.total or 0) * size


def train_range(log: Log, size: int) -> tuple[int, int]:
    """Return smallest and largest training set: last batch short, or one more batch dropped."""
    if log.total is None:
        return 1, MAX_SAMPLES
    if log.in_samples:
        return log.total, log.total
    return (log.total - 1) * size + 1, (log.total + 1) * size - 1


def sizes_by_accuracy(text: str, errors: Numbers) -> tuple[Numbers, Numbers]:
    """Return smallest and largest number of samples that these errors and this accuracy allow."""
    share, half = 1 - number(text), half_unit(text) + 1e-12
    low = np.ceil(errors / (share + half)).astype(np.int64)
    if share <= half:
        return low, np.full_like(errors, MAX_SAMPLES)
    return low, np.floor(errors / (share - half)).astype(np.int64)
