"""Which metrics may be averaged: each against scikit-learn, against theory, and through Keras."""

import itertools

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, pearsonr, spearmanr

from batchf1.cli import main as cli
from batchf1.config.seeds import generator
from batchf1.datasets import diamond_tasks
from batchf1.errors import InputError, TraceError
from batchf1.metrics.batched import defined
from batchf1.records import tables
from batchf1.studies.atlas import data, measure, run
from batchf1.studies.atlas.config import TASKS, AtlasStudy, Cell, cells
from batchf1.studies.atlas.metrics import METRICS, Metric, of_task
from batchf1.studies.atlas.rows import ATLAS
from batchf1.studies.experiments import load
from batchf1.sweep.grid import load_study
from helpers.eagerly import eagerly
from helpers.once import made_once

STUDY = """
question: Does it work?
tasks: [heavy, grade, price]
heavy_above: 1.0
seeds: 2
n_train: 300
n_validation: 64
batch_sizes: [4, 16]
cuts: 3
hidden: [4]
learning_rate: 0.01
epochs: 2
training_batch_size: 50
threads: 0
figures: {mini: atlas}
"""
ADDITIVE = {"accuracy", "log loss", "MSE", "MAE", "micro F1"}
BY_NAME = {metric.name: metric for metric in METRICS}


def written(folder, old="", new=""):
    assert old in STUDY
    path = folder / "mini.yaml"
    path.write_text(STUDY.replace(old, new))
    return path


def one_seed(folder):
    return written(folder, "seeds: 2", "seeds: 1")


@pytest.fixture
def a_cell(tmp_path):
    """A function: the first cell of a task."""
    found = cells("mini", load_study(written(tmp_path), AtlasStudy))
    return lambda task: next(cell for cell in found if cell.task == task)


def made_up(task, rng, shape):
    """Labels and what a network might say, with ties, in batches of this shape."""
    if task == "heavy":
        return (rng.random(shape) < 0.2).astype(int), np.round(rng.random(shape), 1)
    if task == "grade":
        return rng.integers(0, 5, shape), rng.dirichlet(np.ones(5), shape)
    y = np.round(rng.normal(size=shape))
    return y, np.round(y + rng.normal(size=shape))


def test_the_metrics_of_the_issue_are_there_each_once():
    assert len(BY_NAME) == len(METRICS) == 22
    assert {metric.task for metric in METRICS} == set(TASKS)


@pytest.mark.parametrize("name", BY_NAME)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 12))
def test_each_batch_has_the_value_of_scikit_learn_or_scipy(name, seed, size):
    metric = BY_NAME[name]
    y, said = made_up(metric.task, np.random.default_rng(seed), (4, size))
    theirs = [metric.of_all(*batch) for batch in zip(y, said, strict=True)]
    ours = metric.of_batches(y, said)
    np.testing.assert_allclose(ours.value, theirs, rtol=1e-9, atol=1e-12)
    assert not (np.isnan(ours.value) & ~ours.undefined).any()


ZEROS, ONES, RISING = np.zeros(4, int), np.ones(4, int), np.array([0.1, 0.2, 0.3, 0.4])
ODD = {
    "precision": (ONES, RISING, 0),
    "recall": (ZEROS, 1 - RISING, 0),
    "F1": (ZEROS, RISING, 0),
    "F2": (ZEROS, RISING, 0),
    "Jaccard": (ZEROS, RISING, 0),
    "MCC": (ZEROS, 1 - RISING, 0),
    "Cohen's kappa": (ZEROS, RISING, np.nan),
    "balanced accuracy": (ZEROS, RISING, 1),
    "ROC AUC": (ONES, RISING, np.nan),
    "average precision": (ZEROS, RISING, 0),
    "R2": (ONES, RISING, 0),
    "Pearson": (ONES, RISING, np.nan),
    "Spearman": (RISING, ONES, np.nan),
}


@pytest.mark.parametrize("name", ODD)
def test_an_undefined_batch_gives_what_scikit_learn_or_scipy_give(name):
    y, said, gives = ODD[name]
    ours = BY_NAME[name].of_batches(y[None], said[None])
    np.testing.assert_equal(ours.value, [gives])
    np.testing.assert_equal(BY_NAME[name].of_all(y, said), gives)
    assert ours.undefined.tolist() == [True]


def test_a_class_that_a_batch_lacks_counts_0_in_macro_f1_alone():
    y, said = np.array([[0, 1, 1]]), np.eye(5)[[[0, 1, 1]]]
    macro = BY_NAME["macro F1"].of_batches(y, said)
    assert (macro.value.tolist(), macro.undefined.tolist()) == ([0.4], [True])
    weighted = BY_NAME["weighted F1"].of_batches(y, said)
    assert (weighted.value.tolist(), weighted.undefined.tolist()) == ([1], [False])


@pytest.mark.parametrize("task", TASKS)
def test_means_over_batches_by_hand(task, a_cell):
    cell, rng = a_cell(task), np.random.default_rng(0)
    y, said = made_up(task, rng, (64,))
    rows = pd.DataFrame(measure.averages(y, said, of_task(task), cell))
    assert len(rows) == len(of_task(task)) * 2 * 3
    for row in rows.to_dict("records"):
        metric, size = BY_NAME[row["metric"]], row["batch_size"]
        names = (*cell.names, "cut", size, row["cut"])
        order = generator(*names).permutation(64)
        places = [order[i : i + size] for i in range(0, 64, size)]
        values = np.array([metric.of_all(y[batch], said[batch]) for batch in places])
        kept = values[~np.isnan(values)]
        assert row["n_batches"] == 64 // size
        assert row["n_left_out"] == len(values) - len(kept)
        assert row["batch_mean"] == pytest.approx(kept.mean(), rel=1e-9)
        assert row["value"] == pytest.approx(metric.of_all(y, said))
        assert (row["gives"] == "") == (row["n_undefined"] == 0)


def errors(task, a_cell, n=3):
    """Mean over batches less the value of all, for each metric and several made-up sets."""
    rng, found = np.random.default_rng(1), []
    for _ in range(n):
        found += measure.averages(*made_up(task, rng, (64,)), of_task(task), a_cell(task))
    rows = pd.DataFrame(found)
    return (rows["batch_mean"] - rows["value"]).groupby(rows["metric"])


@pytest.mark.parametrize("task", ["grade", "price"])
def test_means_over_samples_are_exact_and_jensen_holds(task, a_cell):
    found = errors(task, a_cell)
    for name, of_metric in found:
        if name in ADDITIVE:
            assert of_metric.abs().max() < 1e-12, name
        if name == "RMSE":  # the root is concave
            assert (of_metric < 0).all()
        if name == "perplexity":  # exp is convex
            assert (of_metric > 0).all()


@pytest.mark.parametrize(
    ("name", "gives"),
    [("ROC AUC", np.nan), ("recall", 0), ("precision", 0), ("Jaccard", 0), ("F1", 0)],
)
def test_what_is_unbiased_once_undefined_batches_are_left_out(name, gives):
    """Over all batches that there can be: by counts of each class a batch is a fair sample."""
    y, metric = np.array([0, 0, 0, 1, 1, 0, 0, 0]), BY_NAME[name]
    said = np.array([0.1, 0.7, 0.3, 0.9, 0.35, 0.6, 0.2, 0.1])
    batches = np.array(list(itertools.combinations(range(8), 3)))
    values = metric.of_batches(y[batches], said[batches])
    kept = values.value[~values.undefined].mean()
    fair = name != "F1"
    assert (kept == pytest.approx(metric.of_all(y, said))) == fair
    np.testing.assert_equal(np.unique(values.value[values.undefined]), [gives])


def test_spearman_in_batches_errs_by_the_law_of_moran():
    """E = (3 tau + (n - 2) rho) / (n + 1), Moran (1948): too low by 3 (rho - tau) / (n + 1)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2**17)
    y = x + rng.normal(size=len(x))
    rho, tau = spearmanr(x, y).statistic, kendalltau(x, y).statistic
    for n in (4, 16):
        found = BY_NAME["Spearman"].of_batches(x.reshape(-1, n), y.reshape(-1, n)).value.mean()
        assert found - rho == pytest.approx(3 * (tau - rho) / (n + 1), abs=3e-3)


def test_a_metric_that_differs_from_scikit_learn_stops_the_study(a_cell):
    wrong = Metric("MSE", "price", lambda y, said: defined(np.mean(y, axis=-1)), np.dot)
    y, said = made_up("price", np.random.default_rng(0), (64,))
    with pytest.raises(TraceError, match="MSE: .* by us, .* by scikit-learn or SciPy"):
        list(measure.averages(y, said, [wrong], a_cell("price")))


def test_the_tasks_are_what_they_say():
    assert diamond_tasks.labels("heavy", 1.7).mean() == pytest.approx(0.049, abs=1e-3)
    shares = np.bincount(diamond_tasks.labels("grade", 1.7)) / 53_775
    assert shares == pytest.approx([0.030, 0.091, 0.224, 0.255, 0.400], abs=1e-3)
    assert diamond_tasks.labels("price", 1.7).max() == 18.823


def test_splits_share_no_sample_and_training_alone_sets_the_scale(a_cell, monkeypatch):
    monkeypatch.setattr(data, "labels", lambda *_: np.arange(53_775))
    first, second = data.load(a_cell("price"))
    assert (len(first.y), len(second.y)) == (300, 64)
    assert not set(first.y) & set(second.y)
    assert first.x.mean(axis=0) == pytest.approx(np.zeros(first.x.shape[1]), abs=1e-5)
    assert np.isfinite(second.x).all()


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """A tiny study, measured by the command; its folder and its table."""

    def make(folder):
        options = ["--store", str(folder / "store"), "--output", str(folder / "runs.parquet")]
        with eagerly():
            assert cli.main(["workflow", "atlas", str(one_seed(folder)), *options]) == 0

    folder = made_once(tmp_path_factory, "atlas", make)
    return folder, tables.read(folder / "runs.parquet", ATLAS)


def test_the_table_has_every_network_metric_batch_size_and_cut(measured):
    table = measured[1]
    assert len(table) == 22 * 2 * 3
    assert table.groupby(["task", "seed"])["cell_id"].nunique().tolist() == [1] * 3
    assert (table["n_batches"] * table["batch_size"] == 64).all()
    assert table.groupby("metric")["value"].nunique().eq(1).all()
    assert table["value"].between(-50, 50).all()


def test_finished_networks_are_kept_and_others_come_out_again_to_the_last_bit(
    measured, monkeypatch
):
    folder, table = measured
    asked, real = [], measure.measure

    def counting(cell):
        asked.append(cell)
        return real(cell)

    monkeypatch.setattr(measure, "measure", counting)
    some = sorted((folder / "store").iterdir())
    assert len(some) == 3
    some[0].unlink()
    with eagerly():
        again, origin = run.execute(folder / "mini.yaml", folder / "store")
    assert [cell.cell_id for cell in asked] == [some[0].stem]
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert sum(entry["n_runs"] for entry in origin["trained"]) == 3
    assert (origin["grid"]["task"], origin["config"]["epochs"]) == (list(TASKS), 2)


@pytest.mark.slow
def test_compiled_networks_learn_the_same(measured, tmp_path):
    compiled, _ = run.execute(one_seed(tmp_path), tmp_path / "store")
    pd.testing.assert_frame_equal(compiled, measured[1], rtol=1e-3, atol=1e-4)


def test_each_seed_has_its_own_random_numbers(tmp_path):
    found = cells("mini", load_study(written(tmp_path), AtlasStudy))
    assert [cell.seed for cell in found] == [0, 1] * 3
    assert len({cell.names for cell in found}) == 6
    assert len({tuple(data.load(cell)[0].y[:20]) for cell in found[4:]}) == 2


def test_the_study_of_the_repository(repository):
    study = load(repository / "experiments/atlas.yaml")
    assert isinstance(study, AtlasStudy)
    found = cells("atlas", study)
    assert len({cell.cell_id for cell in found}) == 3 * study.seeds
    assert all(isinstance(cell, Cell) for cell in found)
    assert study.n_validation % 1024 == 0
    assert study.batch_sizes == [8 * 2**i for i in range(8)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[heavy, grade, price]", "[heavy, clarity]", "tasks must be among .* got clarity"),
        ("heavy_above: 1.0", "heavy_above: 0", "heavy_above must be above 0 and finite"),
        ("[4, 16]", "[16, 4]", "batch_sizes must be increasing and at least 2"),
        ("[4, 16]", "[4, 24]", "n_validation must be a multiple of each of .* got 64"),
        ("n_train: 300", "n_train: 53712", "together at most 53775; got 53776"),
        ("cuts: 3", "cuts: 0", "cuts must be at least 1"),
        ("threads: 0", "thread: 0", "thread"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, old, new, words):
    path = written(tmp_path, old, new)
    with pytest.raises(InputError, match=words) as caught:
        run.execute(path, tmp_path / "store")
    assert "\n" not in str(caught.value)


def test_keras_own_correlation_is_a_mean_over_batches():
    """As docs/atlas.md says."""
    metric, rng = keras.metrics.PearsonCorrelation(axis=0), np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2, 9, 1))
    for batch in zip(x, y, strict=True):
        metric.update_state(*batch)
    each = [pearsonr(*pair).statistic[0] for pair in zip(x, y, strict=True)]
    assert float(metric.result()) == pytest.approx(np.mean(each), abs=1e-5)
