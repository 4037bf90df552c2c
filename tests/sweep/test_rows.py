"""Rows of a run: every log is held against its strategy's own rule, every axis is written down."""

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import TraceError
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import as_counts
from batchf1.records import tables
from batchf1.sweep import rows, schema
from batchf1.sweep.grid import cells, compose, runs
from batchf1.training.base import SPLITS, SplitResult
from batchf1.training.keras3.framework import Keras3
from helpers.shards import collect

BATCHES = as_counts([1, 0], [0, 1], [0, 0], [3, 3])  # F1 1 and 0, pooled 2/3
AFTERWARDS = as_counts([1], [0], [1], [6])  # F1 2/3 too, of other counts
RULES = {
    "batch_mean": lambda batches, _, rule: batch_mean(batches, rule),
    "epoch_end": lambda _, full_pass, __: pooled(full_pass),
    "reconstructed": lambda batches, _, __: pooled(batches),
    "streaming": lambda *_: None,
}
RIGHT = {"batch_mean": 0.5, "reconstructed": 2 / 3, "streaming": 0.1, "epoch_end": 2 / 3}
LOSSES = {"loss": 0.3, "val_loss": 0.4}


def a_pass(f1s, epoch=2, split="train"):
    logs = LOSSES | {f"{SPLITS[split]}f1_{name}": value for name, value in f1s.items()}
    return SplitResult(epoch, split, logs, BATCHES, AFTERWARDS)


def written(f1s, rules=RULES, split="train", run=None):
    return rows.table([run or compose(["seed=7"])], "CPU", [[a_pass(f1s, split=split)]], rules)


@pytest.mark.parametrize("name", ["batch_mean", "epoch_end", "reconstructed"])
def test_a_log_that_breaks_its_strategys_rule_is_named(name):
    for wrong in (RIGHT[name] + 2e-6, RIGHT[name] - 2e-6, float("nan")):
        with pytest.raises(
            TraceError, match=rf"seed=7 epoch 3 train: {name} logged .* give 0\.[56]"
        ):
            written(RIGHT | {name: wrong})
    assert len(written(RIGHT | {name: RIGHT[name] + 5e-7})) == 4


def test_a_strategy_without_a_rule_is_written_as_it_is():
    found = written(RIGHT | {"streaming": 0.77}).set_index("strategy")["f1"]
    assert found["streaming"] == 0.77


@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
def test_a_strategys_rule_gets_the_frameworks_averaging(monkeypatch, averaging):
    monkeypatch.setattr(Keras3, "averaging", averaging)
    seen = []
    found = written(RIGHT, {name: lambda *given: seen.append(given) for name in RIGHT})
    assert len(seen) == 4
    assert {given[2] for given in seen} == {averaging}
    for batches, full_pass, _ in seen:
        assert [part.tolist() for part in batches] == [[part.tolist()] for part in BATCHES]
        assert [part.tolist() for part in full_pass] == [[part.tolist()] for part in AFTERWARDS]
    assert set(found["averaging"]) == {averaging}


def test_what_a_row_says(monkeypatch):
    monkeypatch.setattr(Keras3, "version", lambda self: "3.0")
    run = compose(["dataset=trousers", "dataset.n_samples=50", "training.freeze_after=1"])
    found = written(RIGHT, split="validation", run=run)
    assert list(found["strategy"]) == run.strategies
    table = tables.validate(found, schema.RUNS, "rows")
    row = table.iloc[0].to_dict()
    assert row == {
        "run_id": run.run_id,
        "study": "single",
        "dataset": "trousers",
        "n_samples": 50,
        "prevalence": 0.02,
        "batch_size": 32,
        "seed": 0,
        "epoch": 3,
        "split": "validation",
        "strategy": "batch_mean",
        "f1": 0.5,
        "reference_pooled": pytest.approx(2 / 3, abs=1e-15),
        "reference_full_pass": pytest.approx(2 / 3, abs=1e-15),
        "n_batches": 2,
        "n_empty_batches": 0,
        "tp": 1,
        "fp": 1,
        "fn": 0,
        "tn": 6,
        "device": "CPU",
        "engine": "ensemble",
        "framework": "keras",
        "version": "3.0",
        "averaging": "per_batch",
        "program": "arrays",
        "frozen": True,
        "loss": 0.4,
    }


STUDY = """
question: Which axes?
overrides: [dataset.n_samples=200, dataset.prevalence=0.3, training.epochs=3]
grid:
  dataset: [synthetic, fashion_mnist, trousers]
  training.threshold: [0.3, 0.5]
  model.hidden: [[4], [8, 4]]
  seed: [0, 1]
"""


def table_of(study, folder):
    """The table of a study whose runs have all logged the same."""
    experiment, path = folder / "axes.yaml", folder / "shard.parquet"
    experiment.write_text(study)
    passes = [a_pass(RIGHT, epoch, split) for epoch in range(3) for split in SPLITS]
    found = [rows.table([run], "CPU", [passes], RULES) for run in runs(experiment)]
    tables.write(pd.concat(found), path, schema.RUNS, {"trained": []})
    return experiment, collect(experiment, [path], folder / "runs.parquet").table


def test_the_table_of_a_study_says_every_setting_that_it_varies(tmp_path):
    experiment, table = table_of(STUDY, tmp_path)
    assert list(table.columns)[-2:] == ["training.threshold", "model.hidden"]
    assert list(table["dataset"].unique()) == ["synthetic", "fashion_mnist", "trousers"]
    np.testing.assert_array_equal(table["training.threshold"].unique(), [0.3, 0.5])
    assert list(table["model.hidden"].unique()) == ["[4]", "[8, 4]"]
    by_run = table.drop_duplicates("run_id").set_index("run_id")
    for cell in cells(experiment):
        for run in map(cell.run, cell.seeds):
            assert by_run.loc[run.run_id, "training.threshold"] == cell.point["training.threshold"]
            assert by_run.loc[run.run_id, "dataset"] == cell.point["dataset"] == run.dataset.label


CUTS = """
question: A cut that follows the prevalence, or one that stays?
overrides: [dataset=diamonds, dataset.n_samples=200, dataset.prevalence=0.3, training.epochs=3]
grid:
  dataset.cut: [null, 1, 1.5]
  seed: [0]
"""


def test_null_among_numbers_makes_a_column_of_texts(tmp_path):
    _, table = table_of(CUTS, tmp_path)
    assert list(table["dataset.cut"].unique()) == ["null", "1.0", "1.5"]
