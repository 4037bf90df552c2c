"""Figure of cuts that are not random: the mean over batches and the true F1 of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchf1.figures import style
from batchf1.records import tables
from batchf1.studies.cuts.schema import CUT_TABLE

ALT = (
    "For each way to cut the data into batches an arrow from the true F1 to the mean over "
    "batches, to the left where that is too low and to the right where it is too high."
)
SCHEMA, COLUMNS = CUT_TABLE, CUT_TABLE.columns
LOW, HIGH = style.colour("batch_mean"), "#56B4E9"
ALARMS = {"plain": "few false alarms", "balanced": "many false alarms"}
"""Classifier -> what it is in the picture."""
CUTS = {
    "shuffled": "shuffled, {n} batches",
    "clarity": "by clarity, {n} grades",
    "color": "by colour, {n} grades",
    "cut": "by quality of cut, {n} grades",
}
SORTED = "{cut}, {n} batches"


def table(source: Path) -> pd.DataFrame:
    """Return a row per cut, classifier and prevalence; see `studies.cuts.rows`."""
    return tables.read(source, CUT_TABLE)


def draw(table: pd.DataFrame) -> Figure:
    """Draw an arrow from the true F1 to the mean over batches, for each cut."""
    shown = _shown(table)
    if shown.empty:
        return style.empty_figure("no cuts to show")
    figure, ax = plt.subplots(figsize=(7.6, 1.4 + 0.27 * len(shown)), layout="constrained")
    for _, row in shown.iterrows():
        _arrow(ax, float(row["y"]), row)
    _blocks(ax, shown)
    ax.set(xlim=(0, 1), xlabel="F1", ylim=(shown["y"].max() + 0.7, -0.2))
    ax.set_yticks(shown["y"], shown["name"])
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    style.headline(figure, _conclusion(shown), _legend())
    style.caption(figure, _caption(shown))
    return figure


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to draw, of each family those of the rarest positives, with their heights."""
    rarest = table.groupby("family")["prevalence"].transform("min")
    rows = table[table["prevalence"] <= rarest * (1 + 1e-9)]
    rows = rows[(rows["family"] != "groups") | (rows["classifier"] == "plain")]
    rows = rows.assign(mean=rows["mean_f1"], name=[_name(row) for _, row in rows.iterrows()])
    again = rows[rows["undefined"].gt(0) & (rows["cut"] == "stratified folds")]
    again = again.assign(mean=again["mean_defined"], name="the same, undefined ones left out")
    shown = pd.concat([rows, again[again["mean"].notna()]]).sort_index(kind="stable")
    block = (shown["family"] != shown["family"].shift()).cumsum()  # each has a line for its title
    return shown.assign(y=np.arange(len(shown)) + 1.15 * block).reset_index(drop=True)


def _name(row: pd.Series) -> str:
    if row["family"] == "published":
        return "their table 1"
    if row["family"] == "folds":
        return f"{row['cut']}, {ALARMS.get(row['classifier'], row['classifier'])}"
    return CUTS.get(row["cut"], SORTED).format(cut=row["cut"], n=f"{row['n_batches']:.0f}")


def _arrow(ax: Any, y: float, row: pd.Series) -> None:
    true, mean = row["true_f1"], row["mean"]
    colour, tip = (LOW, "<") if mean < true else (HIGH, ">")
    ax.plot([true, mean], [y, y], color=colour, linewidth=3, solid_capstyle="butt")
    ax.plot(mean, y, marker=tip, color=colour, markersize=8)
    ax.plot(true, y, marker="|", color=style.TRUTH, markersize=12, markeredgewidth=2.5)
    label = style.format_points(mean - true)
    weight = "bold" if mean > true else "normal"
    transform = ax.get_yaxis_transform()
    ax.text(1.02, y, label, va="center", fontweight=weight, transform=transform)


def _blocks(ax: Any, shown: pd.DataFrame) -> None:
    """Write a title above the rows of each family."""
    for family, rows in shown.groupby("family", sort=False):
        first = rows.iloc[0]
        n = f"{first[['tp', 'fp', 'fn', 'tn']].sum():,.0f}"
        share, k = f"{100 * first['prevalence']:.2g} % positive", f"{first['n_batches']:.0f}"
        label = {
            "groups": f"A validation set of {n}, {share}",
            "folds": f"Cross-validation: {k} folds of {n}, {share}",
            "published": f"Forman & Scholz (2010): {k} folds, {share}",
        }
        title, y = label.get(str(family), str(family)), first["y"] - 0.85
        ax.text(0.005, y, title, fontweight="bold", va="center", transform=ax.get_yaxis_transform())


def _legend() -> list[Line2D]:
    tick: Any = {"color": style.TRUTH, "marker": "|", "markeredgewidth": 2.5, "linewidth": 0}
    low: Any = {"color": LOW, "marker": "<", "linewidth": 3}
    high: Any = {"color": HIGH, "marker": ">", "linewidth": 3}
    return [
        Line2D([], [], markersize=12, label="true F1, of all together", **tick),
        Line2D([], [], markersize=8, label="mean over batches: too low", **low),
        Line2D([], [], markersize=8, label="too high", **high),
    ]


def _conclusion(shown: pd.DataFrame) -> str:
    error = shown["mean"] - shown["true_f1"]
    low, high = error.min(), error.max()
    if not low < 0 < high:
        return "How far the mean over batches lies from the true F1, by how they are cut"
    return (
        f"Not cut at random, the mean over batches may be {style.format_points(low)} "
        f"or {style.format_points(high)}"
    )


def _caption(shown: pd.DataFrame) -> str:
    ours = shown[shown["family"] != "published"]
    seeds = f"; means over {style.format_range(ours['n_seeds'])} seeds" if len(ours) else ""
    return (
        f"An arrow is a way to cut the data{seeds}. Data: diamonds (is a stone heavier than a "
        "threshold?), by logistic regression,\nfor many false alarms with balanced weights. A "
        "batch without a positive, real or predicted, counts 0. Undefined: 0/0."
    )
