"""The article's log and its reproduction: what is compared with what."""

import numpy as np
import pandas as pd
import pytest

from batchf1 import tables
from batchf1.errors import InputError
from batchf1.plots import discrepancy, original_log


def runs(naive, keras="2.2.4"):
    """A table of one-epoch runs with the naive validation F1 given."""
    found = []
    for seed, value in enumerate(naive):
        for split in ("train", "validation"):
            for strategy in ("batch_mean", "epoch_end", "reconstructed"):
                exact = 2 * 90 / (2 * 90 + 20)
                found.append(
                    {
                        "run_id": f"{keras}-{seed}",
                        "study": "s",
                        "dataset": "d",
                        "n_samples": 5000,
                        "prevalence": 0.02,
                        "batch_size": 50,
                        "seed": seed,
                        "epoch": 1,
                        "split": split,
                        "strategy": strategy,
                        "f1": value if strategy == "batch_mean" else exact,
                        "reference_pooled": exact,
                        "reference_full_pass": exact,
                        "n_batches": 100,
                        "n_empty_batches": 30,
                        "tp": 90,
                        "fp": 10,
                        "fn": 10,
                        "tn": 4890,
                        "device": "CPU",
                        "keras": keras,
                        "program": "arrays",
                        "frozen": False,
                        "loss": 0.0005 if split == "train" else 0.25,
                    }
                )
    return pd.DataFrame(found)


@pytest.fixture
def log(repository):
    return repository / "docs/article_log.txt"


def made(tmp_path, log, *tables_of_runs):
    path = tmp_path / "runs.parquet"
    tables.write(pd.concat(tables_of_runs), path, tables.RUNS, {})
    return original_log.table(path, log)


def test_the_articles_own_line_is_read_from_its_log(tmp_path, log):
    table = made(tmp_path, log, runs([0.4, 0.5]))
    article = table[table["keras"] == "article"].set_index("quantity")["value"]
    assert article["loss"] == 5.7325e-4
    assert article["val_f1"] == 0.4728
    assert article["f1score_test"] == 0.93532336
    assert len(article) == 8


def test_compatible_is_where_one_more_run_would_lie(tmp_path, log):
    near, far = runs([0.46, 0.47, 0.49]), runs([0.1, 0.11, 0.12], "3.1")
    table = made(tmp_path, log, near, far)
    verdict = table[table["quantity"] == "val_f1"].groupby("keras")["compatible"].first()
    assert verdict["2.2.4"] is True
    assert verdict["3.1"] is False
    low, high = table[(table["quantity"] == "val_f1") & (table["keras"] == "2.2.4")][
        ["low", "high"]
    ].iloc[0]
    values = np.array([0.46, 0.47, 0.49])
    half = 4.302652730 * values.std(ddof=1) * np.sqrt(4 / 3)  # Student's t, 2 degrees of freedom
    assert (high - low) / 2 == pytest.approx(half, abs=1e-7)


def test_the_line_is_printed_as_keras_prints_it(tmp_path, log):
    table = made(tmp_path, log, runs([0.4]))
    assert original_log.line(table, "2.2.4") == (
        "100/100 - loss: 5.0000e-04 - acc: 0.9960 - f1: 0.4000 - "
        "val_loss: 0.2500 - val_acc: 0.9960 - val_f1: 0.4000\n"
        "f1score_train 0.900000\nf1score_test 0.90000000"
    )
    article = original_log.line(table, original_log.ARTICLE)
    printed = log.read_text().replace(" [====] - 2s 2ms/step", "").strip()
    assert article == printed


def test_a_log_that_nothing_fits_or_without_losses_is_refused(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(
        "5/5 [==] - loss: 0.1 - f1: 0.5 - val_loss: 0.1 - val_f1: 0.47\nf1score_test 0.93532336\n"
    )
    with pytest.raises(InputError, match="log: has counts that print its digits"):
        made(tmp_path, path, runs([0.4, 0.5]))
    path.write_text(path.read_text().replace("loss: 0.1 - ", ""))
    with pytest.raises(InputError, match="log: prints loss and val_loss once each"):
        made(tmp_path, path, runs([0.4, 0.5]))


def test_a_difference_of_the_logs_digits():
    rows = pd.DataFrame({"tp": [94], "fp": [7], "fn": [6], "tn": [7010]})
    shares = [round(part / 7117, 4) for part in (94, 100, 101)]
    found = discrepancy._from_digits(rows)
    assert found[0] == pytest.approx(2 * shares[0] / (shares[1] + shares[2]), abs=1e-15)


def test_the_committed_differences(repository):
    table = pd.read_csv(repository / "figures/discrepancy.csv")
    assert set(table["cause"]) == set(discrepancy.CAUSES)
    np.testing.assert_allclose(
        table["points"], 100 * (table["from_log"] - table["verify"]), rtol=0, atol=1e-7
    )
    clean = table[table["cause"] == "arrays"]
    assert clean["percent"].abs().max() < 1e-3
    assert table[table["cause"] == discrepancy.DIGITS]["percent"].abs().max() < 1
    fixed = table[table["frozen"] & table["limit95"].notna()]
    assert (fixed["percent"].abs() <= fixed["limit95"] + 1e-9).mean() > 0.8


def test_the_committed_logs_are_of_both_keras(repository):
    for name in ("original_log", "original_log_fashion_mnist"):
        table = pd.read_csv(repository / f"figures/{name}.csv")
        majors = set(table["keras"].str.split(".").str[0])
        assert majors == {"article", "2", "3"}
        assert (table["steps"] == 854).all()
