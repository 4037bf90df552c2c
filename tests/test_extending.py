"""What CONTRIBUTING.md says can be added, each done once in a scratch folder outside the package.

Data sets, strategies, frameworks and figures: tests/config/test_registry.py.
"""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from batchf1 import Counts, Ratio, expect
from batchf1.records import tables
from batchf1.sweep import schema
from helpers import plugins_fixture

METRIC = """
from batchf1 import Ratio

SPECIFICITY = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")
"""
COMMAND = '''
"""`batchf1 hello`."""


def add(commands):
    parser = commands.add_parser("hello", help="say hello")
    parser.add_argument("name")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed):
    from batchf1.errors import check

    check(parsed.name != "nobody", "name", "must be somebody", parsed.name)
    print(f"hello {parsed.name}")
'''
ENTRY_POINTS = """
[batchf1.commands]
hello = my_command

[batchf1.datasets]
mine = my_plugins:MyData
"""
STUDY = """
question: Does a study of one's own run?
overrides: [dataset=my_plugins.MyData, dataset.n_samples=60, dataset.validation_fraction=0.5,
  training.epochs=1, "strategies=[reconstructed,my_plugins.MyStrategy]"]
grid:
  dataset.prevalence: [0.5]
  seed: [0, 1]
figures: {mine: my_figure}
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder of somebody's files, with a package of theirs installed in it."""
    folder = tmp_path_factory.mktemp("scratch")
    (folder / "experiments").mkdir()
    info = folder / "theirs-1.0.dist-info"
    info.mkdir()
    for path, text in {
        "my_metric.py": METRIC,
        "my_command.py": COMMAND,
        "my_plugins.py": plugins_fixture.PLUGINS,
        "my_figure.py": plugins_fixture.FIGURE,
        "experiments/mine.yaml": STUDY,
        "theirs-1.0.dist-info/entry_points.txt": ENTRY_POINTS,
        "theirs-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n",
    }.items():
        (folder / path).write_text(text)
    return folder


def batchf1(scratch, *arguments):
    """A command in the folder, whose package is installed."""
    return in_scratch(scratch, "-m", "batchf1.cli.main", *arguments)


def in_scratch(scratch, *arguments):
    paths = [str(scratch), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=scratch,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )


def test_a_metric(scratch, monkeypatch):
    monkeypatch.syspath_prepend(scratch)
    from my_metric import SPECIFICITY

    assert isinstance(SPECIFICITY, Ratio)
    counts = Counts(tp=3, fp=1, fn=2, tn=4)
    assert SPECIFICITY(counts) == 0.8
    found = expect(counts, batch_size=5, metric=SPECIFICITY)
    assert found.true_f1 == 0.8
    assert found.expected_f1 == pytest.approx(0.8, abs=0.05)


def test_a_command(scratch):
    done = batchf1(scratch, "hello", "you")
    assert (done.returncode, done.stdout) == (0, "hello you\n")
    refused = batchf1(scratch, "hello", "nobody")
    assert refused.returncode == 2
    assert refused.stderr == "batchf1 hello: name must be somebody; got nobody\n"
    assert "say hello" in batchf1(scratch, "--help").stdout


def test_a_study_with_a_data_set_a_strategy_and_a_figure(scratch):
    shard = ("--shard", "0", "--shards", "1", "--store", "store", "--output", "shard.parquet")
    steps = (
        ("shard", "experiments/mine.yaml", *shard),
        ("collect", "experiments/mine.yaml", "shard.parquet", "--output", "runs.parquet"),
        ("table", "my_figure", "runs.parquet", "--output", "mine.csv"),
        ("draw", "my_figure", "mine.csv", "--output", "mine.png"),
    )
    lines = [f"assert main({['workflow', *step]}) == 0" for step in (*steps, steps[0])]
    code = "\n".join(["from batchf1.cli.main import main", *lines])
    done = in_scratch(scratch, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "2 runs, 0 of them kept from before" in done.stderr
    assert "2 runs, 2 of them kept from before" in done.stderr
    found = tables.read(scratch / "runs.parquet", schema.RUNS)
    assert set(found["dataset"]) == {"my_data"}
    assert set(found["strategy"]) == {"reconstructed", "my_mean"}
    assert list(pd.read_csv(scratch / "mine.csv")["strategy"]) == ["my_mean", "reconstructed"]
    assert (scratch / "mine.png").stat().st_size > 1000


def test_a_name_that_a_package_registers(scratch):
    done = batchf1(scratch, "train", "dataset=mine", "--settings")
    assert done.returncode == 0, done.stderr
    assert "shift: 2.0" in done.stdout
    told = batchf1(scratch, "provenance", "mine.csv", "--json")
    assert json.loads(told.stdout)["module"] == "my_figure"
