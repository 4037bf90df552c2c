"""`batchf1 train` as an application of Hydra: what its users type first."""

import importlib.util
import io
import itertools
import os
import random
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from batchf1.cli import completion, hydra_app
from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.figures import base as figures
from batchf1.records import tables
from batchf1.studies.experiments import plan
from batchf1.sweep import collect
from batchf1.sweep import jobs as files_of_jobs
from batchf1.sweep.composition import compose
from batchf1.sweep.rows import of_run
from batchf1.sweep.schema import RUNS
from batchf1.training import tensorflow_log
from batchf1.training.keras3.framework import Keras3
from helpers.tables_of_runs import rows as rows_by_hand

TINY = "dataset.n_samples=200 dataset.prevalence=0.3 training.epochs=2 model.hidden=[4]"
TINY += " strategies=[batch_mean,reconstructed] training.threads=1"
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
    """An empty folder, and a command run in this process: status, output, error lines."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def train(here, capfd):
    def command(line):
        try:
            status = cli.main(["train", *shlex.split(line)])
        except SystemExit as ended:
            status = ended.code
        said = capfd.readouterr()
        return status, said.out, said.err

    return command


def in_a_process(line, folder, **environment):
    """Run the command in a process of its own: TensorFlow's threads are set once in a process."""
    settings = {key: value for key, value in os.environ.items() if key != tensorflow_log.LEVEL}
    return subprocess.run(
        [sys.executable, "-m", "batchf1.cli.main", "train", *shlex.split(line)],
        cwd=folder,
        env=settings | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """A multirun over a setting and a group, in a folder, and what it printed."""
    folder = tmp_path_factory.mktemp("jobs")
    swept = "training.batch_size=20,50 dataset=diamonds,flights"
    done = in_a_process(f"{TINY} {swept} -m model.learning_rate=0.02 hydra.sweep.dir=out", folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.mark.slow
def test_each_job_of_a_multirun_has_its_log_rows_and_settings(jobs):
    folder, done = jobs
    names = {".hydra", "train.log", "runs.parquet", "settings.yaml"}
    found = {path.name: {part.name for part in path.iterdir()} for path in job_folders(folder)}
    assert found == {str(number): names for number in range(4)}
    shapes = set()
    for path in job_folders(folder):
        rows, settings = tables.read(path / "runs.parquet", RUNS), read(path / "settings.yaml")
        row = rows.iloc[0]
        assert settings["dataset"]["variant"] == row["dataset"]
        assert settings["program"]["name"] == row["program"]
        assert settings["training"]["batch_size"] == row["batch_size"]
        shapes.add((row["dataset"], row["batch_size"]))
        log = (path / "train.log").read_text()
        assert log in done.stdout
        assert f"run {row['run_id']}: " in log
        assert log.count("Epoch") == 2
        assert "F1 after epoch 2" in log
    assert len(shapes) == 4


def job_folders(folder):
    return sorted(path for path in (folder / "out").iterdir() if path.is_dir())


def read(path):
    return yaml.safe_load(path.read_text())


@pytest.mark.slow
def test_tensorflow_says_nothing_where_there_is_no_gpu(jobs):
    if tensorflow_log.has_gpu():
        pytest.skip("has a GPU")
    assert jobs[1].stderr == ""


@pytest.mark.slow
def test_the_jobs_become_one_table_that_figures_read(jobs, train):
    folder, _ = jobs
    status, said, _ = train(f"--collect {folder}/out --output all.parquet")
    assert (status, said) == (0, "all.parquet: 4 runs, 32 rows\n")
    table = tables.read(Path("all.parquet"), RUNS)
    assert table["run_id"].nunique() == 4
    assert list(table["batch_size"].iloc[::8]) == [20, 20, 50, 50]
    assert list(table) == list(tables.empty(RUNS)), "what varies has its columns already"
    record = tables.provenance_of(Path("all.parquet"))
    assert record["n_runs"] == 4
    assert record["grid"]["training.batch_size"] == [20, 50]
    assert record["config"]["training.epochs"] == 2
    assert record["trained"][0]["n_runs"] == 4
    assert not figures.table("error_vs_batch_size", [Path("all.parquet")]).empty


def test_a_setting_without_a_column_gets_one_in_the_table(here, train):
    written(here / "a/0", "model.learning_rate=0.01")
    written(here / "a/10", "model.learning_rate=0.03", "dataset=flights")
    written(here / "a/2", "model.learning_rate=0.02")
    assert train("--collect a")[0] == 0
    table = tables.read(here / "a/table.parquet", RUNS)
    assert list(table["model.learning_rate"].unique()) == [0.01, 0.02, 0.03]
    assert list(table["dataset"].unique()) == ["diamonds", "flights"]


def test_what_an_experiment_config_sets_gets_columns(here, train):
    written(here / "a/0", "model.hidden=[4]", recorded=["+experiment=small"])
    written(here / "a/1", "model.hidden=[4,4]", recorded=["+experiment=large"])
    assert train("--collect a")[0] == 0
    table = tables.read(here / "a/table.parquet", RUNS)
    assert list(table["model.hidden"].unique()) == ["[4]", "[4, 4]"]
    assert set(table) == {*tables.empty(RUNS), "model.hidden"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--collect a a", "--collect must have each run once; "),
        ("--collect empty", "--collect must name folders that have jobs with runs.parquet; got em"),
        ("--collect a --study x", "--collect cannot be combined with settings; got --study"),
        ("--collect b", "b/runs.parquet must be the rows of a job of batchf1 train; got sweep"),
        ("--output b", "--output must be given with --collect; got b"),
        ("seed=1 --collect a", "--collect cannot be combined with settings; got seed=1"),
    ],
)
def test_what_cannot_be_collected_is_refused_in_a_line(here, train, line, said):
    written(here / "a/0", "seed=0")
    rows = tables.read(here / "a/0/runs.parquet", RUNS)
    (here / "b").mkdir()
    tables.write(rows, here / "b/runs.parquet", RUNS, {"study": "sweep"})
    status, out, error = train(line)
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"batchf1 train: {said}")


def written(folder, *overrides, recorded=None):
    """The files of a job, with rows made by hand: nothing trains."""
    from batchf1.sweep.composition import compose

    run = compose(overrides)
    choices = {"dataset": run.dataset.variant, "model": "mlp", "training": "default"}
    folder.mkdir(parents=True)
    row = rows_by_hand(**of_run(run))[:1]
    files_of_jobs.write(run, "CPU", row, folder, recorded or overrides, choices)


@pytest.mark.slow
def test_a_study_puts_its_cells_on_the_command_line_bit_for_bit(here):
    (here / "experiments").mkdir()
    path = here / "experiments/mini.yaml"
    path.write_text(STUDY)
    in_shards = (
        "from batchf1.studies.experiments import plan; from batchf1.sweep import shard; "
        "from pathlib import Path; planned = plan('experiments/mini.yaml'); "
        "shard.execute(planned, 0, 1, Path('store'), Path('rows.parquet'))"
    )
    subprocess.run([sys.executable, "-c", in_shards], cwd=here, check=True, capture_output=True)
    collect.collect(plan(path), [here / "rows.parquet"], here / "table.parquet")
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
    (here / "experiments").mkdir()
    (here / "experiments/mini.yaml").write_text(STUDY)
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
    (here / "experiments").mkdir()
    (here / "experiments/mini.yaml").write_text(STUDY)
    status, out, error = train(f"--study mini {line}")
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"batchf1 train: {said}")


def test_a_study_of_decisions_has_no_overrides_for_hydra(repository, train, monkeypatch):
    monkeypatch.chdir(repository)
    status, _, error = train("--study decisions --cfg job")
    assert status == 2
    assert "--study must be a study of kind runs with options of Hydra; got decisions" in error


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
        ("--info lists", "argument -i/--info: invalid choice: 'lists'"),
        ("-sc query=csh", "config cannot be composed: No completion plugin for 'csh' found"),
    ],
)
def test_what_hydra_refuses_is_a_line(train, line, said):
    status, out, error = train(line)
    assert (status, out, error.count("\n")) == (2, "", 1), error
    assert error.startswith(f"batchf1 train: {said}")


def test_hydra_names_the_job_that_cannot_be_trained(train, here):
    status, _, error = train("-m training.batch_size=0,-1 hydra.sweep.dir=out")
    assert status == 2
    job, said = error.splitlines()
    assert job == "Error executing job with overrides: ['training.batch_size=0']"
    assert said == "batchf1 train: training.batch_size must be at least 1; got 0"
    assert not list(here.glob("out/*/runs.parquet"))


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


def test_jobs_need_one_framework_and_number_of_threads(monkeypatch):
    monkeypatch.setattr(hydra_app, "_configured", [])
    one = compose(["training.threads=1"])
    for run in (one, compose(["training.threads=1", "training.engine=plain", "seed=1"])):
        hydra_app._check_process(run)
    rule = "must have the framework, device and threads of the first job of its process, "
    for other in ("training.threads=2", "training.device=cpu"):
        with pytest.raises(InputError, match=rule):
            hydra_app._check_process(compose([other]))


def test_two_settings_and_two_groups_are_swept(train, here):
    swept = "training.batch_size=8,16 seed=range(2) dataset=diamonds,flights"
    status, said, error = train(
        f"{swept} --multirun --settings hydra.sweep.dir=out input_pipeline=arrays,summed_counts"
    )
    assert (status, error) == (0, "")
    assert "Launching 16 jobs locally" in said
    found = [read(path / "train.log") for path in job_folders(here)]
    points = {
        (s["training"]["batch_size"], s["seed"], s["dataset"]["variant"], s["program"]["name"])
        for s in found
    }
    grid = itertools.product((8, 16), (0, 1), ("diamonds", "flights"), ("arrays", "summed_counts"))
    assert points == set(grid)


def test_jobs_in_parallel(here):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    line = f"{TINY} -m seed=0,1 hydra/launcher=joblib hydra.launcher.n_jobs=2 hydra.sweep.dir=out"
    done = in_a_process(line, here)
    assert (done.returncode, done.stderr) == (0, "")
    found = [tables.read(path / "runs.parquet", RUNS) for path in job_folders(here)]
    assert sorted(rows["seed"].iloc[0] for rows in found) == [0, 1]


def test_a_launcher_that_is_not_installed_is_named_with_what_installs_it(train):
    if importlib.util.find_spec("hydra_plugins"):
        pytest.skip("has a launcher")
    status, _, error = train("-m seed=0,1 hydra/launcher=joblib")
    assert status == 2
    assert error == (
        "batchf1 train: hydra/launcher=joblib needs hydra-joblib-launcher: "
        "pip install 'batchf1[joblib]'\n"
    )


LAUNCHER = """
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore


class InOrder(BasicLauncher):
    pass


ConfigStore.instance().store(
    group="hydra/launcher",
    name="in_order",
    node={"_target_": "hydra_plugins.in_order.InOrder"},
    provider="in_order",
)
"""


def test_a_launcher_of_another_package_is_found(here):
    (here / "hydra_plugins").mkdir()
    (here / "hydra_plugins/in_order.py").write_text(LAUNCHER)
    paths = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
    line = "--settings -m seed=0,1 hydra/launcher=in_order hydra.sweep.dir=out"
    done = in_a_process(line, here, PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr
    assert [read(path / "train.log")["seed"] for path in job_folders(here)] == [0, 1]


def test_a_stream_that_tensorflow_logs_to_stays_open(train, monkeypatch):
    from absl import logging

    stream = io.StringIO()
    monkeypatch.setattr(logging.get_absl_handler().python_handler, "stream", stream)
    assert train("--info defaults")[0] == 0
    assert train("-m seed=0 --settings hydra.sweep.dir=out")[0] == 0
    assert not stream.closed


def test_a_command_leaves_the_process_as_it_was(train):
    import logging

    before = sys.argv, dict(os.environ), logging.getLogger().handlers[:]
    assert train("--info defaults")[0] == 0
    assert train("-m seed=0 --settings hydra.sweep.dir=out")[0] == 0
    assert (sys.argv, dict(os.environ), logging.getLogger().handlers) == before
