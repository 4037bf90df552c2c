"""`batchf1 train` as an application of Hydra: what its users type first."""

import io
import os
import subprocess
import sys

import pytest
import yaml

from batchf1.cli import completion
from batchf1.records import tables
from batchf1.sweep.schema import RUNS
from batchf1.training.keras3.framework import Keras3
from helpers.hydra_jobs import TINY, in_a_process, read


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_lists_the_groups(train):
    status, said, _ = train("--help")
    assert status == 0
    for line in ("  dataset: airtran, diamonds, ", "  model: mlp\n", "--multirun", "--cfg"):
        assert line in said


def test_help_imports_no_hydra_and_no_pandas():
    code = "from batchf1.cli.main import main; main(['train', '--help'])"
    slow = "{'hydra', 'pandas', 'keras', 'scipy'}"
    at_end = f"import atexit, sys; atexit.register(lambda: print({slow} & {{*sys.modules}}))"
    command = [sys.executable, "-c", f"{at_end}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.endswith("\nset()\n")


def test_cfg_shows_the_config_with_overrides_and_a_part_of_it(train):
    status, said, _ = train("training.batch_size=8 dataset=flights --cfg job model.hidden=[3]")
    config = yaml.safe_load(said)
    assert (status, config["training"]["batch_size"], config["model"]["hidden"]) == (0, 8, [3])
    status, said, _ = train("--cfg job -p model")
    assert said.startswith("# @package model\n")
    assert yaml.safe_load(said) == {"hidden": [64], "learning_rate": 0.02}


def test_info_shows_the_defaults_list(train, here):
    status, said, error = train("--info defaults input_pipeline=together")
    assert (status, error) == (0, "")
    assert "| input_pipeline/together " in said
    assert "| training/default " in said
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train input_pipeline=ar", "input_pipeline=array_validation input_pipeline=arrays"),
        ("train -m training.batch", "training.batch_size="),
        ("train dataset=dia", "dataset=diamonds"),
    ],
)
def test_completion(train, monkeypatch, typed, said):
    monkeypatch.setenv("COMP_LINE", f"batchf1 {typed}")
    assert train("-sc query=bash") == (0, f"{said}\n", "")


def test_the_script_of_completion_works_in_bash(here):
    tool = here / "batchf1"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m batchf1.cli.main "$@"\n')
    tool.chmod(0o755)
    script = """eval "$(./batchf1 train -sc install=bash)"
        COMP_WORDS=(./batchf1 train dataset=dia) COMP_CWORD=2 COMP_LINE="${COMP_WORDS[*]}"
        _batchf1_train
        echo "${COMPREPLY[@]}"
        complete -p batchf1 | cut -d' ' -f 1,6-"""
    done = subprocess.run(["bash", "-c", script], cwd=here, capture_output=True, text=True)
    assert done.stdout == ("dataset=diamonds\ncomplete -F _batchf1_train batchf1\n"), done.stderr


def test_each_shell_can_install_and_uninstall(train):
    for asked, script in completion.SCRIPTS.items():
        assert train(f"-sc {asked}") == (0, script, "")
    assert train("-sc install=csh")[0] == 2


@pytest.fixture
def configs(here):
    """A folder of further configs: an experiment, and a config to start from."""
    folder = here / "more"
    (folder / "experiment").mkdir(parents=True)
    (folder / "model").mkdir()
    (folder / "model/deep.yaml").write_text("hidden: [8, 8]\nlearning_rate: 0.5\n")
    (folder / "experiment/small.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /model: deep\n"
        "  - override /dataset: flights\ntraining:\n  epochs: 2\n"
    )
    (folder / "mine.yaml").write_text(f"{CONFIG}seed: 7\n")
    return folder


CONFIG = """defaults:
  - run_schema
  - dataset: synthetic
  - model: deep
  - training: default
  - input_pipeline: arrays
  - _self_
study: mine
strategies: [batch_mean]
"""


def test_an_experiment_config_overrides_other_packages(configs, train):
    status, said, error = train("-cd more +experiment=small --settings")
    settings = yaml.safe_load(said)
    assert (status, error) == (0, "")
    assert settings["model"] == {"hidden": [8, 8], "learning_rate": 0.5}
    assert (settings["training"]["epochs"], settings["dataset"]["variant"]) == (2, "flights")


def test_a_config_of_another_name_is_started_from(configs, train):
    status, said, _ = train("-cd more -cn mine training.batch_size=4 --settings")
    settings = yaml.safe_load(said)
    assert (status, settings["study"], settings["seed"]) == (0, "mine", 7)
    assert (settings["dataset"]["variant"], settings["training"]["batch_size"]) == ("synthetic", 4)


def test_a_group_is_put_into_another_package(configs, train):
    (configs / "speed").mkdir()
    (configs / "speed/fast.yaml").write_text("batch_size: 512\nepochs: 1\n")
    status, said, _ = train("-cd more +speed@training=fast --cfg job")
    training = yaml.safe_load(said)["training"]
    assert (status, training["batch_size"], training["epochs"]) == (0, 512, 1)


def test_too_few_samples_of_a_class_are_refused_before_anything_is_set_up(train, monkeypatch):
    monkeypatch.setattr(Keras3, "configure", None)
    status, out, said = train(
        "dataset=flights dataset.cut=60 dataset.n_samples=80000 dataset.prevalence=0.5"
    )
    assert (status, out) == (2, "")
    words = "dataset flights, arr_delay above 60.0 cannot give more than its 27789 samples"
    assert said.splitlines() == [
        f"batchf1 train: {words}; got a request for 48000 (n_samples=80000, prevalence=0.5)"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("training.bacth_size=32", "config cannot be composed: Could not override 'training.bac"),
        ("-m training.bacth_size=32,64", "config cannot be composed: Could not override 'train"),
        (
            "+dataset@mine=flights",
            "config cannot be composed: In 'dataset/flights': ConfigKeyError",
        ),
        ("training.batch_size=32,64", "config cannot be composed: Ambiguous value for argument"),
        ("-m model=mpl", "config cannot be composed: In 'config': Could not find 'model/mpl'"),
        ("hydra.run.dir=x training.batch_size=0", "training.batch_size must be at least 1; got 0"),
        ("hydra.run.dri=x", "config cannot be composed: Could not override 'hydra.run.dri'"),
        ("-cd nowhere", "--config-dir must be a folder; got nowhere"),
        ("-cn nowhere", "config cannot be composed: Cannot find primary config 'nowhere'"),
        ("--cfg job -p x", "--package must be a part of the config; got x"),
        ("--resolve", "--resolve must be given with --cfg; got True"),
        ("-m --cfg job", "argument -c/--cfg: not allowed with argument -m/--multirun"),
        ("--info lists", "-i/--info must be one of all, config, defaults, "),
        ("-sc query=csh", "config cannot be composed: No completion plugin for 'csh' found"),
    ],
)
def test_what_hydra_refuses_is_a_line(train, line, said):
    status, out, error = train(line)
    assert (status, out, error.count("\n")) == (2, "", 1), error
    assert error.startswith(f"batchf1 train: {said}")


@pytest.mark.slow
def test_a_run_alone_writes_in_the_folder_that_is_given_and_nowhere_else(here):
    alone = in_a_process(TINY, here)
    assert not list(here.iterdir())
    assert (alone.returncode, alone.stderr) == (0, "")
    with_folder = in_a_process(f"{TINY} hydra.run.dir=here", here)
    assert with_folder.stdout == alone.stdout
    assert [path.name for path in here.iterdir()] == ["here"]
    assert (here / "here/train.log").read_text() == alone.stdout
    assert len(tables.read(here / "here/runs.parquet", RUNS)) == 8
    assert read(here / "here/.hydra/config.yaml")["training"]["epochs"] == 2


def test_a_command_leaves_the_process_as_it_was(train, monkeypatch):
    import logging

    from absl import logging as of_tensorflow

    stream = io.StringIO()
    monkeypatch.setattr(of_tensorflow.get_absl_handler().python_handler, "stream", stream)
    before = sys.argv, dict(os.environ), logging.getLogger().handlers[:]
    assert train("--info defaults")[0] == 0
    assert train("-m seed=0 --settings hydra.sweep.dir=out")[0] == 0
    assert (sys.argv, dict(os.environ), logging.getLogger().handlers) == before
    assert not stream.closed
