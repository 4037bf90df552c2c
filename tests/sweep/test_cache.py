"""The store of finished work, and the lines that say how far some work is."""

import threading
import time

import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.sweep import log, schema
from batchf1.sweep.cache import CacheEntry, Requirement, RunCache
from batchf1.sweep.log import Progress
from helpers.tables_of_runs import rows

STAMP = {"fingerprint": "f", "machine": ["here", 2]}


@pytest.fixture
def kept(tmp_path):
    """A store that holds the work `a`."""
    found = RunCache(tmp_path / "deep" / "store", schema.RUNS)
    found.put("a", CacheEntry(rows(), {"commit": "c", **STAMP}))
    return found


def entry(store, key, stamp, n_rows=None):
    """The entry of this key, if it meets the requirement."""
    paths = store.get({key: Requirement(stamp, n_rows)})
    return store.read(paths[key]) if paths else None


def test_what_was_kept_is_found_with_its_record(kept):
    made = entry(kept, "a", STAMP)
    pd.testing.assert_frame_equal(made.table, rows())
    assert made.origin == {"commit": "c", **STAMP}
    assert entry(kept, "a", {}).origin == made.origin
    assert [path.name for path in kept.folder.iterdir()] == ["a.parquet"]


def test_a_stamp_is_compared_as_it_stands_in_a_file(kept):
    stamp = {"cell": {"hidden": (64, 64), "shares": {1: 0.5}}}
    kept.put("a", CacheEntry(rows(), stamp))
    assert entry(kept, "a", stamp) is not None
    assert entry(kept, "a", {"cell": {"hidden": (64, 6), "shares": {1: 0.5}}}) is None


def test_nothing_is_found_under_another_key_or_in_a_folder_that_is_not_there(kept, tmp_path):
    assert entry(kept, "b", STAMP) is None
    assert entry(RunCache(tmp_path / "none", schema.RUNS), "a", STAMP) is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "stamp",
    [
        {"fingerprint": "other"},
        STAMP | {"machine": ["there", 2]},
        STAMP | {"seed": 0},  # which the record does not say
    ],
)
def test_work_of_another_stamp_is_not_found(kept, stamp):
    assert entry(kept, "a", stamp) is None
    assert entry(kept, "a", STAMP) is not None


@pytest.mark.parametrize("n_bytes", [0, 4, 100, -1])
def test_a_damaged_file_is_as_good_as_none(kept, n_bytes):
    path = kept.folder / "a.parquet"
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert entry(kept, "a", STAMP) is None
    kept.put("a", CacheEntry(rows(f1=0.25), STAMP))
    assert entry(kept, "a", STAMP).table["f1"].iloc[0] == 0.25


def test_no_flipped_bit_changes_what_is_found(kept):
    path = kept.folder / "a.parquet"
    content = path.read_bytes()
    n_lost = 0
    for index in range(0, len(content), 211):
        path.write_bytes(
            content[:index] + bytes([content[index] ^ 1 << index % 8]) + content[index + 1 :]
        )
        found = entry(kept, "a", STAMP)
        n_lost += found is None
        if found is not None:
            pd.testing.assert_frame_equal(found.table, rows())
            assert found.origin == {"commit": "c", **STAMP}
    assert n_lost > 25


def test_a_table_of_another_schema_is_neither_kept_nor_found(kept):
    wrong = rows().drop(columns="loss")
    with pytest.raises(InputError, match="must have every column of its schema"):
        kept.put("a", CacheEntry(wrong, STAMP))
    pd.testing.assert_frame_equal(entry(kept, "a", STAMP).table, rows())
    wrong.to_parquet(kept.folder / "b.parquet")
    assert entry(kept, "b", {}) is None


def test_work_of_another_process_is_waited_for(kept, capsys):
    with kept.held("work"):
        thread = threading.Thread(target=lambda: kept.held("work").__enter__(), daemon=True)
        thread.start()
        while "waits" not in (said := capsys.readouterr().err):
            time.sleep(0.01)
        assert said == "work: waits for a process that measures the same\n"
        assert thread.is_alive()
    thread.join(60)
    assert not thread.is_alive()


# Progress


@pytest.fixture
def clock(monkeypatch):
    """What the time is, in seconds, in a list of one."""
    now = [100.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
    return now


def test_a_line_comes_now_and_then_and_at_the_end(clock, capsys):
    progress = Progress("work", [2.0, 2.0, 6.0, 10.0])
    said = []
    for seconds in (4, 7, 9, 1):
        clock[0] += seconds
        progress.advance(" (more)")
        said.append(capsys.readouterr().err)
    # 4 s: too early; 11 s for 4 of 20 leaves 44 s; 9 s later: too early; the last always
    assert said == [
        "",
        "work: 2 done, 2 left, about 44 s to go (more)\n",
        "",
        "work: 4 done, 0 left, about 0 s to go (more)\n",
    ]


def test_pieces_may_count_for_several(clock, capsys):
    progress = Progress("work", [1.0, 1.0, 2.0], [32, 32, 5])
    for _ in range(3):
        clock[0] += 11
        progress.advance()
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "work: 32 done, 37 left, about 33 s to go",
        "work: 64 done, 5 left, about 22 s to go",
        "work: 69 done, 0 left, about 0 s to go",
    ]
