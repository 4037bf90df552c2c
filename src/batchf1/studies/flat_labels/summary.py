"""Means over the seeds of a study of labels of shape (n,): logs, and what is chosen by them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from batchf1.metrics.counts import as_counts
from batchf1.records import tables
from batchf1.studies.flat_labels.predictions import SAME_SHARE, TRAINED
from batchf1.studies.flat_labels.schema import CHOICES, LOGS
from batchf1.theory.expectation import expect

PASS = ["source", "split", "epoch", "prevalence", "batch_size", "predictions"]
CHOICE = ["decision", "chosen_by", "prevalence", "batch_size"]
ROUNDING = 1e-6
"""Rounding of logs, relative: Keras adds in float32."""
LOG, CHOSEN = "log", "choice"
"""Rows of logs, and rows of choices."""
NAMES = {
    ("flat", "margins"): "flat_margins",
    ("flat", "cells"): "flat_cells",
    ("column", "margins"): "batch_mean",
}
"""Labels and how the function is written -> the column of what is logged."""


def summary(logs: Path, choices: Path) -> pd.DataFrame:
    """Return the table of the figure, see `figures.flat_labels.table`.

    Raises `InputError` for a table that does not fit.
    """
    rows = [log_rows(tables.read(logs, LOGS)), choice_rows(tables.read(choices, CHOICES))]
    return pd.concat(rows, ignore_index=True)


def log_rows(logs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per pass and kind of predictions, of means over the seeds."""
    deviation = (logs["logged"] - logs["exact"]).abs() / logs["exact"].clip(lower=1)
    keys = zip(logs["labels"], logs["written"], strict=True)
    names = pd.Series([NAMES.get(key) for key in keys], index=logs.index)
    rows = logs.assign(deviation=deviation, log=names)
    passes = rows.groupby(PASS, sort=False)
    found = passes.agg(n_seeds=("seed", "nunique"), true_f1=("true_f1", "mean"))
    found["deviation"] = passes["deviation"].max()
    for name, part in rows.groupby("log"):
        found[name] = part.groupby(PASS)["logged"].mean()
    return _of_kind(LOG, _with_change(rows, found).join(_expected(logs)))


def _with_change(rows: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """Add `change`: how far a log of labels (n,) is at most from that of the trained network."""
    flat = rows[rows["labels"] == "flat"]
    key = [name for name in PASS if name != "predictions"] + ["seed", "written"]
    trained = flat[flat["predictions"] == TRAINED].set_index(key)["logged"].rename("wanted")
    both = flat.join(trained, on=key)
    change = (both["logged"] / both["wanted"] - 1).abs()
    return means.assign(change=change.groupby([both[name] for name in PASS]).max())


def _expected(logs: pd.DataFrame) -> pd.DataFrame:
    """Return `expected`, of the log by margins, and `inside`, the share of logs in its interval.

    Of evaluations whose batches are a random cut; shuffled predictions are none, as each batch has
    the number of predicted positives that it had before.
    """
    flat = (logs["labels"] == "flat") & (logs["written"] == "margins")
    random = logs["predictions"].isin([TRAINED, SAME_SHARE]) & (logs["source"] == "evaluate")
    parts = [_with_expected(rows) for _, rows in logs[flat & random].groupby("batch_size")]
    return pd.concat(parts).groupby(PASS)[["expected", "inside"]].mean()


def _with_expected(rows: pd.DataFrame) -> pd.DataFrame:
    """Add both columns to rows of one batch size."""
    pools = as_counts(*(rows[cell].to_numpy() for cell in ("tp", "fp", "fn", "tn")))
    moments = expect(pools, int(rows["batch_size"].iloc[0]), labels="flat", written="margins")
    low, high = moments.interval95
    inside = rows["logged"].between(low - ROUNDING, high + ROUNDING)
    return rows.assign(expected=moments.expected_f1, inside=inside)


def choice_rows(choices: pd.DataFrame) -> pd.DataFrame:
    """Return a row per decision, value chosen by, prevalence and batch size."""
    groups = choices.groupby(CHOICE, sort=False)
    means = groups[["regret", "most_positives", *_test_columns(choices)]].mean()
    means["regret_se"] = groups["regret"].sem()
    means["n_seeds"] = groups["seed"].nunique()
    return _of_kind(CHOSEN, means)


def _of_kind(row: str, table: pd.DataFrame) -> pd.DataFrame:
    table = table.reset_index()
    table.insert(0, "row", row)
    return table


def _test_columns(choices: pd.DataFrame) -> list[str]:
    return [name for name in map(str, choices) if name.endswith(("_true", "_chosen"))]
