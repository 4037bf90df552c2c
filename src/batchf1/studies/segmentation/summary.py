"""Means over the seeds of a study of segmentation, and which model each number prefers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from batchf1.records import tables
from batchf1.records.columns import Schema, count, number, share
from batchf1.studies.segmentation.schema import EMPTY_0, KEY, LOGS, NOT_LOGGED, NUMBERS, SIZES
from batchf1.theory.expectation import NORMAL_95

ROW = ["dice", "model", "batch_size"]
ROUNDING = 1e-6
"""Rounding of logs: Keras adds in float32."""

SUMMARY = Schema(
    "A row is a kind of Dice of one of the two models at one batch size: means over the seeds.",
    {
        **KEY,
        "n_seeds": count("repetitions", 1),
        **SIZES,
        "of_objects": share("mean Dice of the images with an object", "no such image"),
        **NUMBERS,
        "low": share("lower end of the 95 % interval of the mean of the logs around `expected`"),
        "high": share("upper end, likewise"),
        "logged": share("what Keras logged; of a loss, 1 minus it", NOT_LOGGED),
        "deviation": number(
            "largest difference of a log from the mean over its batches in float64",
            0,
            missing=NOT_LOGGED,
        ),
        "inside": share("share of the logs in the 95 % intervals of their networks", NOT_LOGGED),
        "preferred": share("share of the seeds in which this model has the higher mean"),
        "gap": number("`exact` of this model minus that of the other", -1, 1),
        "gap_se": number("its standard error over the seeds", 0, missing="one seed"),
        "exact": share("mean over the batches of the study, in float64"),
    },
    key=tuple(ROW),
)


def summary(logs: Path) -> pd.DataFrame:
    """Return a row for each kind of Dice, model and batch size, of means over the seeds.

    Raises `InputError` for a table that does not fit.
    """
    rows = tables.read(logs, LOGS)
    rows = rows.assign(inside=_inside(rows), gap=_gap(rows), of_objects=_of_objects(rows))
    rows["deviation"] = (rows["logged"] - rows["exact"]).abs()
    rows["preferred"] = rows["gap"] > 0
    groups = rows.groupby(ROW, sort=False)
    measured = ["logged", "exact", "inside", "preferred", "gap"]
    means = groups[[*SIZES, "of_objects", *NUMBERS, *measured]].mean()
    reach = NORMAL_95 * groups["sd"].agg(lambda sd: np.sqrt((sd**2).sum()) / len(sd))
    means["low"] = (means["expected"] - reach).clip(lower=0)
    means["high"] = (means["expected"] + reach).clip(upper=1)
    means["deviation"] = groups["deviation"].max()
    means["gap_se"] = groups["gap"].sem()
    means["n_seeds"] = groups["seed"].nunique()
    return means.reset_index()[list(SUMMARY.columns)]


def _inside(rows: pd.DataFrame) -> pd.Series:
    """Return 1 for a log in its interval and 0 for another; NaN where nothing was logged."""
    reach = NORMAL_95 * rows["sd"] + ROUNDING
    inside = (rows["logged"] - rows["expected"]).abs() <= reach
    return inside.astype(float).where(rows["logged"].notna())


def _gap(rows: pd.DataFrame) -> pd.Series:
    """Return the mean over batches of a row's model minus that of the other of its pair."""
    total = rows.groupby(["seed", "dice", "batch_size"])["exact"].transform("sum")
    return 2 * rows["exact"] - total


def _of_objects(rows: pd.DataFrame) -> pd.Series:
    """Return the mean Dice of the images with an object; of the others it is 0 where 0/0 is 0."""
    means = rows[rows["dice"] == EMPTY_0].groupby("cell_id")["image_mean"].first()
    total = rows["cell_id"].map(means) * rows["n_images"]
    return total / (rows["n_images"] - rows["n_empty"])
