"""Numbers of docs/cuts.md, from figures/cuts.csv and its experiment."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from templates.common import claim, experiment, figure, only, table_rows

PARTS = ("size", "composition", "skill")
"""Of the mean over batches minus the true F1."""
PREVALENCES = (0.005, 0.02, 0.05)
"""Rows of the table of folds."""


def context(root: Path) -> dict[str, object]:
    """Compute the tables and sentences, and check what the page concludes from them."""
    table, study = _with_parts(figure(root, "cuts")), experiment(root, "cuts")
    groups = table[
        (table["family"] == "groups") & (table["above"] == max(study["groups"]["above"]))
    ]
    folds = table[table["family"] == "folds"]
    folds = folds[folds["prevalence"].round(6).isin(PREVALENCES)]
    published = only(table, family="published")
    claim(study["folds"]["n_folds"] == 10, "there are ten folds", study["folds"]["n_folds"])
    _check_groups(groups)
    _check_folds(table[table["family"] == "folds"])
    _check_published(published, study["published"])
    return {
        "study": study,
        "above": f"{max(study['groups']['above']):g}",
        "groups": table_rows(map(_group, groups.to_dict("records"))),
        "folds": table_rows(map(_fold, folds.to_dict("records"))),
        "published": published,
        "published_folds": table_rows(_published(study["published"])),
        "points": points,
    }


def _with_parts(table: pd.DataFrame) -> pd.DataFrame:
    size = table["random"] - table["true_f1"]
    composition = table["composition"] - table["random"]
    error = table["mean_f1"] - table["true_f1"]
    parts = {"size": size, "skill": error - size - composition, "prevalence": table["prevalence"]}
    expected = table["composition"] - table["true_f1"]
    return table.assign(**parts, composition=composition, expected=expected)


def points(value: float, error: float | None = None) -> str:
    """Return a difference of F1 in points, with its standard error where there is one."""
    shown = f"{100 * value:+.1f}"
    return shown if error is None or pd.isna(error) else f"{shown} ± {100 * error:.1f}"


def _group(row: dict[str, float]) -> list[str]:
    means = (row[name] - row["true_f1"] for name in ("mean_one", "mean_left_out"))
    return [
        str(row["cut"]),
        f"{row['above']:g}, {row['classifier']}",
        f"{row['true_f1']:.3f}",
        points(row["error"], row["error_se"]),
        *(points(row[part]) for part in PARTS),
        *(points(mean) for mean in means),
    ]


def _fold(row: dict[str, float]) -> list[str]:
    return [
        f"{100 * row['prevalence']:g} %",
        str(row["cut"]),
        str(row["classifier"]),
        f"{row['true_f1']:.3f}",
        points(row["error"], row["error_se"]),
        points(row["expected"]),
        f"{_rule(row):+.1f}",
        f"{100 * row['undefined']:.0f} %",
        points(row["mean_defined"] - row["true_f1"]),
    ]


def _rule(row: dict[str, float]) -> float:
    """Return recall x false positives less the misses."""
    return row["tp"] / (row["tp"] + row["fn"]) * row["fp"] - row["fn"]


def _published(folds: list[dict[str, int]]) -> Iterator[list[str]]:
    for i, fold in enumerate(folds, 1):
        f1 = 2 * fold["tp"] / (2 * fold["tp"] + fold["fp"] + fold["fn"])
        yield [str(number) for number in (i, fold["tp"], fold["fp"], fold["fn"])] + [f"{f1:.3f}"]


def _check_groups(groups: pd.DataFrame) -> None:
    by_order = groups[groups["cut"].str.startswith("sorted")]
    share = (by_order["composition"] / by_order["error"]).min()
    claim(share > 0.9, "sorted batches fail by composition", share)
    rows = groups.set_index(["cut", "classifier"])
    clarity = rows.loc["clarity"]
    claim((clarity["skill"] > 0).all(), "by clarity the classifier does better where few are")
    claim((clarity["error"] < 0).all(), "but not by enough")
    claim((rows.loc["cut", "error"] > 0).all(), "by quality of cut the sign turns")
    one, left_out = (groups[name] - groups["true_f1"] for name in ("mean_one", "mean_left_out"))
    by_price = groups["cut"] == "sorted by price"
    claim((one[by_price] > 0).all(), "by price the sign turns once empty batches count 1")
    plain = (groups["cut"] == "clarity") & (groups["classifier"] == "plain")
    claim((one[plain] > 0).all() and (left_out[plain] > 0).all(), "so it does by clarity, plain")


def _check_folds(folds: pd.DataFrame) -> None:
    plain = folds[folds["cut"] == "plain folds"]
    claim((plain["expected"] < 0).all(), "plain folds stay too low", plain["expected"].max())
    dropped = (folds["mean_defined"] - folds["true_f1"]).max()
    claim(dropped > folds["error"].abs().max(), "leaving folds out is the largest error", dropped)


def _check_published(row: pd.Series, folds: list[dict[str, int]]) -> None:
    claim(row["undefined"] == 0, "no published fold is undefined", row["undefined"])
    positives = {fold["tp"] + fold["fn"] for fold in folds}
    claim(positives == {3, 4}, "the folds have 3 or 4 positives each", positives)
    claim(row["size"] < 0 < row["composition"], "stratification turns the sign", row["composition"])
    claim(row["expected"] > 0, "with chance alone the mean is too high", row["expected"])
    shares = (f"{100 * row['mean_f1']:.0f}", f"{100 * row['true_f1']:.0f}")
    claim(shares == ("69", "58"), "the numbers are those that the paper is cited for", shares)
