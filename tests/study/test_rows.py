"""Rows of a run: every log is held against its strategy's own rule, every axis is written down."""

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import TraceError
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import as_counts
from batchf1.records import tables
from batchf1.study import schema, shard
from batchf1.study.grid import cells, compose
from batchf1.study.rows import Software, rows

BATCHES = as_counts([1, 0], [0, 1], [0, 0], [3, 3])  # F1 1 and 0, pooled 2/3
AFTERWARDS = as_counts(1, 0, 1, 6)  # F1 2/3 too, of other counts
TODAY = Software(
    "3.0",
    "per_batch",
    "CPU",
    {
        "batch_mean": lambda batches, _, rule: float(batch_mean(batches, rule)),
        "epoch_end": lambda _, full_pass, __: float(pooled(full_pass)),
        "reconstructed": lambda batches, _, __: float(pooled(batches)),
        "streaming": lambda *_: None,
    },
)
RIGHT = {"batch_mean": 0.5, "reconstructed": 2 / 3, "streaming": 0.1, "epoch_end": 2 / 3}
LOSSES = {"loss": 0.3, "val_loss": 0.4}


def written(f1s, software=TODAY, split="train", prefix="", run=None):
    logs = LOSSES | {f"{prefix}f1_{name}": value for name, value in f1s.items()}
    full_pass = as_counts([1], [0], [1], [6])
    return rows(run or compose(["seed=7"]), software, 2, split, logs, BATCHES, full_pass)


@pytest.mark.parametrize("name", ["batch_mean", "epoch_end", "reconstructed"])
def test_a_log_that_breaks_its_strategys_rule_is_named(name):
    for wrong in (RIGHT[name] + 2e-6, RIGHT[name] - 2e-6, float("nan")):
        with pytest.raises(
            TraceError, match=rf"seed=7 epoch 3 train: {name} logged .* give 0\.[56]"
        ):
            written(RIGHT | {name: wrong})
    assert written(RIGHT | {name: RIGHT[name] + 5e-7})


def test_a_strategy_without_a_rule_is_written_as_it_is():
    found = {row["strategy"]: row["f1"] for row in written(RIGHT | {"streaming": 0.77})}
    assert found["streaming"] == 0.77


def test_a_strategys_rule_gets_the_frameworks_averaging():
    seen = []
    listening = {name: lambda *given: seen.append(given) for name in RIGHT}
    written(RIGHT, TODAY._replace(averaging="size_weighted", expected=listening))
    assert {given[2] for given in seen} == {"size_weighted"}
    assert all(given[0] is BATCHES for given in seen)


def test_what_a_row_says():
    run = compose(["dataset=trousers", "dataset.n_samples=50", "training.freeze_after=1"])
    found = written(RIGHT, split="validation", prefix="val_", run=run)
    assert [row["strategy"] for row in found] == run.strategies
    table = tables.validate(pd.DataFrame(found), schema.RUNS, "rows")
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
        "engine": "fused",
        "keras": "3.0",
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


def test_the_table_of_a_study_says_every_setting_that_it_varies(tmp_path):
    experiment = tmp_path / "axes.yaml"
    experiment.write_text(STUDY)
    found = []
    for run, _ in cells(experiment):
        for epoch in range(3):
            for split, prefix in (("train", ""), ("validation", "val_")):
                logs = LOSSES | {f"{prefix}f1_{name}": value for name, value in RIGHT.items()}
                full_pass = as_counts([1], [0], [1], [6])
                found += rows(run, TODAY, epoch, split, logs, BATCHES, full_pass)
    path = tmp_path / "shard.parquet"
    tables.write(pd.DataFrame(found), path, schema.RUNS, {"trained": []})
    table = shard.collect(experiment, [path]).table
    assert list(table.columns)[-2:] == ["training.threshold", "model.hidden"]
    whole = tmp_path / "runs.parquet"
    tables.write(table, whole, schema.RUNS, {})
    table = tables.read(whole, schema.RUNS)
    assert list(table["dataset"].unique()) == ["synthetic", "fashion_mnist", "trousers"]
    np.testing.assert_array_equal(table["training.threshold"].unique(), [0.3, 0.5])
    assert list(table["model.hidden"].unique()) == ["[4]", "[8, 4]"]
    by_run = table.drop_duplicates("run_id").set_index("run_id")
    for run, point in cells(experiment):
        assert by_run.loc[run.run_id, "training.threshold"] == point["training.threshold"]
        assert by_run.loc[run.run_id, "dataset"] == point["dataset"] == run.dataset.label
