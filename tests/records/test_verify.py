"""Two makings of the tables: what differs is named, what may differ is stated."""

import shutil

import numpy as np
import pandas as pd
import pytest

from batchf1.cli import main as cli
from batchf1.records import verify
from batchf1.studies.experiments import experiments

TOLERANCES = """
default: 1.0e-9
figures:
  sweep:
    key: [size, split]
    within: {f1: 1.0e-3}
  timing: {key: [engine]}
  elsewhere: {optional: needs data}
"""
ELSEWHERE = ("--other-platform",)
SWEEP = pd.DataFrame(
    {
        "size": [4, 8, 8, 90],
        "split": ["train", "train", "validation", "train"],
        "f1": [0.25, 0.5, np.nan, 0.75],
        "n": [1, 2, 3, 4],
        "ratio": [0.1, 0.2, 0.3, 0.4],
    }
)
TIMING = pd.DataFrame({"engine": ["a", "b", "b"], "seconds": [1.0, 2.0, 3.0]})


@pytest.fixture
def made(tmp_path, capsys):
    """Makes two folders, and says how the command compares them."""

    def make(sweep=SWEEP, timing=TIMING, options=ELSEWHERE, tolerances=TOLERANCES, more=None):
        for name, tables in (("old", (SWEEP, TIMING)), ("new", (sweep, timing))):
            folder = tmp_path / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for stem, table in zip(("sweep", "timing"), tables, strict=True):
                if table is not None:
                    table.to_csv(folder / f"{stem}.csv", index=False)
        for path, table in (more or {}).items():
            table.to_csv(tmp_path / path, index=False)
        (tmp_path / "old/tolerances.yaml").write_text(tolerances)
        folders = [str(tmp_path / name) for name in ("old", "new")]
        status = cli.main(["verify", *folders, *options])
        said = capsys.readouterr()
        return status, (said.out + said.err).splitlines()

    return make


def changed(table, row, column, value):
    new = table.copy()
    new.loc[row, column] = value
    return new


def test_equal_tables_are_equal_bit_for_bit(made):
    assert made() == (0, ["2 tables are equal bit for bit; 0 differ"])
    assert made(options=())[0] == 0


@pytest.mark.parametrize(
    ("row", "column", "value", "loose", "exact"),
    [
        (0, "f1", 0.251, 0, 1),  # just within
        (0, "f1", 0.2511, 1, 1),
        (0, "ratio", 0.1 + 1e-12, 0, 1),  # the default
        (0, "ratio", 0.1 + 1e-8, 1, 1),
        (0, "n", 2, 1, 1),  # counts have no tolerance
        (2, "f1", 0.5, 1, 1),  # nothing is not a number
        (0, "f1", np.nan, 1, 1),
        (3, "split", "test", 1, 1),
    ],
)
def test_a_number_may_differ_by_what_is_stated(made, row, column, value, loose, exact):
    sweep = changed(SWEEP.astype({"n": "Int64"}), row, column, value)
    assert made(sweep)[0] == loose
    assert made(sweep, options=())[0] == exact


def test_a_difference_is_named_with_its_place_its_values_and_the_tolerance(made):
    status, said = made(changed(SWEEP, 0, "f1", 0.375))
    assert status == 1
    assert said == [
        "sweep.csv, f1, size=4, split=train: 0.25 before, 0.375 now; 0.001 allowed",
        "1 tables are equal bit for bit; 1 differ (sweep)",
    ]


def test_rows_of_one_key_are_told_apart(made):
    status, said = made(timing=TIMING[:2])
    assert status == 1
    assert (
        said[0]
        == "timing.csv, rows, engine=b, occurrence 2: there before, not there now; 0 allowed"
    )


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        (SWEEP[:3], "sweep.csv, rows, size=90, split=train: there before, not there now"),
        (SWEEP[::-1], "sweep.csv, rows: in one order before, in another now"),
        (SWEEP.drop(columns="n"), "sweep.csv, columns: size, split, f1, n, ratio before, size,"),
        (None, "sweep.csv, table: made before, not made now"),
    ],
)
def test_another_shape_is_a_difference(made, sweep, words):
    status, said = made(sweep)
    assert status == 1
    assert said[0].startswith(words)


def test_a_table_that_is_new_or_cannot_be_made_here_is_named(made):
    status, said = made(more={"old/elsewhere.csv": SWEEP})
    assert status == 0
    assert "elsewhere.csv: not made again: needs data" in said
    status, said = made(more={"new/more.csv": SWEEP})
    assert status == 1
    assert said[0] == "more.csv, table: not made before, made now; 0 allowed"


def test_many_differences_of_a_column_are_counted(made):
    long = pd.DataFrame({"size": range(30), "split": "test", "f1": 0.5, "n": 1, "ratio": 0.5})
    more = {"old/sweep.csv": long, "new/sweep.csv": long.assign(f1=0.6)}
    _, said = made(more=more)
    assert len(said) == 12
    assert "sweep.csv, f1: 20 more" in said


@pytest.mark.parametrize(
    ("tolerances", "words"),
    [
        ("default: 1", "tolerances.yaml: 'figures'"),
        (TOLERANCES.replace("{f1:", "{f2:"), "tolerance of sweep must name columns among"),
    ],
)
def test_tolerances_that_make_no_sense_are_refused(made, tolerances, words):
    status, said = made(changed(SWEEP, 0, "f1", 1), tolerances=tolerances)
    assert status == 2
    assert len(said) == 1
    assert words in said[0]


def test_folders_without_tables_are_refused(tmp_path, capsys):
    (tmp_path / "tolerances.yaml").write_text(TOLERANCES)
    assert cli.main(["verify", str(tmp_path), str(tmp_path)]) == 2
    assert "must be a folder with tables of figures" in capsys.readouterr().err


def test_the_stated_tolerances_are_of_the_figures_and_their_columns(repository):
    _, stated = verify.load(repository / "figures" / verify.TOLERANCES)
    known = {f for e in experiments(repository / "experiments").values() for f in e.figures}
    # `cost` comes with its study
    assert known | {"scaling"} <= set(stated) <= known | {"scaling", "cost"}
    for path in (repository / "figures").glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        verify._check_columns(path.stem, table, stated[path.stem])
        if stated[path.stem].key:
            assert not table.duplicated(stated[path.stem].key).any(), path
