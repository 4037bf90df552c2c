"""The figure of labels of shape (n,): flat lines beside rising ones, and what its numbers say."""

import numpy as np
import pandas as pd
import pytest

from batchf1.figures import flat_labels
from helpers import pictures

SAME = ["trained", "half", "permuted", "random"]


def draw(table):
    return pictures.laid_out(flat_labels.draw, table)


@pytest.fixture
def committed(repository):
    return pd.read_csv(repository / "figures/flat_labels.csv")


@pytest.fixture
def evaluated(committed):
    return committed[committed["source"] == "evaluate"]


def lines(ax):
    """The lines of batch sizes, from below."""
    found = [np.transpose(line.get_data()) for line in ax.lines if len(line.get_xdata()) > 2]
    return sorted(found, key=lambda line: line[-1, 1])


def test_the_committed_picture_has_flat_lines_beside_rising_ones():
    figure, (headline, caption) = pictures.committed("flat_labels")
    flat, rising = (lines(ax) for ax in figure.axes)
    assert len(flat) == len(rising) == 3
    for line in flat:
        assert np.ptp(line[:, 1]) < 1e-6
        assert np.ptp(line[:, 0]) > 0.5
    for line in rising:
        assert line[-1, 1] - line[0, 1] > 0.15
        assert (line[:, 1] < line[:, 0]).all()  # below the truth
    assert flat[-1][0, 1] > 1  # no F1
    assert headline == (
        "Labels of shape (n,): whether the true F1 is 0.74 or 0.09, Keras logs the same number"
    )
    assert "the mean of 20 networks" in caption
    assert "5 % positives." in caption


def test_each_batch_size_is_named_at_the_end_of_its_line():
    figure, _ = pictures.committed("flat_labels")
    for ax in figure.axes:
        named = sorted(ax.texts[1:], key=lambda text: text.xy[1])
        assert [text.get_text() for text in named] == [f"batches of {n}" for n in (8, 16, 32)]
        assert [tuple(text.xy) for text in named] == [tuple(line[-1]) for line in lines(ax)]


def test_the_nearest_prevalence_and_the_smallest_sizes_are_shown(evaluated):
    rows = evaluated[(evaluated["prevalence"] != 0.05) & (evaluated["batch_size"] > 8)]
    figure, (_, caption) = draw(rows)
    assert "1 % positives" in caption
    assert {text.get_text() for text in figure.axes[0].texts[1:]} == {
        "batches of 16",
        "batches of 32",
        "batches of 128",
    }


def test_without_evaluations_it_says_so(committed):
    assert draw(committed[committed["source"] == "fit"])[1][1] == "No logs to show."


# What the numbers say


def test_every_log_is_its_arithmetic_and_the_shuffled_ones_are_the_same(evaluated, committed):
    assert committed["deviation"].max() <= 1e-6
    assert len(evaluated) == 4 * 6 * 5
    assert evaluated[evaluated["predictions"].isin(SAME)]["change"].max() <= 1e-7
    f1 = evaluated.pivot_table(
        "true_f1", ["prevalence", "batch_size"], "predictions", observed=True
    )
    rare = f1[f1.index.get_level_values("prevalence") < 0.5]
    assert (rare["trained"] > 2 * rare["permuted"]).all()


def test_cells_log_the_batch_size_th_part_of_margins(evaluated):
    share = evaluated["flat_margins"] / evaluated["batch_size"]
    np.testing.assert_allclose(evaluated["flat_cells"], share, rtol=1e-6)


def test_the_mean_over_batches_nears_the_truth_and_the_flat_log_does_not(evaluated):
    trained = evaluated[evaluated["predictions"] == "trained"].sort_values("batch_size")
    for _, rows in trained.groupby("prevalence"):
        off = (rows["batch_mean"] - rows["true_f1"]).abs()
        assert off.iloc[-1] < 0.02
        assert rows["flat_margins"].is_monotonic_increasing
        assert rows["flat_margins"].iloc[-1] > 5


def test_the_logs_are_what_is_expected_of_random_batches(evaluated):
    rows = evaluated[evaluated["predictions"].isin(["trained", "same_share"])]
    assert rows["inside"].mean() > 0.93
    assert evaluated["inside"].notna().sum() == len(rows)
    trained = rows[rows["predictions"] == "trained"]
    np.testing.assert_allclose(trained["flat_margins"], trained["expected"], rtol=0.04)


def test_choosing_by_it_never_heals(committed):
    chosen = committed[committed["row"] == "choice"]
    largest = chosen[chosen["batch_size"] == chosen["batch_size"].max()]
    by = dict(iter(largest.groupby("chosen_by")))
    assert (by["flat"]["regret"] > 0.05).all()
    assert (by["flat"]["most_positives"] > 0.8).all()
    assert (by["batch_mean"]["regret"].abs() < 0.01).all()
    assert (by["batch_mean"]["most_positives"] == 0).all()
