"""Figures: repeatable files from CSVs that are theirs, also of studies that have little to show."""

import inspect
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from batchf1.config import registry
from batchf1.errors import InputError
from batchf1.figures import _read_csv, style
from batchf1.figures import base as figures
from batchf1.records import provenance_of_file, tables
from batchf1.studies.experiments import experiments
from batchf1.sweep import schema
from helpers.slow import one_in, slow
from helpers.tables_of_runs import table, written

COMMITTED = {path.stem for path in Path(__file__).parents[2].glob("figures/*.csv")}
NAMES = [name for name in registry.names(registry.FIGURES) if name in COMMITTED]
"""A figure of a study aside has its numbers once that study was made."""
SWEEP = ["error_vs_batch_size", "error_vs_dataset_size", "error_vs_imbalance"]
OF_RUNS = [
    *("error_vs_batch_size", "theory", "calibration", "collapse", "discrepancy", "original_log")
]
"""Of the three that share `_sweep`, one."""


FEW = ("discrepancy", "worked_example")
"""One code reads every CSV; the first has columns of every kind, the second is small."""
SOME = [pytest.param(n, marks=[pytest.mark.slow] * (n not in FEW)) for n in NAMES]


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw a table as a figure, up to its pixels; the headline and the caption."""
    monkeypatch.setattr(style, "save", lambda figure, *_: figure.draw_without_rendering())

    def draw(name, numbers):
        tables.write_csv(numbers, tmp_path / "f.csv")
        provenance_of_file.write_record(tmp_path / "f.csv", name, [])
        return figures.draw(name, tmp_path / "f.csv", [tmp_path / "f.png"])[:2]

    return draw


@pytest.mark.parametrize("name", NAMES)
def test_each_module_says_what_it_is_and_what_it_needs(repository, name):
    module = figures.module(name)
    assert inspect.getdoc(module)
    assert module.COLUMNS is module.SCHEMA.columns


def test_every_figure_of_the_experiments_is_committed_whole(repository):
    figures = [f for e in experiments(repository / "experiments").values() for f in e.figures]
    assert {"worked_example", *SWEEP} <= set(figures)
    for figure in figures:
        for kind in ("csv", "png", "pdf"):
            assert (repository / f"figures/{figure}.{kind}").stat().st_size > 200


@pytest.mark.parametrize("name", ["worked_example", slow("scaling")])
def test_the_same_numbers_give_the_same_files(repository, tmp_path, name):
    source, open_before = repository / f"figures/{name}.csv", plt.get_fignums()
    for folder in ("a", "b"):
        figures.draw(name, source, [tmp_path / folder / f"f.{kind}" for kind in ("png", "pdf")])
    for kind in ("png", "pdf"):
        first, second = ((tmp_path / folder / f"f.{kind}").read_bytes() for folder in ("a", "b"))
        assert first == second
    assert plt.get_fignums() == open_before


@pytest.mark.parametrize("name", SWEEP)
def test_the_committed_sweep_says_what_the_study_claims(repository, name):
    table = pd.read_csv(repository / f"figures/{name}.csv")
    validation = table[table["split"] == "validation"]
    worst = validation.groupby("strategy")["worst_error"].max()
    assert worst["reconstructed"] <= 1e-6
    assert worst["streaming"] <= 1e-6
    naive = validation[validation["strategy"] == "batch_mean"]
    rare = naive[
        (naive["prevalence"] <= 0.02) & (naive["batch_size"] <= 32) & (naive["true_f1"] >= 0.7)
    ]
    assert (rare["error"] < -0.2).all()
    assert (naive["n_runs"] == 20).any()
    large = naive[naive["n_runs"] == 20]
    assert (large["error"] - large["expected_error"]).abs().max() < 0.1


def test_residuals_of_the_theory_are_standard(repository):
    table = pd.read_csv(repository / "figures/theory.csv")
    residual = table[table["split"] == "validation"]["residual"].dropna()
    assert len(residual) > 20_000
    assert abs(residual.mean()) < 0.05
    assert 0.95 < residual.std() < 1.05


# CSVs that are not the figure's


@pytest.mark.parametrize("name", NAMES)
def test_the_csv_of_another_figure_is_refused_by_its_columns(repository, tmp_path, name):
    columns = figures.module(name).COLUMNS
    others = [n for n in NAMES if figures.module(n).COLUMNS is not columns]
    assert len(NAMES) - 3 <= len(others) < len(NAMES)
    for other in others:
        header = (repository / f"figures/{other}.csv").read_text().partition("\n")[0]
        (tmp_path / f"{other}.csv").write_text(f"{header}\n")
        rule = f"{other}.csv: the CSV of figure {name} must have the columns .*; got none named"
        with pytest.raises(InputError, match=rule):
            figures.draw(name, tmp_path / f"{other}.csv", [tmp_path / "f.png"])
        (tmp_path / f"{other}.csv").unlink()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", SOME)
def test_a_cell_of_another_kind_is_refused_by_its_column_and_value(repository, drawn, name):
    numbers = pd.read_csv(repository / f"figures/{name}.csv", nrows=20)
    for column, described in figures.module(name).COLUMNS.items():
        rule = rf"column {column} must be of type {described.type}; got"
        if described.type != "string":
            wrong = numbers.astype({column: object})
            wrong.loc[3, column] = "seven"
            with pytest.raises(InputError, match=rf"{rule} \['(seven|False|True)'\]"):
                drawn(name, wrong)
        if described.type in ("integer", "number"):
            with pytest.raises(InputError, match=rf"{rule} \[True\]"):
                drawn(name, numbers.assign(**{column: True}))


def test_text_that_looks_like_something_else_stays_text(tmp_path):
    (tmp_path / "f.csv").write_text("keras,n,model.activation\n3.10,1,null\nNA,,\n")
    found = _read_csv.read(tmp_path / "f.csv", {"keras": "text", "n": "number"}, "figure f")
    assert list(found["keras"]) == ["3.10", "NA"]
    assert found["model.activation"][0] == "null"
    assert found["n"].isna().tolist() == [False, True]


@pytest.mark.parametrize("name", NAMES)
def test_columns_without_rows_draw_that_there_is_nothing(repository, drawn, name):
    headline, caption = drawn(name, pd.read_csv(repository / f"figures/{name}.csv", nrows=0))
    assert headline == "Nothing to show"
    assert caption.endswith(".")


def test_a_fault_of_a_figure_keeps_its_traceback(repository, tmp_path, monkeypatch):
    def draw(table):
        raise KeyError("a column that the figure forgot")

    monkeypatch.setattr(figures.module("theory"), "draw", draw)
    with pytest.raises(KeyError, match="forgot"):
        figures.draw("theory", repository / "figures/theory.csv", [tmp_path / "f.png"])


# Studies that leave a figure with little


def study(strategies, f1, **counts):
    """Two repetitions of two cells, both splits, of one F1."""
    made = [
        {"run_id": f"{batch_size}-{seed}", "batch_size": batch_size, "seed": seed}
        | {"split": split, "strategy": strategy, "n_batches": -(-10 // batch_size)}
        for batch_size in (2, 5)
        for seed in (0, 1)
        for split in ("train", "validation")
        for strategy in strategies
    ]
    references = {"reference_pooled": f1, "reference_full_pass": f1}
    return table(*made, f1=f1, **references, **counts)


def sources(name, path, repository):
    return [path, repository / "docs/article_log.txt"] if name == "original_log" else [path]


FOUND_NOTHING = {"tp": 0, "fp": 1, "fn": 2, "tn": 7}


@pytest.mark.parametrize("name", [*OF_RUNS[:-1], slow(OF_RUNS[-1])])  # it searches its log
def test_where_nothing_was_learned_there_is_a_picture(name, repository, tmp_path, drawn, log_once):
    strategies = ["batch_mean", "epoch_end", "reconstructed"]
    rows = study(strategies, 0.0, **FOUND_NOTHING)
    path = written(tmp_path, rows[rows["batch_size"] == 5])
    numbers = figures.table(name, sources(name, path, repository))
    headline, _ = drawn(name, numbers)
    said = {
        "theory": "The logged F1 differs from what its counts and batch size let expect",
        "original_log": "Our runs have found nothing to hold against the article's log",
    }
    assert headline == said.get(name, "Nothing to show")


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_study_of_the_batch_mean_alone(name, repository, tmp_path, drawn):
    path = written(tmp_path, study(["batch_mean"], 0.5))
    if name in ("discrepancy", "original_log"):
        with pytest.raises(InputError, match=rf"figure {name} (must have rows|cannot show)"):
            figures.table(name, sources(name, path, repository))
        return
    headline, _ = drawn(name, figures.table(name, [path]))
    assert "rebuilt" not in headline
    assert headline != "Nothing to show"


@pytest.mark.parametrize("name", one_in(2, OF_RUNS))
def test_a_single_run_of_a_single_cell(name, repository, tmp_path, drawn, log_once):
    rows = study(["batch_mean", "epoch_end", "reconstructed"], 0.5)
    one = rows[(rows["batch_size"] == 5) & (rows["seed"] == 0)]
    numbers = figures.table(name, sources(name, written(tmp_path, one), repository))
    headline, caption = drawn(name, numbers)
    assert headline != "Nothing to show"
    assert "nan" not in f"{headline} {caption}"


@pytest.mark.parametrize("name", [*SWEEP, "theory", "calibration", "collapse"])
def test_a_table_without_runs(name, tmp_path, drawn):
    path = written(tmp_path, tables.empty(schema.RUNS))
    assert drawn(name, figures.table(name, [path]))[0] == "Nothing to show"
