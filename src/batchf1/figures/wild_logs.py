"""Figure of public logs: the logged F1 of each beside what it proves about the true one."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchf1.figures import style
from batchf1.forensics.log import read
from batchf1.forensics.log_numbers import number as value_of
from batchf1.forensics.verdict import Finding, conclude
from batchf1.records.columns import Schema, count, number, optional, share, text
from batchf1.studies.wild_logs import SOURCES, TASKS, WildLog, WildLogs
from batchf1.sweep.grid import load_study

VERDICTS = ("averaged", "object", "accuracy", "flat_labels", "unknown")
PRINTED = "not printed"
UNDECIDED = "the log does not say"
SCHEMA = Schema(
    "A row is a split of a public log, at its last epoch.",
    {
        "log": count("number of the log in `experiments/wild_logs.yaml`", 1),
        "source": text("kind of source", SOURCES),
        "framework": text("framework that printed it, as far as its form or source shows"),
        "form": text("form of a line"),
        "task": text("kind of classification", TASKS),
        "split": text("train or validation", ("train", "validation")),
        "n_epochs": count("epochs that were read", 1, unit="epochs"),
        **optional(
            PRINTED,
            {
                "f1": number("logged F1", 0),
                "precision": number("logged precision", 0),
                "recall": number("logged recall", 0),
                "accuracy": share("logged accuracy"),
                "iou": number("logged intersection over union", 0),
            },
        ),
        "verdict": text("what the log proves, as in docs/forensics.md", VERDICTS),
        **optional(
            UNDECIDED,
            {
                "lower_bound": share("lower bound of the true F1, if the parts are random"),
                "true_f1_low": share("lower end of the 95 % interval of the true F1"),
                "true_f1": share("true F1, most likely"),
                "true_f1_high": share("upper end of the interval"),
                "prevalence": share("share of positives, most likely"),
                "batch_size": number("batch size, most likely", 1, unit="samples"),
            },
        ),
        "stated_batch_size": number("batch size", 1, unit="samples", missing="not stated"),
    },
    key=("log", "split"),
)
COLUMNS = SCHEMA.columns
ALT = (
    "For each public log, sorted by the logged F1, a dot at the logged F1, a bar for the interval "
    "of the true F1, and a tick where it most likely lies."
)
LINE = 118
"""Characters in a line of the caption."""


def table(source: Path) -> pd.DataFrame:
    """Return a row per log and split, of its last epoch: what it printed, and what that proves."""
    study = load_study(source, WildLogs)
    rows = [row for i, log in enumerate(study.logs, 1) for row in _rows(i, log)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(6)


def _rows(index: int, log: WildLog) -> list[dict[str, Any]]:
    facts = {name: getattr(log, name) for name in ("source", "framework", "form", "task")}
    findings = conclude(read(log.text()))
    return [
        {
            "log": index,
            **facts,
            "split": split,
            "n_epochs": len(log.split(split)),
            **{name: value_of(digits) for name, digits in log.split(split)[-1].items()},
            **_proved(finding),
            "stated_batch_size": log.stated.get("batch_size"),
        }
        for split, finding in findings.items()
    ]


def _proved(finding: Finding) -> dict[str, Any]:
    low, best, high = finding.true_f1 or (None, None, None)
    return {
        "verdict": finding.verdict,
        "lower_bound": finding.lower_bound,
        "true_f1_low": low,
        "true_f1": best,
        "true_f1_high": high,
        "prevalence": finding.prevalence,
        "batch_size": finding.batch_size[0] if finding.batch_size else None,
    }


def draw(table: pd.DataFrame) -> Figure:
    """Draw a line per log with an estimate: a dot at the logged F1, a bar for the true one."""
    shown = _shown(table)
    if shown.empty:
        return style.empty_figure("no log says where its true F1 lies")
    figure, ax = plt.subplots(figsize=(7.6, 1.6 + 0.13 * len(shown)), layout="constrained")
    y = range(len(shown))
    ax.hlines(y, shown["true_f1_low"], shown["true_f1_high"], color=style.PLAIN, linewidth=4)
    ax.plot(shown["true_f1"], y, **_tick())
    ax.plot(shown["f1"], y, **_dot())
    ax.set(xlim=(0, 1.02), ylim=(-1, len(shown)), xlabel="F1")
    ax.set_yticks([])
    ax.set_ylabel("a line is a log")
    ax.spines[["top", "right", "left"]].set_visible(False)
    style.headline(figure, _conclusion(table), _legend())
    style.caption(figure, _caption(table, shown))
    return figure


def of_validation(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per log: that of validation, of training where there is none."""
    order = table.sort_values(["log", "split"], ascending=[True, False], kind="stable")
    return order.drop_duplicates("log")


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    rows = of_validation(table)
    rows = rows[rows["verdict"].eq("averaged") & rows["true_f1"].notna()]
    return rows.sort_values("f1", kind="stable").reset_index(drop=True)


def _tick() -> dict[str, Any]:
    return {"color": style.TRUTH, "marker": "|", "markersize": 7, "linestyle": "none"}


def _dot() -> dict[str, Any]:
    return {
        "color": style.colour("batch_mean"),
        "marker": "o",
        "markersize": 4,
        "linestyle": "none",
    }


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], label="logged F1", **_dot()),
        Line2D([], [], label="true F1, most likely", **_tick()),
        Line2D([], [], label="95 % interval", color=style.PLAIN, linewidth=4),
    ]


def _conclusion(table: pd.DataFrame) -> str:
    rows = of_validation(table)
    averaged = rows["verdict"].eq("averaged").sum()
    return f"{averaged} of {len(rows)} public F1 logs prove to be means over parts of the data"


def _caption(table: pd.DataFrame, shown: pd.DataFrame) -> str:
    rows = of_validation(table)
    counts = rows["verdict"].value_counts()
    others = {
        "object": "an F1 of all samples",
        "accuracy": "the accuracy under another name",
        "flat_labels": "above 1",
        "unknown": "not decided by what was printed",
    }
    named = ", ".join(f"{counts[key]} {text}" for key, text in others.items() if key in counts)
    gap = 100 * (shown["true_f1"] - shown["f1"])
    return textwrap.fill(
        f"A line is one of the {len(shown)} logs that let the true F1 be estimated, at the last "
        "epoch, of validation where there is one. The logged F1 is "
        f"{gap.median():.1f} points too low in the median and {gap.max():.0f} at most. "
        f"The other logs: {named}. "
        "Data: logs that people posted and a search found, no sample of the world.",
        LINE,
    )
