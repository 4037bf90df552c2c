"""Every number that docs/original_log.md states is that of the tables behind its figures."""

import pandas as pd
import pytest

from batchf1.figures.original_log import line
from batchf1.figures.original_log_search import SCORE, chosen, worse


@pytest.fixture
def docs(repository):
    return (repository / "docs/original_log.md").read_text()


@pytest.fixture
def search(repository):
    return pd.read_csv(repository / "figures/original_log_search.csv")


@pytest.fixture
def epochs(repository):
    return pd.read_csv(repository / "figures/original_log_epochs.csv")


@pytest.fixture
def reported(repository):
    return pd.read_csv(repository / "figures/original_log.csv")


def best_of_each(search):
    """The best setting of each data set, in the Keras in which it is worse; the best first."""
    rows = pd.DataFrame([chosen(part) for _, part in search.groupby("dataset")])
    for _, row in rows.sort_values(["compatible", SCORE], ascending=False).iterrows():
        hidden = row["model.hidden"].strip("[]").replace(", ", " and ")
        yield (
            f"| {row['dataset'].replace('_', ' ')} | {hidden} | {row['model.learning_rate']:g} | "
            f"{row['epoch']} | {row['compatible']:.0f} | {row[SCORE]:.1f} | {row['loss']:.5f} | "
            f"{row['f1score_train']:.3f} | {row['f1score_test']:.3f} |"
        )


def by_epoch(epochs):
    rows = worse(epochs)
    for _, row in rows[rows["epoch"].between(5, 12)].iterrows():
        yield (
            f"| {row['epoch']} | {row['compatible']:.0f} | {row[SCORE]:.1f} | {row['loss']:.5f} | "
            f"{row['f1score_train']:.4f} | {row['f1score_test']:.3f} |"
        )


def compared(reported):
    """The article's number beside the means of both Keras and where one more run would lie."""
    article = reported[reported["keras"] == "article"].set_index("quantity")["value"]
    ours = reported[reported["keras"] != "article"]
    rows = ours.groupby(["quantity", "keras"])[["value", "low", "high"]].mean()
    for quantity, value in article.items():
        form = ".5f" if "loss" in quantity else ".4f"
        parts = [
            f"{row['value']:{form}} ({row['low']:{form}} to {row['high']:{form}})"
            for _, row in rows.loc[quantity].iterrows()
        ]
        yield f"| {quantity} | {value:{form}} | {' | '.join(parts)} |"


def sentences(search):
    stones = worse(search[search["dataset"] == "diamonds"])
    best = chosen(stones)
    yield (
        "no setting and no epoch of the search has a mean training F1 above "
        f"{stones['f1score_train'].max():.2f}, and the best has {best['f1score_train']:.2f} in "
        f"training and {best['f1score_test']:.2f} in validation"
    )
    small = search[(search["dataset"] == "southwest") & (search["model.hidden"] == "[64]")]
    small = small[(small["model.learning_rate"] == 0.001) & (small["epoch"] == 9)]
    loss = small.set_index("keras")["loss"]
    yield (
        f"64 units at a learning rate of 0.001 end 9 epochs with a training loss of "
        f"{loss['2.2.4']:.4f} in Keras 2.2.4 and {loss.drop('2.2.4').item():.4f} in Keras 3"
    )


def test_its_tables_are_those_of_the_figures(docs, search, epochs, reported):
    stated = [row for row in docs.splitlines() if row.startswith("| ")]
    tables = [list(best_of_each(search)), list(by_epoch(epochs)), list(compared(reported))]
    for rows in tables:
        assert [row for row in stated if row in rows] == rows
    assert len(stated) == sum(map(len, tables)) + len(tables)  # and their heads


def test_its_log_is_that_of_the_first_run(docs, reported):
    for said in line(reported, "2.2.4").splitlines():
        assert f"    {said}\n" in docs


def test_its_sentences(docs, search, reported):
    said = " ".join(docs.split())
    for sentence in sentences(search):
        assert sentence in said
    ours = reported[reported["keras"] != "article"]
    assert (ours["compatible"].astype(str) == "True").all()
    assert "All eight lie within, in both Keras." in said
