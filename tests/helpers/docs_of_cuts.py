"""The rows and sentences of docs/cuts.md that figures/cuts.csv decides."""

import pandas as pd

PARTS = ("size", "composition", "skill")
"""Of the mean over batches minus the true F1."""


def read(repository):
    table = pd.read_csv(repository / "figures/cuts.csv")
    error = table["mean_f1"] - table["true_f1"]
    size = table["random"] - table["true_f1"]
    composition = table["composition"] - table["random"]
    return table.assign(size=size, skill=error - size - composition).assign(
        composition=composition, expected=table["composition"] - table["true_f1"]
    )


def points(value, error=None):
    """As the tables print a difference: in points, with its standard error."""
    shown = f"{100 * value:+.1f}"
    return shown if error is None or pd.isna(error) else f"{shown} ± {100 * error:.1f}"


def groups(table):
    for row in table[table["family"] == "groups"].to_dict("records"):
        means = (row[name] - row["true_f1"] for name in ("mean_one", "mean_left_out"))
        parts = " | ".join(points(row[part]) for part in PARTS)
        yield (
            f"| {row['cut']} | {row['above']:g}, {row['classifier']} | {row['true_f1']:.3f} | "
            f"{points(row['error'], row['error_se'])} | {parts} | "
            f"{' | '.join(points(mean) for mean in means)} |"
        )


def folds(table):
    for row in table[table["family"] == "folds"].to_dict("records"):
        rule = row["tp"] / (row["tp"] + row["fn"]) * row["fp"] - row["fn"]
        yield (
            f"| {100 * row['prevalence']:g} % | {row['cut']} | {row['classifier']} | "
            f"{row['true_f1']:.3f} | {points(row['error'], row['error_se'])} | "
            f"{points(row['expected'])} | {rule:+.1f} | {100 * row['undefined']:.0f} % | "
            f"{points(row['mean_defined'] - row['true_f1'])} |"
        )


def published(folds):
    for i, fold in enumerate(folds, 1):
        f1 = 2 * fold["tp"] / (2 * fold["tp"] + fold["fp"] + fold["fn"])
        yield f"| {i} | {fold['tp']} | {fold['fp']} | {fold['fn']} | {f1:.3f} |"


def sentence(table):
    (row,) = table[table["family"] == "published"].to_dict("records")
    return (
        f"Mean of F1: {100 * row['mean_f1']:.0f} %; F1 of mean precision and mean recall: "
        f"{100 * row['f1_of_means']:.0f} %; F1 of the counts of all folds: "
        f"{100 * row['true_f1']:.0f} %. The error of {points(row['error'])} points is "
        f"{points(row['size'])} by size, {points(row['composition'])} by composition and "
        f"{points(row['skill'])} by skill."
    )


def share(table):
    (row,) = table[table["family"] == "published"].to_dict("records")
    return f"{points(row['expected'])} of the {points(row['error'])} points"
