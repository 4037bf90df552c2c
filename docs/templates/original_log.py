"""Numbers of docs/original_log.md, from the tables behind its figures."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from batchf1.figures.original_log import ARTICLE, line
from batchf1.figures.original_log_search import SCORE, chosen, worse
from batchf1.studies.experiments import plan
from templates.article import found_in_log
from templates.common import claim, experiment, figure, only, table_rows

FIRST, LAST = 5, 12
"""Epochs of the page's table."""
N_NUMBERS = 8
SEARCHED = ("dataset", "model.hidden", "model.learning_rate")


def context(root: Path) -> dict[str, object]:
    """Compute the tables and sentences, and check that the log's numbers lie within."""
    search, epochs = figure(root, "original_log_search"), figure(root, "original_log_epochs")
    reported = figure(root, "original_log")
    best = found_in_log(root).candidates[0]
    likeliest = worse(epochs).sort_values(SCORE).iloc[-1]
    _check(root, reported, epochs, likeliest)
    return {
        "best": best,
        "n_steps": found_in_log(root).log.total,
        "compared": table_rows(_compared(reported)),
        "line": line(reported, "2.2.4").replace("\n", "\n    "),
        "best_of_each": table_rows(_best_of_each(search)),
        "by_epoch": table_rows(_by_epoch(epochs)),
        "likeliest": likeliest,
        **_diamonds(search),
        "clipped": _clipped(search),
    }


def _compared(reported: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the article's number, and the means of each Keras with where one more run would lie."""
    is_article = reported["keras"] == ARTICLE
    article = reported[is_article].set_index("quantity")["value"]
    means = reported[~is_article].groupby(["quantity", "keras"])[["value", "low", "high"]].mean()
    for quantity, value in article.items():
        form = ".5f" if "loss" in str(quantity) else ".4f"
        yield [str(quantity), f"{value:{form}}"] + [
            f"{row['value']:{form}} ({row['low']:{form}} to {row['high']:{form}})"
            for _, row in means.loc[quantity].iterrows()
        ]


def _best_of_each(search: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the best setting of each data set, in the Keras in which it is worse; best first."""
    rows = pd.DataFrame([chosen(part) for _, part in search.groupby("dataset")])
    for _, row in rows.sort_values(["compatible", SCORE], ascending=False).iterrows():
        yield [
            row["dataset"].replace("_", " "),
            row["model.hidden"].strip("[]").replace(", ", " and "),
            f"{row['model.learning_rate']:g}",
            *_scores(row, 3),
        ]


def _by_epoch(epochs: pd.DataFrame) -> Iterator[list[str]]:
    rows = worse(epochs)
    for _, row in rows[rows["epoch"].between(FIRST, LAST)].iterrows():
        yield _scores(row, 4)


def _scores(row: pd.Series, digits: int) -> list[str]:
    return [
        f"{row['epoch']}",
        f"{row['compatible']:.0f}",
        f"{row[SCORE]:.1f}",
        f"{row['loss']:.5f}",
        f"{row['f1score_train']:.{digits}f}",
        f"{row['f1score_test']:.3f}",
    ]


def _diamonds(search: pd.DataFrame) -> dict[str, object]:
    stones = worse(search[search["dataset"] == "diamonds"])
    return {"stones": chosen(stones), "stones_most": stones["f1score_train"].max()}


def _clipped(search: pd.DataFrame) -> dict[str, float]:
    """Return the training loss of a setting at which Keras 2.2.4 stops learning, in each Keras."""
    where = {"dataset": "southwest", "model.hidden": "[64]", "model.learning_rate": 0.001}
    others = [keras for keras in search["keras"].unique() if keras != "2.2.4"]
    (new,) = others
    return {
        name: only(search, **where, epoch=9, keras=keras)["loss"]
        for name, keras in (("old", "2.2.4"), ("new", new))
    }


def _check(root: Path, reported: pd.DataFrame, epochs: pd.DataFrame, likeliest: pd.Series) -> None:
    ours = reported[reported["keras"] != ARTICLE]
    inside = ours["compatible"].astype(str) == "True"
    claim(inside.all(), "all eight lie within, in both Keras", int((~inside).sum()))
    claim(ours["quantity"].nunique() == N_NUMBERS, "the log has eight numbers")
    runs = ours.groupby("keras")["seed"].nunique()
    claim((runs == 5).all() and len(runs) == 2, "five runs in each Keras", dict(runs))
    settings = plan(root / "experiments/original_log.yaml").cells[0].first
    taken = chosen(epochs)
    claim(settings.training.epochs == taken["epoch"], "the epochs are those found", taken["epoch"])
    claim(likeliest["epoch"] != taken["epoch"], "by likelihood alone others would be taken")
    for name, n_seeds in (("original_log_search", 5), ("original_log_epochs", 20)):
        study = experiment(root, name)
        seeds = set(study["grid"]["seed"])
        claim(not seeds & set(ours["seed"]), f"no seed of {name} is reported", seeds)
        claim(len(seeds) == n_seeds, f"{name} trains {n_seeds} runs of each", len(seeds))
        claim("training.epochs=15" in study["overrides"], f"{name} looks at 1 to 15 epochs")
    grid = experiment(root, "original_log_search")["grid"]
    searched = tuple(len(grid[key]) for key in SEARCHED)
    claim(searched == (7, 3, 2), "diamonds and six carriers, three networks, two rates", searched)
