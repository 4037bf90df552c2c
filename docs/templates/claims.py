"""Numbers of docs/claims.md, from the tables behind its verdicts and from the article's log."""

from pathlib import Path

import pandas as pd

from batchf1.figures.original_log import ARTICLE, line
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import Expectation, expect
from templates.article import found_in_log
from templates.common import claim, figure
from templates.costs import check_memory
from templates.discrepancy import differences, of_last_batch

LOGS = {"timetable": "original_log", "trousers": "original_log_fashion_mnist"}
"""Name in the template -> figure."""


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
        **differences(root),
        **_forensics(root),
    }


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
