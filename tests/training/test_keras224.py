"""The article's own Keras: installed from pins, in its own process, and held against Keras 3."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.forensics.answer import investigate
from batchf1.records import provenance, tables
from batchf1.sweep import schema, shard
from batchf1.sweep.grid import compose, runs
from batchf1.training.keras224 import software as keras224
from helpers import reference
from helpers.left import left_by_the_dead
from helpers.once import made_once
from helpers.shards import execute

PROGRAMS = [
    "arrays",
    "summed_counts",
    "averaged_counts",
    "dropped_batch",
    "drifting_validation",
    "endless_generators",
    "array_validation",
    "together",
]
STUDY = f"""
question: Do both Keras do what their sources say?
overrides:
  - dataset=synthetic
  - dataset.n_samples=430
  - dataset.validation_fraction=0.5
  - dataset.prevalence=0.3
  - model.hidden=[4]
  - training.batch_size=50
  - training.epochs=5
  - training.freeze_after=2
  - training.pretrain=1
  - training.threads=1
  - strategies=[batch_mean,epoch_end,reconstructed]
grid:
  training.engine: [keras224, plain]
  input_pipeline: [{", ".join(PROGRAMS)}]
"""


SMALL = STUDY.replace("[keras224, plain]", "[keras224]").replace(
    ", ".join(PROGRAMS), "summed_counts"
)


def execute_in_its_own_process(folder, keras224_folder, study, n_shards):
    """Write a study into a folder, and the table of each shard beside it."""
    (folder / "study.yaml").write_text(study)
    for number in range(n_shards):
        files = ["--store", folder / "store", "--output", folder / f"{number}.parquet"]
        words = ["shard", folder / "study.yaml", "--shard", number, "--shards", n_shards, *files]
        done = subprocess.run(
            [sys.executable, "-m", "batchf1.cli.main", "workflow", *map(str, words)],
            env=os.environ | {"BATCHF1_KERAS224": str(keras224_folder)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def test_the_original_trains_and_counts_as_a_training_by_hand_does(keras224_folder, tmp_path):
    execute_in_its_own_process(tmp_path, keras224_folder, SMALL, 1)
    (one,) = runs(tmp_path / "study.yaml")
    found = tables.read(tmp_path / "0.parquet", schema.RUNS)
    assert set(found["version"]) == {keras224.VERSION}
    reference.check(found, reference.rows(one, size_weighted=True))


@pytest.fixture(scope="session")
def executed(keras224_folder, tmp_path_factory):
    """A folder with the study and its tables: both Keras, each in a process of its own."""

    def make(folder):
        execute_in_its_own_process(folder, keras224_folder, STUDY, 2)

    return made_once(tmp_path_factory, "keras224", make)


@pytest.fixture(scope="module")
def table(executed):
    """The rows of the same runs in both Keras."""
    parts = [tables.read(executed / f"{number}.parquet", schema.RUNS) for number in range(2)]
    return pd.concat(parts, ignore_index=True)


def rows(table, original, program, split, strategy="reconstructed"):
    version = table["version"] == keras224.VERSION
    kept = table[(version == original) & (table["program"] == program)]
    return kept[(kept["split"] == split) & (kept["strategy"] == strategy)]


@pytest.mark.slow
def test_each_row_says_which_keras_trained(table):
    assert set(table["framework"]) == {"keras"}
    assert set(table["version"].str.split(".").str[0]) == {"2", "3"}
    assert (table.groupby("version").size() == len(PROGRAMS) * 5 * 2 * 3).all()
    for engine, averaging, major in (
        ("keras224", "size_weighted", "2"),
        ("plain", "per_batch", "3"),
    ):
        part = table[table["engine"] == engine]
        assert set(part["averaging"]) == {averaging}
        assert set(part["version"].str.split(".").str[0]) == {major}


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_finished_study_trains_nothing_when_it_is_started_again(executed, number, capsys):
    first = tables.provenance_of(executed / f"{number}.parquet")
    again = execute(executed / "study.yaml", number, 2, executed / "store")
    said = capsys.readouterr().err
    assert f"{len(PROGRAMS)} runs, {len(PROGRAMS)} of them kept from before" in said
    assert "compiled" not in said
    assert again.origin["trained"] == first["trained"]


def test_a_run_has_one_fingerprint_whichever_keras_the_process_finds(tmp_path, monkeypatch):
    run = compose(["training.engine=keras224", "strategies=[batch_mean]"])
    before, today = shard.fingerprint(run), provenance.versions()["keras"]
    found = tmp_path / "Keras-2.2.4.dist-info/METADATA"
    found.parent.mkdir()
    found.write_text("Name: Keras\nVersion: 2.2.4\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert provenance.versions()["keras"] == "2.2.4" != today
    shard._fingerprint.cache_clear()
    assert shard.fingerprint(run) == before


@pytest.mark.slow
def test_both_learn_the_same_from_the_same_start(table):
    first = table[(table["epoch"] == 1) & (table["program"] == "arrays")]
    for split in ("train", "validation"):
        ours, theirs = (rows(first, o, "arrays", split).iloc[0] for o in (True, False))
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-3)
        for cell in ("tp", "fp", "fn", "tn"):
            assert abs(ours[cell] - theirs[cell]) <= 2


@pytest.mark.slow
def test_frozen_weights_do_not_move(table):
    frozen = table[table["frozen"]]
    assert set(frozen["epoch"]) == {3, 4, 5}
    passes = frozen.groupby(["run_id", "split"])["reference_full_pass"]
    assert (passes.max() == passes.min()).all()
    arrays = frozen[frozen["program"] == "arrays"]
    for split in ("train", "validation"):
        part = arrays[(arrays["split"] == split) & (arrays["strategy"] == "reconstructed")]
        np.testing.assert_allclose(part["f1"], part["reference_full_pass"], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_verify_is_the_full_pass(table):
    verify = table[table["strategy"] == "epoch_end"]
    np.testing.assert_allclose(verify["f1"], verify["reference_full_pass"], rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("original", "program", "exact"),
    [
        (True, "summed_counts", False),
        (False, "summed_counts", True),
        (True, "averaged_counts", True),
        (False, "averaged_counts", False),
        (True, "arrays", True),
        (False, "arrays", True),
    ],
)
def test_the_recipe_that_is_exact_flipped(table, original, program, exact):
    for split in ("train", "validation"):
        found = rows(table, original, program, split)
        error = (found["f1"] - found["reference_pooled"]).abs()
        assert (error.max() < 1e-6) == exact, split


@pytest.mark.slow
@pytest.mark.parametrize("program", ["arrays", "summed_counts", "averaged_counts"])
def test_rows_are_those_of_a_training_by_hand_under_the_rule_of_each_keras(
    executed, table, program
):
    some = [run for run in runs(executed / "study.yaml") if run.input_pipeline.name == program]
    assert [run.training.engine for run in some] == ["keras224", "plain"]
    for run in some:
        found = table[table["run_id"] == run.run_id]
        original = run.training.engine == "keras224"
        reference.check(found, reference.rows(run, size_weighted=original))


@pytest.mark.slow
def test_dropped_batches_are_not_counted(table):
    for original in (True, False):
        for split, n in (("train", 400), ("validation", 200)):
            found = rows(table, original, "dropped_batch", split)
            assert (found[["tp", "fp", "fn", "tn"]].sum(axis=1) == n).all()
            assert (found["n_batches"] == n // 50).all()


@pytest.mark.slow
def test_a_generator_that_is_never_reset_shows_each_epoch_another_window(table):
    for original in (True, False):
        found = rows(table, original, "drifting_validation", "validation")
        fixed = found[found["frozen"]]
        assert np.ptp(fixed["reference_full_pass"]) == 0
        assert np.ptp(fixed["f1"]) > 0


@pytest.mark.slow
def test_a_generator_read_for_a_pass_is_exact_in_keras_2_and_not_in_keras_3(table):
    ours = rows(table, True, "endless_generators", "validation")
    np.testing.assert_allclose(ours["f1"], ours["reference_full_pass"], rtol=0, atol=1e-6)
    theirs = rows(table, False, "endless_generators", "validation")
    n = theirs[["tp", "fp", "fn", "tn"]].sum(axis=1)
    # it replays the batch it peeked at and loses one that it had fetched
    assert n.iloc[0] == 215
    strayed = (theirs["f1"] - theirs["reference_full_pass"]).abs() > 1e-6
    assert (n.iloc[1:] != 215).any() or strayed.any()


@pytest.mark.slow
def test_arrays_are_validated_in_the_last_training_batchs_size(table):
    found = rows(table, True, "array_validation", "validation")
    assert (found["n_batches"] == -(-215 // (430 % 50))).all()
    theirs = rows(table, False, "array_validation", "validation")
    assert (theirs["n_batches"] == -(-215 // 32)).all()


def test_without_an_index_the_installation_says_what_it_needs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert cli.main(["workflow", "keras224", str(tmp_path / "new")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("batchf1 workflow keras224: Keras 2.2.4 needs the package index once")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_installation_removes_what_killed_ones_left(tmp_path, monkeypatch):
    (left_by_the_dead(tmp_path / "new") / "keras").mkdir(parents=True)
    done = subprocess.CompletedProcess("pip", 0, "", "")
    monkeypatch.setattr(keras224.subprocess, "run", lambda *_, **__: done)
    keras224.install(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_folder_without_it_is_refused(tmp_path):
    with pytest.raises(InputError, match="must hold Keras 2.2.4: batchf1 workflow keras224"):
        keras224.activate(tmp_path)


@pytest.mark.slow
def test_forensics_finds_the_shape_behind_a_log_of_fit_on_arrays(keras224_folder, repository):
    """3,000 training and 500 validation samples in batches of 32; the bar counts samples."""
    script = repository / "tests/helpers/keras224_fit.py"
    done = subprocess.run(
        [sys.executable, str(script), str(keras224_folder), "acc"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["log"].splitlines()[0] == "Train on 3000 samples, validate on 500 samples"
    truth = [32]
    for split in ("train", "test"):
        truth += [made[split]["tp"], made[split]["fp"] + made[split]["fn"]]
    answer = investigate(made["log"])
    first = [(c.batch_size, *c.train[3:5], *c.validation[3:5]) for c in answer.candidates[:3]]
    assert tuple(truth) in first


def test_another_keras_in_use_is_refused(keras224_folder):
    import keras

    with pytest.raises(
        InputError, match=f"must not be in use before Keras 2.2.4; got {keras.__version__}"
    ):
        keras224.activate(keras224_folder)


def test_the_pins_are_hashed_and_have_no_address():
    lines = keras224.PINS.read_text().splitlines()
    assert len(lines) == 3
    assert all("==" in line and "--hash=sha256:" in line and "/" not in line for line in lines)
