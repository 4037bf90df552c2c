"""Fetching Fashion-MNIST: from a server of this machine, through Keras' own loader, and failing."""

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import pytest

from batchf1.cli import main as cli
from batchf1.datasets import fashion_mnist
from helpers.idx import idx_files


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Keras' cache, on a machine without Debian's package; nothing answers yet."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()  # as importing Keras makes it
    fashion_mnist._table.cache_clear()
    loads_from(monkeypatch, tmp_path, "http://127.0.0.1:9/")
    return tmp_path / "home/datasets/fashion-mnist"


@pytest.fixture
def served(tmp_path, monkeypatch, cache):
    """The folder that a server of this machine hands out as the official one."""
    folder = tmp_path / "served"
    folder.mkdir()
    idx_files(folder, monkeypatch)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    loads_from(monkeypatch, tmp_path, f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    server.server_close()


def loads_from(monkeypatch, tmp_path, origin):
    """Keras' loader, of which only address and home are others, as both are fixed in it."""
    module = sys.modules[keras.datasets.fashion_mnist.load_data.__module__]

    def get_file(name, **settings):
        settings |= {"origin": origin + name, "cache_dir": str(tmp_path / "home")}
        return keras.utils.get_file(name, **settings)

    monkeypatch.setattr(module, "get_file", get_file)


def fetch(capsys):
    """The exit status, and the one line that was said."""
    status = cli.main(["fetch", "fashion_mnist"])
    out, err = capsys.readouterr()
    (line,) = (out if status == 0 else err).splitlines()
    assert not (err if status == 0 else out)
    return status, line


def files(folder):
    return sorted(path.name for path in folder.glob("**/*") if path.is_file())


def test_the_files_are_fetched_once(capsys, served, cache):
    assert not fashion_mnist.FashionMnist().available
    said = f"dataset fashion_mnist: its files were fetched into {cache}"
    assert fetch(capsys) == (0, said)
    assert fashion_mnist.FashionMnist().available
    assert files(cache) == files(served)
    for path in served.iterdir():
        path.unlink()
    assert fetch(capsys) == (0, f"dataset fashion_mnist: its files are in {cache}")


def test_a_file_that_is_not_whole_is_fetched_again(capsys, served, cache):
    fetch(capsys)
    spoilt = cache / "t10k-labels-idx1-ubyte.gz"
    spoilt.write_bytes(spoilt.read_bytes()[:-9])
    status, said = fetch(capsys)
    assert (status, said.rpartition(" into ")[0]) == (
        0,
        "dataset fashion_mnist: its files were fetched",
    )
    assert spoilt.read_bytes() == (served / spoilt.name).read_bytes()


def test_where_nothing_answers_nothing_is_left(capsys, cache):
    status, said = fetch(capsys)
    assert status == 2
    assert said.startswith("batchf1 fetch: dataset fashion_mnist cannot be found in ")
    assert "URL fetch failure" in said
    assert not cache.exists()


@pytest.mark.parametrize("content", ["half", "other"])
def test_another_file_is_refused_and_not_kept(capsys, served, cache, content):
    path = served / "t10k-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    kinds = {
        "half": whole[: len(whole) // 2],
        "other": (served / "t10k-labels-idx1-ubyte.gz").read_bytes(),
    }
    path.write_bytes(kinds[content])
    status, said = fetch(capsys)
    assert status == 2
    assert "fashion_mnist cannot be found in" in said
    assert files(cache) == [name for name in files(served) if name != path.name]
    path.write_bytes(whole)
    assert fetch(capsys)[0] == 0


def test_debians_files_are_taken_as_they_are_and_checked(capsys, served, cache, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", served)
    assert fetch(capsys) == (0, f"dataset fashion_mnist: its files are in {served}")
    (served / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    status, said = fetch(capsys)
    assert status == 2
    assert f"{served}/t10k-labels-idx1-ubyte.gz must " in said
    assert not cache.exists()


@pytest.mark.parametrize("name", ["diamonds", "timetable"])
def test_what_comes_in_a_package_needs_no_fetching(capsys, name):
    assert cli.main(["fetch", name]) == 0
    assert capsys.readouterr().out == f"dataset {name}: nothing to fetch\n"
