"""The article's log and its reproduction: what is compared with what, number by number."""

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import original_log
from helpers import pictures
from helpers.tables_of_runs import table, written

pytestmark = pytest.mark.usefixtures("log_once")

# TP, FN and TN in batches of 2 and 1, see test_figures_theory: the mean of F1 over all cuts
TRAIN = {"tp": 1, "fp": 0, "fn": 1, "tn": 1}
EXPECTED = {"size_weighted": 13 / 27, "per_batch": 4 / 9}
SD = {"size_weighted": 14**0.5 / 27, "per_batch": 162**-0.5}
# TP and two FP in batches of 2 and 1: alone stands TP, F1 0 and 1, or (2 of 3 cuts) FP, 2/3 and 0
VALIDATION = {"tp": 1, "fp": 2, "fn": 0, "tn": 0}
VALIDATION_EXPECTED = {
    "size_weighted": (1 / 3 + 2 * 4 / 9) / 3,
    "per_batch": (1 / 2 + 2 * 1 / 3) / 3,
}
VALIDATION_SD = {"size_weighted": 2**0.5 / 27, "per_batch": 2**0.5 / 18}
TODAY = {"version": "3.1.0", "averaging": "per_batch", "engine": "ensemble"}
THEN = {"version": "2.2.4", "averaging": "size_weighted", "engine": "keras224"}
EXACT = {"train": 0.95, "validation": 0.9}
LOSS = {"train": 0.0005, "validation": 0.25}


def runs(naive, **software):
    """Runs of two epochs, the last with the naive validation F1 given, training 0.1 above."""
    made = [
        {"run_id": f"{software}-{seed}", "seed": seed, "epoch": epoch, "split": split}
        | {"strategy": strategy, "loss": epoch * LOSS[split] / 2 + 0.001 * seed}
        | {"f1": naive_f1 if strategy == "batch_mean" else EXACT[split]}
        | (TRAIN if split == "train" else VALIDATION)
        for seed, value in enumerate(naive)
        for epoch in (1, 2)
        for split, naive_f1 in (("train", value + 0.1), ("validation", value))
        for strategy in ("batch_mean", "epoch_end", "reconstructed")
    ]
    common = {"n_samples": 3, "batch_size": 2, "n_batches": 2, "dataset": "trousers"}
    found = table(*made, **common | software)
    found.loc[found["epoch"] == 1, "f1"] = 0.01
    return found


@pytest.fixture
def log(repository):
    return repository / "docs/article_log.txt"


def made(tmp_path, log, *of_runs):
    return original_log.table(written(tmp_path, pd.concat(of_runs)), log)


def test_the_articles_own_line_is_read_from_its_log(tmp_path, log):
    found = made(tmp_path, log, runs([0.4, 0.5], **THEN))
    article = found[found["keras"] == "article"].set_index("quantity")
    assert dict(article["value"]) == {
        "loss": 5.7325e-4,
        "acc": 1.0,
        "f1": 0.516,
        "val_loss": 0.0065,
        "val_acc": 0.9982,
        "val_f1": 0.4728,
        "f1score_train": 0.997502,
        "f1score_test": 0.93532336,
    }
    # `batchf1 forensics docs/article_log.txt`: its best candidate
    expectation = article[["expected_f1", "sd"]].dropna().round(4)
    assert expectation.loc["f1"].tolist() == [0.5063, 0.0095]
    assert expectation.loc["val_f1"].tolist() == [0.4736, 0.0220]
    assert len(expectation) == 2
    assert set(article["steps"]) == {854}
    assert set(article["dataset"]) == {"not told"}


@pytest.mark.parametrize("software", [THEN, TODAY])
def test_every_number_of_a_run(tmp_path, log, software):
    found = made(tmp_path, log, runs([0.4, 0.5], **software))
    ours = found[found["keras"] == software["version"]]
    assert list(found) == [
        *("keras", "dataset", "seed", "steps", "quantity", "value", "expected_f1", "sd"),
        *("low", "high", "compatible"),
    ]
    assert list(ours["quantity"]) == [*original_log.QUANTITIES] * 2
    assert list(ours["seed"]) == [0] * 8 + [1] * 8
    assert set(ours["steps"]) == {2}
    assert set(ours["dataset"]) == {"trousers"}
    first, second = (ours[ours["seed"] == seed].set_index("quantity") for seed in (0, 1))
    values = [0.0005, 2 / 3, 0.5, 0.25, 1 / 3, 0.4, 0.95, 0.9]
    assert first["value"].tolist() == pytest.approx(values, abs=6e-9)
    values = [0.0015, 2 / 3, 0.6, 0.251, 1 / 3, 0.5, 0.95, 0.9]
    assert second["value"].tolist() == pytest.approx(values, abs=6e-9)
    assert first["value"]["acc"] == 0.66666667  # eight decimals
    rule = software["averaging"]
    expectation = {"f1": (EXPECTED[rule], SD[rule])}
    expectation |= {"val_f1": (VALIDATION_EXPECTED[rule], VALIDATION_SD[rule])}
    for quantity, row in first.iterrows():
        nothing = (np.nan, np.nan)
        wanted = expectation.get(quantity, nothing)
        assert tuple(row[["expected_f1", "sd"]]) == pytest.approx(wanted, abs=6e-9, nan_ok=True)


def test_compatible_is_where_one_more_run_would_lie(tmp_path, log):
    near, far = runs([0.46, 0.47, 0.49], **THEN), runs([0.1, 0.11, 0.12], **TODAY)
    found = made(tmp_path, log, near, far)
    ours = found[found["quantity"] == "val_f1"].groupby("keras").first()
    assert ours.loc["2.2.4", "compatible"] is True
    assert ours.loc["3.1.0", "compatible"] is False
    low, high = ours.loc["2.2.4", ["low", "high"]]
    # mean 0.47333, deviation 0.0152753; t = 4.302653 at 97.5 % and 2 degrees of freedom;
    # sqrt(1 + 1/3) = 1.154701
    assert (low, high) == (pytest.approx(0.397442, abs=1e-6), pytest.approx(0.549225, abs=1e-6))
    # the losses 0.25, 0.251 and 0.252: deviation 0.001
    ours = found[found["quantity"] == "val_loss"].groupby("keras").first()
    assert ours.loc["2.2.4", "high"] == pytest.approx(0.251 + 0.004968, abs=1e-6)
    assert ours.loc["2.2.4", "compatible"] is False


def test_the_line_is_printed_as_keras_prints_it(tmp_path, log):
    found = made(tmp_path, log, runs([0.4], **THEN))
    assert original_log.line(found, "2.2.4") == (
        "2/2 - loss: 5.0000e-04 - acc: 0.6667 - f1: 0.5000 - "
        "val_loss: 0.2500 - val_acc: 0.3333 - val_f1: 0.4000\n"
        "f1score_train 0.950000\nf1score_test 0.90000000"
    )
    article = original_log.line(found, original_log.ARTICLE)
    printed = log.read_text().replace(" [====] - 2s 2ms/step", "").strip()
    assert article == printed


@pytest.mark.slow
def test_a_log_that_nothing_fits_or_without_losses_is_refused(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(
        "5/5 [==] - loss: 0.1 - f1: 0.5 - val_loss: 0.1 - val_f1: 0.47\nf1score_test 0.93532336\n"
    )
    with pytest.raises(InputError, match="^log must print digits that some counts give"):
        made(tmp_path, path, runs([0.4, 0.5], **THEN))
    path.write_text(path.read_text().replace("loss: 0.1 - ", ""))
    with pytest.raises(InputError, match="^log must print loss and val_loss once each"):
        made(tmp_path, path, runs([0.4, 0.5], **THEN))


def test_what_a_log_does_not_print_has_no_row(tmp_path, log):
    path = tmp_path / "log.txt"
    path.write_text(log.read_text().replace("acc: 1.0000 - ", "").replace("f1score_train", "done"))
    found = made(tmp_path, path, runs([0.4, 0.5], **THEN))
    article = found[found["keras"] == "article"]
    lacking = set(original_log.QUANTITIES) - set(article["quantity"])
    assert lacking == {"acc", "f1score_train"}
    ours = found[found["keras"] == "2.2.4"].set_index("quantity")
    assert ours.loc["acc", "compatible"].isna().all()
    assert ours.loc["val_acc", "compatible"].notna().all()
    assert "acc: 1.0000" not in original_log.line(found, original_log.ARTICLE)
    assert "f1score_train" not in original_log.line(found, original_log.ARTICLE)
    draw(found)


def draw(found):
    return pictures.laid_out(original_log.draw, found)


def test_what_is_drawn(tmp_path, log):
    found = made(tmp_path, log, runs([0.2, 0.24], **THEN), runs([0.6, 0.7], **TODAY))
    figure, (headline, caption) = draw(found)
    ax = figure.axes[0]
    bars = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert bars == [
        (pytest.approx(0.5063 - 1.96 * 0.00947, abs=1e-4), pytest.approx(0.03713, abs=1e-4)),
        (pytest.approx(0.4736 - 1.96 * 0.02204, abs=1e-4), pytest.approx(0.08641, abs=1e-4)),
    ]
    lines = {(round(line.get_ydata()[0], 2), line.get_marker()): line for line in ax.lines}
    assert lines[1, "|"].get_xdata() == [0.4728]
    assert lines[1.22, "o"].get_xdata().tolist() == [0.2, 0.24]
    assert lines[1.44, "o"].get_xdata().tolist() == [0.6, 0.7]
    low, high = lines[1.44, "None"].get_xdata()
    assert (low, high) == (0, 1)
    assert [text.get_text() for text in ax.texts] == ["0.516", "0.4728", "0.997502", "0.935323"]
    assert ax.get_xlim()[0] < -0.04
    # ours: (0.32 + 0.75) / 2 / 0.95 and (0.22 + 0.65) / 2 / 0.9, 52 % on average
    assert headline == "Keras logs half of the true F1 in the article, and again on pictures"
    assert caption.startswith(
        "A point is the last epoch of a training, 2 in each Keras, with 2 batches"
    )


def test_the_committed_logs_are_of_both_keras(repository):
    for name in ("original_log", "original_log_fashion_mnist"):
        found = pd.read_csv(repository / f"figures/{name}.csv")
        majors = set(found["keras"].str.split(".").str[0])
        assert majors == {"article", "2", "3"}
        assert (found["steps"] == 854).all()
