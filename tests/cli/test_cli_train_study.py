"""`batchf1 train --study` with options of Hydra: cells of a study, and what is none of its runs."""

import random
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from batchf1.records import tables
from batchf1.studies.experiments import plan
from batchf1.sweep import collect
from batchf1.sweep.schema import RUNS
from helpers.hydra_jobs import in_a_process, job_folders

STUDY = """
kind: runs
question: Is one of its runs trained alone the table's?
overrides: [dataset.n_samples=200, training.epochs=2, "model.hidden=[4]", training.threads=1]
grid:
  training.batch_size: [40, 64]
  dataset.prevalence: [0.5, 0.3]
  model.learning_rate: [0.01]
seeds: 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/mini.yaml").write_text(STUDY)
    return tmp_path


@pytest.mark.slow
def test_a_study_puts_its_cells_on_the_command_line_bit_for_bit(here):
    in_shards = (
        "from batchf1.studies.experiments import plan; from batchf1.sweep import shard; "
        "from pathlib import Path; planned = plan('experiments/mini.yaml'); "
        "shard.execute(planned, 0, 1, Path('store'), Path('rows.parquet'))"
    )
    subprocess.run([sys.executable, "-c", in_shards], cwd=here, check=True, capture_output=True)
    collect.collect(plan("experiments/mini.yaml"), [here / "rows.parquet"], here / "table.parquet")
    table = tables.read(here / "table.parquet", RUNS)
    seeds = ",".join(map(str, sorted(random.Random(0).sample(range(3), 2))))
    swept = f"training.batch_size=40,64 dataset.prevalence=0.3 seed={seeds}"
    done = in_a_process(f"--study mini -m {swept} hydra.sweep.dir=out", here)
    assert done.returncode == 0, done.stderr
    found = pd.concat([pd.read_parquet(p / "runs.parquet") for p in job_folders(here)])
    assert found["run_id"].nunique() == 4
    right = table.set_index("run_id").loc[found["run_id"].unique()].reset_index()
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), right[list(found)], check_exact=True
    )


def test_a_study_shows_its_config_and_settings(here, train):
    cell = "--study mini training.batch_size=40 dataset.prevalence=0.5 seed=1"
    status, said, _ = train(f"{cell} --cfg job")
    config = yaml.safe_load(said)
    assert (status, config["study"], config["training"]["threads"]) == (0, "mini", 1)
    assert config["model"] == {"hidden": [4], "learning_rate": 0.01}
    status, said, _ = train(f"{cell} --settings")
    assert (status, yaml.safe_load(said)["model"]) == (0, config["model"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-m training.batch_size=40,64 seed=0", "--study must be narrowed to one run of mini by d"),
        ("-m training.batch_size=40,41 dataset.prevalence=0.3 seed=0", "training.batch_size must"),
        ("-m seed=range(", "config cannot be composed: "),
        ("training.batch_size=40,64 --cfg job", "training.batch_size must be one of 40, 64"),
        (
            "training.batch_size=40 dataset.prevalence=0.3 seed=0 hydra.run.dir=x -cd more "
            "+experiment=other",
            "--study must be narrowed by a setting of mini; got +experiment",
        ),
    ],
)
def test_a_study_refuses_what_is_no_run_of_it(here, train, line, said):
    (here / "more").mkdir()
    status, out, error = train(f"--study mini {line}")
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"batchf1 train: {said}")


def test_a_study_of_decisions_has_no_overrides_for_hydra(repository, train, monkeypatch):
    monkeypatch.chdir(repository)
    status, _, error = train("--study decisions --cfg job")
    assert status == 2
    assert "--study must be a study of kind runs with options of Hydra; got decisions" in error
