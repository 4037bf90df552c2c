"""The calibration of the theory: its numbers by hand, and words that follow them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import calibration
from batchf1.metrics.counts import Counts
from batchf1.records import tables
from batchf1.sweep import schema
from batchf1.theory.expectation import expect
from helpers import pictures
from helpers.tables_of_runs import table, written

PASS = {"split": "validation", "strategy": "batch_mean"}


def study(grid, f1, **common):
    """A row for each point of the grid; its F1 is found from the number of the point."""
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    runs = [column for column in grid if column != "epoch"]
    made = [
        PASS | point | {"f1": f1(i), "run_id": str([point[column] for column in runs])}
        for i, point in enumerate(points)
    ]
    return table(*made, **common)


def random_f1(i):
    return np.random.default_rng(i).uniform(0.2, 0.8)


@pytest.fixture
def simple(monkeypatch):
    """Every pass is expected to log 0.5, with a deviation of 0.1."""
    monkeypatch.setattr(
        calibration, "with_expectation", lambda r, _: r.assign(expected_f1=0.5, sd=0.1)
    )


def found(tmp_path, rows):
    return calibration.table(written(tmp_path, rows))


def test_every_number_against_one_pool_at_a_time(tmp_path):
    grid = {"batch_size": [2, 5], "prevalence": [0.4, 0.5], "seed": [0, 1, 2], "epoch": [1, 2]}
    rows = study(grid, random_f1, tp=2, fp=1, fn=2, tn=5)
    rows["n_batches"] = 10 // rows["batch_size"]
    rows.loc[rows["seed"] == 1, ["tp", "fn"]] = 1, 3
    noise = [
        rows.assign(split="train", f1=0.99),
        rows.assign(strategy="streaming", f1=0.01),
        rows.head(1).assign(run_id="other", epoch=9, n_batches=3, f1=0.0),
        rows.head(2).assign(run_id="none", epoch=[7, 8], tp=0, fp=0, fn=4, tn=6, f1=[0.0, 0.25]),
    ]
    numbers = found(tmp_path, pd.concat([*noise[:2], rows, *noise[2:]]))
    laws = [
        expect(Counts(*map(int, r[["tp", "fp", "fn", "tn"]])), int(r["batch_size"]))
        for _, r in rows.iterrows()
    ]
    rows["residual"] = [
        (f - law.expected_f1) / law.sd for f, law in zip(rows["f1"], laws, strict=True)
    ]
    assert len(numbers) == 5
    for (size, prevalence), part in rows.groupby(["batch_size", "prevalence"]):
        at = (numbers["batch_size"] == size) & (numbers["prevalence"] == prevalence)
        row = numbers[at].iloc[0]
        residual = part["residual"]
        assert row["mean"] == pytest.approx(residual.mean(), abs=1e-6)
        assert row["mean_se"] == pytest.approx(
            residual.groupby(part["seed"]).mean().sem(), abs=1e-6
        )
        assert row["deviation"] == pytest.approx(residual.std(ddof=0), abs=1e-6)
        squares = (residual - residual.mean()) ** 2
        variance_se = squares.groupby(part["seed"]).mean().sem()
        assert row["deviation_se"] == pytest.approx(
            variance_se / 2 / residual.std(ddof=0), abs=2e-6
        )
        assert row["outside"] == pytest.approx((residual.abs() > 1.96).mean(), abs=1e-6)
        assert (row["n_cells"], row["n_runs"], row["n_passes"]) == (1, 3, 6)
    first, every = numbers.iloc[0], numbers.iloc[-1]
    assert 0 < every["outside"] < 1
    assert (first["n_unknown"], first["n_certain"], first["worst_certain"]) == (1, 2, 0.25)
    assert numbers["n_certain"].tolist() == [2, 0, 0, 0, 2]
    assert numbers["n_unknown"].tolist() == [1, 0, 0, 0, 1]
    assert every[["batch_size", "prevalence"]].isna().all()
    assert every[["n_cells", "n_runs", "n_passes"]].tolist() == [4, 12, 24]
    assert every["mean"] == pytest.approx(rows["residual"].mean(), abs=1e-6)
    assert every["deviation"] == pytest.approx(rows["residual"].std(ddof=0), abs=1e-6)


def test_more_epochs_of_the_same_cut_are_no_more_certain(tmp_path, simple):
    def of(epochs):
        grid = {"batch_size": [2, 5], "seed": range(5), "epoch": range(1, epochs + 1)}
        return found(tmp_path, study(grid, lambda i: random_f1(i // epochs)))

    once, often = of(1), of(4)
    assert often["n_passes"].tolist() == [20, 20, 40]
    same = [c for c in once if c != "n_passes"]
    pd.testing.assert_frame_equal(once[same], often[same], rtol=0, atol=1e-6)
    assert (once["mean_se"] > 0).all()


def test_batch_sizes_that_share_an_order_are_no_more_certain_together(tmp_path, simple):
    grid = {"batch_size": [2, 5], "prevalence": [0.4, 0.5], "seed": range(5)}
    f1 = lambda i: random_f1(i % 10)  # noqa: E731  # alike in both batch sizes
    numbers = found(tmp_path, study(grid, f1))
    of_size = found(tmp_path, study(grid | {"batch_size": [2]}, f1))
    assert numbers["mean_se"].iloc[-1] == of_size["mean_se"].iloc[-1]
    # prevalences do not share one
    a, b = of_size["mean_se"].iloc[:2]
    residual = pd.Series([random_f1(i) for i in range(10)]) * 10
    gap = residual[:5].mean() - residual[5:].mean()
    both = (10 / 9 * ((a**2 + b**2) * 5 * 4 + 10 * gap**2 / 4)) ** 0.5 / 10
    assert of_size["mean_se"].iloc[-1] == pytest.approx(both, abs=1e-5)


def test_data_sizes_are_pooled_and_other_axes_have_rows(tmp_path, simple):
    grid = {"n_samples": [10, 20], "batch_size": [2, 5], "model.hidden": [3, 4], "seed": [0, 1]}
    numbers = found(tmp_path, study(grid, random_f1))
    assert list(numbers)[:3] == ["model.hidden", "batch_size", "prevalence"]
    assert numbers["n_cells"].tolist() == [2, 2, 2, 2, 8]
    assert numbers["n_runs"].tolist() == [4, 4, 4, 4, 16]
    tables.write_csv(numbers, tmp_path / "f.csv")
    lines = (tmp_path / "f.csv").read_text().split("\n")
    assert lines[1].startswith("3,2,0.5,2,4,4,0,0,")
    assert lines[5].startswith(",,,8,16,16,0,0,")


def test_one_run_has_no_standard_error(tmp_path, simple):
    numbers = found(tmp_path, study({"seed": [0], "epoch": [1, 2]}, random_f1))
    assert numbers[["mean_se", "deviation_se"]].isna().all(axis=None)
    assert words_of(numbers)[0].startswith(
        "Theory stands beside the log of 2 validation passes: mean "
    )


def test_without_a_deviation_anywhere_there_is_nothing_to_draw(tmp_path):
    rows = study({"seed": [0, 1]}, lambda i: 0.0, tp=0, fp=0, fn=5, tn=5)
    numbers = found(tmp_path, rows)
    assert numbers["n_certain"].tolist() == [2, 2]
    assert numbers[["mean", "deviation", "outside"]].isna().all(axis=None)
    nothing = "No validation pass has a batch mean with a predicted deviation."
    assert words_of(numbers) == ("Nothing to show", nothing)
    empty = found(tmp_path, tables.empty(schema.RUNS))
    assert len(empty) == 0
    assert set(calibration.COLUMNS) <= set(empty)
    assert words_of(empty) == ("Nothing to show", nothing)


def drawn(numbers):
    """A figure, laid out, and its words."""
    return pictures.laid_out(calibration.draw, numbers)


def words_of(found):
    """Return the headline and caption of the figure."""
    return pictures.words_of(calibration.draw, found)


GOOD = {"n_cells": 1, "n_runs": 10, "n_passes": 50, "n_certain": 0, "n_unknown": 0}
GOOD |= {"mean": 0.01, "mean_se": 0.01, "deviation": 1.01, "deviation_se": 0.01, "outside": 0.04}
GOOD |= {"worst_certain": np.nan}
PREVALENCES = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005]


def numbers(cell=None, every=None):
    """The table of a study; changes of one of its points, and of the row of all."""
    grid = itertools.product([8, 64, 1024], PREVALENCES)
    points = [GOOD | {"batch_size": b, "prevalence": p} for b, p in grid]
    points[4] |= cell or {}
    whole = {"batch_size": np.nan, "prevalence": np.nan, "n_cells": 21, "n_passes": 1050}
    return pd.DataFrame([*points, GOOD | whole | {"n_runs": 210} | (every or {})])


def test_what_is_drawn():
    figure, (headline, _caption) = drawn(numbers({"mean": 0.04, "n_runs": 12}))
    left, right = figure.axes
    assert headline == (
        "What theory predicts holds in 1,050 validation passes: mean +0.010, spread 1.010"
    )
    assert len(left.containers) == len(right.containers) == 7
    rare = left.containers[4].lines[0]
    assert rare.get_ydata().tolist() == [0.04, 0.01, 0.01]
    bars = left.containers[4].lines[2][0].get_segments()
    assert bars[0][:, 1] == pytest.approx([0.04 - 0.0196, 0.04 + 0.0196], abs=1e-5)
    places = np.array([c.lines[0].get_xdata() for c in left.containers])
    assert (np.diff(places.T.ravel()) > 0).all()  # no point over another
    assert len({c.lines[0].get_marker() for c in left.containers}) == 7


HOLDS, BESIDE = "What theory predicts holds", "Theory stands beside"
FAILS = "Theory fails in 1 of 21 points"


@pytest.mark.parametrize(
    ("cell", "every", "said"),
    [
        ({}, {}, f"{HOLDS} in 1,050 validation passes: mean +0.010, spread 1.010"),
        ({"mean": -0.2, "mean_se": 0.01}, {}, f"{FAILS} of 1,050 validation passes: mean"),
        ({"deviation": 0.8}, {}, FAILS),
        # 0.05 + 3.04 standard errors (Bonferroni, 21 points) is 0.0804
        ({"mean": 0.080}, {}, HOLDS),
        ({"mean": 0.081}, {}, FAILS),
        ({}, {"mean": 0.031}, f"{BESIDE} the log of 1,050 validation passes: mean +0.031"),
        ({}, {"mean_se": np.nan, "deviation_se": np.nan}, BESIDE),
        ({}, {"deviation": 0.96}, BESIDE),
        ({}, {"n_certain": 3, "worst_certain": 0.01}, BESIDE),
        ({}, {"n_certain": 3, "worst_certain": 1e-7}, HOLDS),
    ],
)
def test_the_headline_follows_the_numbers(cell, every, said):
    headline = words_of(numbers(cell, every))[0].replace(" and log ", " ")
    assert headline.startswith(said)


def test_further_axes_have_panels_up_to_a_number():
    def of(n):
        parts = [numbers().iloc[[i]].assign(**{"model.hidden": i}) for i in range(n)]
        return pd.concat([*parts, numbers().iloc[-1:]])

    figure, _ = drawn(of(3))
    assert [ax.get_title(loc="left").split("\n")[0] for ax in figure.axes[::2]] == [
        "hidden 0",
        "hidden 1",
        "hidden 2",
    ]
    rule = "^figure calibration cannot show more than 12 settings of model.hidden; got 13$"
    with pytest.raises(InputError, match=rule):
        calibration.draw(of(13))


def test_a_table_without_its_last_row_is_refused():
    rule = "^figure calibration must have one row of all passes; got 0$"
    with pytest.raises(InputError, match=rule):
        calibration.draw(numbers().iloc[:-1])
