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
from batchf1.figures import _facets, _labels, _line_words, study_rows, style
from batchf1.figures._facets import CELL, LEARNED
from batchf1.figures._line_words import NAIVE
from batchf1.records.columns import Schema, count, number, share
from batchf1.sweep.expected import with_expected_f1
from batchf1.sweep.schema import RUNS

HEIGHT, WIDTH = 2.6, 80
"""Inches of a further row of panels; characters of its title in a line."""
STRIP = 0.17
"""Inches of a line below the panels, which names a strategy and its largest error."""
IN_WORDS = ("epoch_end", "streaming")
"""Strategies that are named below the panels only: at 0 their points would hide one another."""
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

    In the panels the naive mean, with the exact expectation from the pooled counts as lines, and
    what is rebuilt from counts; a row of panels for each setting of the further axes. Below them,
    in words, the largest error of each strategy over all drawn cells. Raises `InputError` for more
    than `_facets.MOST` settings.
    """
    drawn = table[table["true_f1"] >= LEARNED]
    if drawn.empty:
        return style.empty_figure(f"no cell reached a true F1 of {LEARNED}, so nothing was learned")
    further = [column for column in study_rows.settings(table) if column not in COLUMNS]
    panels = _facets.panels(drawn, further, FIGURES[x])
    figure, axes, below = _grid(len(panels), drawn["strategy"].nunique())
    _across(axes, x, sorted(drawn[x].unique()))
    name = study_rows.label(drawn)
    for row, (setting, rows) in enumerate(panels):
        _row(axes[row], rows, x, lines, setting)
        axes[row, 0].set_ylabel(f"logged {name} {style.MINUS} true {name}")
    for ax, split in zip(below, TITLES, strict=True):
        _largest(ax, drawn[drawn["split"] == split])
    style.headline(figure, _line_words.conclusion(drawn, x), _handles(drawn))
    style.caption(figure, _line_words.caption(drawn, x, lines, len(panels)))
    _labels.lay_out(figure)
    _name(axes, drawn, panels, x, lines)
    return figure


def _grid(n_rows: int, n_strategies: int) -> tuple[Figure, Any, Any]:
    """Return a figure, its rows of two panels, and the two axes for the words below them."""
    strip = STRIP * (n_strategies + 1.5)
    figure = plt.figure(
        figsize=(7.6, 4.3 + strip + HEIGHT * (n_rows - 1)),
        layout="constrained",
    )
    places = figure.add_gridspec(n_rows + 1, 2, height_ratios=[3] * n_rows + [strip])
    panels: list[Any] = []
    for place in range(2 * n_rows):
        shared: dict[str, Any] = {"sharex": panels[0]} if panels else {}
        if place % 2:
            shared["sharey"] = panels[-1]
        panels.append(figure.add_subplot(places[place // 2, place % 2], **shared))
        panels[-1].tick_params(labelleft=not place % 2, labelbottom=place >= 2 * n_rows - 2)
    below = [figure.add_subplot(places[n_rows, column]) for column in range(2)]
    return figure, np.array(panels).reshape(n_rows, 2), below


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
    for strategy, rows in part[~part["strategy"].isin([NAIVE, *IN_WORDS])].groupby("strategy"):
        ax.plot(rows[x], rows["error"], **_look(str(strategy)), zorder=0)


def _largest(ax: Any, part: pd.DataFrame) -> None:
    """Write the largest error of each strategy, a line each, beside its marker."""
    worst = part.groupby("strategy")["worst_error"].max().sort_values(ascending=False)
    ax.text(0, 0, "Largest error of a run:", fontsize=8, va="center")
    for place, (strategy, value) in enumerate(worst.items(), 1):
        ax.plot(0.02, place, **_look(str(strategy)))
        text = f"{_line_words.size(value)}   {style.label(str(strategy))}"
        ax.text(0.06, place, text, fontsize=8, va="center")
    ax.set(xlim=(0, 1), ylim=(len(worst) + 0.5, -0.5))
    ax.set_axis_off()


def _look(strategy: str) -> dict[str, Any]:
    return {
        "color": style.colour(strategy),
        "marker": style.marker(strategy),
        "markersize": 5,
        "fillstyle": "full" if strategy == NAIVE else "none",
        "linestyle": "none",
    }


def _text(column: str, value: Any) -> str:
    if column == "prevalence":
        return f"{100 * value:g} %"
    return f"{value / 1000:g}" if column == "n_samples" else f"{value:,}"


def _handles(drawn: pd.DataFrame) -> list[Line2D]:
    """Return the legend: the strategies that the panels show, and the expectation."""
    names = [name for name in sorted(drawn["strategy"].unique()) if name not in IN_WORDS]
    handles = [Line2D([], [], **_look(name), label=style.label(name)) for name in names]
    theory = Line2D([], [], color=style.TRUTH, linewidth=0.6, label="its exact expectation")
    place = names.index(NAIVE) + 1 if NAIVE in names else 0
    return [*handles[:place], *[theory] * (NAIVE in names), *handles[place:]]
