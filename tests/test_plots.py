"""Figures: repeatable files, numbers that stand in tables, one style."""

import importlib
import inspect

import numpy as np
import pandas as pd
import pytest

from batchf1 import plots, plugins
from batchf1.experiments import experiments
from batchf1.plots import _style, _sweep

NAMES = plugins.names("plots")
SWEEP = ["error_vs_batch_size", "error_vs_dataset_size", "error_vs_imbalance"]


@pytest.mark.parametrize("name", NAMES)
def test_each_module_has_a_table_and_a_picture(name):
    module = importlib.import_module(f"batchf1.plots.{name}")
    assert inspect.getdoc(module)
    assert callable(module.table)
    assert callable(module.draw)


def test_every_figure_of_the_experiments_is_committed_whole(repository):
    figures = [f for e in experiments(repository / "experiments").values() for f in e.figures]
    assert {"worked_example", *SWEEP} <= set(figures)
    for figure in figures:
        for kind in ("csv", "png", "pdf"):
            assert (repository / f"figures/{figure}.{kind}").stat().st_size > 200


@pytest.mark.parametrize("name", ["worked_example", "error_vs_batch_size"])
def test_the_same_numbers_give_the_same_files(repository, tmp_path, name):
    source = repository / f"figures/{name}.csv"
    for folder in ("a", "b"):
        plots.draw(name, source, [tmp_path / folder / f"f.{kind}" for kind in ("png", "pdf")])
    for kind in ("png", "pdf"):
        first, second = ((tmp_path / folder / f"f.{kind}").read_bytes() for folder in ("a", "b"))
        assert first == second


def test_the_worked_example_holds_every_digit_of_the_article(repository):
    table = pd.read_csv(repository / "figures/worked_example.csv").set_index("row")
    np.testing.assert_allclose(
        table["f1"], [0.75, 0.181818, 1, 0.643939, 0.807947], rtol=0, atol=5e-7
    )
    np.testing.assert_allclose(table["accuracy"], [0.8, 0.91, 1, 0.90333, 0.90333], atol=5e-6)
    assert list(table.loc["all", ["tn", "fn", "fp", "tp"]]) == [210, 19, 10, 61]


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
    large = naive[naive["n_runs"] == 5]
    assert (large["error"] - large["expected_error"]).abs().max() < 0.1


def test_residuals_of_the_theory_are_standard(repository):
    table = pd.read_csv(repository / "figures/theory.csv")
    residual = table[table["split"] == "validation"]["residual"].dropna()
    assert len(residual) > 4000
    assert abs(residual.mean()) < 0.1
    assert 0.9 < residual.std() < 1.1


def test_a_strategy_has_one_colour_and_one_marker():
    names = plugins.names("strategies")
    assert len({_style.colour(name) for name in names}) == len(names)
    assert len({_style.marker(name) for name in names}) == len(names)
    assert _style.colour("somebody_elses") in _style.SPARE


def test_labels_are_spread_without_leaving_their_order():
    values = np.array([-0.5, -0.02, -0.01, 0.0])
    spread = _sweep._spread(values, 0.03)
    assert (np.diff(spread) >= 0.03 - 1e-12).all()
    assert spread[-1] == 0.0
    assert spread[0] == -0.5
