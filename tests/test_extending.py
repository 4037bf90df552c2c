"""What CONTRIBUTING.md says can be added, each done once in a scratch folder outside the package.

Data sets, strategies, frameworks and figures: tests/config/test_registry.py.
"""

import json

import pandas as pd
import pytest

from batchf1 import Counts, Ratio, expect
from batchf1.records import tables
from batchf1.sweep import schema
from helpers import plugins_fixture
from helpers.plugins_fixture import call, installed

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
  training.epochs=1, training.engine=plain, "strategies=[reconstructed,my_plugins.MyStrategy]"]
grid:
  dataset.prevalence: [0.5]
  seed: [0, 1]
figures: {mine: my_figure}
"""


FILES = {
    "my_metric.py": METRIC,
    "my_command.py": COMMAND,
    "my_plugins.py": plugins_fixture.PLUGINS,
    "my_figure.py": plugins_fixture.FIGURE,
    "experiments/mine.yaml": STUDY,
}


@pytest.fixture
def scratch(tmp_path):
    """A folder of somebody's files, with a package of theirs installed in it."""
    with installed(tmp_path, FILES, ENTRY_POINTS):
        yield tmp_path


def test_a_metric(scratch):
    from my_metric import SPECIFICITY

    assert isinstance(SPECIFICITY, Ratio)
    counts = Counts(tp=3, fp=1, fn=2, tn=4)
    assert SPECIFICITY(counts) == 0.8
    found = expect(counts, batch_size=5, metric=SPECIFICITY)
    assert found.true_f1 == 0.8
    assert found.expected_f1 == pytest.approx(0.8, abs=0.05)


def test_a_command(scratch, capfd):
    assert call(capfd, "hello", "you") == (0, "hello you\n", "")
    refusal = "batchf1 hello: name must be somebody; got nobody\n"
    assert call(capfd, "hello", "nobody") == (2, "", refusal)
    assert "say hello" in call(capfd, "--help")[1]


def test_a_study_with_a_data_set_a_strategy_and_a_figure(scratch, capfd):
    shard = "shard experiments/mine.yaml --shard 0 --shards 1 --store store --output shard.parquet"
    for step, said in (
        (shard, "2 runs, 0 of them kept from before"),
        ("collect experiments/mine.yaml shard.parquet --output runs.parquet", ""),
        ("table my_figure runs.parquet --output mine.csv", ""),
        ("draw my_figure mine.csv --output mine.png", ""),
        (shard, "2 runs, 2 of them kept from before"),
    ):
        status, _, errors = call(capfd, "workflow", *step.split())
        assert status == 0, errors
        assert said in errors
    found = tables.read(scratch / "runs.parquet", schema.RUNS)
    assert set(found["dataset"]) == {"my_data"}
    assert set(found["strategy"]) == {"reconstructed", "my_mean"}
    assert list(pd.read_csv(scratch / "mine.csv")["strategy"]) == ["my_mean", "reconstructed"]
    assert (scratch / "mine.png").stat().st_size > 1000
    told = call(capfd, "provenance", "mine.csv", "--json")[1]
    assert json.loads(told)["module"] == "my_figure"


def test_a_name_that_a_package_registers(scratch, capfd):
    status, said, errors = call(capfd, "train", "dataset=mine", "--settings")
    assert status == 0, errors
    assert "shift: 2.0" in said
