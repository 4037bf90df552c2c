"""Numbers of docs/atlas.md, from figures/atlas.csv and its experiment."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from batchf1.studies.atlas.metrics import METRICS
from templates.common import claim, experiment, figure, minus

SHOWN = (8, 32, 1024)
"""Batch sizes of the page's table."""
ANSWERS = {"safe": "yes", "right on average": "if defined"}
"""Verdict -> whether to average; else the verdict itself is the answer."""
TOO_LOW = ["RMSE", "R2", "F1", "precision", "recall", "MCC", "Cohen's kappa", "macro F1"]
TOO_HIGH = ["perplexity", "balanced accuracy"]
SAFE = ["accuracy", "log loss", "MSE", "MAE", "micro F1"]
SMOOTH = {"RMSE": "rmse", "R2": "r2", "Pearson": "pearson", "perplexity": "perplexity"}
RARE = ["precision", "recall", "F1", "F2", "Jaccard", "MCC", "balanced accuracy"]
RARE += ["average precision"]
"""Metrics of rare positives whose undefined batches count."""


def context(root: Path) -> dict[str, object]:
    """Compute the numbers, and check what the page says of the verdicts."""
    table, study = figure(root, "atlas"), experiment(root, "atlas")
    cells = table.set_index(["metric", "batch_size"])
    _check(table)
    f1 = cells.loc[("F1", 32)]
    return {
        "study": study,
        "n_metrics": len(METRICS),
        "n_safe": len(SAFE),
        "f1": f1,
        "f1_mean": f1["value"] + f1["error"],
        "cells": {metric.name: _cells(cells.loc[metric.name]) for metric in METRICS},
        "slopes": _slopes(table),
        "slope_of_law": minus(f"{_slope_of_law(study['n_validation']):.2f}"),
        "spearman": minus(f"{_moran(cells.loc['Spearman', 'error']):.4f}"),
        "exponents": [minus(f"{end:.1f}") for end in _exponents(cells)],
    }


def _check(table: pd.DataFrame) -> None:
    verdicts = table.groupby("metric")["verdict"].first()
    for names, verdict in ((SAFE, "safe"), (TOO_LOW, "too low"), (TOO_HIGH, "too high")):
        claim((verdicts[names] == verdict).all(), f"{names} are {verdict}", dict(verdicts[names]))
    claim(set(verdicts[verdicts == "safe"].index) == set(SAFE), "no other metric is safe")
    claim(set(verdicts.index) == {metric.name for metric in METRICS}, "all metrics are there")
    worst = table.groupby("metric")["error_in_sds"].agg(lambda errors: errors.abs().max())
    claim(worst.idxmax() == "average precision", "average precision is the worst", worst.idxmax())


def signed(value: float, form: str | None = None) -> str:
    """Return a number with its sign; by default with two significant digits, no exponent."""
    two = {"precision": 2, "fractional": False, "sign": True, "trim": "-"}
    text = f"{value:{form}}" if form else np.format_float_positional(value, **two)
    return "0" if value == 0 else minus(text)


def _cells(rows: pd.DataFrame) -> str:
    first, at_32 = rows.iloc[0], rows.loc[32]
    exponent = signed(first["exponent"], ".2f") + f" ± {first['exponent_se']:.2f}"
    parts = [
        ANSWERS.get(first["verdict"], first["verdict"]),
        *(signed(rows.loc[size, "error"]) for size in SHOWN),
        signed(at_32["error_in_sds"]),
        f"{100 * at_32['undefined']:.0f} %" if at_32["undefined"] else "",
        "" if math.isnan(first["exponent"]) else exponent,
    ]
    return " | ".join(parts)


def _slopes(table: pd.DataFrame) -> dict[str, str]:
    errors = table.pivot_table("error", "metric", "batch_size").loc[list(SMOOTH)]
    slopes = np.log(errors[1024] / errors[256]) / np.log(4)
    return {SMOOTH[str(name)]: signed(slope, ".2f") for name, slope in slopes.items()}


def _slope_of_law(n: int) -> float:
    """Return the slope of 1/size - 1/n between batches of 256 and 1,024."""
    return math.log((1 / 1024 - 1 / n) / (1 / 256 - 1 / n)) / math.log(4)


def _moran(errors: pd.Series) -> float:
    """Return the numerator of Spearman's error, from batches of 8; it must give the others."""
    gap = 9 * errors[8]
    off = max(abs(errors[size] * (size + 1) / gap - 1) for size in (16, 32, 64))
    claim(off < 0.02, "Spearman's error follows one number over n + 1", off)
    return float(gap)


def _exponents(cells: pd.DataFrame) -> tuple[float, float]:
    found = cells.xs(32, level="batch_size").loc[RARE, "exponent"]
    return found.max(), found.min()
