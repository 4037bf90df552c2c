"""Figure of the article's "From log" minus "Verify" (C7), with each possible cause on its own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from batchf1.figures import _facets, study_rows, style
from batchf1.metrics.arithmetic import safe_divide
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import as_counts
from batchf1.metrics.ratios import F1
from batchf1.records.columns import Schema, number, share, text
from batchf1.sweep.schema import RUNS
from batchf1.theory import last_batch
from batchf1.training import engines

MOVING, DIGITS = "moving_weights", "printed_digits"
CAUSES = {
    "arrays": "none: arrays, float32 rounding",
    DIGITS: "counts as printed, 4 decimals",
    "summed_counts": "counts as sums (the article's)",
    "averaged_counts": "counts as means",
    "array_validation": "sums, arrays in fit_generator",
    "dropped_batch": "last batch dropped (C8)",
    "endless_generators": "generators, a pass an epoch",
    "drifting_validation": "generator never reset",
    "shuffled_validation": "never reset, shuffled",
    "together": "all of these together",
    MOVING: "weights that move (training)",
}
"""Cause -> its words. Files of `conf/input_pipeline` but for two, which need no program of their
own."""
UNREPEATABLE = (
    "dropped_batch",
    "endless_generators",
    "drifting_validation",
    "shuffled_validation",
    "together",
)
"""Causes with a validation generator, of which Keras 3 loses batches (`loses_prefetched`)."""
BOUNDS = (5.0, 10.0, 20.0, 50.0, 100.0, np.inf)
"""What their differences stay below, in % of F1, is one of these: so coarse that a second making
states the same, though no run repeats the numbers."""
NOT_REPEATABLE = "no two runs log the same"
KEY = ["cause", "keras", "batch_size", "split", "frozen", "seed", "epoch"]
SERIES = ["keras", "batch_size"]
MODEL = [*SERIES, "seed"]
DISTRIBUTIONS: dict[Averaging, dict[str, Callable[[int, int, int, int], last_batch.Outcomes]]] = {
    "size_weighted": {"dropped_batch": last_batch.dropped, "summed_counts": last_batch.summed},
    "per_batch": {"dropped_batch": last_batch.dropped, "averaged_counts": last_batch.averaged},
}
"""Averaging rule -> cause -> the exact distribution of the difference, for a random cut."""
CLAIMED = (2, 3)
"""The differences that the article reports, in % of F1."""
SEEN = 0.005
"""A smaller difference, in % of F1, is written as 0."""
LINE = 128
"""Characters in a line of the caption."""
ALT = (
    "For each possible cause a bar with the largest difference between the F1 from the log and "
    "that of a prediction afterwards, in both versions of Keras; only weights that move pass the "
    "band that was claimed."
)
SCHEMA = Schema(
    "A row is an epoch of a run with one cause: validation, but for `moving_weights` the training "
    "log of `arrays`.",
    {
        "cause": text("possible cause: a file in `conf/input_pipeline`, or one of two others"),
        "keras": text("version of Keras"),
        **RUNS.of("batch_size", "split", "frozen", "seed", "epoch"),
        "from_log": share("F1 rebuilt from the logs", NOT_REPEATABLE),
        "verify": share("F1 of a prediction after the epoch"),
        "points": number("100 (from_log - verify)", -100, 100, missing=NOT_REPEATABLE),
        "percent": number(
            "from_log - verify in % of verify", unit="%", missing=f"{NOT_REPEATABLE}; verify is 0"
        ),
        "limit95": number(
            "what 95 % of random cuts of the fixed model's counts do not exceed, in % of F1",
            0,
            unit="%",
            missing="no exact distribution",
        ),
        "bound": number("what |percent| stays below", 0, unit="%", missing="runs log the same"),
    },
    key=tuple(KEY),
)
COLUMNS = SCHEMA.columns
READ = [
    *("split", "epoch", "strategy", "f1", "reference_full_pass", "frozen"),
    *("framework", "version", "averaging", *_facets.COUNTS),
]
"""Columns of a study\'s table that are read, apart from the settings."""
COLUMN_OF = {
    "f1": "from_log",
    "reference_full_pass": "verify",
    "program": "cause",
    "version": "keras",
}
"""Column of a study's table -> of the figure's."""


def table(source: Path) -> pd.DataFrame:
    """Return a row per cause, Keras, batch size, repetition and epoch.

    `bound` stands in place of `from_log`, `points` and `percent` where no two runs log the same.
    """
    rows = study_rows.read(source, READ)
    _facets.no_others(rows, ["program", "batch_size"], "discrepancy")
    _facets.require_strategies(rows, ["reconstructed"], "discrepancy")
    rows = rows[rows["strategy"] == "reconstructed"].rename(columns=COLUMN_OF)
    validation, training = (rows[rows["split"] == s] for s in ("validation", "train"))
    clean = validation[validation["cause"] == "arrays"]
    moving = training[(training["cause"] == "arrays") & ~training["frozen"]]
    digits = clean.assign(cause=DIGITS, from_log=_from_digits(clean))
    differences = pd.concat([validation, digits, moving.assign(cause=MOVING)])
    difference = differences["from_log"] - differences["verify"]
    limits = _limits(clean[clean["frozen"]])
    models = differences[["cause", *MODEL]].itertuples(index=False, name=None)
    differences = differences.assign(
        points=100 * difference,
        percent=100 * safe_divide(difference, differences["verify"], np.nan),
        limit95=[limits.get(model, np.nan) for model in models],
        order=differences["cause"].map(causes(differences).index),
    )
    differences = _bounded(differences)
    differences = differences.sort_values(["order", *KEY[1:]])
    return differences[list(COLUMNS)].round(10)


def _bounded(differences: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a bound in place of numbers that are not reproducible."""
    loses = differences["engine"].map(lambda engine: engines.framework(engine).loses_prefetched)
    lost = loses & differences["cause"].isin(UNREPEATABLE)
    worst = differences["percent"].abs()[lost].max()
    bound = next(bound for bound in BOUNDS if not worst > bound)
    numbers = ["from_log", "points", "percent"]
    masked = {name: differences[name].mask(lost) for name in numbers}
    return differences.assign(**masked, bound=pd.Series(bound, differences.index).where(lost))


def causes(table: pd.DataFrame) -> list[str]:
    """Return the causes of a table: those of `CAUSES` in their order, others before the last."""
    present = set(table["cause"])
    listed = [cause for cause in CAUSES if cause in present]
    index = listed.index(MOVING) if MOVING in present else len(listed)
    return [*listed[:index], *sorted(present - set(CAUSES)), *listed[index:]]


def _from_digits(rows: pd.DataFrame) -> Any:
    """Return F1 rebuilt from the three shares as a progress bar prints them, with 4 decimals."""
    counts = as_counts(*(rows[cell] for cell in ("tp", "fp", "fn", "tn")))
    parts = (counts.tp, counts.positives, counts.predicted_positives)
    tp, possible, predicted = (np.round(part / counts.n, 4) for part in parts)
    return F1.from_margins(tp, possible, predicted)


def _limits(fixed: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    """Return, by cause, Keras, batch size and seed, the 95 % quantile over random cuts.

    From a fixed model's counts, in % of F1; without those that have found nothing.
    """
    limits = {}
    for row in fixed.drop_duplicates(MODEL).query("tp > 0").to_dict("records"):
        errors = row["fp"] + row["fn"]
        n_samples = row["tp"] + errors + row["tn"]
        true = 2 * row["tp"] / (2 * row["tp"] + errors)
        for cause, distribution in DISTRIBUTIONS[row["averaging"]].items():
            cut = distribution(row["tp"], errors, n_samples, min(row["batch_size"], n_samples))
            model = tuple(row[key] for key in MODEL)
            limits[cause, *model] = 100 * cut.quantile(0.95) / true
    return limits


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cause, Keras and batch size: range in percent, mean and largest size."""
    groups = table.assign(size=table["percent"].abs()).groupby(
        ["cause", "keras", "batch_size"], sort=False
    )
    return groups.agg(
        low=("percent", "min"),
        high=("percent", "max"),
        mean_size=("size", "mean"),
        largest=("size", "max"),
    ).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """Draw a bar for each cause and Keras: the largest |From log - Verify| of all epochs."""
    if table["percent"].isna().all() and table["bound"].isna().all():
        return style.empty_figure("no epoch has a prediction that found anything, to compare with")
    shown = causes(table)
    figure, ax = plt.subplots(figsize=(7.6, 1.6 + 0.38 * len(shown)), layout="constrained")
    ax.axvspan(*CLAIMED, color=style.PLAIN, alpha=0.3, linewidth=0)
    colours = dict(zip(sorted(table["keras"].unique()), cycle(style.FRAMEWORKS), strict=False))
    height = 0.8 / len(colours)
    for place, (keras, colour) in enumerate(colours.items()):
        for i, cause in enumerate(shown):
            rows = table[(table["cause"] == cause) & (table["keras"] == keras)]
            _bar(ax, i - 0.4 + height * (place + 0.5), height, rows, colour)
    ax.set_xlabel(f"largest |From log {style.MINUS} Verify| of an epoch, % of F1")
    ax.set_yticks(range(len(shown)), [CAUSES.get(c, c.replace("_", " ")) for c in shown])
    ax.set(ylim=(len(shown) - 0.4, -0.6), xlim=(0, 1.12 * max(6, table["percent"].abs().max())))
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    style.headline(figure, _conclusion(table), _handles(colours))
    style.caption(figure, _caption(table))
    return figure


def _bar(ax: Any, y: float, height: float, rows: pd.DataFrame, colour: str) -> None:
    """Draw the bar of a cause in one Keras, with its number; words where no two runs are alike."""
    largest, bound = rows["percent"].abs().max(), rows["bound"].max()
    if np.isnan(largest):
        text = "no two runs are alike" if np.isnan(bound) else f"below {bound:g}, no two runs alike"
        largest = 0.0
    else:
        text = f"{largest:.2g}" if largest >= SEEN else "0"
    ax.barh(y, largest, height=0.9 * height, color=colour)
    ax.annotate(
        text if len(rows) else "",
        (largest, y),
        xytext=(10, 0),
        textcoords="offset points",
        va="center_baseline",
        fontsize=7.5,
        color="#555555",
    )


def _handles(colours: dict[str, str]) -> list[Patch]:
    claimed = "{} to {} %, as claimed".format(*CLAIMED)
    return [
        *(Patch(color=colour, label=f"Keras {keras}") for keras, colour in colours.items()),
        Patch(color=style.PLAIN, alpha=0.3, label=claimed),
    ]


def _conclusion(table: pd.DataFrame) -> str:
    """Return the headline: whether only moving weights make the article's differences."""
    moving = table[table["cause"] == MOVING]["percent"].abs().max()
    dropped = table[table["cause"] == "dropped_batch"]["limit95"].max()
    least, most = CLAIMED
    if moving >= least and dropped < least:
        text = f"{least:g} to {most:g} % come from weights that move"
        return f"{text}; a dropped last batch alone makes less"
    return "From log and Verify differ by cause"


def _caption(table: pd.DataFrame) -> str:
    n_runs = style.format_range(table.groupby(["cause", *SERIES])["seed"].nunique())
    epochs = [table[table["frozen"] == f]["epoch"].nunique() for f in (False, True)]
    last = f", but for '{CAUSES[MOVING]}'" if MOVING in set(table["cause"]) else ""
    sizes = ", ".join(f"{size:,}" for size in sorted(table["batch_size"].unique()))
    return textwrap.fill(
        f"A bar is the largest of {n_runs} trainings in batches of each size ({sizes}), "
        f"{epochs[0]} epochs that learn and {epochs[1]} with fixed weights. 'From log' is F1 "
        "rebuilt from the logged counts, 'Verify' that of a prediction after the epoch; of "
        f"validation{last}.",
        LINE,
    )
