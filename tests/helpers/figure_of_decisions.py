"""What figures/decisions.csv says, for the tests of the pages that quote it."""

import pandas as pd

LINES = {
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
"""What the page calls a decision -> its key in the table."""


def read(folder):
    """The table, with what is empty as empty text."""
    table = pd.read_csv(folder / "decisions.csv", keep_default_na=False, na_values=[""])
    return table.fillna({"empty": "", "class_weight": "", "chosen_by": ""})


def rows(table, row="bin", chosen_by="logged", empty="0"):
    found = table[(table["row"] == row) & (table["chosen_by"] == chosen_by)]
    return found[found["empty"] == empty]


def of(found, key):
    """The rows of a decision."""
    decision, model, weight = key
    found = found[(found["decision"] == decision) & (found["model"] == model)]
    return found[found["class_weight"] == weight]


def first(found, key):
    """The one with the fewest positives in a batch."""
    return of(found, key).sort_values("positives_per_batch").iloc[0]
