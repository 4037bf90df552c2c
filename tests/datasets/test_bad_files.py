"""Data files that are missing, damaged or others: one line with the file and the rule."""

import gzip
from pathlib import Path

import pytest

from batchf1.datasets import diamonds, fashion_mnist
from batchf1.errors import InputError
from batchf1.study.seeds import generator
from helpers.idx import idx_files

IMAGES = "train-images-idx3-ubyte.gz"


def half(path):
    path.write_bytes(path.read_bytes()[:-20])


def other_shape(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-784]))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, f"{IMAGES}: must be a readable file; got No such file or directory"),
        (half, f"{IMAGES}: must be a whole gzip file; got"),
        (lambda path: path.write_bytes(b""), f"{IMAGES}: must have SHA-256"),
        (lambda path: path.write_bytes(b"no gzip"), f"{IMAGES}: must be a whole gzip file; got"),
        (lambda path: path.write_bytes(gzip.compress(b"other")), f"{IMAGES}: must have SHA-256"),
        (other_shape, f"{IMAGES}: must have SHA-256"),
    ],
)
def test_bad_files_of_fashion_mnist(tmp_path, monkeypatch, spoil, words):
    folder = idx_files(tmp_path, monkeypatch)
    spoil(folder / IMAGES)
    fashion_mnist._table.cache_clear()
    made = fashion_mnist.FashionMnist(n_samples=200, prevalence=0.5, folder=str(folder))
    with pytest.raises(InputError) as caught:
        made.load(generator("a"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "diamonds.csv: must be a readable file; got No such file or directory"),
        (b"carat,cut\n1,2\n", "diamonds.csv: must have SHA-256 9574730b"),
    ],
)
def test_a_bad_file_of_diamonds(tmp_path, monkeypatch, content, words):
    (tmp_path / "__init__.py").touch()
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data/diamonds.csv").write_bytes(content)

    class Spec:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(diamonds, "find_spec", lambda name: Spec)
    diamonds._table.cache_clear()
    with pytest.raises(InputError) as caught:
        diamonds._table()
    diamonds._table.cache_clear()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
