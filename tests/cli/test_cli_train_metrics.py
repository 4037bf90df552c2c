"""`batchf1 train` with other metrics than F1."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml

from batchf1.cli import main as cli
from batchf1.records import tables
from batchf1.sweep import jobs, schema
from batchf1.sweep.composition import compose
from batchf1.sweep.rows import of_run
from helpers.tables_of_runs import ROW, table

MODULE = """
from batchf1 import Ratio

FALLOUT = Ratio((0, 1, 0, 0), (0, 1, 0, 1), "fallout")
"""
TINY = "dataset.n_samples=200 dataset.prevalence=0.3 training.epochs=1 model.hidden=[4]"
TINY += " strategies=[streaming] training.threads=1 training.engine=plain"


@pytest.fixture
def train(tmp_path, monkeypatch, capfd):
    """The command in an empty folder but for a metric: status, output, error lines."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_module.py").write_text(MODULE)
    yield lambda line: (cli.main(["train", *shlex.split(line)]), *capfd.readouterr())
    sys.modules.pop("my_module", None)


@pytest.mark.slow
def test_a_multirun_over_metrics_becomes_one_table(tmp_path, train):
    (tmp_path / "my_module.py").write_text(MODULE)
    line = f"{TINY} -m metrics=f1,my_module.FALLOUT hydra.sweep.dir=out"
    command = [sys.executable, "-m", "batchf1.cli.main", "train", *shlex.split(line)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "\nF1 after epoch 1\n" in done.stdout
    of_mine = done.stdout.partition("\nfallout after epoch 1\n")[2]
    assert re.search(r"^ +fallout +pooled +full pass +fallout - pooled$", of_mine, re.MULTILINE)
    plain = tables.read(tmp_path / "out/0/runs.parquet", schema.RUNS)
    mine = tables.read(tmp_path / "out/1/runs.parquet", schema.RUNS_OF_METRICS)
    assert plain["loss"].tolist() == mine["loss"].tolist()
    fallout = mine["fp"] / (mine["fp"] + mine["tn"])
    assert mine["value"].tolist() == pytest.approx(fallout.tolist(), abs=1e-12)
    settings = yaml.safe_load((tmp_path / "out/1/settings.yaml").read_text())
    assert settings["metrics"] == ["my_module.FALLOUT"]
    status, said, _ = train("--collect out")
    assert (status, said) == (0, "out/table.parquet: 2 runs, 4 rows\n")
    found = tables.read(tmp_path / "out/table.parquet", schema.RUNS_OF_METRICS)
    assert found["metric"].tolist() == ["f1"] * 2 + ["my_module.FALLOUT"] * 2
    assert list(found) == list(schema.RUNS_OF_METRICS.columns), "no further column"


def test_several_metrics_and_a_setting_that_varies(tmp_path, train):
    for number, metrics in enumerate(("metrics=[f1]", "metrics=[f1,f2]")):
        overrides = [metrics, f"model.learning_rate=0.0{number + 1}"]
        run = compose(overrides)
        rows = table(*[{}] * len(run.metrics), **of_run(run))
        if len(run.metrics) > 1:
            rows = schema.with_metric(rows).assign(metric=run.metrics)
        folder = tmp_path / "a" / str(number)
        folder.mkdir(parents=True)
        jobs.write(run, "CPU", rows, folder, overrides, {"dataset": "diamonds"})
    assert train("--collect a")[0] == 0
    found = tables.read(tmp_path / "a/table.parquet", schema.RUNS_OF_METRICS)
    assert found["metric"].tolist() == ["f1", "f1", "f2"]
    assert found["model.learning_rate"].tolist() == [0.01, 0.02, 0.02]
    assert found["value"].tolist() == [ROW["f1"]] * 3


def test_the_metrics_of_a_study_are_those_of_its_runs(tmp_path, train):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/mini.yaml").write_text(
        "question: q\nmetrics: [f_beta(2), my_module.FALLOUT]\ngrid: {seed: [0, 1]}\n"
    )
    status, said, _ = train("--study mini seed=1 --cfg job")
    assert (status, yaml.safe_load(said)["metrics"]) == (0, ["f2", "my_module.FALLOUT"])
    status, said, _ = train("--study mini seed=1 --settings")
    assert (status, yaml.safe_load(said)["metrics"]) == (0, ["f2", "my_module.FALLOUT"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("metrics=[f1,auc]", "metrics must be f1 (the default), "),
        ("metrics=my_module.NONE", "metrics must be defined in my_module; got NONE"),
        (
            "metrics=sys.path",
            "metrics must be the import path of a Ratio, ClassAveraged or ",
        ),
        (
            "metrics=jaccard training.engine=keras224 strategies=[batch_mean]",
            "metrics must be among ['f1'] with engine keras224 (ensemble and plain compute any",
        ),
    ],
)
def test_what_is_no_metric_is_refused_in_a_line(train, line, said):
    status, out, error = train(f"{line} --settings")
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"batchf1 train: {said}")
