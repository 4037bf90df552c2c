"""Figure of all cells on one curve: the error depends on the number of positives in a batch."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.config.metric_names import DEFAULT, binary
from batchf1.figures import _facets, study_rows, style
from batchf1.figures._facets import CELL, LEARNED
from batchf1.records.columns import Schema, count, number
from batchf1.sweep.schema import RUNS
from batchf1.theory.limits import rare_positives

ALT = (
    "A chart of the naive F1 as a share of the true one over the expected positives per batch: "
    "measured cells as points, coloured by true F1, along the rising lines of the limit law."
)
SCHEMA = Schema(
    "A row is a cell and split in the last epoch: means over the runs with a true F1 of 0.5 or "
    "more.",
    {
        **RUNS.of(*CELL, "split"),
        "n_runs": count("runs in the means", 1),
        "true_f1": number("F1 of the predictions that the batches saw, pooled", LEARNED, 1),
        "share": number("naive F1, the batch mean, divided by true_f1", 0),
        "share_se": number("standard error of `share` over the runs", 0, missing="one run"),
        "positives_per_batch": number("prevalence times batch_size", 0, unit="samples"),
    },
    key=(*CELL, "split"),
    others=RUNS.others,
)
COLUMNS = SCHEMA.columns
READ = ["split", "strategy", "f1", "reference_pooled", *_facets.COUNTS]
"""Columns of a study\'s table that are read, apart from the settings."""
LINE = 128
"""Characters in a line of the caption."""
SKILLS = (0.95, 0.8, 0.6)
"""Precision and recall of the lines."""


def table(source: Path, metric: str = DEFAULT) -> pd.DataFrame:
    """Return a row per cell and split at the last epoch: true F1, and naive / true F1.

    Runs with a true F1 below `LEARNED` are left out: 0/0 is no share.
    Whatever else the study varies has columns of its own, and is a cell's too.
    """
    cell = [*_facets.further(study_rows.combinations(source), CELL), *CELL, "split"]
    rows = study_rows.last_epoch(source, READ, _naive, metric)
    rows = rows.assign(true_f1=_facets.true_f1(rows, metric))
    rows = rows[rows["true_f1"] >= LEARNED]
    rows = rows.assign(share=rows["f1"] / rows["reference_pooled"])
    cells = rows.groupby(cell).agg(
        n_runs=("run_id", "nunique"),
        true_f1=("true_f1", "mean"),
        share=("share", "mean"),
        share_se=("share", "sem"),
    )
    cells = cells.reset_index()
    return cells.assign(positives_per_batch=cells["prevalence"] * cells["batch_size"])


def _naive(piece: pd.DataFrame) -> pd.Series:
    return piece["strategy"] == "batch_mean"


def draw(table: pd.DataFrame) -> Figure:
    """Plot naive / true F1 over the expected positives per batch, and the theoretical limits."""
    if table.empty:
        return style.empty_figure(f"no run logged a batch mean of a true F1 of {LEARNED} or more")
    name = study_rows.label(table)
    figure, ax = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    _law(ax, table)
    figure.colorbar(_points(ax, table), ax=ax, label="true F1", pad=0.01)
    ax.axhline(1, color=style.PLAIN, linewidth=0.8)
    ax.set_xscale("log")
    ax.set(
        xlabel=f"expected positives per batch = batch size {style.TIMES} prevalence",
        ylabel=f"naive {name} / true {name}",
    )
    ax.set_ylim(0, max(1.1, 1.05 * table["share"].max()))
    ax.legend(loc="lower right", fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(table))
    style.caption(figure, _caption(table))
    return figure


def _law(ax: Any, table: pd.DataFrame) -> None:
    positives = table["positives_per_batch"]
    metric: Any = binary(table["metric"].iloc[0] if "metric" in table else DEFAULT)
    range_ = np.geomspace(positives.min(), positives.max(), 80)
    for skill, dashes in zip(SKILLS, ("-", "--", ":"), strict=True):
        limits = [rare_positives(k, skill, skill, metric=metric) for k in range_]
        share = [limit.expected_f1 / limit.true_f1 for limit in limits]
        label = f"limit law, precision = recall = {skill:g}"
        ax.plot(range_, share, color=style.TRUTH, linestyle=dashes, linewidth=1, label=label)


def _points(ax: Any, table: pd.DataFrame) -> Any:
    markers = {"train": "v", "validation": style.marker("batch_mean")}
    bars: dict[str, Any] = {"fmt": "none", "ecolor": style.PLAIN, "elinewidth": 0.8, "zorder": 1}
    ax.errorbar(table["positives_per_batch"], table["share"], table["share_se"], **bars)
    for split, part in table.groupby("split"):
        points = ax.scatter(
            part["positives_per_batch"],
            part["share"],
            c=part["true_f1"],
            cmap="cividis",
            vmin=LEARNED,
            vmax=1,
            s=16,
            marker=markers[str(split)],
            edgecolors=style.TRUTH,
            linewidths=0.3,
            label=f"measured, {split}",
        )
    return points


def _conclusion(table: pd.DataFrame) -> str:
    """Return the headline: whether less than half of F1 is left below one positive a batch."""
    name = study_rows.label(table)
    few = table[table["positives_per_batch"] < 1]["share"]
    if len(few) and few.max() < 1 and few.median() < 0.5:
        return f"With few positives in a batch, most of {name} is lost, whatever the data's size"
    return f"How much of {name} is left, by the positives that a batch can expect"


def _caption(table: pd.DataFrame) -> str:
    further = [_facets.name(c) for c in study_rows.settings(table) if c not in COLUMNS]
    point = "A point is a combination of data size, prevalence and batch size"
    each = f"{point}, and {', '.join(further)}" if further else point
    prevalence = style.format_range(100 * table["prevalence"], "{:g}")
    n_runs = style.format_range(table["n_runs"])
    return textwrap.fill(
        f"{each}: {style.format_range(table['n_samples'])} samples, prevalence {prevalence} %, "
        "batches of "
        f"{style.format_range(table['batch_size'])}: mean and standard error of {n_runs} trainings "
        f"with a true F1 of {LEARNED} or more. The law is for rare positives: common ones lie "
        "above it.",
        LINE,
    )
