"""The figure of cuts: words and arrows that follow its numbers, and what these claim."""

import numpy as np
import pandas as pd
import pytest

from batchf1.figures import cuts
from helpers import pictures


def draw(table):
    return pictures.laid_out(cuts.draw, table)


@pytest.fixture
def committed(repository):
    return pd.read_csv(repository / "figures/cuts.csv")


def labels(figure):
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def said(figure):
    """What stands beside each arrow, from above."""
    texts = [text for text in figure.axes[0].texts if "too" in text.get_text()]
    return [text.get_text() for text in sorted(texts, key=lambda text: text.get_position()[1])]


def test_the_committed_picture_says_so():
    figure, (headline, _) = pictures.committed("cuts")
    assert headline == (
        "Not cut at random, the mean over batches may be 89 points too low or 52 points too high"
    )
    beside = dict(zip(labels(figure), said(figure), strict=True))
    assert beside["sorted by label, 106 batches"] == "89 points too low"
    assert beside["the same, undefined ones left out"] == "52 points too high"
    assert len(beside) == 12


def test_an_arrow_goes_from_the_true_f1_to_the_mean(committed):
    rows = committed[committed["family"] == "published"]
    figure, (headline, caption) = draw(rows)
    line, tip, tick = figure.axes[0].lines[:3]
    true, mean = rows.iloc[0][["true_f1", "mean_f1"]]
    assert list(line.get_xdata()) == [true, mean]
    assert (tip.get_xdata()[0], tip.get_marker()) == (mean, ">")
    assert tick.get_xdata()[0] == true
    assert headline == "How far the mean over batches lies from the true F1, by how they are cut"
    assert "seeds" not in caption
    turned = rows.assign(mean_f1=0.2)
    assert draw(turned)[0].axes[0].lines[1].get_marker() == "<"


def test_the_rarest_positives_are_shown_and_a_stranger_keeps_its_name(committed):
    rows = committed[committed["family"] == "groups"].head(2)
    rows = rows.assign(cut=["patient", "by hand"], prevalence=[0.01, 0.02])
    assert labels(draw(rows)[0]) == ["patient, 106 batches"]


# What the numbers say


def test_the_published_folds_give_the_three_numbers_that_are_cited(committed):
    (row,) = committed[committed["family"] == "published"].to_dict("records")
    cited = [row["mean_f1"], row["f1_of_means"], row["true_f1"]]
    assert np.round(cited, 2).tolist() == [0.69, 0.73, 0.58]
    assert row["undefined"] == row["empty"] == 0
    assert row["random"] < row["true_f1"] < row["composition"] < row["true_f1"] + 0.02


def test_folds_measured_are_what_the_exact_law_says(committed):
    folds = committed[committed["family"] == "folds"]
    off = folds["mean_f1"] - folds["composition"]
    assert (off.abs() < np.maximum(2.5 * folds["error_se"], 0.013)).all()
    stratified = folds[folds["cut"] == "stratified folds"]
    expected = stratified["composition"] - stratified["true_f1"]
    recall = stratified["tp"] / (stratified["tp"] + stratified["fn"])
    excess = recall * stratified["fp"] - stratified["fn"]
    assert (np.sign(expected) == np.sign(excess)).all()
    assert set(np.sign(excess)) == {-1, 1}
    plain = folds[folds["cut"] == "plain folds"]
    assert (plain["mean_f1"] < plain["true_f1"]).all()


def test_the_sign_turns_on_real_groups(committed):
    groups = committed[committed["family"] == "groups"]
    sure = groups[groups["error"].abs() > 2.5 * groups["error_se"]]
    assert set(sure[sure["error"] > 0]["cut"]) == {"cut"}
    assert {"clarity", "color", "sorted by price"} <= set(sure[sure["error"] < 0]["cut"])
    turned = groups[
        (groups["mean_f1"] < groups["true_f1"]) & (groups["mean_one"] > groups["true_f1"])
    ]
    assert {"clarity", "sorted by price"} <= set(turned["cut"])
