"""`batchf1 train --multirun`: its jobs, their launchers, and the table that they become."""

import importlib.util
import itertools
import os
from pathlib import Path

import pytest

from batchf1.cli import hydra_app
from batchf1.errors import InputError
from batchf1.figures import base as figures
from batchf1.records import tables
from batchf1.sweep import jobs as files_of_jobs
from batchf1.sweep.composition import compose
from batchf1.sweep.rows import of_run
from batchf1.sweep.schema import RUNS
from batchf1.training import tensorflow_log
from helpers.hydra_jobs import TINY, in_a_process, job_folders, read
from helpers.tables_of_runs import rows as rows_by_hand


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
    # apart by the packages of the two data sets
    assert [part["n_runs"] for part in record["trained"]] == [2, 2]
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


NOT_COLLECTED = {
    "--collect a a": "--collect must have each run once; ",
    "--collect empty": "--collect must name folders that have jobs with runs.parquet; got em",
    "--collect a --study x": "--collect cannot be combined with settings; got --study",
    "--collect b": "b/runs.parquet must be the rows of a job of batchf1 train; got sweep",
    "--output b": "--output must be given with --collect; got b",
    "seed=1 --collect a": "--collect cannot be combined with settings; got seed=1",
}


def test_what_cannot_be_collected_is_refused_in_a_line(here, train):
    written(here / "a/0", "seed=0")
    rows = tables.read(here / "a/0/runs.parquet", RUNS)
    (here / "b").mkdir()
    tables.write(rows, here / "b/runs.parquet", RUNS, {"study": "sweep"})
    for line, said in NOT_COLLECTED.items():
        status, out, error = train(line)
        assert (status, out, error.count("\n")) == (2, "", 1)
        assert error.startswith(f"batchf1 train: {said}")


def written(folder, *overrides, recorded=None):
    """The files of a job, with rows made by hand: nothing trains."""
    run = compose(overrides)
    choices = {"dataset": run.dataset.variant, "model": "mlp", "training": "default"}
    folder.mkdir(parents=True)
    row = rows_by_hand(**of_run(run))[:1]
    files_of_jobs.write(run, "CPU", row, folder, recorded or overrides, choices)


def test_hydra_names_the_job_that_cannot_be_trained(train, here):
    status, _, error = train("-m training.batch_size=0,-1 hydra.sweep.dir=out")
    assert status == 2
    job, said = error.splitlines()
    assert job == "Error executing job with overrides: ['training.batch_size=0']"
    assert said == "batchf1 train: training.batch_size must be at least 1; got 0"
    assert not list(here.glob("out/*/runs.parquet"))


def test_jobs_need_one_framework_and_number_of_threads(monkeypatch):
    monkeypatch.setattr(hydra_app, "_configured", [])
    one = compose(["training.threads=1"])
    for run in (one, compose(["training.threads=1", "training.engine=plain", "seed=1"])):
        hydra_app._check_process(run)
    rule = "must have the framework, backend, device and threads of the first job of its process, "
    on_jax = ("training.backend=jax", "training.engine=plain")
    for other in (["training.threads=2"], ["training.device=cpu"], on_jax):
        with pytest.raises(InputError, match=rule):
            hydra_app._check_process(compose(other))


def test_settings_and_groups_are_swept(train, here):
    swept = "training.batch_size=8,16 seed=range(3,4) dataset=diamonds,flights"
    status, said, error = train(f"{swept} --multirun --settings hydra.sweep.dir=out")
    assert (status, error) == (0, "")
    assert "Launching 4 jobs locally" in said
    found = [read(path / "train.log") for path in job_folders(here)]
    points = {(s["training"]["batch_size"], s["seed"], s["dataset"]["variant"]) for s in found}
    assert points == set(itertools.product((8, 16), (3,), ("diamonds", "flights")))


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


@pytest.mark.slow
def test_a_launcher_of_another_package_is_found(here):
    (here / "hydra_plugins").mkdir()
    (here / "hydra_plugins/in_order.py").write_text(LAUNCHER)
    paths = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
    line = "--settings -m seed=0,1 hydra/launcher=in_order hydra.sweep.dir=out"
    done = in_a_process(line, here, PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr
    assert [read(path / "train.log")["seed"] for path in job_folders(here)] == [0, 1]
