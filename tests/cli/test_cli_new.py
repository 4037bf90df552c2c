"""`batchf1 new`: each file passes its contract, and the commands that are printed work."""

import shlex
import sys
import tomllib

import pytest

from batchf1.cli import main as cli
from batchf1.config import registry
from batchf1.figures import base as figures
from batchf1.studies.experiments import load, plan
from helpers import tables_of_runs

TINY = ["dataset.n_samples=120", "dataset.prevalence=0.3", "model.hidden=[4]", "training.epochs=1"]
TINY += ["training.engine=plain"]  # the quickest to compile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]


def new(capsys, *arguments):
    """Return the commands that the call prints."""
    assert cli.main(["new", *arguments]) == 0
    wrote, _, commands = capsys.readouterr().out.partition("next:\n")
    assert wrote.startswith("wrote ")
    return [shlex.split(line) for line in commands.splitlines()]


def test_a_data_set_and_a_strategy_are_trained(folder, capsys):
    train, study = new(capsys, "dataset", "my_data")
    two, _ = new(capsys, "strategy", "my_sums")
    assert train[:3] == ["batchf1", "train", "dataset=my_data.MyData"]
    assert two[:3] == ["batchf1", "train", "strategies=[batch_mean,my_sums.MySums]"]
    # checked against the counts of the batches, to 1e-6, where it is trained
    assert cli.main([*train[1:3], two[2], *TINY]) == 0
    assert "f1_my_sums" in capsys.readouterr().out
    new(capsys, *study[2:])
    cells = plan(folder / "experiments" / "my_data_study.yaml").cells
    assert {cell.first.dataset.name for cell in cells} == {"my_data"}


def test_a_metric_has_an_expectation(folder, capsys):
    expect, train = new(capsys, "metric", "my_rate")
    assert cli.main(expect[1:]) == 0
    assert "my_rate" in capsys.readouterr().out
    assert train == ["batchf1", "train", "metrics=[f1,my_rate.MY_RATE]", "training.epochs=1"]
    assert cli.main([*train[1:], "--settings"]) == 0
    assert "my_rate.MY_RATE" in capsys.readouterr().out


def test_a_figure_is_drawn_from_a_table_of_runs(folder, capsys):
    study, _ = new(capsys, "figure", "my_bars")
    source = tables_of_runs.written(folder, tables_of_runs.rows())
    module = registry.load(registry.FIGURES, "my_bars")
    numbers = figures.table("my_bars", [source])
    assert numbers["error"].tolist() == [0.0, 0.0]
    assert module.draw(numbers).axes
    new(capsys, *study[2:])
    assert load(folder / "experiments" / "my_bars_study.yaml").figures == {
        "my_bars_study": "my_bars"
    }


def test_a_study_is_planned_and_has_a_snakefile(folder, capsys):
    assert new(capsys, "study", "my_study")[1] == ["snakemake", "--cores", "all", "my_study"]
    assert len(plan(folder / "experiments" / "my_study.yaml").cells) == 4
    assert "use rule * from batchf1" in (folder / "Snakefile").read_text()


def test_in_a_clone_the_file_goes_to_its_package(folder, capsys):
    (folder / "src" / "batchf1").mkdir(parents=True)
    (folder / "src" / "batchf1" / "__init__.py").touch()
    (folder / "Snakefile").write_text("mine")
    plugins = folder / "src" / "batchf1" / "config" / "plugins.toml"
    plugins.parent.mkdir()
    plugins.write_text('[datasets]\na = "b:C"\n\n[figures]\nd = "e"\n')
    assert new(capsys, "dataset", "my_data")[0][2] == "dataset=my_data"
    assert (folder / "src" / "batchf1" / "datasets" / "my_data.py").exists()
    assert new(capsys, "metric", "my_rate")[0][3] == "batchf1.metrics.my_rate.MY_RATE"
    new(capsys, "study", "my_study")
    assert (folder / "Snakefile").read_text() == "mine"
    new(capsys, "figure", "my_bars")
    listed = tomllib.loads(plugins.read_text())
    own = "batchf1.datasets.my_data:MyData"
    assert listed["datasets"] == {"a": "b:C", "my_data": own}
    assert listed["figures"] == {"d": "e", "my_bars": "batchf1.figures.my_bars"}


def test_what_exists_is_not_replaced(folder, capsys):
    (folder / "my_data.py").write_text("mine")
    assert cli.main(["new", "dataset", "my_data"]) == 2
    said = "batchf1 new: my_data.py cannot be replaced; choose another NAME; got a file\n"
    assert capsys.readouterr().err == said
    assert (folder / "my_data.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["My", "a-b", "class", "1a", "../x"])
def test_a_name_that_is_none_of_a_module_is_refused(folder, capsys, name):
    assert cli.main(["new", "study", name]) == 2
    said = f"batchf1 new: NAME must be a Python name in lower case; got {name}\n"
    assert capsys.readouterr().err == said
