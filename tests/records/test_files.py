"""Files and folders replace the old ones whole or not at all, and what the dead left is removed."""

import errno
import os
import stat

import pytest

from batchf1.errors import InputError
from batchf1.records import files
from helpers.left import left_by_the_dead, part

REPLACING = [files.replacing, files.replacing_folder]


def write(made, text):
    """Text into a file, or into a file of a folder."""
    (made / "file" if made.is_dir() else made).write_text(text)


def text(path):
    return (path / "file" if path.is_dir() else path).read_text()


@pytest.mark.parametrize("replacing", REPLACING)
def test_a_failed_write_leaves_the_old_and_nothing_else(replacing, tmp_path):
    path = tmp_path / "deep" / "t.csv"
    with replacing(path) as made:
        write(made, "old")
    with pytest.raises(RuntimeError), replacing(path) as made:
        write(made, "half")
        raise RuntimeError
    assert text(path) == "old"
    assert list(path.parent.iterdir()) == [path]
    with replacing(path) as made:
        write(made, "new")
    assert text(path) == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("replacing", REPLACING)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_the_dead_left_goes_and_what_the_living_write_stays(replacing, kind, tmp_path):
    path = tmp_path / ".keras224"
    living, other = part(path, os.getppid()), left_by_the_dead(tmp_path / "other")
    for left in (left_by_the_dead(path), living, other):
        if kind == "folder":
            left.mkdir()
        write(left, "half")
    with replacing(path) as made:
        write(made, "new")
    assert set(tmp_path.iterdir()) == {path, living, other}


@pytest.mark.parametrize("replacing", REPLACING)
def test_a_place_that_cannot_be_written_to_is_refused_in_a_line(replacing, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), replacing(tmp_path / "file/x"):
        pass


def test_a_file_is_on_the_disk_before_it_replaces_the_old_one_and_its_name_afterwards(
    tmp_path, monkeypatch
):
    path, seen = tmp_path / "t.csv", []

    def fsync(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append(("folder" if folder else "file", path.exists()))

    monkeypatch.setattr(files.os, "fsync", fsync)
    with files.replacing(path) as made:
        made.write_text("new")
    assert seen == [("file", False), ("folder", True)]
    seen.clear()

    def refused(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(files.os, "fsync", refused)  # as file systems do that flush no folders
    with files.replacing(path) as made:
        made.write_text("newer")
    assert path.read_text() == "newer"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_fault_of_the_machine_is_no_bad_input(number, tmp_path):
    """A full disk and a broken device keep class, number and words; the path is named."""
    path = tmp_path / "x"
    said = os.strerror(number)
    with pytest.raises(OSError, match=said) as caught, files.replacing(path):
        raise OSError(number, said)
    assert (caught.type, caught.value.errno) == (OSError, number)
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())
