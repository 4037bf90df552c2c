"""Printed values of epochs, checked and as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchf1.errors import check, raise_input_error
from batchf1.forensics.grid import Epochs
from batchf1.forensics.log_numbers import half_unit, number
from batchf1.metrics.counts import Floats

NAMES = "recall", "precision", "f1", "accuracy"
MOST_EPOCHS = 6
"""Number of epochs used: more repeat what these say."""
UNKNOWN = 1e3
"""Half unit of a value that is not printed."""
ERRORS = np.geomspace(0.003, 0.6, 13)
"""Ends of the cells of the share of errors, where no accuracy is printed."""
MOVED = 0.005
"""Bias of a mean over an epoch in which the log odds of F1 move by 1; it grows as the square."""

Rows = list[dict[str, str]]


def complete(epochs: Sequence[Mapping[str, str]]) -> Rows:
    """Check the values; return the epochs with all that the last prints, and P and R above 0.

    None where the last lacks precision or recall, or has one that is 0.
    """
    rows = [{name: epoch[name] for name in NAMES if name in epoch} for epoch in epochs]
    for row in rows:
        for name, text in row.items():
            check(0 <= _number(name, text) <= 1, name, "must lie in [0, 1]", text)
    last = {*rows[-1]} if rows else set()
    two = {"precision", "recall"}
    rows = [row for row in rows if last <= {*row} and all(number(row[n]) for n in two & {*row})]
    good = two <= last and all(number(epochs[-1][name]) for name in two)
    return rows if good else []


def _number(name: str, text: Any) -> float:
    try:
        return number(text)
    except (ValueError, AttributeError, TypeError):
        raise_input_error(name, "must be a number as it is printed", text)


def equal(rows: Rows) -> bool:
    """Whether in each epoch all four values are the same, and not 1."""
    values = [{*map(number, row.values())} for row in rows]
    return len(rows[-1]) == len(NAMES) and all(len(v) == 1 and v != {1} for v in values)


def read(rows: Rows, training: bool) -> list[tuple[Epochs, float]]:
    """Return the epochs as numbers, with the log of a width.

    Where no accuracy is printed: the last epoch with each cell of `ERRORS`, and the cell's width.
    """
    chosen = np.unique(np.linspace(0, len(rows) - 1, MOST_EPOCHS).round().astype(int))
    values, halves = (_table(function, rows, chosen) for function in (number, half_unit))
    halves = np.where(np.isnan(values), UNKNOWN, halves)
    errors = np.clip(1 - values[:, 3], halves[:, 3] / 2, 0.999)
    values = np.nan_to_num(values[:, :3])
    moved = _moved(values) if training else np.zeros(len(chosen))
    if "accuracy" in rows[-1]:
        return [(Epochs(values, halves[:, :3], errors, halves[:, 3], moved), 0.0)]
    last = values[-1:], halves[-1:, :3]
    return [
        (Epochs(*last, np.array([low + high]) / 2, np.array([high - low]) / 2, moved[-1:]), width)
        for low, high, width in zip(ERRORS, ERRORS[1:], np.log(np.diff(ERRORS)), strict=False)
    ]


def _table(function: Any, rows: Rows, chosen: Any) -> Floats:
    cells = [[function(rows[i][n]) if n in rows[i] else np.nan for n in NAMES] for i in chosen]
    return np.array(cells, float)


def _moved(values: Floats) -> Floats:
    """Return how far means over an epoch may be from the values of its pooled predictions.

    From how far the harmonic mean moves between epochs; before the first by 2 in log odds.
    """
    recall, precision = np.clip(values[:, :2].T, 0.01, 0.99)
    f1 = 2 * precision * recall / (precision + recall)
    logit = np.log(f1 / (1 - f1))
    return np.asarray(MOVED * np.diff(logit, prepend=logit[0] - 2) ** 2)
