"""Every number that docs/original_log.md states is that of the tables behind its figures."""

import pandas as pd
import pytest

from batchf1.figures.original_log_search import SCORE, chosen, worse


@pytest.fixture
def docs(repository):
    return (repository / "docs/original_log.md").read_text()


@pytest.fixture
def search(repository):
    table = pd.read_csv(repository / "figures/original_log_search.csv")
    return table[table[SCORE].notna()]


@pytest.fixture
def reported(repository):
    return pd.read_csv(repository / "figures/original_log.csv")


def best_of_each(search):
    """The page's table: the likeliest setting of each data set, the likeliest first."""
    rows = [chosen(part) for _, part in search.groupby("dataset")]
    for row in sorted(rows, key=lambda row: -row[SCORE]):
        hidden = row["model.hidden"].strip("[]").replace(", ", " and ")
        yield (
            f"| {row['dataset'].replace('_', ' ')} | {hidden} | {row['model.learning_rate']:g} | "
            f"{row['epoch']} | {row['compatible']:.0f} | {row[SCORE]:.0f} | "
            f"{row['f1score_train']:.3f} | {row['f1score_test']:.3f} | {row['val_loss']:.4f} |"
        )


def compared(reported):
    """The page's table of the log: the article's number beside the means of both Keras."""
    article = reported[reported["keras"] == "article"].set_index("quantity")["value"]
    ours = reported[reported["keras"] != "article"]
    means = ours.pivot_table("value", "quantity", "keras")
    low, high = (ours.pivot_table(end, "quantity", "keras") for end in ("low", "high"))
    for quantity, value in article.items():
        form = ".5f" if "loss" in quantity else ".4f"
        parts = [
            f"{means.at[quantity, k]:{form}} ({low.at[quantity, k]:{form}} to "
            f"{high.at[quantity, k]:{form}})"
            for k in means
        ]
        yield f"| {quantity} | {value:{form}} | {' | '.join(parts)} |"


def diamonds(search):
    """Why its training F1 stays below the article's."""
    rows = worse(search[search["dataset"] == "diamonds"])
    best = rows["f1score_train"].max()
    row = chosen(rows)
    return (
        f"no setting and no epoch of the search has a mean training F1 above {best:.2f}, and the "
        f"likeliest has {row['f1score_train']:.3f} in training and {row['f1score_test']:.3f} in "
        "validation"
    )


def test_its_tables_are_those_of_the_figures(docs, search, reported):
    stated = [line for line in docs.splitlines() if line.startswith("| ")]
    search_rows, log_rows = list(best_of_each(search)), list(compared(reported))
    assert [line for line in stated if line in search_rows] == search_rows
    assert [line for line in stated if line in log_rows] == log_rows
    assert len(stated) == len(search_rows) + len(log_rows) + 2


def test_its_sentences(docs, search, reported):
    said = " ".join(docs.split())
    assert diamonds(search) in said
    ours = reported[reported["keras"] != "article"]
    assert (ours["compatible"].astype(str) == "True").all()
    assert "All eight lie within, in both Keras." in said
