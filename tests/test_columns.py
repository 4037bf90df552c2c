"""Descriptions of columns: of every committed table, complete, and true of each value."""

import csv
import hashlib
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.config import registry
from batchf1.errors import InputError
from batchf1.figures import base
from batchf1.records import tables
from batchf1.records.columns import Column, Schema, count, flag, number, optional, share, text
from templates import datapackage
from templates.tables import PARQUET, of_figure, schemas
from write import ROOT

COMMITTED = schemas(ROOT)
PACKAGE = json.loads((ROOT / "figures/datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {resource["name"]: resource for resource in PACKAGE["resources"]}
# Frictionless Table Schema, https://specs.frictionlessdata.io/table-schema/
LIMITED = {"integer", "number"}
CONSTRAINTS = {"required", "minimum", "maximum", "enum"}


def committed(path, schema):
    texts = {name: str for name, column in schema.columns.items() if column.type == "string"}
    kwargs = {"keep_default_na": False, "na_values": [""], "low_memory": False}
    return pd.read_csv(ROOT / path, dtype=texts, **kwargs)


@pytest.mark.parametrize("path", COMMITTED)
def test_a_committed_table_is_as_it_is_described(path):
    schema = COMMITTED[path]
    table = committed(path, schema)
    assert tables.validate(table, schema, path) is table
    with pytest.raises(InputError, match=r"columns of its schema only; got \['strange'\]"):
        tables.validate(table.assign(strange=1), schema, path)
    first = next(iter(schema.columns))
    with pytest.raises(InputError, match=rf"every column of its schema; got none named \['{first}"):
        tables.validate(table.drop(columns=first), schema, path)


def test_each_committed_table_is_described_and_each_description_has_a_table():
    folders = ("figures", "docs", "benchmarks")
    paths = {str(p.relative_to(ROOT)) for f in folders for p in (ROOT / f).glob("**/*.csv")}
    assert set(COMMITTED) == paths
    described = {id(base.module(n).SCHEMA) for n in registry.own_names(registry.FIGURES)}
    assert described == {id(schema) for p, schema in COMMITTED.items() if p.startswith("figures")}


def test_a_figure_without_a_description_is_refused(tmp_path, monkeypatch):
    record = tmp_path / "f.json"
    record.write_text('{"module": "theory"}')
    monkeypatch.delattr(base.module("theory"), "SCHEMA")
    with pytest.raises(InputError, match="figure theory must have SCHEMA, which describes"):
        of_figure(record)


@pytest.mark.parametrize("path", [*COMMITTED, *PARQUET])
def test_a_description_is_a_line_of_words(path):
    schema = (COMMITTED | PARQUET)[path]
    assert re.fullmatch(r"(A|The) row is [^\n]+\.", schema.rows)
    assert set(schema.key) <= set(schema.columns)
    for column in [*schema.columns.values(), *schema.others.values()]:
        for words in (column.meaning, column.missing):
            assert not re.search(r"\n|[.;,] ?$|^[A-Z](?!U |1 |F1|ice)[a-z]", words), words
        assert len(column.meaning) > 3


# The data package, by the rules of Frictionless and apart from our own checks


def test_the_package_has_what_the_specification_requires():
    assert PACKAGE["profile"] == "tabular-data-package"
    assert re.fullmatch(r"[-a-z0-9._/]+", PACKAGE["name"])
    assert all(licence.keys() & {"name", "path"} for licence in PACKAGE["licenses"])
    assert all(part["title"] for part in [*PACKAGE["sources"], *PACKAGE["contributors"]])
    assert len(RESOURCES) == len(PACKAGE["resources"])
    paths = {path for path in COMMITTED if path.startswith("figures/")}
    assert {f"figures/{resource['path']}" for resource in RESOURCES.values()} == paths
    assert datapackage.package(ROOT) == PACKAGE


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_has_what_the_specification_requires(name):
    resource = RESOURCES[name]
    assert resource["profile"] == "tabular-data-resource"
    assert re.fullmatch(r"[-a-z0-9._/]+", name)
    content = (ROOT / "figures" / resource["path"]).read_bytes()
    assert resource["bytes"] == len(content)
    assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    fields = resource["schema"]["fields"]
    assert resource["schema"]["missingValues"] == [""]
    assert set(resource["schema"].get("primaryKey", [])) <= {field["name"] for field in fields}
    for field in fields:
        assert field["type"] in {"any", "boolean", "integer", "number", "string"}
        assert field["constraints"].keys() <= CONSTRAINTS
        if field["constraints"].keys() & {"minimum", "maximum"}:
            assert field["type"] in LIMITED
        if "enum" in field["constraints"]:
            assert field["type"] == "string"
            assert len(set(field["constraints"]["enum"])) == len(field["constraints"]["enum"]) > 0


@pytest.mark.parametrize("name", RESOURCES)
def test_each_cell_satisfies_its_field(name):
    resource = RESOURCES[name]
    with (ROOT / "figures" / resource["path"]).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    fields = resource["schema"]["fields"]
    assert [field["name"] for field in fields] == header
    for field, cells in zip(fields, zip(*rows, strict=True), strict=True):
        wrong = [cell for cell in set(cells) if not fits(cell, field)]
        assert wrong == [], field["name"]
    key = [header.index(column) for column in resource["schema"].get("primaryKey", [])]
    keys = [tuple(row[i] for i in key) for row in rows]
    assert not key or len(set(keys)) == len(keys)


def fits(cell, field):
    """Whether the text of a cell is a value of a field."""
    rules = field["constraints"]
    if cell == "":
        return not rules["required"]
    if field["type"] == "boolean":
        return cell in ("True", "False")
    if field["type"] == "integer" and not re.fullmatch(r"-?\d+", cell):
        return False
    if field["type"] in LIMITED:
        value = float(cell)
        low, high = rules.get("minimum", -math.inf), rules.get("maximum", math.inf)
        return not math.isnan(value) and low <= value <= high
    return cell in rules.get("enum", [cell])


# One column


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([-0.5, 0.25, 0.75, 1.0, 2.0, math.inf]),
    st.sampled_from(["", "a", "b", "1"]),
)
COLUMNS = {
    "text": text("a text"),
    "one of two": text("a text", ("a", "1"), missing="nothing"),
    "count": count("a number", 1),
    "optional count": count("a number", missing="nothing"),
    "share": share("a share"),
    "at most": number("a number", maximum=1, missing="nothing"),
    "number": number("a number", missing="nothing"),
    "flag": flag("a flag", missing="nothing"),
    "any": Column("any", "a setting"),
}


@pytest.mark.parametrize("name", COLUMNS)
@given(values=st.lists(VALUES, max_size=4))
def test_a_column_takes_what_each_value_alone_may_be(name, values):
    column = COLUMNS[name]
    good = all(allowed(value, column) for value in counted(values, column))
    try:
        tables.check_values(pd.Series(values, dtype=object), column, "t: column c")
        found = True
    except InputError as error:
        found = False
        assert str(error).startswith("t: column c must ")
    assert found == good


def counted(values, column):
    """The values; whole numbers among floats are counts where some may be missing."""
    present = [value for value in values if value not in (None, "")]
    if column.missing and all(type(value) is float for value in present):
        return [int(value) if value.is_integer() else value for value in present]
    return values


def allowed(value, column):
    """Whether a column may have a value, by its own words."""
    if value is None or value == "":
        return bool(column.missing)
    low, high = column.limits
    match column.type:
        case "string":
            return isinstance(value, str) and (not column.enum or value in column.enum)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return type(value) is int and low <= value <= high
        case "number":
            return type(value) in (int, float) and low <= value <= high
    return True


def test_whole_numbers_beside_missing_ones_may_be_floats():
    column = COLUMNS["optional count"]
    tables.check_values(pd.Series([1.0, np.nan]), column, "c")
    for values, strange in (([1.5, np.nan], 1.5), ([-1.0, np.nan], -1.0)):
        with pytest.raises(InputError, match=rf"^c must be .*; got \[{strange}\]"):
            tables.check_values(pd.Series(values), column, "c")
    with pytest.raises(InputError, match=r"^c must be of type integer; got \[1.0\]"):
        tables.check_values(pd.Series([1.0]), COLUMNS["count"], "c")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (share("a"), "0 to 1"),
        (count("a", 2), "at least 2"),
        (number("a", maximum=5), "at most 5"),
        (number("a"), ""),
        (text("a", ("x", "y")), "`x`, `y`"),
    ],
)
def test_a_range_is_told_in_words(column, said):
    assert column.range == said


def test_columns_that_are_empty_in_some_rows_say_in_which():
    found = optional("a slope", {"a": share("a"), "b": share("b", "0/0")})
    assert [column.missing for column in found.values()] == ["a slope", "a slope; 0/0"]


SCHEMA = Schema(
    "A row is a row.",
    {"a": count("a"), "b": count("b")},
    key=("a",),
    others={r"s\.\w+": Column("any", "a setting"), r"f\d": share("a number")},
    rules={"must have b of at least a": lambda t: t["a"] <= t["b"]},
)


def test_further_settings_belong_to_the_key():
    assert SCHEMA.primary_key(["a", "b", "s.x", "f1"]) == ["s.x", "a"]
    table = pd.DataFrame({"a": [1, 1], "b": [1, 2], "s.x": [0, 1]})
    assert tables.validate(table, SCHEMA, "t") is table
    with pytest.raises(InputError, match=r"^t must have one row for each s.x, a; got \[{'s.x': 0"):
        tables.validate(table.assign(**{"s.x": 0}), SCHEMA, "t")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"b": [1], "a": [1]}, r"columns in the order of its schema; got \['b', 'a'\]"),
        ({"a": [2], "b": [1]}, "must have b of at least a$"),
        ({"a": [1], "b": [1], "f1": [2.0]}, r"column f1 must be 0 to 1; got \[2.0\]"),
        ({"a": [1], "b": [1], "f": [0.5]}, r"columns of its schema only; got \['f'\]"),
    ],
)
def test_a_table_that_is_not_as_described_is_refused(table, words):
    with pytest.raises(InputError, match=words):
        tables.validate(pd.DataFrame(table), SCHEMA, "t")


def test_of_some_columns_only_their_own_rules_hold():
    part = SCHEMA.only(["b"])
    assert (list(part.columns), part.key, part.rules) == (["b"], (), {})
    assert SCHEMA.only(["b", "a"]).key == ("a",)
    assert list(SCHEMA.only(["b", "a"]).columns) == ["a", "b"]
