"""Runs: a reused model is as good as a fresh one, and rows say what happened."""

import pandas as pd
import psutil
import pytest

from batchf1.cli import main as cli
from batchf1.records import tables
from batchf1.sweep import schema
from batchf1.training.engines import framework_of, pretraining_of
from batchf1.training.keras3 import plain
from batchf1.training.keras3.ensemble import EnsembleTrainer
from batchf1.training.keras3.plain import PlainTrainer
from helpers import reference
from helpers.slow import slow
from helpers.training import run, trained

STRATEGIES = ["batch_mean", "epoch_end", "reconstructed", "streaming"]


RARE = {
    "training__batch_size": 8,
    "dataset__prevalence": 0.05,
    "training__epochs": 3,
    "model__hidden": "[8]",
}
"""Small batches of rare positives: many are empty. All are full, so that few sizes are compiled."""
PRETRAINED = {
    "dataset__n_samples": 384,
    "training__batch_size": 48,
    "training__epochs": 4,
    "training__pretrain": 2,
    "training__freeze_after": 2,
    "model__hidden": "[4,3]",
    "strategies": "[batch_mean,reconstructed]",
}
"""Two epochs before the first, four in batches of another size, of which two learn."""
WORDS = [f"{key.replace('__', '.')}={value}" for key, value in RARE.items()]
WORDS.append("dataset.n_samples=400")
"""`RARE` as the command line has it, so that one ensemble is compiled for this file."""


@pytest.mark.parametrize("engine", [slow("plain"), "ensemble"])
def test_a_reused_model_gives_what_a_fresh_one_gives(engine):
    first = run(training__engine=engine, **RARE)
    shared = framework_of(first).trainer(first)
    settings = ({"seed": 1}, {"dataset__prevalence": 0.3})
    one, other = (run(training__engine=engine, **RARE | each) for each in settings)
    fresh = {id(each): trained(each) for each in (one, other)}
    for each in (one, other, one):
        reused = trained(each, shared)
        pd.testing.assert_frame_equal(reused, fresh[id(each)], check_exact=True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs():
    trainer, process = framework_of(run()).trainer(run()), psutil.Process()

    def train(seeds):
        for seed in seeds:
            trained(run(seed=seed), trainer)
        return process.memory_info().rss / 2**20

    before = train(range(10))
    assert (train(range(10, 30)) - before) / 20 < 0.5  # MB a run; a data set alone has 0.01


@pytest.fixture(scope="module")
def rows():
    return trained(run(**RARE))


def test_a_row_per_epoch_split_and_strategy(rows):
    valid = tables.validate(rows, schema.RUNS, "rows")
    assert len(valid) == 3 * 2 * 4
    assert set(valid["strategy"]) == set(STRATEGIES)


def test_rows_are_those_of_a_training_by_hand(rows):
    reference.check(rows, reference.rows(run(**RARE)))
    assert rows.groupby("split")["n_empty_batches"].min().gt(0).all()


@pytest.mark.slow
def test_rows_of_the_plain_engine_are_those_of_a_training_by_hand():
    one = run(training__engine="plain", **RARE, training__threshold=0.3, seed=1)
    reference.check(trained(one), reference.rows(one))


def test_a_pretraining_is_a_run_in_batches_of_32():
    first = pretraining_of(run(training__engine="plain", **PRETRAINED))
    assert (first.training.batch_size, first.training.epochs) == (32, 2)


@pytest.mark.parametrize(
    ("engine", "trainer"), [("plain", PlainTrainer), ("ensemble", EnsembleTrainer)]
)
def test_a_pretraining_is_of_the_engine_that_its_settings_have(engine, trainer):
    assert type(plain._pretrainer(run(training__engine=engine, **RARE))) is trainer


@pytest.mark.slow
def test_a_pretraining_takes_batches_of_32():
    one = run(training__engine="plain", input_pipeline="averaged_counts", **PRETRAINED)
    found = trained(one)
    reference.check(found, reference.rows(one))
    with pytest.raises(AssertionError):
        reference.check(found, reference.rows(one, pretraining_batch=33))


def test_the_epoch_end_is_of_the_whole_split_though_a_generator_validates_less_of_it():
    options = {"dataset__n_samples": 110, "training__batch_size": 20, "strategies": "[epoch_end]"}
    one = run(training__engine="plain", input_pipeline="dropped_batch", **options)
    assert one.dataset.n_validation % 20 > 0
    rows = trained(one).query("strategy == 'epoch_end' and split == 'validation'")
    assert len(rows) == 2
    assert rows["f1"].tolist() == pytest.approx(rows["reference_full_pass"].tolist())


def test_train_prints_each_strategy_beside_its_references(capfd):
    assert cli.main(["train", *WORDS, "dataset.prevalence=0.3"]) == 0
    said = capfd.readouterr().out
    assert "val_f1_batch_mean: 0." in said  # the log
    for word in ("F1 after epoch 3", "pooled", "full pass", *STRATEGIES):
        assert word in said


@pytest.mark.slow
def test_train_prints_how_far_two_engines_differ(capfd):
    given = [*WORDS, "dataset.prevalence=0.3", "training.epochs=1"]
    assert cli.main(["train", *given, "--against", "plain"]) == 0
    first, *lines = capfd.readouterr().out.splitlines()
    assert first.endswith("on CPU: ensemble against plain")
    differences = {name: float(value) for value, name in map(str.split, lines)}
    assert {"loss", "val_loss", *(f"val_f1_{name}" for name in STRATEGIES)} <= differences.keys()
    assert max(differences.values()) <= 1e-6


def test_train_refuses_in_a_line(capsys):
    assert cli.main(["train", "training.batch_size=0"]) == 2
    said = capsys.readouterr().err
    assert said == "batchf1 train: training.batch_size must be at least 1; got 0\n"
    assert cli.main(["train", "strategies=[batch_mean]", "--against", "keras224"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("batchf1 train: --against must be another engine of keras 3.")
    assert cli.main(["train", "--settings"]) == 0
    assert "batch_size: 32" in capsys.readouterr().out
