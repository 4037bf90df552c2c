"""The search for runs that print the article's log: its numbers by hand, and what it chooses."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from batchf1.errors import InputError
from batchf1.figures import _style, original_log, original_log_search
from batchf1.study.grid import cells
from helpers.tables_of_runs import ROW, table, written

pytestmark = pytest.mark.usefixtures("log_once")


@pytest.fixture
def log(repository):
    return repository / "docs/article_log.txt"


def runs(dataset, units, naive, losses):
    """Runs of two epochs whose naive validation F1 are given; the first epoch's lie 0.2 lower."""
    made = [
        {"run_id": f"{dataset}-{units}-{seed}", "seed": seed, "epoch": epoch, "split": split}
        | {"strategy": strategy, "loss": loss, "f1": f1 - 0.2 * (epoch == 1)}
        for seed, (f1, loss) in enumerate(zip(naive, losses, strict=True))
        for epoch in (1, 2)
        for split in ("train", "validation")
        for strategy in ("batch_mean", "epoch_end")
    ]
    return table(*made, dataset=dataset).assign(**{"model.hidden": f"[{units}]"})


NEAR, FAR = [0.46, 0.47, 0.49], [0.3, 0.31, 0.32]
LOSSES = [0.0, 0.0005, 0.001]


def made(tmp_path, log, *of_runs):
    return original_log_search.table(written(tmp_path, pd.concat(of_runs)), log)


def test_a_row_is_of_a_setting_and_an_epoch(tmp_path, log):
    found = made(tmp_path, log, runs("a", 4, NEAR, LOSSES), runs("b", 8, FAR, LOSSES))
    key = found[["dataset", "model.hidden", "epoch", "n_runs"]].to_numpy().tolist()
    assert key == [["a", "[4]", 1, 3], ["a", "[4]", 2, 3], ["b", "[8]", 1, 3], ["b", "[8]", 2, 3]]
    assert set(original_log_search.COLUMNS) <= set(found)
    last = found.iloc[1]
    assert last["loss"] == last["val_loss"] == 0.0005
    assert (
        last["f1"] == last["val_f1"] == last["f1score_train"] == pytest.approx(0.473333, abs=1e-6)
    )
    assert last["acc"] == last["val_acc"] == 0.6  # 2 + 4 of 10
    assert found.iloc[0]["f1"] == pytest.approx(0.273333, abs=1e-6)


def test_distances_are_in_half_intervals_and_the_furthest_counts(tmp_path, log):
    """By hand: deviation 0.0152753 of the F1 and 0.0005 of the losses, t = 4.302653, n = 3."""
    rows = runs("a", 4, NEAR, LOSSES)
    found = made(tmp_path, log, rows).iloc[1]
    # accuracy is 0.6 in all three runs: nothing is compatible but itself
    assert found["furthest"] == np.inf
    # losses 0.0005 ± 0.002484: 0.00057325 lies inside, 0.0065 outside; F1 0.4733 ± 0.075892: 0.516
    # and 0.4728 inside, 0.9975 and 0.9353 outside
    assert found["compatible"] == 3
    with_all = rows.assign(tp=5, fp=0, fn=0, tn=5)
    path = tmp_path / "short.txt"
    line = log.read_text().replace("val_acc: 0.9982 - ", "")
    path.write_text(line)
    found = made(tmp_path, path, with_all).iloc[1]
    # accuracy 1 is just what is printed; the true F1 of training lies furthest
    assert found["furthest"] == pytest.approx((0.997502 - 0.473333) / 0.075892, abs=1e-3)
    assert found["compatible"] == 4


def test_it_says_the_same_as_the_figure_of_the_log(tmp_path, log):
    rows = runs("a", 4, NEAR, LOSSES)
    rows["fp"] = rows["seed"]  # accuracies that differ
    source = written(tmp_path, rows.drop(columns="model.hidden"))
    one = original_log.table(source, log).query("keras != 'article' and seed == 0")
    found = original_log_search.table(source, log).iloc[1]
    assert found["compatible"] == one["compatible"].astype(bool).sum()


def test_a_single_run_says_nothing(tmp_path, log):
    found = made(tmp_path, log, runs("a", 4, NEAR[:1], LOSSES[:1]))
    assert found[["compatible", "furthest"]].isna().all().all()
    assert draw(found)[0] == "Nothing to show"


def numbers(**changes):
    """Two data sets, two settings, three epochs; the compatible and the furthest are given."""
    key = [(d, h, e) for d in ("a", "b_c") for h in ("[4]", "[8]") for e in (1, 2, 3)]
    found = pd.DataFrame(key, columns=["dataset", "model.hidden", "epoch"])
    means = dict.fromkeys(original_log.QUANTITIES, 0.5)
    return found.assign(n_runs=5, compatible=4, furthest=3.0, **means).assign(**changes)


def test_chosen_is_the_most_compatible_and_then_the_nearest():
    compatible = [4, 8, 8, 7, 8, 8, *[0] * 6]
    furthest = [0.1, 0.9, 0.8, 0.2, 0.7, 0.75, *[0.01] * 6]
    best = original_log_search.chosen(numbers(compatible=compatible, furthest=furthest))
    assert (best["dataset"], best["model.hidden"], best["epoch"]) == ("a", "[8]", 2)


def draw(found):
    with _style.house():
        figure = original_log_search.draw(found)
        figure.draw_without_rendering()
        words = _style.words(figure)
        plt.close(figure)
    return *words, figure


def test_what_is_drawn():
    compatible = [*range(6), 8, *[2] * 5]
    headline, caption, figure = draw(numbers(compatible=compatible, furthest=range(1, 13)))
    assert headline == "Of the article's eight numbers come out at best: 5 on a, 8 on b c"
    assert "the mean of 5 runs" in caption
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b c"]
    for ax, first, ring in zip(figure.axes, (1, 7), ((3, 6), (1, 7)), strict=True):
        _, *lines, best = ax.lines
        assert [list(line.get_ydata()) for line in lines] == [
            [first, first + 1, first + 2],
            [first + 3, first + 4, first + 5],
        ]
        assert (best.get_xdata()[0], best.get_ydata()[0]) == ring
        assert ax.get_yscale() == "log"


def test_more_data_sets_than_panels_are_refused():
    many = pd.concat([numbers().assign(dataset=f"d{i}") for i in range(13)])
    with pytest.raises(InputError, match="original_log_search: shows at most 12 settings of data"):
        draw(many)


def test_without_the_true_f1_it_is_refused(tmp_path, log):
    with pytest.raises(InputError, match="original_log_search: needs rows of strategies"):
        made(tmp_path, log, table(ROW | {"strategy": "batch_mean"}))


def test_the_study_is_of_what_the_committed_search_chose(repository):
    best = original_log_search.chosen(pd.read_csv(repository / "figures/original_log_search.csv"))
    searched, *_ = cells(repository / "experiments/original_log_search.yaml")
    for cell in cells(repository / "experiments/original_log.yaml"):
        run = cell.first
        network = (run.dataset.variant, str(run.model.hidden), run.model.learning_rate)
        assert network == (best["dataset"], best["model.hidden"], best["model.learning_rate"])
        assert run.training.epochs == best["epoch"]
        for name in ("n_samples", "prevalence", "validation_fraction"):
            assert getattr(run.dataset, name) == getattr(searched.first.dataset, name)
        assert not set(cell.seeds) & set(searched.seeds)
        assert run.study != searched.first.study  # a part of what seeds are hashed from
