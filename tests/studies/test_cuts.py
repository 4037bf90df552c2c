"""The study of cuts: its rows against scikit-learn, its folds, and settings that make no sense."""

import numpy as np
import pytest
from omegaconf import OmegaConf
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from batchf1.datasets.diamond_halves import halves
from batchf1.datasets.diamonds import Diamonds
from batchf1.errors import InputError
from batchf1.metrics.counts import as_counts
from batchf1.studies.cuts import table as made
from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.cuts.rows import SOLVER, grouped_counts, row
from batchf1.studies.cuts.table import rows_of
from batchf1.studies.experiments import load
from batchf1.sweep.grid import load_study
from batchf1.theory.expectation import covariance_identity

SMALL = """
question: q
groups: {above: [1.5], by: [cut], sorted_by: [price, label], batch_size: 5000, seeds: 2}
folds: {above: 2.0, n_samples: 300, prevalences: [0.05], n_folds: 3, seeds: 2}
published: [{tp: 3, fp: 0, fn: 0, tn: 9}, {tp: 3, fp: 5, fn: 1, tn: 9}]
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("cuts") / "small.yaml"
    path.write_text(SMALL)
    assert isinstance(load(path), CutStudy)
    return load_study(path, CutStudy)


@pytest.fixture(scope="module")
def rows(study):
    return rows_of(study)


def test_counts_of_groups_give_scikit_learns_f1():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, 2, (2, 500))
    group = rng.choice(list("abc"), 500)
    counts = grouped_counts(y, predicted, group)
    found = row([counts], cut="x")
    each = [f1_score(y[group == name], predicted[group == name]) for name in "abc"]
    assert found["mean_f1"] == pytest.approx(np.mean(each), abs=1e-12)
    assert found["true_f1"] == pytest.approx(f1_score(y, predicted), abs=1e-12)
    assert found["error"] == pytest.approx(float(covariance_identity(counts)), abs=1e-12)
    assert np.isnan(found["error_se"])


def test_a_row_of_several_passes_by_hand():
    # F1 of batches: 1, 1/2; then 0 (nothing predicted) and 0/0
    first, second = as_counts([2, 1], [0, 1], [0, 1], 3), as_counts(0, [0, 0], [2, 0], 3)
    found = row([first, second], cut="x")
    assert (found["n_seeds"], found["n_batches"]) == (2, 2)
    assert found["mean_f1"] == pytest.approx((0.75 + 0) / 2)
    assert found["mean_one"] == pytest.approx((0.75 + 0.5) / 2)
    assert found["true_f1"] == pytest.approx((6 / 8 + 0) / 2)
    assert found["undefined"] == pytest.approx((0 + 1) / 2)
    assert found["empty"] == pytest.approx((0 + 1 / 2) / 2)
    assert found["mean_defined"] == pytest.approx(0.75)  # of the first; the second has none
    assert found["f1_of_means"] == pytest.approx((0.75 + 0) / 2)
    assert found["error_se"] == pytest.approx(np.std([0.0, 0.0]))


def test_each_cut_has_a_row_for_each_classifier(rows):
    names = rows.groupby("family", sort=False)["cut"].unique().map(list).to_dict()
    assert names == {
        "groups": ["shuffled", "cut", "sorted by price", "sorted by label"],
        "folds": ["plain folds", "stratified folds"],
        "published": ["stratified folds"],
    }
    assert len(rows) == 2 * 4 + 2 * 2 + 1
    groups = rows[rows["family"] == "groups"]
    assert groups.groupby("classifier")["true_f1"].nunique().eq(1).all()  # the cut moves it not
    assert groups.set_index("cut")["n_batches"].to_dict() == {
        **dict.fromkeys(("shuffled", "sorted by price", "sorted by label"), 6),
        "cut": 5,
    }
    few, many = (rows[rows["classifier"] == name] for name in ("plain", "balanced"))
    assert (many["fp"].to_numpy() > few["fp"].to_numpy()).all()


def test_the_halves_share_no_diamond_and_are_all_of_them():
    first, second = halves(1.7, np.random.default_rng(0))
    assert len(first.y) + len(second.y) == Diamonds.n_available
    assert not set(first.columns.index) & set(second.columns.index)
    assert first.y.sum() + second.y.sum() > 2000


def test_folds_are_those_of_scikit_learn(study):
    x, y = made._drawn(study.folds, 0.05, seed=3)
    assert (len(y), y.sum()) == (300, 15)
    folds = StratifiedKFold(3, shuffle=True, random_state=3)
    model = make_pipeline(StandardScaler(), LogisticRegression(solver=SOLVER))
    found = row([made._validated(x, y, "plain", folds)], cut="x")
    assert found["mean_f1"] == pytest.approx(
        cross_val_score(model, x, y, cv=folds, scoring="f1").mean(), abs=1e-12
    )
    pooled = f1_score(y, cross_val_predict(model, x, y, cv=folds))
    assert found["true_f1"] == pytest.approx(pooled, abs=1e-12)


def read(folder, **changes):
    written = OmegaConf.to_container(OmegaConf.create(SMALL))
    for key, value in changes.items():
        part, _, name = key.partition("__")
        if name:
            written[part][name] = value
        else:
            written[part] = value
    path = folder / "s.yaml"
    OmegaConf.save(written, path)
    return load_study(path, CutStudy)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"groups__above": [0.0]}, "groups.above must be carats above 0; got "),
        ({"groups__by": ["carat"]}, "groups.by must be among .*; got carat"),
        ({"groups__sorted_by": ["x"]}, "groups.sorted_by must be among .*'label'.*; got x"),
        ({"groups__batch_size": 0}, "groups.batch_size must be at least 1; got 0"),
        ({"folds__n_folds": 1}, "folds.n_folds must be at least 2; got 1"),
        (
            {"folds__prevalences": [0.005]},
            "must leave a positive and a negative in each of 3 folds; got 0.005",
        ),
        ({"published": [{"tp": 1}]}, r"published\[0\] must have \('tp', .*; got {'tp': 1}"),
        ({"published": [dict.fromkeys(("tp", "fp", "fn", "tn"), 0)]}, "together at least 1; got"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_a_line(tmp_path, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, **changes)
    assert "\n" not in str(caught.value)
