"""Diamonds: is a stone heavier than t carat, from its measures? t sets the prevalence.

53,940 round-cut diamonds, from the wheel of plotnine (MIT), which is located but not imported.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from batchf1.datasets.base import Dataset, Features, choose
from batchf1.errors import refuse
from batchf1.records.files import read, verified

SHA256 = "9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4"
FEATURES = ["x", "y", "z", "depth", "table"]


@dataclass
class Diamonds(Dataset):
    """`carat > t` from x, y, z (mm), depth and table (%), without duplicates and zero sizes.

    t is, of the thresholds that leave enough stones on both sides, the one whose natural
    prevalence is nearest to the one asked for; the stones on each side are then subsampled.
    """

    name = "diamonds"
    n_available = 53_775

    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """See `Dataset.draw`."""
        carat, x = _table()
        heavy = carat > self._threshold(carat, n_positive, n_negative)
        positives = choose(rng, x[heavy], n_positive, "diamonds above the threshold")
        return positives, choose(rng, x[~heavy], n_negative, "diamonds below the threshold")

    def _threshold(self, carat: Features, n_positive: int, n_negative: int) -> float:
        thresholds = np.unique(carat)
        above = len(carat) - np.searchsorted(np.sort(carat), thresholds, side="right")
        enough = (above >= n_positive) & (len(carat) - above >= n_negative)
        if not enough.any():
            refuse(
                "dataset diamonds",
                f"no carat threshold leaves enough of its {len(carat)} stones on both sides",
                f"a request for {n_positive} positives and {n_negative} negatives",
            )
        distance = np.abs(above / len(carat) - self.prevalence)
        return float(thresholds[enough][np.argmin(distance[enough])])


@cache
def _table() -> tuple[Features, Features]:
    import pandas as pd

    spec = find_spec("plotnine")
    if spec is None or spec.origin is None:
        refuse("dataset diamonds", "reads a file of the package plotnine", "no such package")
    path = Path(spec.origin).parent / "data" / "diamonds.csv"
    table = pd.read_csv(io.BytesIO(verified(read(path), path, SHA256))).drop_duplicates()
    table = table[(table[["x", "y", "z"]] > 0).all(axis=1)]
    return table["carat"].to_numpy(np.float32), table[FEATURES].to_numpy(np.float32)
