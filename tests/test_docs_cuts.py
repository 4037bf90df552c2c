"""Every number that docs/cuts.md states is that of figures/cuts.csv or of the experiment."""

import pytest
import yaml

from helpers import docs_of_cuts


@pytest.fixture
def docs(repository):
    return (repository / "docs/cuts.md").read_text()


@pytest.fixture
def table(repository):
    return docs_of_cuts.read(repository)


def test_every_row_of_its_tables_is_one_of_the_figures(repository, docs, table):
    folds = yaml.safe_load((repository / "experiments/cuts.yaml").read_text())["published"]
    groups, of_folds = set(docs_of_cuts.groups(table)), set(docs_of_cuts.folds(table))
    published = list(docs_of_cuts.published(folds))
    stated = [line for line in docs.splitlines() if line.startswith("| ")]
    assert len(groups & set(stated)) == 12
    assert len(of_folds & set(stated)) == 12
    assert [line for line in stated if line in published] == published
    words = ("| cut |", "| part |", "| size |", "| composition |", "| skill |", "| prevalence |")
    other = [line for line in stated if not line.startswith((*words, "| fold |"))]
    assert set(other) <= groups | of_folds | {*published}


def test_its_sentences_on_the_published_folds(docs, table):
    said = " ".join(docs.split())
    assert docs_of_cuts.sentence(table) in said
    assert docs_of_cuts.share(table) in said


def test_the_theory_points_to_it(repository):
    assert "(cuts.md)" in (repository / "docs/theory.md").read_text()
