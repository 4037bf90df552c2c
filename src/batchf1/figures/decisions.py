"""Figure of decisions: the F1 that is lost by choosing with the logged F1."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.errors import check
from batchf1.figures import _decision_panels, _labels, style
from batchf1.figures._decision_panels import ENOUGH, LINES, REGRET_TOL
from batchf1.records import tables
from batchf1.studies.decisions import aggregate, control, control_regret, pairs
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.studies.decisions.options import UNIT, decisions
from batchf1.studies.decisions.regret import cuts, regrets, values
from batchf1.studies.decisions.rows import EPOCHS, TEST, VALIDATION
from batchf1.studies.decisions.schema import SUMMARY
from batchf1.sweep.grid import load_study

SAID = [*UNIT, "run_id", "role", "candidate", "batch_size", "training.class_weight"]
READ = [*SAID, "epoch", "threshold", "val_loss", *VALIDATION, *TEST]
"""Columns of a study\'s table that are read, apart from the logged values."""
COUNTED = ["n_seeds", "n_pairs", "validation_batch_size"]
ALT = (
    "Left, the test F1 that each decision loses over the expected positives per batch, a line "
    "each. Right, arrows in the plane of recall and precision from the true choice to the logged "
    "one."
)
SCHEMA, COLUMNS = SUMMARY, SUMMARY.columns
OF = " of F1"
LINE = 150
"""Characters in a line of the caption."""


def table(runs: Path, experiment: Path) -> pd.DataFrame:
    """Return the regrets of choosing by a logged value, in rows of four kinds, given in `row`.

    Of tied options the middle one is taken, by a checkpoint and early stopping the first, as by
    Keras. `pairs` are those of candidates whose expected values are two deviations apart.
    Raises `InputError` for a table that lacks a column, or in which units differ in their options.
    """
    rows = _read(runs)
    options = decisions(rows)
    regret_table = regrets(options, values(rows, options))
    parts = {
        "cell": aggregate.cells(regret_table),
        "bin": aggregate.bins(regret_table),
        "pairs": pairs.pairs(rows, options),
        "control": control_regret.control(curves(experiment)),
    }
    combined = pd.concat(
        [part.assign(row=row) for row, part in parts.items() if len(part)] or [pd.DataFrame()]
    )
    combined = combined.reindex(columns=list(COLUMNS)).reset_index(drop=True)
    return combined.astype(dict.fromkeys(COUNTED, "Int64")).round(6)


def draw(table: pd.DataFrame) -> Figure:
    """Plot F1 lost over the positives in a batch, and precision and recall of what is chosen."""
    shown = pd.concat([line.rows(table, "bin") for line in LINES])
    shown = shown.dropna(subset=["positives_per_batch"])
    if shown.empty:
        return style.empty_figure("no decision went by a logged F1")
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8.6, 4.7), layout="constrained", width_ratios=(1.35, 1)
    )
    _decision_panels.plot_regret(left, table)
    left.set_title("F1 lost by each decision")
    setting = _decision_panels.setting(table)
    if setting:
        _decision_panels.plot_plane(right, table, *setting)
        right.set_title(_direction(_decision_panels.arrows(table, *setting)))
    else:
        right.set_axis_off()
    style.headline(figure, _conclusion(shown))
    style.caption(figure, _caption(table, shown, setting))
    _labels.lay_out(figure)
    _decision_panels.name(left, table)
    return figure


def _conclusion(shown: pd.DataFrame) -> str:
    """Return the headline: the loss with few positives in a batch, and with more."""
    zero = shown[shown["empty"] == "0"]
    few, many = zero[zero["bin_high"] <= ENOUGH], zero[zero["bin_low"] >= ENOUGH]
    if zero.empty:
        return "Choosing by the logged F1 costs this where empty batches are left out"
    below, above = _loss(few), _loss(many)
    limit = f"{ENOUGH:g} positives per batch"
    if few.empty or many.empty:
        cost, side = (above, "above") if few.empty else (below, "below")
        return f"Choosing by the logged F1 costs {cost} {side} {limit}"
    if below == above:
        return f"Choosing by the logged F1 costs {below}, below and above {limit}"
    return f"Choosing by the logged F1 costs {below} below {limit}, {above.removesuffix(OF)} above"


def _loss(rows: pd.DataFrame) -> str:
    """Return the largest loss in some rows that is significantly above 0."""
    sure = rows[(rows["regret_low"] > 0) & (rows["regret"] > REGRET_TOL)]
    if len(sure):
        return f"up to {style.format_points(sure['regret'].max()).removesuffix(' too high')}{OF}"
    return "almost nothing" if rows["regret"].max() <= REGRET_TOL else "nothing for sure"


def _direction(rows: pd.DataFrame) -> str:
    """Describe whether every arrow goes to more true positives and more false positives."""
    hits = rows["recall_chosen"] > rows["recall_true"]
    false_alarms = rows["precision_chosen"] < rows["precision_true"]
    return "More false alarms are chosen" if (hits & false_alarms).all() else "What is chosen"


def _caption(table: pd.DataFrame, shown: pd.DataFrame, setting: tuple[float, int] | None) -> str:
    cells = pd.concat([line.rows(table, "cell") for line in LINES])
    others = _decision_panels.harmless(table)
    named = f" Others, which lose next to nothing: {'; '.join(others)}." if others else ""
    text = (
        f"A point is the mean of {style.format_range(shown['n_seeds'])} seeds with a 95 % "
        "bootstrap interval: F1 on test of what the true validation F1 chooses, minus that of what "
        f"the logged one chooses{_over(cells) if len(cells) else ''}.{named} Empty batches count 0 "
        "unless left out; epoch kept: the best of a training, with class weight 1 or 10."
    )
    if setting:
        text += (
            f" Right: an arrow is a decision at {100 * setting[0]:g}\u00a0% and batches of "
            f"{setting[1]}, from the true choice (mark) to the logged one (tip); shaded: what is "
            "logged of very many samples."
        )
    return textwrap.fill(text, LINE)


def _over(cells: pd.DataFrame) -> str:
    """Describe the data behind the cells."""
    datasets = " and ".join(sorted(cells["dataset"].unique()))
    percent = style.format_range(100 * cells["prevalence"], "{:g}")
    sizes = style.format_range(cells["validation_batch_size"])
    return f". Data: {datasets}, prevalence {percent}\u00a0%, validation batches of {sizes}"


def curves(experiment: Path) -> pd.DataFrame:
    """Return the threshold curves of the study's binormal control, for `control_regret.control`."""
    return control.curves(experiment.stem, load_study(experiment, DecisionStudy))


def _read(runs: Path) -> pd.DataFrame:
    cost = tables.read(runs, EPOCHS)
    lacking = [name for name in SAID if name not in cost]
    check(not lacking, str(runs), f"must have the columns {SAID}", f"none named {lacking}")
    return cost[[*READ, *cuts(map(str, cost)).values()]].reset_index(drop=True)
