"""Figure of calibration: mean and spread of the residuals of a study's validation logs."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.stats import norm

from batchf1.config.metric_names import DEFAULT
from batchf1.errors import check
from batchf1.figures import _facets, study_rows, style
from batchf1.figures._facets import CELL
from batchf1.records.columns import Schema, count, number, optional, share
from batchf1.sweep.expected import ROUNDING, residuals, with_expectation
from batchf1.sweep.schema import RUNS
from batchf1.theory.expectation import NORMAL_95

KEY = ["batch_size", "prevalence"]
"""Settings that have rows of their own, as further axes have; sizes of the data are pooled."""
COUNTED = ["n_cells", "n_runs", "n_passes", "n_certain", "n_unknown"]
NUMBERS = ["mean", "mean_se", "deviation", "deviation_se", "outside", "worst_certain"]
ALT = (
    "Two charts over the batch size, with a grey band where theory and log agree: the mean of the "
    "residuals about 0, and their standard deviation about 1, a marker for each prevalence."
)
NO_PASS, ONE_ORDER = "no such pass", "fewer than two orders of the data"
SCHEMA = Schema(
    "A row is a batch size and prevalence, all data sizes together; the last row is of all passes.",
    {
        **optional("the row of all passes", RUNS.of(*KEY)),
        "n_cells": count("combinations of data size, batch size, prevalence and further settings"),
        "n_runs": count("runs with a residual"),
        "n_passes": count("validation passes with a residual"),
        "n_certain": count("passes without a predicted deviation: one batch, or nothing found"),
        "n_unknown": count("passes without an expectation: their batches were others"),
        "mean": number("mean residual, in predicted deviations", missing=NO_PASS),
        "mean_se": number("standard error of `mean`, clustered by order", 0, missing=ONE_ORDER),
        "deviation": number("standard deviation of the residuals about `mean`", 0, missing=NO_PASS),
        "deviation_se": number(
            "standard error of `deviation`, clustered by order", 0, missing=ONE_ORDER
        ),
        "outside": share("share of |residual| above 1.96", NO_PASS),
        "worst_certain": share("largest |logged - expected| of the certain passes", NO_PASS),
    },
    others=optional("the row of all passes", RUNS.others),
)
COLUMNS = SCHEMA.columns
SHARED = ["dataset", "n_samples", "prevalence", "seed"]
"""Runs alike in these have the same validation data in the same order (`Run.names`)."""
READ = ["run_id", "split", "strategy", "f1", "n_batches", "averaging", *_facets.COUNTS]
"""Columns of a study\'s table that are read, apart from the settings."""
BAND = 0.05
"""How far mean and deviation of the residuals may lie from 0 and 1."""
HEIGHT, WIDTH, LINE = 2.6, 80, 128
"""Inches of a row of panels; characters in a line of its title, and of the caption."""
MARKERS = "os^DvPX*<>"


def table(source: Path, metric: str = DEFAULT) -> pd.DataFrame:
    """Return a row per batch size and prevalence with its residuals, and one row of all.

    The residual of a pass is (logged - expected batch mean) / predicted standard deviation.

    A run's validation set is cut into the same batches in each epoch, and runs that differ in batch
    size share the order that is cut, so that passes are not independent: `mean_se` and
    `deviation_se` take the order as the unit, which at one batch size and prevalence is the run's
    own. They are cluster-robust (Liang & Zeger 1986, Biometrika 73, 13-22, with n / (n - 1) for n
    orders); with equally many passes each, that of the mean of the orders' means. NaN for fewer
    than two orders. `deviation` is about `mean`, divided by the number of passes.

    Data sizes are pooled: `n_cells` are combinations of data size, batch size, prevalence and
    whatever else the study varies, which has columns of its own. In the last row, that of all
    passes, every setting is empty.
    """
    key = [*_facets.further(study_rows.combinations(source), CELL), *KEY]
    rows = with_expectation(study_rows.read(source, READ, _naive_validation, metric), metric)
    rows = rows.assign(residual=residuals(rows), order=rows.groupby(SHARED).ngroup())
    if rows.empty:
        return pd.DataFrame(columns=[*key, *COUNTED, *NUMBERS])
    cell = [*key, "n_samples"]
    groups = rows.groupby(key, observed=True)
    summaries = [
        dict(zip(key, values, strict=True)) | _summary(part, cell) for values, part in groups
    ]
    integer_columns = {
        column: "Int64" for column in key if pd.api.types.is_integer_dtype(rows[column])
    }
    every = pd.DataFrame([*summaries, _summary(rows, cell)], columns=[*key, *COUNTED, *NUMBERS])
    return every.astype(integer_columns).round(dict.fromkeys(NUMBERS, 6))


def _naive_validation(piece: pd.DataFrame) -> pd.Series:
    return (piece["strategy"] == "batch_mean") & (piece["split"] == "validation")


def _summary(rows: pd.DataFrame, cell: list[str]) -> dict[str, float]:
    """Return the numbers of some passes, in the columns of `table`."""
    passes = rows[rows["residual"].notna()]
    orders = pd.factorize(passes["order"])[0]
    values = passes["residual"].to_numpy()
    has_expectation = rows["expected_f1"].notna()
    certain = rows[has_expectation & rows["residual"].isna()]
    mean, mean_se = _clustered(values, orders)
    variance, variance_se = _clustered((values - mean) ** 2, orders)
    deviation = variance**0.5
    return {
        "n_cells": len(rows[cell].drop_duplicates()),
        "n_runs": passes["run_id"].nunique(),
        "n_passes": len(passes),
        "n_certain": len(certain),
        "n_unknown": int((~has_expectation).sum()),
        "mean": mean,
        "mean_se": mean_se,
        "deviation": deviation,
        "deviation_se": variance_se / (2 * deviation) if deviation > 0 else np.nan,
        "outside": float((np.abs(values) > NORMAL_95).mean()) if len(values) else np.nan,
        "worst_certain": (certain["f1"] - certain["expected_f1"]).abs().max(),
    }


def _clustered(values: NDArray[np.float64], orders: NDArray[np.intp]) -> tuple[float, float]:
    """Return the mean of the values, and its standard error, clustered by order."""
    if not len(values):
        return np.nan, np.nan
    mean = float(values.mean())
    sums = np.bincount(orders, values - mean)
    n = len(sums)
    return mean, float((n / (n - 1) * np.sum(sums**2)) ** 0.5 / len(values)) if n > 1 else np.nan


def draw(table: pd.DataFrame) -> Figure:
    """Plot mean and standard deviation of the residuals over batch size, coloured by prevalence.

    A row of panels for each setting of further axes. Raises `InputError` for more than
    `_facets.MOST` settings.
    """
    cells = table[table["batch_size"].notna() & (table["n_passes"] > 0)]
    if cells.empty:
        return style.empty_figure("no validation pass has a batch mean with a predicted deviation")
    further = [column for column in study_rows.settings(table) if column not in COLUMNS]
    panels = _facets.panels(cells, further, "calibration")
    figure, axes = plt.subplots(
        len(panels),
        2,
        figsize=(7.6, 1.5 + HEIGHT * len(panels)),
        sharex=True,
        sharey="col",
        layout="constrained",
        squeeze=False,
    )
    looks = _looks(cells["prevalence"])
    for row, (setting, part) in zip(axes, panels, strict=True):
        _column(row[0], part, "mean", 0, looks)
        _column(row[1], part, "deviation", 1, looks)
        row[0].set_ylabel("mean residual\n(predicted deviations)")
        row[1].set_ylabel("standard deviation\nof residuals")
        row[0].set_title(
            "\n".join([*textwrap.wrap(setting, WIDTH), "On average: 0 if theory is right"])
        )
        row[1].set_title("In spread: 1 if theory is right")
    _across(axes, cells["batch_size"])
    style.headline(figure, _conclusion(table, cells), _legend(looks))
    style.caption(figure, _caption(table, cells))
    return figure


def _looks(prevalence: pd.Series) -> dict[float, tuple[Any, str, float]]:
    """Return prevalence -> colour, marker, and horizontal offset."""
    values = sorted(prevalence.unique(), reverse=True)
    shades = colormaps["cividis"](np.linspace(0.85, 0.0, len(values)))
    places = 2 ** (np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(1))
    return {
        value: (shade, MARKERS[i % len(MARKERS)], offset)
        for i, (value, shade, offset) in enumerate(zip(values, shades, places, strict=True))
    }


def _legend(looks: dict[float, tuple[Any, str, float]]) -> list[Any]:
    points = [
        Line2D([], [], color=c, marker=m, linestyle="none", label=f"{100 * p:g} %", markersize=4)
        for p, (c, m, _) in looks.items()
    ]
    points[0].set_label(f"prevalence {points[0].get_label()}")
    return points


def _column(ax: Any, part: pd.DataFrame, name: str, target: float, looks: dict[float, Any]) -> None:
    """Plot one of the numbers over batch size, with its interval and its target."""
    ax.axhspan(target - BAND, target + BAND, color=style.PLAIN, alpha=0.3, linewidth=0)
    ax.axhline(target, color=style.TRUTH, linewidth=0.8)
    for prevalence, (colour, marker, offset) in looks.items():
        points = part[part["prevalence"] == prevalence]
        ax.errorbar(
            points["batch_size"] * offset,
            points[name],
            NORMAL_95 * points[f"{name}_se"],
            color=colour,
            marker=marker,
            markersize=3.5,
            linestyle="none",
            elinewidth=0.8,
        )
    ax.spines[["top", "right"]].set_visible(False)


def _across(axes: Any, sizes: pd.Series) -> None:
    values = sorted(sizes.unique())
    for ax in axes.flat:
        ax.set_xscale("log", base=2)
        ax.set_xticks(values, [f"{value:,.0f}" for value in values], fontsize=8)
        ax.minorticks_off()
        ax.set_xlim(values[0] / 2**0.6, values[-1] * 2**0.6)
        ax.tick_params(labelbottom=True)
    for ax in axes[-1]:
        ax.set_xlabel("batch size (samples)")


def _conclusion(table: pd.DataFrame, cells: pd.DataFrame) -> str:
    """Return the headline: whether log and theory agree, overall and in each point.

    In a point as far as chance in so many of them allows (Bonferroni's intervals).
    """
    every = _every(table)
    mean = style.signed(every["mean"], 3)
    text = f"mean {mean}, spread {every['deviation']:.3f}"
    passes = f"{every['n_passes']:,.0f} validation passes"
    strange = sum(_beyond(row, norm.isf(0.025 / len(cells))) for _, row in cells.iterrows())
    if strange:
        return f"Theory fails in {strange} of {len(cells)} points of {passes}: {text}"
    unsure = _beyond(every, -NORMAL_95) or np.isnan(every["mean_se"])
    if unsure or every["worst_certain"] > ROUNDING:
        return f"Theory stands beside the log of {passes}: {text}"
    return f"What theory predicts holds in {passes}: {text}"


def _every(table: pd.DataFrame) -> pd.Series:
    """Return the row of all passes."""
    total = table[table["batch_size"].isna()]
    check(len(total) == 1, "figure calibration", "must have one row of all passes", len(total))
    return total[[*COUNTED, *NUMBERS]].astype(float).iloc[0]


def _beyond(row: pd.Series, n_errors: float) -> bool:
    """Return True if mean or deviation is over `n_errors` standard errors outside the band."""
    far = {"mean": abs(row["mean"]), "deviation": abs(row["deviation"] - 1)}
    return any(gap - n_errors * row[f"{name}_se"] > BAND for name, gap in far.items())


def _caption(table: pd.DataFrame, cells: pd.DataFrame) -> str:
    every = _every(table)
    return textwrap.fill(
        f"A point is of {style.format_range(cells['n_runs'])} trainings: mean and spread of "
        f"(logged {style.MINUS} expected) / predicted standard deviation of the batch mean of "
        f"{study_rows.label(table)} in their validation passes, with a 95 % interval that takes "
        "the training as the unit, as its epochs share one cut of the data. Grey: 0 and 1 to "
        f"within {BAND:g}. All {every['n_runs']:,.0f} trainings of {every['n_cells']:,.0f} cells "
        f"(data sizes pooled): {100 * every['outside']:.1f} % lie beyond 1.96.{_left_out(every)}",
        LINE,
    )


def _left_out(every: pd.Series) -> str:
    """Describe the passes without a residual, and the reason."""
    text = ""
    if every["n_certain"]:
        worst = every["worst_certain"]
        logged = f"up to {worst:.1g} from it" if worst > ROUNDING else "just that"
        text += (
            f" Not drawn: {every['n_certain']:,.0f} passes of one batch or that found nothing, "
            f"where the expectation is certain; logged is {logged}."
        )
    if every["n_unknown"]:
        text += f" {every['n_unknown']:,.0f} passes have no expectation: their batches were others."
    return text
