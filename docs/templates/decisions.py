"""Numbers of docs/decisions.md, from figures/decisions.csv, its experiment and the theory."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from batchf1.studies.decisions.config import DecisionStudy
from batchf1.sweep.grid import load_study
from templates import preference
from templates.common import claim, table_rows
from templates.flat_labels import choices
from templates.networks import n_trained
from templates.regret import (
    CLASS_WEIGHT,
    LINES,
    SEARCH,
    THRESHOLD,
    WEIGHTED,
    Key,
    first,
    of,
    read,
    rows,
)

EDGES = [(0, 0.3), (0.3, 1), (1, 3), (3, 10), (10, float("inf"))]
"""Expected positives per batch, as the heads of the table's columns have them."""
TO_FALSE_ALARMS = (
    *("threshold", "search_16", "search_32"),
    *("class_weight", "checkpoint", "two_models"),
)
"""Decisions that the logged F1 takes to higher recall and lower precision."""
OWN: Key = ("search_32_own", "candidate", "")
NOTHING_LOST = ("epoch kept", "early stopping", "two unweighted models")


def context(root: Path) -> dict[str, object]:
    """Compute the tables and sentences, and check what the page concludes from them."""
    table = read(root)
    zero, one, skip = (rows(table, empty=empty) for empty in ("0", "1", "skip"))
    study = load_study(root / "experiments/decisions.yaml", DecisionStudy)
    _check(table, zero)
    return {
        **_settings(root, study),
        "regrets": table_rows(_regrets(zero)),
        "few": first(zero, SEARCH),
        "expected": first(rows(table, chosen_by="expected"), SEARCH),
        "n_clear": len(_clear(table)),
        "skip_search": of(skip, SEARCH)["regret"].max(),
        "skip_threshold": of(skip, THRESHOLD)["regret"].max(),
        "one_search": of(one, SEARCH)["regret"].max(),
        "one_pair": first(one, ("two_models", "network v logistic", "10 v 1")),
        "own": of(zero, OWN).iloc[0],
        "own_rare": _rare(table),
        "own_skip": of(skip, OWN).iloc[0],
        **_by_loss(table),
        "stopped": first(zero, ("early_stopping_3_last", "network", "10")),
        "pairs": table[table["row"] == "pairs"].iloc[-1],
        "n_control": (table["row"] == "control").sum(),
        "n_inside": _inside(table).sum(),
        **preference.context(),
        **choices(root),
    }


def _settings(root: Path, study: DecisionStudy) -> dict[str, object]:
    run = dict(text.split("=", 1) for text in study.overrides)
    n = int(run["dataset.n_samples"])
    validation, test = (float(run[f"dataset.{part}_fraction"]) for part in ("validation", "test"))
    claim(validation == 1, "as many samples validate as train", validation)
    *sizes, largest = study.validation_batch_sizes
    return {
        "study": study,
        "n_networks": n_trained(root, "decisions"),
        "n_cases": len(study.tasks) * len(study.prevalences) * study.seeds,
        "epochs": int(run["training.epochs"]),
        "n_samples": n,
        "n_test": round(n * test),
        "sizes": f"{', '.join(map(str, sizes))} and {largest}",
    }


def interval(row: pd.Series, digits: int = 3) -> str:
    """Return the regret with its interval."""
    low, high = (f"{row[f'regret_{end}']:.{digits}f}" for end in ("low", "high"))
    return f"{row['regret']:.{digits}f} ({low} to {high})"


def _regrets(zero: pd.DataFrame) -> Iterator[list[str]]:
    for name, key in LINES.items():
        cells = of(zero, key).sort_values("bin_low")
        edges = list(zip(cells["bin_low"], cells["bin_high"].fillna(float("inf")), strict=True))
        claim(edges == EDGES, f"{name}: a column for each bin", edges)
        least, *others = (row for _, row in cells.iterrows())
        numbers = [interval(least), *(f"{row['regret']:.3f}" for row in others)]
        yield [name, *(number.replace("-0.000", "0.000") for number in numbers)]


def _clear(table: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of few positives in which a decision loses more than 0.005 for sure."""
    cells = rows(table, "cell")
    few = (cells["positives_per_batch"] < 1) & cells["decision"].isin(TO_FALSE_ALARMS)
    return cells[few & (cells["regret_low"] > 0.005)]


def _rare(table: pd.DataFrame) -> pd.Series:
    cells = of(rows(table, "cell"), OWN)
    wanted = ["regret", "largest_true", "largest_chosen"]
    means: pd.Series = cells[cells["prevalence"] == 0.005][wanted].mean()
    return means


def _by_loss(table: pd.DataFrame) -> dict[str, pd.Series]:
    loss = table[(table["row"] == "bin") & (table["chosen_by"] == "loss")]
    keys = {"search": SEARCH, "weight": CLASS_WEIGHT, "models": WEIGHTED}
    early: Key = ("early_stopping_3_best", "network", "1")
    return {f"loss_{name}": of(loss, key).iloc[0] for name, key in keys.items()} | {
        "early": of(loss, early).iloc[0]
    }


def _inside(table: pd.DataFrame) -> pd.Series:
    """Whether the exact regret lies within the interval of each cell of the control."""
    control = table[table["row"] == "control"]
    return control["regret_exact"].between(
        control["regret_low"] - 1e-6, control["regret_high"] + 1e-6
    )


def _check(table: pd.DataFrame, zero: pd.DataFrame) -> None:
    clear, many = _clear(table), zero[zero["bin_low"] >= 3]
    higher = (clear["recall_chosen"] > clear["recall_true"]).all()
    lower = (clear["precision_chosen"] < clear["precision_true"]).all()
    claim(higher and lower, "in each of the cells it takes higher recall and lower precision")
    for key in (THRESHOLD, SEARCH):
        low = first(zero, key)["regret_low"]
        claim(low > 0.2, f"{key[0]}: loses much below 0.3 positives per batch", low)
    claim(many["regret"].max() < 0.005, "next to nothing is lost from 3 on", many["regret"].max())
    for name in NOTHING_LOST:
        most = of(zero, LINES[name])["regret"].max()
        claim(most < 0.01, f"{name}: next to nothing is lost", most)
    agreement = table.loc[table["row"] == "pairs", "agreement"].min()
    claim(agreement > 0.99, "pairs are logged in the predicted order", agreement)
    claim(_inside(table).all(), "the exact value lies within the interval in all cells")
    own, skip = (of(rows(table, empty=empty), OWN).iloc[0] for empty in ("0", "skip"))
    claim(own["regret"] > skip["regret"], "left-out batches lose less in sizes of their own")
