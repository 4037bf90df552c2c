"""Three tasks on the diamonds data of plotnine, each of which a small network does fairly well.

`heavy`: more than so many carat, from price, grades and proportions (sizes would reveal it).
`grade`: of the cut, Fair to Ideal, from weight, sizes, proportions, grades and price.
`price`: thousand dollars, from weight, proportions and grades (some sizes are typing errors).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.datasets.diamonds import whole_table
from batchf1.studies.atlas.config import Cell

SHAPE = ["depth", "table"]
GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": list("DEFGHIJ"),
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}
"""Column -> its levels; a network sees one feature for each."""
FEATURES = {
    "heavy": (["price", *SHAPE], ["cut", "color", "clarity"]),
    "grade": (["price", "carat", "x", "y", "z", *SHAPE], ["color", "clarity"]),
    "price": (["carat", *SHAPE], ["cut", "color", "clarity"]),
}
"""Task -> its numbers and its grades."""


class Split(NamedTuple):
    """Features (n, d) float32 and labels (n,): 0 or 1, a class, or thousand dollars in float64."""

    x: NDArray[np.float32]
    y: NDArray[Any]


def load(cell: Cell) -> tuple[Split, Split]:
    """Return disjoint training and validation data, standardised by the training data."""
    x, y = _features(cell.task), labels(cell.task, cell.heavy_above)
    chosen = generator(*cell.names, "split").permutation(len(y))[: cell.n_train + cell.n_validation]
    train, validation = np.split(chosen, [cell.n_train])
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    x = ((x - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    return Split(x[train], y[train]), Split(x[validation], y[validation])


def labels(task: str, heavy_above: float) -> NDArray[Any]:
    """Return the labels of all diamonds for a task."""
    if task == "heavy":
        return (_numbers("carat") > heavy_above).astype(np.int64)
    if task == "grade":
        return _codes("cut")
    return _numbers("price") / 1000


def _features(task: str) -> NDArray[np.float64]:
    numbers, grades = FEATURES[task]
    columns = [_numbers(name)[:, None] for name in numbers]
    columns += [np.eye(len(GRADES[name]))[_codes(name)] for name in grades]
    return np.concatenate(columns, axis=1)


def _numbers(column: str) -> NDArray[np.float64]:
    return np.asarray(whole_table()[column], np.float64)


def _codes(column: str) -> NDArray[np.int64]:
    """Return the index of each diamond's level among the levels of its column."""
    places = {level: place for place, level in enumerate(GRADES[column])}
    return np.asarray(whole_table()[column].map(places), np.int64)
