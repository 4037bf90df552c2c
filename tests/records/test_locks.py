"""Locks end with their process, however it ends; those of Snakemake are removed when it is gone."""

import subprocess
import sys

import pytest

from batchf1.errors import InputError
from batchf1.records import locks


def in_another_process(folder):
    ask = f"print(locks.drop_stale({str(folder)!r}), flush=True)"
    code = f"from batchf1.records import locks; {ask}; input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_locks_of_the_dead_go_and_those_of_the_living_stay(tmp_path):
    lock = tmp_path / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    first, said = in_another_process(tmp_path)
    assert (said, lock.exists()) == ("True", False)
    lock.touch()  # its own
    second, said = in_another_process(tmp_path)
    assert (said, lock.exists()) == ("False", True)
    first.kill()
    first.communicate()
    third, said = in_another_process(tmp_path)  # the second lives
    assert (said, lock.exists()) == ("False", True)
    for process in (second, third):
        process.kill()
        process.communicate()
    fourth, said = in_another_process(tmp_path)
    fourth.communicate("\n")
    assert (said, lock.exists()) == ("True", False)


def test_a_folder_without_a_place_for_locks_is_left_to_snakemake(tmp_path):
    (tmp_path / ".snakemake").write_text("")
    assert not locks.drop_stale(tmp_path)


HOLD = """
import sys
from pathlib import Path
from batchf1.records import locks
with locks.held(Path(sys.argv[1]), lambda: print("waits", flush=True)):
    print("holds", flush=True)
    input()
"""


@pytest.fixture
def hold(tmp_path):
    """Start a process that holds a lock until it is given a line."""
    started = []

    def start(path):
        command = [sys.executable, "-c", HOLD, str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(process):
    return process.stdout.readline().strip()


def test_a_lock_has_one_holder_and_goes_with_it(hold, tmp_path):
    path = tmp_path / "deep" / ".shard.lock"
    first = hold(path)
    assert said(first) == "holds"
    second = hold(path)
    assert said(second) == "waits"
    first.communicate("\n")
    assert said(second) == "holds"  # of a new file: the first has removed its own
    third = hold(path)
    assert said(third) == "waits"
    second.kill()
    assert said(third) == "holds"
    third.communicate("\n")
    assert list(path.parent.iterdir()) == []


def test_what_a_killed_holder_left_is_no_lock(hold, tmp_path):
    path = tmp_path / ".shard.lock"
    first = hold(path)
    assert said(first) == "holds"
    first.kill()
    first.communicate()
    assert path.exists()
    assert said(hold(path)) == "holds"


def test_without_locks_on_the_file_system_nothing_is_locked(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks.fcntl, "flock", none)
    with locks.held(tmp_path / "x", lambda: None), locks.held(tmp_path / "x", lambda: None):
        pass


def test_a_lock_in_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    held = locks.held(tmp_path / "file/x/lock", lambda: None)
    with pytest.raises(InputError, match="file/x cannot be written; got "), held:
        pass
