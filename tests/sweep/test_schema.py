"""The schema of a study's table: settings as columns, and the rows of the last epoch."""

import re

import pytest

from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.sweep import schema
from batchf1.sweep.grid import compose
from batchf1.sweep.provenance_summary import settings
from helpers.tables_of_runs import rows, table


@pytest.mark.parametrize(
    ("value", "shown"),
    [([4, 8], "[4, 8]"), (None, "null"), ({"a": 1}, '{"a": 1}'), (0.5, 0.5), (True, True)],
)
def test_a_setting_stands_in_a_table_as_a_plain_value(value, shown):
    assert schema.axis(value) == shown


def test_every_setting_of_a_run_can_be_a_column():
    keys = {key for key in settings([compose(["dataset=synthetic"]).resolved]) if key != "study"}
    assert {"dataset.dimensions", "model.learning_rate", "training.threshold"} <= keys
    keys |= {"dataset", "model", "training", "input_pipeline", "input_pipeline.steps", "strategies"}
    columns = {key: schema.column_of(key) for key in keys}
    named = {key: column for key, column in columns.items() if column in schema.RUNS.columns}
    assert named == schema.COLUMN_OF
    others = [column for key, column in columns.items() if key not in named]
    assert [column for column in others if not re.fullmatch(schema.SETTING, column)] == []


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("dataset.prevalence", "prevalence"),
        ("dataset.dimensions", "dataset.dimensions"),
        ("input_pipeline", "program"),
        ("input_pipeline.steps", "program.steps"),
        ("input_pipelines", "input_pipelines"),
    ],
)
def test_a_setting_has_its_own_column(key, column):
    assert schema.column_of(key) == column


@pytest.mark.parametrize("name", ["f2", "seed.x", "input_pipeline.steps", "dataset.", "programs"])
def test_other_columns_are_refused(name):
    with pytest.raises(InputError, match=re.escape(name)):
        tables.validate(rows(**{name: 1}), schema.RUNS, "t")


def test_named_settings_have_their_columns():
    assert set(schema.COLUMN_OF.values()) <= set(schema.RUNS.columns)
    assert "keras" not in schema.RUNS.columns
    assert {"framework", "version", "averaging"} <= set(schema.RUNS.columns)


@pytest.mark.parametrize(
    ("column", "value"),
    [("averaging", "by_luck"), ("device", "TPU"), ("loss", -0.1), ("n_samples", 0), ("epoch", 0)],
)
def test_values_that_cannot_be_are_refused(column, value):
    with pytest.raises(InputError, match=f"column {column}"):
        tables.validate(rows(**{column: value}), schema.RUNS, "t")


def test_the_last_epoch_is_that_of_each_run():
    made = [
        {"run_id": run_id, "epoch": epoch, "split": split}
        for run_id, epochs in (("short", (1, 2)), ("long", (1, 2, 3)))
        for epoch in epochs
        for split in ("train", "validation")
    ]
    found = schema.last_epoch(table(*made))
    expected = [("short", 2), ("short", 2), ("long", 3), ("long", 3)]
    assert list(found[["run_id", "epoch"]].itertuples(index=False, name=None)) == expected
