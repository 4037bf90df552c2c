"""Figure of the census: how many repositories average, and how often the scan is right."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest

from batchf1.errors import check
from batchf1.figures import style
from batchf1.records.columns import Schema, count, share, text
from batchf1.studies.census import Census
from batchf1.sweep.grid import load_study

FRAMEWORKS = ("all", "Keras", "Lightning", "own loop", "fastai", "ignite")
PANELS = {
    "carry": "repositories with a finding,\nof those that name a metric",
    "findings": "findings that are right,\nread by hand",
    "files": "files without a finding where\nthat is right, read by hand",
}
"""Panel -> its title."""
SCHEMA = Schema(
    "A row is a share of the census of public repositories.",
    {
        "panel": text("what is counted", PANELS),
        "framework": text("framework, or all", FRAMEWORKS),
        "count": count("repositories with a finding, or places where the scan is right"),
        "of": count("repositories that name such a metric, or places that were read", 1),
        "share": share("count / of"),
        "low": share("lower end of Wilson's 95 % interval"),
        "high": share("upper end of it"),
    },
    key=("panel", "framework"),
)
COLUMNS = SCHEMA.columns
ALT = (
    "Three columns of dots with intervals, a line for each framework: the share of public "
    "repositories with a finding of the scan, of findings that are right, and of files without "
    "a finding where that is right."
)


def table(source: Path, counts: Path, checks: Path) -> pd.DataFrame:
    """Return a row per panel and framework, from the counts and what was read by hand."""
    load_study(source, Census)
    of_counts, of_checks = pd.read_csv(counts), pd.read_csv(checks)
    rows = [_carry(of_counts, name) for name in FRAMEWORKS]
    rows += [
        _right(of_checks, panel, kind, name)
        for panel, kind in (("findings", "finding"), ("files", "file"))
        for name in FRAMEWORKS
    ]
    return pd.DataFrame([row for row in rows if row["of"]], columns=list(COLUMNS)).round(6)


def _carry(counts: pd.DataFrame, framework: str) -> dict[str, Any]:
    of = counts[counts["framework"].eq(framework) & counts["rule"].eq("any")]
    by_level = of.set_index("level")["repositories"]
    levels = ("named", "sure or choice")
    check(all(one in by_level for one in levels), f"census: {framework}", f"must have {levels}")
    return _row("carry", framework, int(by_level[levels[1]]), int(by_level[levels[0]]))


def _right(checks: pd.DataFrame, panel: str, kind: str, framework: str) -> dict[str, Any]:
    """Count what was read; unclear places are left out."""
    of = checks[
        checks["kind"].eq(kind) & (checks["framework"].eq(framework) | (framework == "all"))
    ]
    by_verdict = of.groupby("verdict")["checked"].sum()
    right = int(by_verdict.get("right", 0))
    return _row(panel, framework, right, right + int(by_verdict.get("wrong", 0)))


def _row(panel: str, framework: str, found: int, of: int) -> dict[str, Any]:
    row: dict[str, Any] = {"panel": panel, "framework": framework, "count": found, "of": of}
    if of:
        low, high = binomtest(found, of).proportion_ci(method="wilson")
        row |= {"share": found / of, "low": low, "high": high}
    return row


def draw(table: pd.DataFrame) -> Figure:
    """Draw a column for each panel: a dot at the share, a bar for its interval."""
    if table.empty:
        return style.empty_figure("no repository was scanned")
    shown = [name for name in FRAMEWORKS if table["framework"].eq(name).any()]
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 3.0), sharey=True, layout="constrained")
    for ax, (panel, title) in zip(axes, PANELS.items(), strict=True):
        _draw_panel(ax, table[table["panel"].eq(panel)], shown, title)
    axes[0].set_yticks(range(len(shown)), shown)
    axes[0].set_ylim(len(shown) - 0.5, -0.8)
    style.headline(figure, _conclusion(table))
    style.caption(figure, _caption())
    return figure


def _draw_panel(ax: Axes, rows: pd.DataFrame, shown: list[str], title: str) -> None:
    y = rows["framework"].map(shown.index)
    ax.hlines(y, rows["low"], rows["high"], color=style.PLAIN, linewidth=4)
    ax.plot(rows["share"], y, color=style.TRUTH, marker="o", markersize=4, linestyle="none")
    for place, found, of in zip(y, rows["count"], rows["of"], strict=True):
        ax.annotate(
            f"{found} of {of}", (1.0, place), xytext=(0, 6), textcoords="offset points",
            ha="right", fontsize=6.5, color="#555555",
        )  # fmt: skip
    ax.set_xlim(-0.03, 1.06)
    ax.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"], fontsize=7.5)
    ax.set_title(title, fontsize=8, fontweight="normal")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _conclusion(table: pd.DataFrame) -> str:
    rows = table[table["panel"].eq("carry") & table["framework"].eq("all")]
    if rows.empty:
        return "No repository of the census names a metric that is not additive"
    found, of = rows.iloc[0][["count", "of"]]
    return f"{found} of {of} public repositories that name F1 or the like average it over batches"


def _caption() -> str:
    return textwrap.fill(
        "A point is a share of repositories, findings or files. Data: public repositories "
        "that were found by neutral words; metrics that "
        "are not additive, Dice and IoU of all pixels of a batch among them. Bars: Wilson's 95 % "
        "intervals, too narrow as findings cluster in few repositories. What was read by hand was "
        "found before the faults seen there were corrected. No sample of all code.",
        118,
    )
