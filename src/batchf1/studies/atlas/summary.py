"""Statistics of the study of metrics: error, power law and verdict of each metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import linregress

from batchf1.errors import check
from batchf1.records import tables
from batchf1.records.columns import Schema, count, number, share, text
from batchf1.studies.atlas.metrics import METRICS
from batchf1.studies.atlas.rows import ATLAS

SAFE, RIGHT, LOW, HIGH, EITHER = "safe", "right on average", "too low", "too high", "either way"
"""Verdicts on a metric."""
NO_FIT = "fewer than three sizes with an error"
SUMMARY = Schema(
    "A row is a metric at one batch size: means over random cuts and networks; prices are in "
    "thousand dollars.",
    {
        **ATLAS.of("task", "metric", "batch_size"),
        "n_seeds": count("networks", 2),
        "n_cuts": count("random cuts of each network's predictions", 1),
        "n_samples": count("samples of a cut", 1, "samples"),
        "value": number("metric of all samples, in its own unit, as sd and error"),
        "sd": number("standard deviation of `value` over the networks", 0),
        "error": number("mean over the batches that give a number minus `value`"),
        "error_se": number("standard error of `error` over the networks", 0),
        "error_in_sds": number("error divided by sd"),
        "percent": number("error divided by value", unit="%"),
        "undefined": share("share of batches that the metric is not defined for"),
        "left_out": share("share of batches that give no number"),
        "too_low": share("share of cuts with an error below 0"),
        "too_high": share("share of cuts with an error above 0"),
        "gives": text(
            "what scikit-learn or SciPy give for an undefined batch", missing="none at any size"
        ),
        "verdict": text("verdict on the metric, all sizes", (SAFE, RIGHT, LOW, HIGH, EITHER)),
        "exponent": number("exponent of |error| over the batch size", missing=NO_FIT),
        "exponent_se": number("its standard error", 0, missing=NO_FIT),
    },
    key=("metric", "batch_size"),
)
ROUNDING = 1e-12
"""Share of the value below which an error counts as 0."""
SURE = 4.0
"""Standard errors by which an error must differ from 0 to count as one."""
LEAST_SIZES = 3
"""Least number of batch sizes with an error for which a power law is fitted."""


def summary(source: Path) -> pd.DataFrame:
    """Return the error of the mean over batches, per metric and batch size.

    Parameters
    ----------
    source
        Table of a study of metrics: `rows.ATLAS`.

    Returns
    -------
    DataFrame
        Columns of `SUMMARY`.

    Raises
    ------
    InputError
        For a metric of one seed alone.
    """
    rows = tables.read(source, ATLAS)
    n_seeds = rows.groupby("metric")["seed"].nunique().min()
    rule = "must have at least two seeds of each metric"
    check(bool(n_seeds >= 2), str(source), rule, str(n_seeds))
    error = rows["batch_mean"] - rows["value"]
    rows["error"] = error.where(error.abs() > ROUNDING * rows["value"].abs(), 0.0 * error)
    order = {metric.name: index for index, metric in enumerate(METRICS)}
    groups = rows.groupby(["task", "metric", "batch_size"])
    cells = pd.DataFrame([dict(zip(groups.keys, k, strict=True)) | _cell(g) for k, g in groups])
    cells = cells.sort_values(
        ["metric", "batch_size"], key=lambda c: c.map(order) if c.name == "metric" else c
    )
    fits = [power_law(part) for _, part in cells.groupby("metric", sort=False)]
    return cells.drop(columns="gives").merge(pd.DataFrame(fits), validate="many_to_one")


def _cell(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of one metric and batch size; networks are the unit of standard errors."""
    seeds = rows.groupby("seed")
    of_seed, error = seeds["value"].first(), seeds["error"].mean()
    n_batches = rows["n_batches"].sum()
    sd = of_seed.std()
    return {
        "n_seeds": len(of_seed),
        "n_cuts": rows["cut"].nunique(),
        "n_samples": rows["n_batches"].iloc[0] * rows["batch_size"].iloc[0],
        "value": of_seed.mean(),
        "sd": sd,
        "error": error.mean(),
        "error_se": error.std() / len(error) ** 0.5,
        "error_in_sds": error.mean() / sd,
        "percent": 100 * error.mean() / of_seed.mean(),
        "undefined": rows["n_undefined"].sum() / n_batches,
        "left_out": rows["n_left_out"].sum() / n_batches,
        "gives": " or ".join(sorted(set(rows["gives"]) - {""})),
        "too_low": (rows["error"] < 0).mean(),
        "too_high": (rows["error"] > 0).mean(),
    }


def power_law(cells: pd.DataFrame) -> dict[str, Any]:
    """Return the verdict on a metric, and the exponent of |error| over the batch size.

    Parameters
    ----------
    cells
        Rows of one metric, one per batch size.

    Returns
    -------
    dict
        `metric`, `gives` (the value of undefined batches), `verdict`, `exponent` and `exponent_se`.
        The fit uses the batch sizes at which the error is surely not 0 and has the sign of the
        smallest of them; NaN for fewer than three.
    """
    cells = cells.sort_values("batch_size")
    sure = cells[cells["error"].abs() > SURE * cells["error_se"]]
    summary = {
        "metric": cells["metric"].iloc[0],
        "gives": next(filter(None, cells["gives"]), ""),
        "verdict": _verdict(cells, sure["error"]),
    }
    fitted = sure[np.sign(sure["error"]) == np.sign(sure["error"]).head(1).sum()]
    exponent = exponent_se = float("nan")
    if len(fitted) >= LEAST_SIZES:
        line = linregress(np.log(fitted["batch_size"]), np.log(fitted["error"].abs()))
        exponent, exponent_se = line.slope, line.stderr
    return summary | {"exponent": exponent, "exponent_se": exponent_se}


def _verdict(cells: pd.DataFrame, sure: pd.Series) -> str:
    """Return `safe` if no cut changed the value, or another verdict from the mean errors."""
    if (cells[["error", "too_low", "too_high"]] == 0).all(axis=None):
        return SAFE
    if sure.empty:
        return RIGHT
    if (sure < 0).all():
        return LOW
    return HIGH if (sure > 0).all() else EITHER
