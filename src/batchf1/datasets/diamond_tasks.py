"""Three tasks on the diamonds data of plotnine, each of which a small network does fairly well.

`heavy`: more than so many carat, from price, grades and proportions (sizes would reveal it).
`grade`: of the cut, Fair to Ideal, from weight, sizes, proportions, grades and price.
`price`: thousand dollars, from weight, proportions and grades (some sizes are typing errors).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.diamonds import whole_table

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


def labels(task: str, heavy_above: float) -> NDArray[Any]:
    """Return the labels of all diamonds for a task."""
    if task == "heavy":
        return (_numbers("carat") > heavy_above).astype(np.int64)
    if task == "grade":
        return _codes("cut")
    return _numbers("price") / 1000


def features(task: str) -> NDArray[np.float64]:
    """Return the features (n, d) of all diamonds for a task."""
    numbers, grades = FEATURES[task]
    columns = [_numbers(name)[:, None] for name in numbers]
    columns += [np.eye(len(GRADES[name]))[_codes(name)] for name in grades]
    return np.concatenate(columns, axis=1)


def _numbers(column: str) -> NDArray[np.float64]:
    return np.asarray(whole_table()[column], np.float64)


def _codes(column: str) -> NDArray[np.int64]:
    """Return the index of each diamond's level among the levels of its column."""
    indices = {level: index for index, level in enumerate(GRADES[column])}
    return np.asarray(whole_table()[column].map(indices), np.int64)
