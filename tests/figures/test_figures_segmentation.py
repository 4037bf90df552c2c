"""The figure of segmentation: lines that cross, points on them, and what its numbers say."""

import numpy as np
import pandas as pd
import pytest

from batchf1.figures import segmentation
from batchf1.records import tables
from batchf1.studies.segmentation import summary
from batchf1.studies.segmentation.schema import EMPTY_0, LOGS, SOFT
from helpers import pictures


def draw(table):
    return pictures.laid_out(segmentation.draw, table)


@pytest.fixture
def committed(repository):
    return pd.read_csv(repository / "figures/segmentation.csv")


def test_theory_is_a_line_and_logs_are_points(committed):
    figure, (headline, caption) = pictures.committed("segmentation")
    assert len(figure.axes) == 3
    for ax, kind in zip(figure.axes, segmentation.PANELS, strict=True):
        rows = committed[committed["dice"] == kind]
        expected, logged = (
            [line.get_ydata() for line in ax.lines if (line.get_linestyle() == "None") == points]
            for points in (False, True)
        )
        for found, column in ((expected, "expected"), (logged, "logged")):
            by_model = rows.sort_values("batch_size").groupby("model")[column]
            wanted = [values.to_list() for _, values in by_model]
            np.testing.assert_array_equal(found, wanted)
        assert len(ax.collections) == 2
    assert headline == (
        "With up to 2 images a batch one model has the higher Dice, from 4 on the other"
    )
    assert "the logs of 10 U-Nets in Keras 3" in caption


@pytest.mark.parametrize("name", ["expected", "batch_size"])
def test_the_headline_claims_no_more_than_its_table_has(committed, name):
    change = {"expected": 0.5, "batch_size": committed["batch_size"].where(lambda n: n < 250, 128)}
    _, (headline, _) = draw(committed.assign(**{name: change[name]}))
    crosses = name == "batch_size"
    assert ("one model has the higher Dice" in headline) == crosses


def test_without_logs_it_says_so(committed):
    assert draw(committed[:0])[1][1] == "No logs to show."


# What the numbers say


def test_the_logs_lie_within_the_intervals_of_the_theory(committed):
    logged = committed.dropna(subset="logged")
    random = logged[logged["batch_size"].between(2, 249)]
    assert len(random) == 3 * 2 * 6
    assert random["inside"].mean() > 0.9
    means = random["logged"].between(random["low"], random["high"])
    assert means.mean() > 0.85
    sd = (random["high"] - random["low"]) / (2 * 1.96)
    assert ((random["logged"] - random["expected"]).abs() / sd).max() < 3.5
    assert logged["deviation"].max() <= 1e-6


def test_the_ends_of_the_theory_are_the_mean_over_images_and_the_pooled_value(committed):
    ends = {1: "image_mean", 250: "pooled"}
    for size, column in ends.items():
        rows = committed[committed["batch_size"] == size]
        assert len(rows) == 4 * 2
        for name in ("expected", "exact"):
            np.testing.assert_allclose(rows[name], rows[column], rtol=1e-12)
        np.testing.assert_allclose(rows["high"] - rows["low"], 0, atol=1e-12)


def test_the_mean_over_images_prefers_another_model_than_the_pooled_value(committed):
    hard = committed[committed["dice"] != SOFT]
    preferred = hard.pivot_table("preferred", "batch_size", "model")
    assert preferred.loc[1, "small"] > 0.75
    assert preferred.loc[250, "large"] > 0.75
    gap = hard.pivot_table("gap", ["dice", "batch_size"], "model")
    np.testing.assert_allclose(gap["large"], -gap["small"], atol=1e-15)


def made_up(exact, logged, sd):
    """The table of two seeds at one batch size, from the numbers of both models."""
    places = [(seed, model) for seed in (0, 1) for model in ("small", "large")]
    shared = {"study": "mini", "dice": EMPTY_0, "batch_size": 2, "n_images": 4, "n_empty": 1}
    shared |= {"n_batches": 2, "of_small": 0.2, "of_large": 0.8, "pooled": 0.9, "image_mean": 0.1}
    shared |= {"expected": 0.5, "sd": sd}
    rows = [
        shared | {"cell_id": f"{seed}{model}", "seed": seed, "model": model}
        for seed, model in places
    ]
    return pd.DataFrame(rows).assign(exact=exact, logged=logged)[list(LOGS.columns)]


def test_the_table_of_the_figure_by_hand(tmp_path):
    exact, logged = [0.6, 0.5, 0.4, 0.7], [0.6, 0.5, 0.4 + 5e-7, 0.7]
    tables.write(made_up(exact, logged, 0.06), tmp_path / "runs.parquet", LOGS, {})
    table = summary.summary(tmp_path / "runs.parquet")
    tables.validate(table, summary.SUMMARY, "table")
    small, large = table.to_dict("records")  # in the order of the study
    assert (large["model"], small["model"]) == ("large", "small")
    assert (large["logged"], small["exact"]) == pytest.approx((0.6, 0.5))
    reach = 1.96 * 0.06 / np.sqrt(2)  # of the mean of two
    ends = (large["low"], large["high"])
    assert ends == pytest.approx((0.5 - reach, 0.5 + reach), abs=1e-5)
    assert (large["inside"], small["inside"]) == (0.5, 1)
    assert (large["preferred"], small["preferred"]) == (0.5, 0.5)
    assert (large["gap"], small["gap"]) == pytest.approx((0.1, -0.1))
    assert large["of_objects"] == pytest.approx(0.1 * 4 / 3)
    assert large["gap_se"] == pytest.approx(np.std([-0.1, 0.3], ddof=1) / np.sqrt(2))
    assert small["deviation"] == pytest.approx(5e-7)


def test_the_table_of_one_seed_without_objects(tmp_path):
    rows = made_up(0.0, 0.0, 0.0).head(2).assign(n_empty=4, image_mean=0.0)
    tables.write(rows, tmp_path / "runs.parquet", LOGS, {})
    table = summary.summary(tmp_path / "runs.parquet")
    tables.validate(table, summary.SUMMARY, "table")
    assert table["n_seeds"].tolist() == [1, 1]
    assert table[["gap_se", "of_objects"]].isna().all(axis=None)
