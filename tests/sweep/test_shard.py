"""Shards: what is trained, what is kept in which groups, and what is written."""

import threading
import time
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.sweep import rows, schema, shard
from batchf1.sweep.cache import RunCache
from batchf1.sweep.grid import runs
from helpers.eagerly import eagerly
from helpers.shards import STUDY, collect, execute

KERAS = """
question: q
overrides:
  - dataset.n_samples=200
  - model.hidden=[4]
  - strategies=[batch_mean,reconstructed]
  - training.engine=plain
  - training.epochs=1
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "values", "n_shapes"),
    [("dataset.dimensions", [2, 5], 2), ("training.threshold", [0.3, 0.7], 2)],
)
def test_a_grid_over_a_setting_trains_and_the_table_says_it(
    tmp_path, capsys, key, values, n_shapes
):
    experiment = tmp_path / "study.yaml"
    experiment.write_text(f"{KERAS}grid:\n  dataset: [synthetic]\n  {key}: {values}\n")
    with eagerly():
        made = execute(experiment, 0, 1, tmp_path / "store")
    assert len(made.table) == 2 * 2 * 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said == f"shard 0: 2 done, 0 left, about 0 s to go ({n_shapes} shapes compiled)"
    assert key not in made.table
    collected = collect(experiment, [made.path], tmp_path / "runs.parquet")
    found = collected.table
    assert list(found.columns)[-1] == key
    assert list(found[key]) == [value for value in values for _ in range(4)]
    assert collected.origin["grid"][key] == values
    n_trainings = 1 if key == "training.threshold" else 2  # a threshold moves no weight
    assert found["loss"].nunique() == 2 * n_trainings


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


def test_a_run_whose_log_is_wrong_is_named_and_never_written(
    experiment, tmp_path, monkeypatch, capsys
):
    from batchf1.sweep import rows as module

    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    output = tmp_path / "out.parquet"
    store = str(tmp_path / "store")
    words = ["workflow", "shard", str(experiment), "--shard", "0", "--shards", "1"]
    assert cli.main([*words, "--store", store, "--output", str(output)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert "nothing written: run " in told
    assert "synthetic n=40" in told
    assert not output.exists()
    assert list((tmp_path / "store").iterdir()) == []


def test_a_missing_value_is_refused_before_it_is_kept(experiment, tmp_path, monkeypatch):
    spoilt = replace(rows.RECORDING, table=lambda *a: rows.table(*a).assign(loss=float("nan")))
    monkeypatch.setattr(rows, "recording", lambda metrics: spoilt)
    with pytest.raises(
        InputError, match=r"store/.*: column loss must have no missing value; got [0-9]+ missing"
    ):
        execute(experiment, 0, 1, tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


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


@pytest.mark.slow
@settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(n_shards=st.integers(1, 9), at_once=st.integers(1, 20), fresh=st.booleans())
def test_no_shards_and_no_groups_change_the_table(once, tmp_path, n_shards, at_once, fresh, said):
    check_shards(once, tmp_path, n_shards, at_once, fresh, said)


@pytest.mark.parametrize("fresh", [False, True])
def test_neither_shards_nor_groups_change_the_table(once, tmp_path, fresh, said):
    check_shards(once, tmp_path, 3, 4, fresh, said)


def check_shards(once, tmp_path, n_shards, at_once, fresh, said):
    said()
    experiment, folder, right = once
    store = tmp_path / f"fresh-{n_shards}-{at_once}/store" if fresh else folder / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "CHUNK_SIZE", at_once)
        patch.setattr("batchf1.sweep.collect.CHUNK_SIZE", 21 - at_once)
        parts = [execute(experiment, i, n_shards, store) for i in range(n_shards)]
        paths = [part.path for part in reversed(parts)]
        found = collect(experiment, paths, tmp_path / "runs.parquet").table
    pd.testing.assert_frame_equal(found, right, check_exact=True)
    if not fresh:
        assert all(n == n_found for n, n_found in (line[-2:] for line in said()))


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 3), min_size=16, max_size=16), st.integers(1, 20), st.integers(1, 50)
)
def test_whatever_shards_the_runs_are_in(once, tmp_path, shard_of, at_once, n_rows):
    check_places(once, tmp_path, shard_of, at_once, n_rows)


def test_the_runs_may_be_in_any_shards(once, tmp_path):
    check_places(once, tmp_path, [0, 3, 1, 1, 3, 0, 0, 3] * 2, 5, 7)  # and none in one of four


def check_places(once, tmp_path, shard_of, at_once, n_rows):
    experiment, _, right = once
    place = right["run_id"].map({run_id: i for i, run_id in enumerate(right["run_id"].unique())})
    paths = []
    for i in range(4):
        mine = right[[shard_of[run] == i for run in place]]
        paths.append(tmp_path / f"{i}.parquet")
        tables.write(mine, paths[-1], schema.RUNS, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batchf1.sweep.collect.CHUNK_SIZE", at_once)
        patch.setattr(tables, "ROWS", n_rows)
        collected = collect(experiment, paths, tmp_path / "runs.parquet")
    pd.testing.assert_frame_equal(collected.table, right, check_exact=True)


def test_runs_and_rows_that_are_missing_are_named(once, tmp_path):
    experiment, _, right = once
    ids = list(right["run_id"].unique())
    last = right["run_id"] == ids[-1]
    label = [run.label for run in runs(experiment)][-1]
    n = int(last.sum())
    for kept, words in (
        (~last, f"{experiment} must have every run in a shard; got none for {ids[-1]}"),
        (
            right["run_id"].isin(ids[5:]),
            f"{experiment} must have every run in a shard; got none for "
            f"{ids[0]}, {ids[1]}, {ids[2]} and 2 more",
        ),
        (last.cumsum() < n, f"{label} must have {n} rows in the shards; got {n - 1}"),
    ):
        tables.write(right[kept], tmp_path / "0.parquet", schema.RUNS, {})
        with pytest.raises(InputError) as refused:
            collect(experiment, [tmp_path / "0.parquet"], tmp_path / "runs.parquet")
        assert str(refused.value) == words
        assert not (tmp_path / "runs.parquet").exists()


def test_a_shard_waits_for_a_process_that_trains_it(experiment, store, capsys):
    with RunCache(store, schema.RUNS).held("other", file=".shard-0-of-1.lock"):
        thread = threading.Thread(target=execute, args=(experiment, 0, 1, store), daemon=True)
        thread.start()
        while "waits" not in (said := capsys.readouterr().err) and thread.is_alive():
            time.sleep(0.01)
        early = (store.parent / "0-of-1.parquet").exists()
    thread.join(60)
    assert said == "shard 0: waits for a process that trains the same\n"
    assert not early
    assert (store.parent / "0-of-1.parquet").exists()


def test_no_more_than_some_runs_are_held_at_once(once, tmp_path, monkeypatch):
    experiment, folder, right = once
    held = []
    add, pieces = tables.Writer.add, tables.iter_chunks
    monkeypatch.setattr(shard, "CHUNK_SIZE", 4)
    monkeypatch.setattr("batchf1.sweep.collect.CHUNK_SIZE", 4)
    monkeypatch.setattr(tables, "ROWS", 5)
    monkeypatch.setattr(tables.Writer, "add", lambda self, t: (held.append(len(t)), add(self, t)))
    monkeypatch.setattr(
        tables, "iter_chunks", lambda *a: (held.append(len(p)) or p for p in pieces(*a))
    )
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
