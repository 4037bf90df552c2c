"""Shared parts of the three figures of the sweep that plot errors."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchf1.config.metric_names import DEFAULT
from batchf1.figures import _facets, _labels, study_rows, style
from batchf1.figures._facets import CELL, LEARNED
from batchf1.records.columns import Schema, count, number, share
from batchf1.sweep.expected import with_expected_f1
from batchf1.sweep.schema import RUNS

FLOOR = 1e-17
"""Where an error of exactly 0 is drawn on the logarithmic scale."""
EXACT = 1e-6
"""A strategy whose largest error is no larger is called exact."""
HEIGHT, WIDTH = 2.6, 80
"""Inches of a further row of panels; characters of its title in a line."""
NAIVE = "batch_mean"
WORDS = {
    "batch_size": "batch size (samples)",
    "prevalence": "prevalence (share of positives)",
    "n_samples": "training samples (thousands)",
}
FIGURES = {
    "batch_size": "error_vs_batch_size",
    "prevalence": "error_vs_imbalance",
    "n_samples": "error_vs_dataset_size",
}
"""What is across -> the figure."""
TITLES = {"train": "Training log", "validation": "Validation log"}
READ = [
    *("split", "strategy", "f1", "reference_pooled", "reference_full_pass"),
    *("n_batches", "averaging", *_facets.COUNTS),
]
"""Columns of a study\'s table that are read, apart from the settings."""
SCHEMA = Schema(
    "A row is a cell, split and strategy in the last epoch: means over the cell's runs.",
    {
        **RUNS.of(*CELL, "split", "strategy"),
        "n_runs": count("runs of the cell", 1),
        "true_f1": share("F1 of the predictions that the batches saw, pooled"),
        "f1": share("F1 that the strategy logged"),
        "error": number("f1 minus true_f1", -1, 1),
        "error_se": number("standard error of `error` over the runs", 0, missing="one run"),
        "worst_error": share("largest |error| of a run"),
        "error_full_pass": number("f1 minus the F1 of a pass with the last weights", -1, 1),
        "expected_error": number(
            "exact expectation of `error` from the pooled counts", -1, 1, missing="not the mean"
        ),
    },
    key=(*CELL, "split", "strategy"),
    others=RUNS.others,
)
COLUMNS = SCHEMA.columns


def with_errors(source: Path, metric: str = DEFAULT) -> pd.DataFrame:
    """Return rows of the last epoch, with their errors and, for the batch mean, the expected one.

    `error` is against the pooled reference, as is `expected_error`; `true_f1` is F1 itself,
    whatever the metric.
    """
    rows = study_rows.last_epoch(source, READ, metric=metric)
    naive = with_expected_f1(rows[rows["strategy"] == NAIVE], metric)
    return rows.assign(
        true_f1=_facets.true_f1(rows, metric),
        error=rows["f1"] - rows["reference_pooled"],
        error_full_pass=rows["f1"] - rows["reference_full_pass"],
        expected_error=naive["expected_f1"] - naive["reference_pooled"],  # NaN for the others
    )


def at_largest(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows with the largest value of a setting, for each further setting."""
    further = _facets.further(rows, CELL)
    largest = rows.groupby(further)[column].transform("max") if further else rows[column].max()
    return rows[rows[column] == largest]


def at_rarest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the smallest prevalence that the most data sizes share."""
    further = _facets.further(rows, CELL)
    sizes = rows.groupby([*further, "prevalence"]).agg(sizes=("n_samples", "nunique"))
    sizes = sizes.reset_index().sort_values(["sizes", "prevalence"], ascending=[False, True])
    first_size = sizes.drop_duplicates(further) if further else sizes.head(1)
    return rows.merge(first_size[[*further, "prevalence"]], on=[*further, "prevalence"])


def summary(rows: pd.DataFrame, metric: str = DEFAULT) -> pd.DataFrame:
    """Return a row per cell, split and strategy: mean over repetitions, standard error, maximum.

    Whatever else the study varies has columns of its own, before the others. Another metric than F1
    has its own `true_value`.
    """
    of_metric = {} if metric == DEFAULT else {"true_value": ("reference_pooled", "mean")}
    further = _facets.further(rows, CELL)
    groups = rows.groupby([*further, *CELL, "split", "strategy"], sort=True)
    return groups.agg(
        n_runs=("run_id", "nunique"),
        true_f1=("true_f1", "mean"),
        **of_metric,
        f1=("f1", "mean"),
        error=("error", "mean"),
        error_se=("error", "sem"),
        worst_error=("error", lambda e: e.abs().max()),
        error_full_pass=("error_full_pass", "mean"),
        expected_error=("expected_error", "mean"),
    ).reset_index()


def draw(table: pd.DataFrame, x: str, lines: str) -> Figure:
    """Plot the error over `x` for both splits; the naive mean has a line for each value of `lines`.

    Above, signed errors on a linear scale, with the exact expectation from the pooled counts as
    lines; a row of panels for each setting of the further axes. Below, on a logarithmic one, the
    largest error of each strategy over all drawn cells, so that errors of 0.8 and of 1e-16 can be
    read alike. Raises `InputError` for more than `_facets.MOST` settings.
    """
    drawn = table[table["true_f1"] >= LEARNED]
    if drawn.empty:
        return style.empty_figure(f"no cell reached a true F1 of {LEARNED}, so nothing was learned")
    further = [column for column in study_rows.settings(table) if column not in COLUMNS]
    panels = _facets.panels(drawn, further, FIGURES[x])
    figure, axes = plt.subplots(
        len(panels) + 1,
        2,
        figsize=(7.6, 5.6 + HEIGHT * (len(panels) - 1)),
        sharex=True,
        sharey="row",
        height_ratios=[3] * len(panels) + [1.4],
        layout="constrained",
        squeeze=False,
    )
    _across(axes, x, sorted(drawn[x].unique()))
    name = study_rows.label(drawn)
    for row, (setting, rows) in enumerate(panels):
        _row(axes[row], rows, x, lines, setting)
        axes[row, 0].set_ylabel(f"logged {name} {style.MINUS} true {name}")
    for ax, split in zip(axes[-1], TITLES, strict=True):
        _largest(ax, drawn[drawn["split"] == split], x)
    axes[-1, 0].set_ylabel("largest |error|,\nlog scale")
    _headline(figure, drawn)
    style.caption(figure, _caption(drawn, x, lines, len(panels)))
    _labels.lay_out(figure)
    _name(axes, drawn, panels, x, lines)
    return figure


def _across(axes: Any, x: str, values: list[Any]) -> None:
    """Format the shared x axis, with a tick for each value."""
    for ax in axes.flat:
        ax.set_xscale("log")
        ax.set_xticks(values, [_text(x, value) for value in values], fontsize=8)
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel(WORDS[x])


def _name(axes: Any, drawn: pd.DataFrame, panels: list[tuple[str, Any]], x: str, line: str) -> None:
    """Write names beside the ends of the lines of the naive mean, and the tick labels."""
    # lines of a data set's sizes part at the right, those of batches and prevalences at the left
    side: _labels.Side = "right" if x == "n_samples" else "left"
    named = drawn.loc[drawn["strategy"] == NAIVE, line].unique()
    _labels.reserve_margin(
        axes[0, 0], [_text(line, value) for value in named], drawn[x].tolist(), side
    )
    for row, (_, rows) in zip(axes, panels, strict=False):
        for ax, split in zip(row, TITLES, strict=True):
            _labels.label_line_ends(ax, _ends(rows[rows["split"] == split], x, line, side), side)
    for ax in axes.flat:
        _labels.turn_if_crowded(ax)


def _ends(part: pd.DataFrame, x: str, line: str, side: _labels.Side) -> list[_labels.End]:
    """Return the end of each line of the naive mean."""
    naive = part[part["strategy"] == NAIVE].sort_values(x).groupby(line)
    ends = naive.agg("last" if side == "right" else "first")[[x, "error"]]
    colours = [style.colour(NAIVE)] * 2
    return [_labels.End(_text(line, end[0]), *end[1:], *colours) for end in ends.itertuples()]


def _row(axes: Any, rows: pd.DataFrame, x: str, lines: str, setting: str) -> None:
    """Plot the signed errors of one setting of the further axes, in both splits."""
    for ax, (split, title) in zip(axes, TITLES.items(), strict=True):
        _signed(ax, rows[rows["split"] == split], x, lines)
        ax.set_title(title)
    if setting:  # across both panels
        axes[0].set_title("\n".join([*textwrap.wrap(setting, WIDTH), TITLES["train"]]))
        for ax in axes:
            ax.tick_params(labelbottom=True)


def _caption(drawn: pd.DataFrame, x: str, lines: str, n_panels: int) -> str:
    n_runs, name = style.format_range(drawn["n_runs"]), study_rows.label(drawn)
    note = f"{style.format_range(drawn['n_samples'])} training samples"
    if x == "n_samples":
        note = f"Prevalence {style.format_range(100 * drawn['prevalence'], '{:g}')} %"
    below = f" The lowest panels: the largest of all {n_panels} above." if n_panels > 1 else ""
    return (
        f"{note}; last epoch, mean and standard error of {n_runs} runs a point; "
        f"beside the lines: {lines.replace('_', ' ')}.\n"
        f"True {name}: of the very predictions that the batches saw. 'Epoch end' "
        "predicts the training data again, with other weights.\n"
        f"Not drawn: cells with a true F1 below {LEARNED}, where nothing was learned.{below}"
    )


def _signed(ax: Any, part: pd.DataFrame, x: str, lines: str) -> None:
    # over the data alone: beside a name it would read as a minus
    ax.plot([part[x].min(), part[x].max()], [0, 0], color=style.TRUTH, linewidth=0.8)
    naive = part[part["strategy"] == NAIVE].sort_values(x)
    colour = style.colour(NAIVE)
    for _, line in naive.groupby(lines):
        ax.plot(line[x], line["expected_error"], color=style.TRUTH, linewidth=0.6)
        ax.errorbar(
            line[x],
            line["error"],
            line["error_se"],
            color=colour,
            marker=style.marker(NAIVE),
            markersize=3.5,
            linestyle="none",
            elinewidth=0.8,
        )
    for strategy, rows in part[part["strategy"] != NAIVE].groupby("strategy"):
        _points(ax, rows.set_index(x)["error"], str(strategy))


def _largest(ax: Any, part: pd.DataFrame, x: str) -> None:
    for strategy, rows in part.groupby("strategy"):
        _points(ax, rows.groupby(x)["worst_error"].max().clip(lower=FLOOR), str(strategy))
    ax.set_yscale("log")
    ax.set_ylim(FLOOR / 30, 30)
    ax.set_yticks([FLOOR, 1e-12, 1e-6, 1], ["exactly 0", r"$10^{-12}$", r"$10^{-6}$", "1"])
    ax.minorticks_off()
    ax.grid(axis="y", linewidth=0.4)


def _points(ax: Any, values: pd.Series, strategy: str) -> None:
    ax.plot(
        values.index,
        values,
        color=style.colour(strategy),
        marker=style.marker(strategy),
        markersize=5,
        fillstyle="full" if strategy == NAIVE else "none",
        linestyle="none",
    )


def _text(column: str, value: Any) -> str:
    if column == "prevalence":
        return f"{100 * value:g} %"
    return f"{value / 1000:g}" if column == "n_samples" else f"{value:,}"


def _headline(figure: Figure, drawn: pd.DataFrame) -> None:
    handles = {
        str(strategy): Line2D(
            [],
            [],
            color=style.colour(str(strategy)),
            marker=style.marker(str(strategy)),
            fillstyle="full" if strategy == NAIVE else "none",
            linestyle="none",
            label=style.label(str(strategy)),
        )
        for strategy in sorted(drawn["strategy"].unique())
    }
    theory = Line2D([], [], color=style.TRUTH, linewidth=0.6, label="its exact expectation")
    naive = [handles.pop(NAIVE), theory] if NAIVE in handles else []
    style.headline(figure, _conclusion(drawn), [*naive, *handles.values()])


def _conclusion(drawn: pd.DataFrame) -> str:
    """Return the headline: how large the naive mean's error is, and whether counts are right."""
    worst = drawn.groupby("strategy")["worst_error"].max()
    rebuilt = worst.get("reconstructed", np.nan)
    name, exact = study_rows.label(drawn), "rebuilt from counts it is exact"
    if NAIVE not in worst:
        headline = (
            exact.replace("it", name, 1) if rebuilt <= EXACT else "The error of each strategy"
        )
        return f"{headline[0].upper()}{headline[1:]}"
    error = drawn[drawn["strategy"] == NAIVE]["error"].to_numpy()
    most = error[np.abs(error).argmax()]
    headline = f"Averaged over batches, {name} comes out up to {style.format_points(most)}"
    return f"{headline}; {exact}" if rebuilt <= EXACT else headline
