"""What figures/decisions.csv has of each decision, for the pages that quote it."""

from pathlib import Path

import pandas as pd

from templates.common import figure

Key = tuple[str, str, str]
"""Decision, model and class weight, as the table has them."""
LINES: dict[str, Key] = {
    "threshold": ("threshold", "network", "1"),
    "search over 32 candidates": ("search_32", "candidate", ""),
    "class weight 1 to 20": ("class_weight", "network", ""),
    "epoch kept, class weight 10": ("checkpoint", "network", "10"),
    "early stopping, class weight 10": ("early_stopping_5_best", "network", "10"),
    "two weighted models": ("two_models", "network v logistic", "10 v 10"),
    "epoch kept": ("checkpoint", "network", "1"),
    "early stopping": ("early_stopping_5_best", "network", "1"),
    "two unweighted models": ("two_models", "network v logistic", "1 v 1"),
}
"""What a page calls a decision -> its key in the table."""
THRESHOLD, SEARCH = LINES["threshold"], LINES["search over 32 candidates"]
CLASS_WEIGHT, WEIGHTED = LINES["class weight 1 to 20"], LINES["two weighted models"]


def read(root: Path) -> pd.DataFrame:
    """Read the table, with empty text where a key is empty."""
    return figure(root, "decisions").fillna({"empty": "", "class_weight": "", "chosen_by": ""})


def rows(
    table: pd.DataFrame, row: str = "bin", chosen_by: str = "logged", empty: str = "0"
) -> pd.DataFrame:
    """Return the rows of one kind, rule and value of empty batches."""
    kept = (table["row"] == row) & (table["chosen_by"] == chosen_by) & (table["empty"] == empty)
    return table[kept]


def of(found: pd.DataFrame, key: Key) -> pd.DataFrame:
    """Return the rows of a decision, those with the fewest positives per batch first."""
    decision, model, weight = key
    kept = (found["decision"] == decision) & (found["model"] == model)
    rows = found[kept & (found["class_weight"] == weight)]
    return rows.sort_values("positives_per_batch", kind="stable")


def first(found: pd.DataFrame, key: Key) -> pd.Series:
    """Return the row of a decision with the fewest positives per batch."""
    return of(found, key).iloc[0]
