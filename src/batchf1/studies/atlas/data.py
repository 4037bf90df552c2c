"""Training and validation data of a network: the diamonds, split and standardised."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.datasets.diamond_tasks import features, labels
from batchf1.studies.atlas.config import Cell


class Split(NamedTuple):
    """Features (n, d) float32 and labels (n,): 0 or 1, a class, or thousand dollars in float64."""

    x: NDArray[np.float32]
    y: NDArray[Any]


def load(cell: Cell) -> tuple[Split, Split]:
    """Return disjoint training and validation data, standardised by the training data."""
    x, y = features(cell.task), labels(cell.task, cell.heavy_above)
    chosen = generator(*cell.names, "split").permutation(len(y))[: cell.n_train + cell.n_validation]
    train, validation = np.split(chosen, [cell.n_train])
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    x = ((x - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    return Split(x[train], y[train]), Split(x[validation], y[validation])
