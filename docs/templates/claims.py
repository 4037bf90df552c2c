"""Numbers of docs/claims.md, from the tables behind its verdicts and from the article's log."""

from pathlib import Path

import pandas as pd

from batchf1.figures.original_log import ARTICLE, line
from batchf1.metrics.averaging import average
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.metrics.flat_labels import flat_value
from batchf1.metrics.ratios import F1
from batchf1.programs.example import BATCH_SIZE, BATCHES, LABELS, SCORES
from batchf1.theory.expectation import Expectation, expect
from templates.article import found_in_log
from templates.common import claim, figure, only, table_rows
from templates.costs import check_memory
from templates.discrepancy import differences, of_last_batch

LOGS = {"timetable": "original_log", "trousers": "original_log_fashion_mnist"}
"""Name in the template -> figure."""


KERAS = {
    "keras224": ("Keras", "size_weighted", "as (n, 1)"),
    "tf_keras": ("tf-keras", "per_batch", "as (n, 1)"),
    "keras": ("Keras", "per_batch", "as they are"),
}
"""Framework in docs/averaging.csv -> name, rule, and the shape in which it hands labels (n,) on."""


def context(root: Path) -> dict[str, object]:
    """Compute what the verdicts quote, and check what they conclude."""
    check_memory(root)
    tables = {name: figure(root, log) for name, log in LOGS.items()}
    for table in tables.values():
        _check_compatible(table)
    return {
        "example": shuffled_example(),
        "lines": {name: _line(table, "2.2.4") for name, table in tables.items()},
        "article": _line(tables["timetable"], ARTICLE),
        "flat": flat_labels(root),
        **differences(root),
        **_forensics(root),
    }


def flat_labels(root: Path) -> dict[str, object]:
    """Return what each Keras logs for the article's function, by the shape of the labels.

    Checks that every log of the table is the arithmetic of its batches.
    """
    table = pd.read_csv(root / "docs/averaging.csv")
    table = table[(table["weights"] == "none") & (table["returned"] == "f1")]
    for row in table.itertuples():
        value = _of_batches(row.framework, row.labels, BATCHES[row.batches])
        claim(abs(row.f1 - value) < 1e-6, f"{row.framework} logs {value:.7f}", row.f1)
    shown = table[table["batches"] == "4/4/2"].drop_duplicates(["framework", "labels"])
    logged = {
        keras: {shape: only(shown, framework=keras, labels=shape)["f1"] for shape in SHAPES}
        for keras in KERAS
    }
    versions = dict(zip(shown["framework"], shown["version"], strict=True))
    rows = [
        (f"{name} {versions[keras]}", *(f"{logged[keras][shape]:.2f}" for shape in SHAPES), how)
        for keras, (name, _, how) in KERAS.items()
    ]
    true = shown["true_f1"].iloc[0]
    return {"true": true, "logged": logged, "versions": versions, "rows": table_rows(rows)}


SHAPES = ("column", "flat")
"""Shapes of the labels in docs/averaging.csv: (n, 1), and (n,)."""


def _of_batches(keras: str, shape: str, n: int) -> float:
    """Compute the log from the counts of the batches of the example's first `n` samples."""
    counts = batch_counts(LABELS[:n], SCORES[:n], BATCH_SIZE)
    _, rule, how = KERAS[keras]
    flat = shape == "flat" and how == "as they are"
    values = flat_value(counts) if flat else F1(counts)
    return float(average(values, counts.n, rule))


def shuffled_example() -> Expectation:
    """Return what the samples of the article's example are expected to log, cut at random."""
    return expect(Counts(61, 10, 19, 210), 100)


def _line(table: pd.DataFrame, keras: str) -> str:
    """Return the log of the first run, indented as code."""
    return line(table, keras).replace("\n", "\n    ")


def _check_compatible(table: pd.DataFrame) -> None:
    """Check that the article's numbers lie where one more run would, in each Keras."""
    ours = table[table["keras"] != ARTICLE]
    ours = ours[ours["seed"] == ours["seed"].min()]
    inside = (ours["compatible"].astype(str) == "True").groupby(ours["keras"]).sum()
    claim((inside == 8).all(), "all eight numbers lie where one more run would", dict(inside))


def _forensics(root: Path) -> dict[str, object]:
    candidates = found_in_log(root).candidates
    pairs = {(found.train.tp, found.train.errors) for found in candidates}
    claim(len(pairs) == 1, "only one pair of counts prints the training F1", pairs)
    sizes = list(dict.fromkeys(found.batch_size for found in candidates))
    best = candidates[0]
    return {
        "best": best,
        "next_size": sizes[1],
        "n_steps": found_in_log(root).log.total,
        "limit95": of_last_batch(root, best.validation.n_samples)["limit95"],
    }
