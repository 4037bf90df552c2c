"""The figure of the census: what its settings refuse, its rows, and what it says."""

from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binomtest

from batchf1.errors import InputError
from batchf1.figures import census
from batchf1.studies.census import Census, Search
from batchf1.sweep.grid import load_study
from helpers import pictures

COMMIT = "0123456789abcdef" * 2 + "01234567"
TABLES = {"counts": "a.csv", "checks": "b.csv"}


@pytest.fixture(scope="module")
def root():
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(root):
    study = load_study(root / "experiments/census.yaml", Census)
    return census.table(root / "experiments/census.yaml", *(root / x for x in study.extra_inputs))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"repositories": {"a/b": COMMIT}}, "searches must have a name or a file"),
        ({"name": "a", "file": "b", "repositories": {"a/b": COMMIT}}, "searches must have a name"),
        ({"name": "a", "repositories": {"a": COMMIT}}, "searches.repositories must map owner/name"),
        ({"name": "a", "repositories": {"a/b": "main"}}, "searches.repositories must map owner"),
    ],
)
def test_a_search_that_does_not_fit_is_refused(settings, said):
    with pytest.raises(InputError) as error:
        Search(**settings)
    assert str(error.value).startswith(said)


def test_a_repository_is_counted_once():
    searches = [Search(name=name, repositories={"a/b": COMMIT}) for name in ("one", "two")]
    with pytest.raises(InputError, match=r"cannot name one twice; got a/b"):
        Census(question="?", searches=searches, **TABLES)
    with pytest.raises(InputError, match="searches"):
        Census(question="?", searches=[], **TABLES)


def test_the_census_names_two_hundred_repositories_that_have_no_labels(root):
    study = load_study(root / "experiments/census.yaml", Census)
    labelled = pd.read_csv(root / "benchmarks/scan_labels/files.csv")["repo"]
    assert len(study.repositories) >= 200
    assert not set(study.repositories) & set(labelled)
    unseen = (root / "benchmarks/scan_unseen.yaml").read_text()
    assert not [name for name in [*study.repositories, *labelled] if f" {name}: " in unseen]


def test_the_rows_are_shares_of_the_committed_counts(root, made):
    assert made.equals(pd.read_csv(root / "figures/census.csv"))
    counts = pd.read_csv(root / "benchmarks/census.csv").query("rule == 'any'")
    checks = pd.read_csv(root / "benchmarks/census_checks.csv")
    rows = made.set_index(["panel", "framework"]).sort_index()
    for framework in ("all", "Keras", "Lightning", "own loop"):
        row = rows.loc[("carry", framework)]
        level = counts[counts["framework"] == framework].set_index("level")["repositories"]
        assert [row["count"], row["of"]] == [level["sure or choice"], level["named"]]
    own = checks[(checks["kind"] == "finding") & (checks["framework"] == "own loop")]
    by = own.groupby("verdict")["checked"].sum()
    row = rows.loc[("findings", "own loop")]
    assert [row["count"], row["of"]] == [by["right"], by["right"] + by["wrong"]]
    low, high = binomtest(int(row["count"]), int(row["of"])).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-6)


def test_the_headline_has_the_counts_of_all(made):
    figure, (headline, caption) = pictures.laid_out(census.draw, made)
    row = made[(made["panel"] == "carry") & (made["framework"] == "all")].iloc[0]
    assert headline.startswith(f"{row['count']} of {row['of']} public repositories")
    assert "No sample of all code" in " ".join(caption.split())
    assert [len(ax.lines[0].get_xdata()) for ax in figure.axes] == [
        (made["panel"] == panel).sum() for panel in census.PANELS
    ]


def test_counts_that_lack_a_level_are_refused(root, tmp_path):
    counts = pd.read_csv(root / "benchmarks/census.csv")
    counts[counts["level"] != "named"].to_csv(tmp_path / "a.csv", index=False)
    checks = root / "benchmarks/census_checks.csv"
    with pytest.raises(InputError, match=r"census: all must have"):
        census.table(root / "experiments/census.yaml", tmp_path / "a.csv", checks)


def test_where_nothing_was_scanned_there_are_columns_and_nothing_to_show(root, tmp_path):
    for name in ("census", "census_checks"):
        rows = pd.read_csv(root / f"benchmarks/{name}.csv")
        number = "checked" if "checked" in rows else "repositories"
        rows.assign(**{number: 0}).to_csv(tmp_path / f"{name}.csv", index=False)
    files = (tmp_path / "census.csv", tmp_path / "census_checks.csv")
    found = census.table(root / "experiments/census.yaml", *files)
    assert found.empty
    assert list(found) == list(census.COLUMNS)
    assert pictures.words_of(census.draw, found)[0] == "Nothing to show"
