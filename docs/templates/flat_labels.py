"""Numbers of docs/flat_labels.md, and of choices by such a log, from figures/flat_labels.csv."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from batchf1.studies.flat_labels.config import FlatLabelsStudy
from batchf1.sweep.grid import load_study
from templates.common import claim, figure, only, table_rows

PREVALENCE, SIZE = 0.05, 32
"""Of the table of predictions."""
SIZES = (8, 32, 128, 512)
"""Columns of the table of choices."""
WORDS = {
    "trained": "of the network",
    "half": "shuffled in every second batch",
    "permuted": "shuffled in each batch",
    "random": "random, as many positives in each batch",
    "same_share": "random, as many positives altogether",
}
SAME = [name for name in WORDS if name != "same_share"]
CHOSEN_BY = {"flat": "log of labels (n,)", "batch_mean": "mean over batches"}


def context(root: Path) -> dict[str, object]:
    """Compute the tables and sentences, and check what the page concludes from them."""
    table = figure(root, "flat_labels")
    study = load_study(root / "experiments/flat_labels.yaml", FlatLabelsStudy)
    rows = table[table["source"] == "evaluate"]
    shown = rows[rows["prevalence"] == PREVALENCE]
    _check(table, rows)
    ends = shown["batch_size"].agg(["min", "max"])
    return {
        "study": study,
        "n_fits": len(study.prevalences) * study.seeds,
        "n_searched": len(study.prevalences) * study.seeds * study.search.candidates,
        "size": SIZE,
        "prevalence": PREVALENCE,
        "predictions": table_rows(_predictions(shown[shown["batch_size"] == SIZE])),
        "sizes": table_rows(_sizes(shown[shown["predictions"] == "trained"])),
        "apart": [_pair(shown[shown["batch_size"] == end]) for end in ends],
        "deviation": table["deviation"].max(),
        "inside": _inside(rows),
        "largest": rows.loc[rows["flat_margins"].idxmax()],
    }


def _predictions(rows: pd.DataFrame) -> Iterator[list[str]]:
    for name, words in WORDS.items():
        row = only(rows, predictions=name)
        flat = [f"{row['flat_margins']:.6f}", f"{row['flat_cells']:.6f}"]
        yield [words, f"{row['true_f1']:.3f}", *flat, f"{row['batch_mean']:.3f}"]


def _sizes(rows: pd.DataFrame) -> Iterator[list[str]]:
    for row in rows.to_dict("records"):
        per_batch = row["batch_size"] * row["prevalence"]
        size, digits = f"{row['batch_size']:,.0f}", 3 if row["flat_margins"] < 10 else 1
        flat = (f"{row[name]:.{digits}f}" for name in ("flat_margins", "expected"))
        numbers = (row["flat_cells"], row["batch_mean"], row["true_f1"])
        yield [size, f"{per_batch:.3g}", *flat, *(f"{number:.3f}" for number in numbers)]


def _pair(rows: pd.DataFrame) -> dict[str, float]:
    """Return the logs of the network and of random predictions with as many positives in all."""
    logs = {
        name: only(rows, predictions=name)["flat_margins"] for name in ("trained", "same_share")
    }
    return {"size": rows["batch_size"].iloc[0], **logs}


def _inside(rows: pd.DataFrame) -> float:
    """Return the share of logs within their 95 % intervals."""
    share = float(rows["inside"].mean())
    claim(share > 0.93, "the logs lie within their intervals", share)
    return share


def choices(root: Path) -> dict[str, object]:
    """Compute the table of choices by a log of labels (n,), and check what is said of it."""
    table = figure(root, "flat_labels")
    rows = table[table["row"] == "choice"]
    search, threshold = (rows[rows["decision"] == name] for name in ("search", "threshold"))
    flat, mean = (search[search["chosen_by"] == name] for name in CHOSEN_BY)
    lowest = threshold[threshold["chosen_by"] == "flat"]
    claim((lowest["most_positives"] == 1).all(), "the log takes the lowest threshold, always")
    claim(flat["most_positives"].min() > 0.5, "most searches take the most predicted positives")
    large = mean[mean["batch_size"] >= 512]["regret"].abs().max()
    claim(large < 0.01, "by the mean over batches next to nothing is lost in large batches", large)
    least, most = (
        flat[flat["batch_size"] == size].set_index("prevalence")["regret"]
        for size in (min(SIZES), max(SIZES))
    )
    claim((most > least - 0.01).all(), "larger batches do not help")
    return {
        "flat_choices": table_rows(_choices(search)),
        "flat_study": load_study(root / "experiments/flat_labels.yaml", FlatLabelsStudy),
        "flat_taken": [flat["most_positives"].min(), flat["most_positives"].max()],
        "flat_lost": [flat["regret"].min(), flat["regret"].max()],
        "flat_threshold": [lowest["regret"].min(), lowest["regret"].max()],
        "mean_lost": large,
    }


def _choices(search: pd.DataFrame) -> Iterator[list[str]]:
    for prevalence, rows in search.groupby("prevalence"):
        for name, words in CHOSEN_BY.items():
            cells = (only(rows, chosen_by=name, batch_size=size) for size in SIZES)
            said = [f"{row['regret']:.3f} ({100 * row['most_positives']:.0f} %)" for row in cells]
            numbers = [cell.replace("-0.000", "0.000") for cell in said]
            yield [f"{100 * float(prevalence):g} %", words, *numbers]


def _check(table: pd.DataFrame, rows: pd.DataFrame) -> None:
    change = rows[rows["predictions"].isin(SAME)]["change"].max()
    claim(change <= 1e-7, "shuffled predictions log the same number", change)
    claim(table["deviation"].max() <= 1e-6, "every log is the mean over its batches to 1e-6")
    trained = rows[rows["predictions"] == "trained"]
    rises = trained.sort_values("batch_size").groupby("prevalence")["flat_margins"]
    claim(rises.is_monotonic_increasing.all(), "the log grows with the batch size")
    share = trained["flat_cells"] / trained["prevalence"]
    claim(share.between(0.3, 1.2).all(), "by cells it is at most about the prevalence", share.max())
