"""The worked example: its table by hand, and words that are those of the batches."""

import pandas as pd
import pytest

from batchf1.figures import worked_example
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from helpers import pictures

# batches of 4, 2 and 1: F1 2 / 3, 0 (of nothing) and 1; all: 4 / (4 + 1)
MINE = ((1, 1, 0, 2), (0, 0, 0, 2), (1, 0, 0, 0))
NA = pd.NA


def made(folder, batches):
    text = "question: q\nbatches:\n"
    for tp, fp, fn, tn in batches:
        text += f"- {{tp: {tp}, fp: {fp}, fn: {fn}, tn: {tn}}}\n"
    (folder / "mine.yaml").write_text(text)
    return worked_example.table(folder / "mine.yaml")


def draw(table):
    return pictures.laid_out(worked_example.draw, table)


def test_every_number_of_batches_of_several_sizes(tmp_path):
    found = made(tmp_path, MINE)
    assert list(found.columns) == ["row", "tn", "fn", "fp", "tp", "accuracy", "f1"]
    assert list(found["row"]) == ["batch 1", "batch 2", "batch 3", "mean of batches", "all"]
    assert found[["tn", "fn", "fp", "tp"]].to_numpy().tolist() == [
        [2, 0, 1, 1],
        [2, 0, 0, 0],
        [0, 0, 0, 1],
        [NA, NA, NA, NA],
        [4, 0, 1, 2],
    ]
    # each batch counts once
    assert found["accuracy"].tolist() == pytest.approx([3 / 4, 1, 1, 11 / 12, 6 / 7], abs=1e-15)
    assert found["f1"].tolist() == pytest.approx([2 / 3, 0, 1, 5 / 9, 4 / 5], abs=1e-15)


ARTICLE = {
    "f1": [0.75, 0.181818, 1, 0.643939, 0.807947],
    "accuracy": [0.8, 0.91, 1, 0.903333, 0.903333],
    "tn": [50, 90, 70, NA, 210],
    "fn": [10, 9, 0, NA, 19],
    "fp": [10, 0, 0, NA, 10],
    "tp": [30, 1, 30, NA, 61],
}


def test_the_study_holds_every_digit_of_the_article(repository):
    found = worked_example.table(repository / "experiments/worked_example.yaml")
    committed = pd.read_csv(repository / "figures/worked_example.csv")
    for column, values in ARTICLE.items():
        for table in (found, committed):
            numbers = table[column].astype(float).tolist()
            wanted = [float("nan") if value is NA else value for value in values]
            assert numbers == pytest.approx(wanted, abs=5e-7, nan_ok=True)


def test_the_picture_of_the_article_says_so(repository):
    figure, (headline, caption) = draw(pd.read_csv(repository / "figures/worked_example.csv"))
    assert headline == "Accuracy survives averaging over batches, F1 comes out 16 points too low"
    random = expect(Counts(61, 10, 19, 210), 100)
    assert caption == (
        "A bar is a batch, the mean of the bars, or all samples. Data: three batches of 100 "
        "samples, from the article (C1); no training. They are no random cut: "
        f"the same 300 samples, shuffled, would log {random.expected_f1:.3f}, give or take "
        f"{random.sd:.3f}, where {random.true_f1:.3f} is true."
    )
    assert random.true_f1 - random.expected_f1 < random.sd
    ticks = [tick.get_text() for tick in figure.axes[1].get_xticklabels()]
    assert ticks == ["batch 1", "batch 2", "batch 3", "mean of\nbatches", "all 300\ntogether"]
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert heights == pytest.approx(ARTICLE["f1"], abs=5e-7)
    said = [text.get_text() for text in figure.axes[1].texts]
    assert said == ["0.75", "0.1818", "1", "0.6439", "0.8079"]


@pytest.mark.parametrize(
    ("batches", "headline", "caption"),
    [
        (
            MINE,
            "Averaging over these batches changes accuracy and F1",
            "three batches of 1 to 4 samples",
        ),
        (
            [(1, 1, 0, 2)],
            "Accuracy and F1 both survive averaging over these batches",
            "one batch of 4 samples",
        ),
        (
            [(1, 0, 0, 0)] * 4 + [(1, 998, 0, 1)] * 8,
            "Averaging over these batches changes accuracy and F1",
            "12 batches of 1 to 1,000 samples",
        ),
        (
            [(30, 10, 10, 50), (2, 0, 1, 1)],  # the last one is short
            "Averaging over these batches changes accuracy and F1",
            "two batches of 4 to 100 samples",
        ),
        (
            [(8, 1, 1, 90), (7, 2, 2, 89), (9, 1, 2, 88)],
            "Accuracy survives averaging over batches, F1 comes out 0.08 points too low",
            "three batches of 100 samples",
        ),
    ],
)
def test_the_words_are_those_of_the_batches(tmp_path, batches, headline, caption):
    whole = f"A bar is a batch, the mean of the bars, or all samples. Data: {caption}; no training."
    assert draw(made(tmp_path, batches))[1] == (headline, whole)


def test_all_together_are_counted(tmp_path):
    figure, _ = draw(made(tmp_path, MINE))
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert ticks[-1] == "all 7\ntogether"


def test_many_batches_have_no_numbers_on_their_bars(tmp_path):
    figure, _ = draw(made(tmp_path, [*MINE, *MINE]))
    ax = figure.axes[1]
    assert len(ax.patches) == 8
    assert not ax.texts
    said = "6 batches; their mean 0.5556 (orange),\nall together 0.8 (black)"
    assert ax.get_xlabel() == said
    assert len(draw(made(tmp_path, [*MINE, MINE[0]]))[0].axes[0].texts) == 6
