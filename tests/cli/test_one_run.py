"""`batchf1 train --study`: a run of a study, chosen by its settings, is that of the table."""

import re
import shlex
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from batchf1.cli import main as cli
from batchf1.cli.one_run import one_run
from batchf1.errors import InputError
from batchf1.studies.experiments import plan
from helpers.slow import slow


@pytest.fixture
def here(repository, monkeypatch):
    monkeypatch.chdir(repository)


@pytest.mark.slow
def test_the_documented_command_prints_the_row_of_the_table(repository):
    page = (repository / "docs/reproduce.md").read_text()
    (line,) = re.findall(r"^    batchf1 (train --study sweep .*)$", page, re.MULTILINE)
    asked = dict(pair.split("=") for pair in shlex.split(line) if "=" in pair)
    assert len(asked) == 4
    # a process of its own: TensorFlow's threads are set once in a process
    command = [sys.executable, "-m", "batchf1.cli.main", *shlex.split(line)]
    said = subprocess.run(command, cwd=repository, stdout=subprocess.PIPE, text=True, check=True)
    table = pd.read_csv(repository / "figures/theory.csv")
    for key, value in asked.items():
        table = table[table[key.rpartition(".")[2]] == float(value)]
    last = table[table["epoch"] == table["epoch"].max()].set_index("split")["f1"]
    assert sorted(last.index) == ["train", "validation"]
    printed = re.findall(r"^(\w+) +batch_mean +([\d.]+)", said.stdout, re.MULTILINE)
    moves = yaml.safe_load((repository / "figures/tolerances.yaml").read_text())  # elsewhere
    within = moves["figures"]["theory"]["within"]["f1"]
    assert {split: float(f1) for split, f1 in printed} == pytest.approx(last.to_dict(), abs=within)


OF_SWEEP = ("dataset.n_samples=3000", "dataset.prevalence=2e-2", "training.batch_size=64", "seed=3")


def test_it_is_a_run_of_the_study_in_every_setting(here):
    found = one_run("sweep", OF_SWEEP)
    assert found.study == "sweep"
    (cell,) = (
        cell
        for cell in plan("experiments/sweep.yaml").cells
        if (cell.first.dataset.n_samples, cell.first.dataset.prevalence) == (3000, 0.02)
        and cell.first.training.batch_size == 64
    )
    assert found.resolved == cell.run(3).resolved
    assert found.run_id == cell.run_id(3)


OF_CAUSE = ("input_pipeline=averaged_counts", "training.batch_size=50", "training.engine=plain")


def test_a_file_of_conf_chooses_too(here):
    found = one_run("discrepancy", [*OF_CAUSE, "seed=1"])
    assert (found.input_pipeline.name, found.seed) == ("averaged_counts", 1)


@pytest.mark.slow
def test_a_column_chooses_too(here):
    chosen = ["dataset.variant=flights", "dataset.prevalence=0.05", "seed=7", "role=candidate"]
    assert one_run("decisions", [*chosen, "candidate=31"]).dataset.variant == "flights"


@pytest.mark.parametrize(
    ("study", "settings", "said"),
    [
        (
            "sweep",
            OF_SWEEP[1:],
            "--study must be narrowed to one run of sweep by dataset.n_samples (3000, 10000, "
            "30000, 44000); got 4",
        ),
        ("sweep", OF_SWEEP[:3], "--study must be narrowed to one run of sweep by seed (0, 1, 2, "),
        ("sweep", ["seed=20"], "seed must be one of 0, 1, 2, ..., 19, with the settings before"),
        slow(
            "sweep", ["seed=[1"], "seed must be one of 0, 1, 2, ..., 19, with the settings before"
        ),
        slow(
            "sweep", ["seed"], "seed must be one of 0, 1, 2, ..., 19, with the settings before it"
        ),
        ("sweep", ["training.epochs=6"], "training.epochs must be one of 5, with the settings"),
        ("sweep", ["sed=1"], "--study must be narrowed by a setting of sweep; got sed"),
        ("cost", [], "--study must be a study that trains runs; got cost"),
        slow("worked_example", [], "--study must be a study that trains runs; got worked_example"),
        ("sweet", [], "experiments/sweet.yaml must be a readable file; got No such file"),
        ("", [], "experiments/.yaml must be a readable file; got No such file"),
    ],
)
def test_what_is_no_run_of_the_study_is_refused_in_a_line(here, study, settings, said):
    with pytest.raises(InputError) as caught:
        one_run(study, settings)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_the_settings_of_a_run_of_a_study_are_shown(here, capsys):
    assert cli.main(["train", "--study", "sweep", *OF_SWEEP, "--settings"]) == 0
    said = capsys.readouterr().out
    for line in ("study: sweep\n", "seed: 3\n", "  n_samples: 3000\n", "  threads: 1\n"):
        assert line in said
