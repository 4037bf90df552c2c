"""The search for runs that print the article's log: its numbers by hand, and what it chooses."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

from batchf1.figures import original_log, original_log_search
from batchf1.sweep.grid import cells
from helpers import pictures
from helpers.tables_of_runs import table, written

pytestmark = pytest.mark.usefixtures("log_once")


@pytest.fixture
def log(repository):
    return repository / "docs/article_log.txt"


NEAR, FAR = [0.46, 0.47, 0.49], [0.3, 0.31, 0.32]
LOSSES = [0.0, 0.0005, 0.001]


def runs(dataset, naive, losses=LOSSES, **more):
    """Runs of two epochs whose F1 and losses are given; the first epoch's F1 lie 0.2 lower."""
    made = [
        {"run_id": f"{dataset}-{more}-{seed}", "seed": seed, "epoch": epoch, "split": split}
        | {"strategy": strategy, "loss": loss, "f1": f1 - 0.2 * (epoch == 1)}
        for seed, (f1, loss) in enumerate(zip(naive, losses, strict=False))
        for epoch in (1, 2)
        for split in ("train", "validation")
        for strategy in ("batch_mean", "epoch_end")
    ]
    return table(*made, **{"dataset": dataset, "model.hidden": "[4]"} | more)


def made(tmp_path, log, *of_runs):
    return original_log_search.table(written(tmp_path, pd.concat(of_runs)), log)


def test_a_row_is_of_a_setting_an_epoch_and_a_keras(tmp_path, log):
    old = {"version": "2.2.4", "engine": "keras224"}
    every = [runs("a", NEAR), runs("a", FAR, **old), runs("b", FAR, **{"model.hidden": "[8]"})]
    found = made(tmp_path, log, *every)
    key = found[["dataset", "model.hidden", "epoch", "keras", "n_runs"]].to_numpy().tolist()
    assert key == [
        *(["a", "[4]", 1, "3.0.0", 3], ["a", "[4]", 2, "3.0.0", 3]),
        *(["a", "[4]", 1, "2.2.4", 3], ["a", "[4]", 2, "2.2.4", 3]),
        *(["b", "[8]", 1, "3.0.0", 3], ["b", "[8]", 2, "3.0.0", 3]),
    ]
    assert set(original_log_search.COLUMNS) <= set(found)
    last = found.iloc[1]
    assert last["loss"] == last["val_loss"] == 0.0005
    for name in ("f1", "val_f1", "f1score_train"):
        assert last[name] == pytest.approx(0.473333, abs=1e-6)
    assert last["acc"] == last["val_acc"] == 0.6  # 2 + 4 of 10
    assert found.iloc[0]["f1"] == pytest.approx(0.273333, abs=1e-6)


def test_compatible_are_those_within_the_interval_of_one_more_run(tmp_path, log):
    """t = 4.302653 and n = 3: F1 0.4733 ± 0.075892 and losses 0.0005 ± 0.002484, accuracy 0.6."""
    # inside: loss 0.00057325, f1 0.516 and val_f1 0.4728
    assert made(tmp_path, log, runs("a", NEAR)).iloc[1]["compatible"] == 3
    # and an accuracy of 1 without any spread: just what is printed in training
    right = runs("a", NEAR).assign(tp=5, fp=0, fn=0, tn=5)
    assert made(tmp_path, log, right).iloc[1]["compatible"] == 4


def test_it_counts_as_the_figure_of_the_log_does(tmp_path, log):
    rows = runs("a", NEAR).drop(columns="model.hidden")
    rows["fp"] = rows["seed"]  # accuracies that differ
    source = written(tmp_path, rows)
    one = original_log.table(source, log).query("keras != 'article' and seed == 0")
    found = original_log_search.table(source, log).iloc[1]
    assert found["compatible"] == one["compatible"].astype(bool).sum()


def test_the_likelihood_is_the_product_of_students_densities(tmp_path, log):
    printed = original_log.of_article(log).set_index("quantity")["value"]
    deviation = {"f1": np.std(NEAR, ddof=1), "loss": 0.0005, "acc": 0.0}
    mean = {"f1": np.mean(NEAR), "loss": 0.0005, "acc": 0.6}
    wanted = 0.0
    for quantity, value in printed.items():
        kind = next((k for k in ("loss", "acc") if k in quantity), "f1")
        scale = np.sqrt((deviation[kind] ** 2 + 1e-8 / 12) * (1 + 1 / 3))
        t, nu = (value - mean[kind]) / scale, 2
        wanted += gammaln((nu + 1) / 2) - gammaln(nu / 2) - np.log(nu * np.pi) / 2
        wanted += -(nu + 1) / 2 * np.log(1 + t**2 / nu) - np.log(scale)
    found = made(tmp_path, log, runs("a", NEAR)).iloc[1]["log_likelihood"]
    assert found == pytest.approx(wanted, abs=1e-5)


def test_a_single_run_says_nothing(tmp_path, log):
    found = made(tmp_path, log, runs("a", NEAR[:1]))
    assert found[["compatible", "log_likelihood"]].isna().all().all()
    assert draw(found)[0] == "Nothing to show"


SCORES = [1, 9, 8, 7, 3, 9, 5, 6]


def numbers(scores, compatible=4):
    """Two data sets, two epochs and two Keras each."""
    key = [(d, e, k) for d in ("a", "b_c") for e in (1, 2) for k in ("2.2.4", "3.0.0")]
    found = pd.DataFrame(key, columns=["dataset", "epoch", "keras"])
    means = dict.fromkeys(original_log.QUANTITIES, 0.5)
    return found.assign(n_runs=5, compatible=compatible, log_likelihood=scores, **means)


@pytest.mark.parametrize(
    ("compatible", "row"),
    [
        ([6, 6, 8, 6, 6, 7, 6, 6], ("a", 2, "3.0.0", 6)),  # the likeliest in its worse Keras
        ([6, 6, 8, 6, 6, 6, 7, 7], ("b_c", 2, "2.2.4", 7)),  # the most numbers
        ([8, 8, 8, 8, 8, 8, 8, 6], ("a", 2, "3.0.0", 8)),
    ],
)
def test_chosen_has_the_most_numbers_and_then_is_likeliest_in_the_worse_keras(compatible, row):
    best = original_log_search.chosen(numbers(SCORES, compatible))
    assert tuple(best[["dataset", "epoch", "keras", "compatible"]]) == row


def draw(found):
    figure, words = pictures.laid_out(original_log_search.draw, found)
    return *words, figure


def cells_of(figure):
    ax = figure.axes[0]
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    names = [label.get_text() for label in ax.get_yticklabels()]
    return {name: [shown[x, y] for x in range(2)] for y, name in enumerate(names)}


def framed(figure):
    (frame,) = figure.axes[0].patches
    return frame.get_x() + 0.5, frame.get_y() + 0.5, frame.get_height()


def test_what_is_drawn():
    headline, caption, figure = draw(numbers(SCORES, [8, 8, 8, 7, 2, 2, 8, 8]))
    assert headline == "Of 2 data sets b c fits the article's log best: all 8 numbers"
    assert "where one more run after 5 would" in " ".join(caption.split())
    # the fewest of both Keras
    assert cells_of(figure) == {"a": ["8", "7"], "b c": ["2", "8"]}
    assert framed(figure) == (1, 1, 1)
    assert draw(numbers(SCORES, 7))[0].startswith("Of 2 data sets a fits")


def test_a_single_data_set_has_a_row_for_each_keras():
    one = numbers(SCORES, [8, 8, 8, 7, 2, 2, 8, 8]).query("dataset == 'b_c'")
    headline, _, figure = draw(one)
    assert headline == "After 2 epochs b c gives all 8 numbers of the article's log"
    assert cells_of(figure) == {"Keras 2.2.4": ["2", "8"], "Keras 3.0.0": ["2", "8"]}
    assert framed(figure) == (1, 0, 2)


STUDIES = ("original_log_search", "original_log_epochs", "original_log")


def test_the_study_is_of_what_the_committed_searches_chose(repository):
    best, last = (
        original_log_search.chosen(pd.read_csv(repository / f"figures/{name}.csv"))
        for name in STUDIES[:2]
    )
    chosen = (best["dataset"], best["model.hidden"], best["model.learning_rate"])
    found = [cells(repository / f"experiments/{name}.yaml") for name in STUDIES]
    for cell in found[1] + found[2]:
        run = cell.first
        assert (run.dataset.variant, str(run.model.hidden), run.model.learning_rate) == chosen
    assert {cell.first.training.epochs for cell in found[2]} == {last["epoch"]}


@pytest.mark.slow
def test_no_seed_is_of_two_of_the_studies_and_their_shape_is_one(repository):
    found = [cells(repository / f"experiments/{name}.yaml") for name in STUDIES]
    seeds = [seed for study in found for seed in study[0].seeds]
    assert len(seeds) == len(set(seeds))
    shapes = {
        (d.n_samples, d.prevalence, d.validation_fraction, cell.first.training.batch_size)
        for study in found
        for cell in study
        for d in [cell.first.dataset]
    }
    assert shapes == {(42_700, 0.01405, 0.166667, 50)}
