"""Results of an archive, put back: whole, checked, and over nothing that is there."""

import hashlib
import json
import zipfile

import pytest

from batchf1.cli.main import main
from batchf1.errors import InputError
from batchf1.records.archive import INDEX, Restored, restore

CODE = {"Snakefile": b"rule all:", "src/batchf1/a.py": b"A = 1\n"}
TABLE, CACHED = "results/mini/runs.parquet", "results/mini/store/one.parquet"
FILES = CODE | {TABLE: b"table", CACHED: b"cached", "README.md": b"read me"}


def _archive(path, files, hashes=None, left_out=()):
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} | (
        hashes or {}
    )
    graph = [{"@id": name, "@type": ["File", "Code"], "sha256": hashes[name]} for name in files]
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(INDEX, json.dumps({"@graph": [{"@id": "./", "@type": "Dataset"}, *graph]}))
        for name, data in files.items():
            if name not in left_out:
                opened.writestr(name, data)
    return path


@pytest.fixture
def archive(tmp_path):
    return _archive(tmp_path / "batchf1.crate.zip", FILES)


@pytest.fixture
def checkout(tmp_path):
    for name, data in CODE.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "checkout"


def test_tables_and_caches_come_back_and_nothing_else(archive, checkout):
    assert restore(archive, checkout) == Restored(1, 1, (), ())
    assert (checkout / TABLE).read_bytes() == b"table"
    assert (checkout / CACHED).read_bytes() == b"cached"
    assert not (checkout / "README.md").exists()
    assert restore(archive, checkout) == Restored(0, 0, (), ())


def test_what_is_there_is_left(archive, checkout):
    (checkout / CACHED).parent.mkdir(parents=True)
    (checkout / CACHED).write_bytes(b"mine")
    assert restore(archive, checkout) == Restored(1, 0, (CACHED,), ())
    assert (checkout / CACHED).read_bytes() == b"mine"


@pytest.mark.parametrize("change", ["other", "missing"])
def test_a_table_of_other_code_is_left_out_a_cache_is_not(archive, checkout, change):
    path = checkout / "src/batchf1/a.py"
    path.write_bytes(b"A = 2\n") if change == "other" else path.unlink()
    assert restore(archive, checkout) == Restored(0, 1, (), ("src/batchf1/a.py",))
    assert not (checkout / TABLE).exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: _archive(path, FILES, {CACHED: "0" * 64}), "must have SHA-256 000"),
        (lambda path: _archive(path, FILES, left_out={CACHED}), "each file that it lists; got no"),
        (lambda path: _archive(path, {"results/../a.py": b""}), "a name that leaves results"),
        (lambda path: path.write_bytes(b"no zip"), "must be a whole archive"),
        (lambda path: zipfile.ZipFile(path, "w").close(), f"got no {INDEX}"),
        (lambda path: None, "must be a readable file"),
    ],
)
def test_a_spoiled_archive_is_refused_in_one_line(tmp_path, checkout, make, message):
    make(tmp_path / "bad.zip")
    with pytest.raises(InputError, match=message) as caught:
        restore(tmp_path / "bad.zip", checkout)
    assert "\n" not in str(caught.value)
    assert not (checkout / CACHED).exists()
    assert not list(checkout.rglob("*.part*"))


def test_the_command_reports_what_was_done(archive, checkout, tmp_path, capsys):
    assert main(["restore", str(archive), "--into", str(checkout)]) == 0
    assert capsys.readouterr().out == "1 tables and 1 files of caches put back\n"
    assert main(["restore", str(archive), "--into", str(tmp_path)]) == 2
    assert "--into must be a checkout, with a Snakefile; got" in capsys.readouterr().err
