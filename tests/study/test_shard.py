"""Shards: what is trained, what is kept in which groups, and what is written."""

import importlib
import os
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.study import groups, schema, shard
from batchf1.study.grid import runs
from helpers import outside
from helpers.shards import collect, execute, kept

KERAS = """
question: q
overrides:
  - dataset.n_samples=200
  - model.hidden=[4]
  - strategies=[batch_mean,reconstructed]
  - training.engine=plain
  - training.epochs=1
"""
STUDY = """
question: q
overrides: [dataset=synthetic, dataset.dimensions=3, dataset.n_samples=40, training.epochs=2,
  "strategies=[batch_mean,reconstructed]", training.engine=my_framework.MyFramework]
grid:
  dataset.prevalence: [0.5, 0.3]
  training.batch_size: [10, 20]
  seed: [0, 1, 2, 3]
"""
TOGETHER = """
    def together(self, run):
        return 3
"""


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    """A framework in NumPy, three runs at once, which trains in no time."""
    folder = tmp_path_factory.mktemp("framework")
    (folder / "my_framework.py").write_text(outside.FRAMEWORK + TOGETHER)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        importlib.invalidate_caches()
        yield importlib.import_module("my_framework")
    sys.modules.pop("my_framework")


@pytest.fixture
def experiment(tmp_path, framework):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def said(capsys):
    """Of the shards since the last question: how many runs, and how many of them were kept."""

    def lines():
        found = [line for line in capsys.readouterr().err.splitlines() if "kept from" in line]
        return [tuple(int(word) for word in line.split() if word.isdigit()) for line in found]

    return lines


def times(store):
    return {path.name: path.stat().st_mtime_ns for path in store.iterdir()}


@pytest.mark.parametrize(
    ("key", "values", "n_shapes"),
    [
        ("dataset.dimensions", [2, 5], 2),
        ("model.learning_rate", [0.001, 0.05], 1),
        ("training.class_weight", [1.0, 8.0], 1),
        ("training.threshold", [0.3, 0.7], 2),
    ],
)
def test_a_grid_over_a_setting_trains_and_the_table_says_it(
    tmp_path, capsys, key, values, n_shapes
):
    experiment = tmp_path / "study.yaml"
    experiment.write_text(f"{KERAS}grid:\n  dataset: [synthetic]\n  {key}: {values}\nseeds: 2\n")
    made = execute(experiment, 0, 1, tmp_path / "store")
    assert len(made.table) == 2 * 2 * 2 * 2
    assert f"({n_shapes} shapes compiled)" in capsys.readouterr().err
    assert key not in made.table
    collected = collect(experiment, [made.path], tmp_path / "runs.parquet")
    found = collected.table
    assert list(found.columns)[-1] == key
    assert list(found[key]) == [value for value in values for _ in range(8)]
    assert collected.origin["grid"][key] == values
    n_trainings = 1 if key == "training.threshold" else 2  # a threshold moves no weight
    assert (found.groupby("seed")["loss"].nunique() == 2 * n_trainings).all()


def test_a_finished_study_trains_nothing_when_it_is_started_again(tmp_path, capsys):
    experiment = tmp_path / "study.yaml"
    experiment.write_text(f"{KERAS}grid: {{training.batch_size: [50]}}\nseeds: 2\n")
    store = tmp_path / "store"
    first = execute(experiment, 0, 1, store)
    assert "2 runs, 0 of them kept" in capsys.readouterr().err
    table, trained = first.table, first.origin["trained"]
    again = execute(experiment, 0, 1, store)
    told = capsys.readouterr().err
    assert "2 runs, 2 of them kept" in told
    assert "compiled" not in told
    pd.testing.assert_frame_equal(again.table, table, check_exact=True)
    assert again.origin["trained"] == trained


def test_rows_are_in_the_order_of_the_grid_though_shapes_train_one_after_the_other(
    experiment, tmp_path
):
    made = execute(experiment, 0, 1, tmp_path / "store")
    assert list(made.table["run_id"].unique()) == [run.run_id for run in runs(experiment)]
    sizes = [len(tables.provenance_of(path)["runs"]) for path in (tmp_path / "store").iterdir()]
    assert sorted(sizes) == [2, 2, 3, 3, 3, 3]  # 8 runs of each of two shapes
    (trained,) = made.origin["trained"]
    assert trained["n_runs"] == 16
    assert trained["first"] <= trained["last"]


def test_a_group_says_once_what_its_runs_share(experiment, tmp_path):
    execute(experiment, 0, 1, tmp_path / "store")
    known = {run.run_id: run for run in runs(experiment)}
    for path in (tmp_path / "store").iterdir():
        record = tables.provenance_of(path)
        mine = [known[run_id] for run_id in record["runs"]]
        assert record["config"]["training.batch_size"] == mine[0].training.batch_size
        assert record["grid"]["seed"] == sorted({run.seed for run in mine})
        assert record["fingerprint"] == shard.fingerprint(mine[0])
        assert record["device"] == "CPU"


@pytest.mark.parametrize(
    ("old", "new", "n_missing"),
    [
        ("seed: [0, 1, 2, 3]", "seed: [0, 1, 2, 3, 4]", 4),
        ("seed: [0, 1, 2, 3]", "seed: [3, 1]", 0),
        ("[10, 20]", "[20, 15, 10]", 8),
        ("prevalence: [0.5, 0.3]", "prevalence: [0.3, 0.4]", 8),
    ],
)
def test_a_changed_grid_trains_only_what_is_new(experiment, tmp_path, said, old, new, n_missing):
    store = tmp_path / "store"
    execute(experiment, 0, 1, store)
    before = times(store)
    said()
    experiment.write_text(STUDY.replace(old, new))
    made = [execute(experiment, i, 2, store) for i in range(2)]
    n, found = map(sum, zip(*([line[-2:] for line in said()]), strict=True))
    assert n - found == n_missing
    assert before.items() <= times(store).items()
    fresh = tmp_path / "fresh"
    whole = [execute(experiment, i, 2, fresh / "store") for i in range(2)]
    for one, other in zip(made, whole, strict=True):
        pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)


@pytest.mark.parametrize("n_bytes", [0, 100, -1, 4000])
def test_the_runs_of_a_damaged_group_are_trained_again(experiment, tmp_path, said, n_bytes):
    store = tmp_path / "store"
    whole = execute(experiment, 0, 1, store).table
    path = min(store.iterdir())
    n = len(tables.provenance_of(path)["runs"])
    path.write_bytes(path.read_bytes()[:n_bytes])
    said()
    again = execute(experiment, 0, 1, store).table
    assert said() == [(16, 16 - n)]
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    execute(experiment, 0, 1, store)
    assert said() == [(16, 16)]


def test_a_group_whose_bytes_changed_is_trained_again(experiment, tmp_path, said):
    store = tmp_path / "store"
    whole = execute(experiment, 0, 1, store).table
    path = max(store.iterdir())
    content = bytearray(path.read_bytes())
    content[200:216] = bytes(16)
    path.write_bytes(content)
    said()
    pd.testing.assert_frame_equal(execute(experiment, 0, 1, store).table, whole, check_exact=True)
    ((n, found),) = said()
    assert 0 < n - found <= 3


def test_a_group_that_lacks_a_row_is_trained_again(experiment, tmp_path, said):
    store = tmp_path / "store"
    whole = execute(experiment, 0, 1, store).table
    path = min(store.iterdir())
    tables.write(tables.unchecked(path)[1:], path, schema.RUNS, tables.provenance_of(path))
    said()
    pd.testing.assert_frame_equal(execute(experiment, 0, 1, store).table, whole, check_exact=True)
    ((n, found),) = said()
    assert 0 < n - found <= 3


def test_runs_of_other_code_are_trained_again(experiment, tmp_path, said, monkeypatch):
    store = tmp_path / "store"
    execute(experiment, 0, 1, store)
    monkeypatch.setattr(shard, "fingerprint", lambda run: "other")
    execute(experiment, 0, 1, store)
    execute(experiment, 0, 1, store)
    assert said() == [(16, 0), (16, 0), (16, 16)]
    assert len(kept(store)) == 16  # in the place of the others


def test_parts_of_a_write_and_files_of_others_are_passed_over(experiment, tmp_path, said):
    store = tmp_path / "store"
    execute(experiment, 0, 1, store)
    some = min(store.iterdir())
    (store / f".{some.name}.here.1.part.parquet").write_bytes(some.read_bytes()[:-9])
    (store / "other.parquet").write_text("no table")
    (store / "notes.txt").write_text("no table")
    tables.write(tables.unchecked(some), store / "older.parquet", schema.RUNS, {"config": {}})
    said()
    execute(experiment, 0, 1, store)
    assert said() == [(16, 16)]


def test_what_the_dead_left_in_a_store_is_swept(experiment, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = [f".a.parquet.{tables._HOST}.{pid}.part.parquet" for pid in (process.pid, os.getppid())]
    for name in left:
        (store / name).write_bytes(b"half")
    execute(experiment, 0, 1, store)
    assert {path.name for path in store.glob(".*")} == {left[1]}


def test_a_killed_shard_loses_the_group_in_flight_alone(
    experiment, tmp_path, said, monkeypatch, framework
):
    store, right, trained = tmp_path / "store", framework.MyTrainer.train, []

    def train(self, runs, verbose=0):
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append(runs)
        return right(self, runs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(framework.MyTrainer, "train", train)
        execute(experiment, 0, 1, store)
    assert not (tmp_path / "0-of-1.parquet").exists()
    assert set(kept(store)) == {run.run_id for group in trained for run in group}
    said()
    again = execute(experiment, 0, 1, store)
    assert said() == [(16, 11)]
    whole = execute(experiment, 0, 1, tmp_path / "fresh/store")
    pd.testing.assert_frame_equal(again.table, whole.table, check_exact=True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
def test_a_write_that_is_cut_short_leaves_nothing(experiment, tmp_path, monkeypatch, error):
    def cut(self, table):
        raise error

    wanted = KeyboardInterrupt if error is KeyboardInterrupt else InputError
    with monkeypatch.context() as patch, pytest.raises(wanted):
        patch.setattr(tables.parquet.ParquetWriter, "write_table", cut)
        execute(experiment, 0, 1, tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_run_whose_log_is_wrong_is_named_and_never_written(
    experiment, tmp_path, monkeypatch, capsys
):
    from batchf1.study import rows as module

    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    output = tmp_path / "out.parquet"
    store = str(tmp_path / "store")
    words = ["workflow", "shard", str(experiment), "--shard", "0", "--shards", "1"]
    assert cli.main([*words, "--store", store, "--output", str(output)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert "nothing written: run " in told
    assert "synthetic n=40" in told
    assert not output.exists()
    assert not (tmp_path / "store").exists()


def test_a_missing_value_is_refused_before_it_is_kept(experiment, tmp_path, monkeypatch):
    right = shard.rows.table
    monkeypatch.setattr(shard.rows, "table", lambda *a: right(*a).assign(loss=float("nan")))
    with pytest.raises(InputError, match=r"store/.*must have no missing value; got .*'loss'"):
        execute(experiment, 0, 1, tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_shard_that_is_not_there_is_refused(experiment, tmp_path):
    with pytest.raises(InputError, match=r"shard: must lie in 0..1; got 2"):
        execute(experiment, 2, 2, tmp_path / "store")


def test_a_shard_without_runs_is_an_empty_table(experiment, tmp_path):
    experiment.write_text(STUDY.replace("[0.5, 0.3]", "[0.5]").replace("[0, 1, 2, 3]", "[0]"))
    assert execute(experiment, 4, 5, tmp_path / "store").table.empty


# Whatever the shards


@pytest.fixture(scope="module")
def once(framework, tmp_path_factory):
    """The study, and its table from one shard."""
    folder = tmp_path_factory.mktemp("once")
    experiment = folder / "study.yaml"
    experiment.write_text(STUDY)
    made = execute(experiment, 0, 1, folder / "store")
    whole = collect(experiment, [made.path], folder / "runs.parquet")
    return experiment, folder, whole.table


@settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(n_shards=st.integers(1, 9), at_once=st.integers(1, 20), fresh=st.booleans())
def test_neither_shards_nor_groups_change_the_table(once, tmp_path, n_shards, at_once, fresh, said):
    said()
    experiment, folder, right = once
    store = tmp_path / f"fresh-{n_shards}-{at_once}/store" if fresh else folder / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "AT_ONCE", at_once)
        patch.setattr("batchf1.study.collect.AT_ONCE", 21 - at_once)
        parts = [execute(experiment, i, n_shards, store) for i in range(n_shards)]
        paths = [part.path for part in reversed(parts)]
        found = collect(experiment, paths, tmp_path / "runs.parquet").table
    pd.testing.assert_frame_equal(found, right, check_exact=True)
    if not fresh:
        assert all(n == n_found for n, n_found in (line[-2:] for line in said()))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 3), min_size=16, max_size=16), st.integers(1, 20), st.integers(1, 50)
)
def test_the_runs_may_be_in_any_shards(once, tmp_path, shard_of, at_once, n_rows):
    experiment, _, right = once
    place = right["run_id"].map({run_id: i for i, run_id in enumerate(right["run_id"].unique())})
    paths = []
    for i in range(4):
        mine = right[[shard_of[run] == i for run in place]]
        paths.append(tmp_path / f"{i}.parquet")
        tables.write(mine, paths[-1], schema.RUNS, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batchf1.study.collect.AT_ONCE", at_once)
        patch.setattr(tables, "ROWS", n_rows)
        collected = collect(experiment, paths, tmp_path / "runs.parquet")
    pd.testing.assert_frame_equal(collected.table, right, check_exact=True)


def test_no_more_than_some_runs_are_held_at_once(once, tmp_path, monkeypatch):
    experiment, folder, right = once
    held = []
    add, pieces = tables.Writer.add, tables.pieces
    monkeypatch.setattr(shard, "AT_ONCE", 4)
    monkeypatch.setattr("batchf1.study.collect.AT_ONCE", 4)
    monkeypatch.setattr(tables, "ROWS", 5)
    monkeypatch.setattr(tables.Writer, "add", lambda self, t: (held.append(len(t)), add(self, t)))
    monkeypatch.setattr(tables, "pieces", lambda *a: (held.append(len(p)) or p for p in pieces(*a)))
    parts = [execute(experiment, i, 3, folder / "store") for i in range(3)]
    n_read = []
    monkeypatch.setattr(tables, "read", lambda *a: n_read.append(a))
    collect(experiment, [part.path for part in parts], tmp_path / "runs.parquet")
    monkeypatch.undo()
    assert max(held) == 4 * runs(experiment)[0].n_rows
    assert n_read == []
    pd.testing.assert_frame_equal(
        tables.read(tmp_path / "runs.parquet", schema.RUNS), right, check_exact=True
    )


def test_two_processes_may_keep_the_same_runs(experiment, tmp_path):
    made = execute(experiment, 0, 1, tmp_path / "store")
    store = groups.Groups(tmp_path / "store")
    found = kept(store.folder)
    wanted = {
        run.run_id: groups.Wanted(shard.fingerprint(run), run.n_rows) for run in runs(experiment)
    }
    assert store.find(wanted).keys() == found.keys()
    for path in list(store.folder.iterdir()):  # by a process that grouped them otherwise
        table, record = tables.unchecked(path), tables.provenance_of(path)
        tables.write(table, path.with_name(f"z{path.name}"), schema.RUNS, record)
    again = execute(experiment, 0, 1, store.folder)
    pd.testing.assert_frame_equal(again.table, made.table, check_exact=True)
