"""Numbers of docs/discrepancy.md, from figures/discrepancy.csv and the law of a last batch."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from batchf1.figures import discrepancy
from batchf1.studies.experiments import plan
from batchf1.theory import last_batch
from templates.article import found_in_log
from templates.common import claim, figure, table_rows

ORIGINAL, SIZES = "2.2.4", (50, 512)
LOST = "within {bound:g}, no two runs alike"


def context(root: Path) -> dict[str, object]:
    """Compute the table and the verdicts, and check the bounds that the page states."""
    table = figure(root, "discrepancy")
    dataset = plan(root / "experiments/discrepancy.yaml").cells[0].first.dataset
    found = discrepancy.summary(table).set_index(["cause", "keras", "batch_size"])
    _check(table, found)
    return {
        "dataset": dataset,
        "n_validation": dataset.n_validation,
        "causes": table_rows(_rows(table)),
        "moving": found.loc[(discrepancy.MOVING, ORIGINAL, 50)],
        "others": {size: _others(found, size) for size in SIZES},
        **of_last_batch(root, dataset.n_validation),
    }


def differences(root: Path) -> dict[str, float]:
    """Return the largest differences in Keras 2.2.4, in batches of 50, in % of F1."""
    found = discrepancy.summary(figure(root, "discrepancy"))
    found = found[(found["keras"] == ORIGINAL) & (found["batch_size"] == 50)].set_index("cause")
    largest = found["largest"]
    return {
        "sums": largest["summed_counts"],
        "moving": largest[discrepancy.MOVING],
        "rest": largest.drop(index=discrepancy.MOVING).max(),
    }


def _rows(table: pd.DataFrame) -> Iterator[list[str]]:
    found = discrepancy.summary(table)
    kind = found["keras"].where(found["keras"] == ORIGINAL, "3")
    keyed = found.assign(kind=kind).set_index(["cause", "kind", "batch_size"])
    lost = LOST.format(bound=_bound(table))
    for cause, words in discrepancy.CAUSES.items():
        yield [words] + [
            lost
            if keras != ORIGINAL and cause in discrepancy.UNREPEATABLE
            else _range(*keyed.loc[(cause, keras, size), ["low", "high"]])
            for keras in (ORIGINAL, "3")
            for size in SIZES
        ]


def _bound(table: pd.DataFrame) -> float:
    """Return what the differences stay below that no second run gives."""
    lost = table["cause"].isin(discrepancy.UNREPEATABLE) & (table["keras"] != ORIGINAL)
    numbers = table[lost][["from_log", "points", "percent"]]
    claim(numbers.isna().all(axis=None), "no two runs alike are given by a bound alone")
    claim(table[~lost]["bound"].isna().all(), "all others are given by numbers")
    (bound,) = table[lost]["bound"].unique()
    return float(bound)


def _range(low: float, high: float) -> str:
    """Return the smallest and largest difference, signed, in % of F1."""
    return "0" if max(-low, high) < 0.005 else f"{low:+.2f} to {high:+.2f}"


def _others(found: pd.DataFrame, size: int) -> float:
    """Return the largest difference in Keras 2.2.4 that weights at rest make."""
    largest = found["largest"].sort_index().drop(index=discrepancy.MOVING)
    return float(largest.xs((ORIGINAL, size), level=("keras", "batch_size")).max())


@cache
def of_last_batch(root: Path, n: int) -> dict[str, object]:
    """Return by how much the last batch moves F1 at the counts of the article's log, in %."""
    best = found_in_log(root).candidates[0].validation
    true = 2 * best.tp / (2 * best.tp + best.errors)

    def limit(batch_size: int, share: float) -> float:
        law = last_batch.dropped(best.tp, best.errors, n, batch_size)
        return float(100 * law.quantile(share) / true)

    return {
        "n_last": n % 50,
        "limit95": limit(50, 0.95),
        "limit999": limit(50, 0.999),
        "needed": 1 + bisect_left(range(1, n // 2), 2, key=lambda size: limit(n - size, 0.95)),
    }


def _check(table: pd.DataFrame, found: pd.DataFrame) -> None:
    largest = table.assign(size=table["percent"].abs()).groupby("cause")["size"].max()
    claim(largest["arrays"] < 0.001, "float32 makes less than 0.001 %", largest["arrays"])
    digits = largest[discrepancy.DIGITS]
    claim(digits < 1, "the printed decimals make less than 1 %", digits)
    claim(_others(found, 512) < 2, "no other cause makes 2 % of F1", _others(found, 512))
    moving = found.loc[(discrepancy.MOVING, ORIGINAL, 50), "largest"]
    claim(moving > 3, "weights that move reproduce C7", moving)
