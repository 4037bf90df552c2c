"""Studies that are too large are refused before anything of them is expanded."""

import subprocess
import sys

import pytest

from batchf1.errors import InputError
from batchf1.studies.atlas.config import AtlasStudy
from batchf1.studies.cost.config import CostStudy
from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.experiments import plan
from batchf1.studies.flat_labels.config import FlatLabelsStudy
from batchf1.sweep.grid import cells, compose, load_study

STUDY = "question: q\ngrid: {dataset.prevalence: [0.5, 0.3]}\nseeds: "
LIMITED = """
import resource, sys
from batchf1.cli.main import main
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + 2**29, used + 2**29))
sys.exit(main(sys.argv[1:]))
"""
"""A command that may take half a GB beside what is loaded."""


def written(folder, text):
    (folder / "s.yaml").write_text(text)
    return folder / "s.yaml"


def test_a_number_of_seeds_beyond_the_limit_takes_no_memory(tmp_path):
    path = written(tmp_path, f"{STUDY}1000000000")
    command = ["workflow", "shard", str(path), "--shard", "0", "--shards", "1", "--store", "s"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *command, "--output", "o"], capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    said = "number of runs must be at most 10,000,000 (snakemake --config huge=true allows more)"
    assert done.stderr == f"batchf1 workflow shard: {path}: {said}; got 2,000,000,000\n"


def test_up_to_the_limit_a_study_needs_no_leave_and_beyond_it_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr("batchf1.config.limits.MAX_RUNS", 6)
    path = written(tmp_path, f"{STUDY}3")
    assert [len(cell.seeds) for cell in plan(path).cells] == [3, 3]
    path = written(tmp_path, f"{STUDY}4")
    with pytest.raises(InputError, match="s.yaml: number of runs must be at most 6 .*; got 8$"):
        plan(path)
    assert [list(cell.seeds) for cell in plan(path, huge=True).cells] == [[0, 1, 2, 3]] * 2
    path = written(tmp_path, "question: q\ngrid: {seed: [1, 2, 3, 4, 5, 6, 7]}")
    with pytest.raises(InputError, match="got 7$"):
        plan(path)


def test_a_grid_of_too_many_cells_is_refused_whatever_is_allowed(tmp_path):
    values = list(range(1, 401))
    axes = f"{{training.batch_size: {values}, training.epochs: {values}}}"
    with pytest.raises(InputError, match="grid must have at most 100,000 cells.*; got 160,000$"):
        cells(written(tmp_path, f"question: q\ngrid: {axes}"), huge=True)


def test_a_study_of_decisions_has_the_same_limits(repository, tmp_path):
    text = (repository / "experiments/decisions.yaml").read_text()
    for old, new, words in (
        ("\nseeds: ", "\nseeds: 10000000", "grid must have at most 100,000 cells"),
        ("\ncandidates: ", "\ncandidates: 10000000", "grid must have at most 100,000 cells"),
    ):
        assert old in text
        with pytest.raises(InputError, match=words):
            plan(written(tmp_path, text.replace(old, new)))


@pytest.mark.parametrize("setting", ["epochs", "pretrain"])
def test_epochs_have_a_limit(setting):
    assert getattr(compose([f"training.{setting}=100000"]).training, setting) == 100_000
    words = f"^training.{setting} must be at most 100,000; got 100001$"
    with pytest.raises(InputError, match=words):
        compose([f"training.{setting}=100001"])


@pytest.mark.parametrize(
    ("name", "kind", "setting"),
    [
        ("atlas", AtlasStudy, "seeds"),
        ("atlas", AtlasStudy, "cuts"),
        ("atlas", AtlasStudy, "epochs"),
        ("cost", CostStudy, "repetitions"),
        ("cuts", CutStudy, "  seeds"),
        ("flat_labels", FlatLabelsStudy, "seeds"),
        ("flat_labels", FlatLabelsStudy, "  candidates"),
    ],
)
def test_repetitions_have_a_limit(name, kind, setting, repository, tmp_path):
    text = (repository / f"experiments/{name}.yaml").read_text()
    assert f"\n{setting}: " in text
    path = written(tmp_path, text.replace(f"\n{setting}: ", f"\n{setting}: 10000"))
    with pytest.raises(InputError, match=f"{setting.strip()} must be at most 100,000; got "):
        load_study(path, kind)
