"""Figure of the article's log (C3) and of the same line from runs of the shape that it implies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.stats import t as student

from batchf1.errors import keep_machine_error, one_line, raise_input_error
from batchf1.figures import _facets, study_rows, style
from batchf1.forensics.answer import investigate
from batchf1.forensics.fit import SplitFit
from batchf1.records.columns import Schema, count, flag, number, optional, share, text
from batchf1.sweep.expected import with_expectation
from batchf1.sweep.schema import RUNS
from batchf1.theory.expectation import NORMAL_95

QUANTITIES = {
    "loss": ("train", "loss"),
    "acc": ("train", "accuracy"),
    "f1": ("train", "batch_mean"),
    "val_loss": ("validation", "loss"),
    "val_acc": ("validation", "accuracy"),
    "val_f1": ("validation", "batch_mean"),
    "f1score_train": ("train", "epoch_end"),
    "f1score_test": ("validation", "epoch_end"),
}
"""What the log prints -> its split, and what that is in the runs' table."""
SHOWN = {
    "f1": "f1: naive, training",
    "val_f1": "val_f1: naive, validation",
    "f1score_train": "f1score_train: true",
    "f1score_test": "f1score_test: true",
}
READ = [
    *("split", "strategy", "f1", "loss", "n_batches"),
    *("framework", "version", "averaging", *_facets.COUNTS),
]
"""Columns of a study\'s table that are read, apart from the settings."""
ARTICLE = "article"
DATA = {"southwest": "flights", "trousers": "pictures"}
"""Data set -> its word in the headline."""
ALT = (
    "Four rows, one for each F1 of the article's log: the number that it prints, beside points "
    "for our runs in each Keras and the interval in which one more would lie."
)
SCHEMA = Schema(
    "A row is a number that a log prints: of the article's, or of one of our runs.",
    {
        "keras": text("version of Keras, or `article`"),
        **RUNS.of("dataset", "seed"),
        "steps": count("batches of a training epoch", 1),
        "quantity": text("name of the number in the log", QUANTITIES),
        "value": number("the number", 0),
        **optional(
            "no naive F1",
            {
                "expected_f1": share("its expectation from the counts"),
                "sd": number("its standard deviation over random cuts", 0),
            },
        ),
        **optional(
            "the article, or one run",
            {
                "low": number("lower end: one more run lies above it with 97.5 %", 0),
                "high": number("upper end: one more run lies below it with 97.5 %", 0),
                "compatible": flag("the article's value lies between the two"),
            },
        ),
    },
    key=("keras", "dataset", "seed", "quantity"),
)
COLUMNS = SCHEMA.columns


def table(source: Path, log: Path) -> pd.DataFrame:
    """Return a row per line (the article's, and one per run) and printed quantity.

    The interval of one more run is Student's t.
    """
    measured, article = _measured(source), of_article(log)
    printed = article.set_index("quantity")["value"]
    rows = pd.concat([measured, article], ignore_index=True)
    parts = [_with_interval(part, printed) for _, part in rows.groupby(["keras", "quantity"])]
    order = list(QUANTITIES)
    found = pd.concat(parts)
    place = found["quantity"].map(order.index)
    found = found.assign(place=place).sort_values(["keras", "seed", "place"])
    return found.drop(columns="place").round(8)


def of_article(log: Path) -> pd.DataFrame:
    """Return the numbers that the article's log prints: a row per `quantity` and `value`.

    Raises `InputError` for a log that cannot be read, or that no counts can have printed.
    """
    return pd.DataFrame(_printed(_read(log)))


def _read(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        keep_machine_error(error, log)
        raise_input_error(str(log), "must be a readable text file", one_line(error))


def _printed(text: str) -> Iterator[dict[str, Any]]:
    """Yield the numbers of the article's line, with expectations from the counts it allows."""
    losses = dict(zip(("loss", "val_loss"), _losses(text), strict=True))
    answer = investigate(text)
    if not answer.candidates:
        raise_input_error("log", "must print digits that some counts give", answer.undetermined[0])
    best, log = answer.candidates[0], answer.log
    values = losses | {
        "acc": log.train.accuracy,
        "f1": log.train.naive_f1,
        "val_acc": log.validation.accuracy,
        "val_f1": log.validation.naive_f1,
        "f1score_train": log.train.exact_f1,
        "f1score_test": log.validation.exact_f1,
    }
    for quantity, (part, kind) in QUANTITIES.items():
        split: SplitFit = best.validation if part == "validation" else best.train
        naive = kind == "batch_mean"
        if values[quantity] is not None:
            yield {
                "keras": ARTICLE,
                "dataset": "not told",
                "seed": 0,
                "steps": log.total,
                "quantity": quantity,
                "value": float(str(values[quantity])),
                "expected_f1": split.expected_f1 if naive else np.nan,
                "sd": split.sd if naive else np.nan,
            }


def _losses(text: str) -> list[str]:
    words = text.replace(" - ", "\n").splitlines()
    found = [word.split(":")[1].strip() for word in words if "loss:" in word]
    if len(found) != 2:
        raise_input_error("log", "must print loss and val_loss once each", found)
    return found


def _measured(source: Path) -> pd.DataFrame:
    """Return the last epoch of each run, as the log would print it."""
    rows = study_rows.last_epoch(source, READ)
    _facets.no_others(rows, [], "original_log")
    _facets.require_strategies(rows, ["batch_mean", "epoch_end"], "original_log")
    steps = rows[rows["split"] == "train"].groupby("run_id")["n_batches"].first()
    found = printed_by(with_expectation(rows))
    naive = found["quantity"].map(lambda quantity: QUANTITIES[quantity][1] == "batch_mean")
    expected = found[["expected_f1", "sd"]].where(naive)
    found = found.assign(keras=found["version"], steps=found["run_id"].map(steps), **expected)
    return found[["keras", "dataset", "seed", "steps", "quantity", "value", *expected]]


def printed_by(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of a study that a log prints: a row per run, epoch and `quantity`."""
    right = (rows["tp"] + rows["tn"]) / rows[_facets.COUNTS].sum(axis=1)
    rows = rows.assign(accuracy=right)
    return pd.concat([_of(quantity, rows) for quantity in QUANTITIES])


def _of(quantity: str, rows: pd.DataFrame) -> pd.DataFrame:
    split, kind = QUANTITIES[quantity]
    # loss and accuracy stand in the rows of every strategy
    strategy = "epoch_end" if kind == "epoch_end" else "batch_mean"
    selected = rows[(rows["split"] == split) & (rows["strategy"] == strategy)]
    return selected.assign(quantity=quantity, value=selected[kind if kind in selected else "f1"])


def half_width(deviation: Any, n: Any) -> Any:
    """Return half of the 95 % prediction interval of n runs (Student's t); NaN for one run."""
    return deviation * np.sqrt(1 + 1 / n) * student.ppf(0.975, np.where(n > 1, n - 1, np.nan))


def _with_interval(part: pd.DataFrame, printed: pd.Series) -> pd.DataFrame:
    """Return one quantity of one Keras, with its prediction interval; none for one run."""
    n, quantity = len(part), part["quantity"].iloc[0]
    spread = half_width(part["value"].std(), n)
    most = np.inf if "loss" in quantity else 1.0
    low, high = np.clip(part["value"].mean() + spread * np.array([-1, 1]), 0, most)
    defined = n > 1 and quantity in printed
    inside: Any = bool(low <= printed[quantity] <= high) if defined else pd.NA
    return part.assign(low=low, high=high, compatible=inside)


def line(table: pd.DataFrame, keras: str) -> str:
    """Return the log of the first run, or of the article, in the article's order and digits."""
    rows = table[table["keras"] == keras]
    rows = rows[rows["seed"] == rows["seed"].min()]
    values = rows.set_index("quantity")["value"]
    bar = [f"{name}: {_as_keras(values[name])}" for name in list(QUANTITIES)[:6] if name in values]
    digits = {"f1score_train": 6, "f1score_test": 8}
    after = [f"{name} {values[name]:.{n}f}" for name, n in digits.items() if name in values]
    steps = rows["steps"].iloc[0]
    return "\n".join([f"{steps}/{steps} - {' - '.join(bar)}", *after])


def _as_keras(value: float) -> str:
    """Return a number as the progress bar of Keras 2.2.4 prints it."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def draw(table: pd.DataFrame) -> Figure:
    """Plot the four F1 of the log: as printed, as expected, and from the runs."""
    if table.empty:
        return style.empty_figure("no run to hold against the article's log")
    figure, ax = plt.subplots(figsize=(7.6, 3.8), layout="constrained")
    versions = [keras for keras in table["keras"].unique() if keras != ARTICLE]
    colours = dict(zip(versions, cycle(style.FRAMEWORKS), strict=False))
    for place, quantity in enumerate(SHOWN):
        rows = table[table["quantity"] == quantity]
        for _, row in rows[rows["keras"] == ARTICLE].iterrows():
            _article(ax, place, row)
        for i, (keras, colour) in enumerate(colours.items(), 1):
            _ours(ax, place + 0.22 * i, rows[rows["keras"] == keras], colour)
    ax.set_yticks(np.arange(len(SHOWN)) + 0.2, list(SHOWN.values()))
    ax.set_ylim(len(SHOWN) - 0.4, -0.45)
    least = table[table["quantity"].isin(SHOWN)][["value", "low"]].min().min()
    ax.set_xlim(min(0.35, least - 0.05), 1.04)
    ax.set_xlabel("F1")
    ax.grid(axis="x", linewidth=0.4)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    style.headline(figure, _conclusion(table), _handles(colours))
    style.caption(figure, _caption(table))
    return figure


def _article(ax: Any, place: float, row: pd.Series) -> None:
    if np.isfinite(row["sd"]):
        half = NORMAL_95 * row["sd"]
        left = row["expected_f1"] - half
        ax.barh(place, 2 * half, left=left, height=0.2, color=style.PLAIN, alpha=0.5)
    ax.plot(row["value"], place, **ARTICLE_MARK)
    ax.annotate(
        f"{row['value']:g}",
        (row["value"], place),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        fontsize=7.5,
        bbox=GROUND,
    )


def _ours(ax: Any, place: float, rows: pd.DataFrame, colour: str) -> None:
    for _, ends in rows[["low", "high"]].drop_duplicates().iterrows():
        ax.plot(ends, [place] * 2, color=colour, linewidth=1.2)
    ax.plot(rows["value"], [place] * len(rows), **_dot(colour))


GROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""Of a number, for the grid not to strike it through."""
ARTICLE_MARK: dict[str, Any] = {
    "color": style.TRUTH,
    "marker": "|",
    "markersize": 13,
    "markeredgewidth": 2,
    "linestyle": "none",
}


def _dot(colour: str) -> dict[str, Any]:
    edge = {"markeredgecolor": style.TRUTH, "markeredgewidth": 0.4, "linestyle": "none"}
    return {"color": colour, "marker": style.marker("batch_mean"), "markersize": 4.5, **edge}


def _handles(colours: dict[str, str]) -> list[Any]:
    return [
        Line2D([], [], label="printed in the article", **ARTICLE_MARK),
        Patch(color=style.PLAIN, alpha=0.5, label="where its own counts let it lie, 95 %"),
        *(Line2D([], [], label=f"ours, Keras {k}", **_dot(c)) for k, c in colours.items()),
        Line2D([], [], color=style.PLAIN, label="where one more run of ours would lie, 95 %"),
    ]


def _conclusion(table: pd.DataFrame) -> str:
    """Return the headline: the share of the true F1 that is printed on average."""
    ours = table[table["keras"] != ARTICLE].groupby("quantity")["value"].mean()
    pairs = (("f1", "f1score_train"), ("val_f1", "f1score_test"))
    shares = [ours[naive] / ours[true] for naive, true in pairs if ours.get(true, 0) > 0]
    if not shares:
        return "Our runs have found nothing to hold against the article's log"
    share = 100 * np.mean(shares)
    part = "half" if 45 <= share <= 55 else f"{share:.0f} %"
    data = " and ".join(DATA.get(name, name) for name in _data_sets(table))
    return f"Keras logs {part} of the true F1 in the article, and again on {data}"


def _data_sets(table: pd.DataFrame) -> list[str]:
    """Return the data sets of our runs."""
    return sorted(table[table["keras"] != ARTICLE]["dataset"].unique())


def _caption(table: pd.DataFrame) -> str:
    ours = table[table["keras"] != ARTICLE]
    n_runs = style.format_range(ours.groupby("keras")["seed"].nunique())
    return (
        f"A point is the last epoch of a training, {n_runs} in each Keras, with "
        f"{style.format_range(ours['steps'])} batches an epoch. In training the log is of weights "
        "that\nmove, the true F1 of those after the epoch. The CSV has every number that the log "
        "prints and says which are compatible."
    )
