"""Fashion-MNIST (Xiao, Rasul & Vollgraf 2017): chosen kinds of clothing against the others."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.base import Dataset, Features, sample_rows
from batchf1.errors import InputError, check, raise_input_error
from batchf1.records.files import read, verified

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
IMAGES, LABELS = 16, 8  # lengths of the IDX headers
KINDS, OF_EACH_KIND = 10, 7_000
FILES = {  # SHA-256 of the decompressed file
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


@dataclass
class FashionMnist(Dataset):
    """Kinds of clothing in `positive` against all others, 70,000 images of 784 features.

    The official files are searched in `folder`, then where Debian's package dataset-fashion-mnist
    installs them, then in Keras' cache, which downloads them. A file of another SHA-256 is an
    error.
    """

    name = "fashion_mnist"
    n_available = KINDS * OF_EACH_KIND
    how_to_get: ClassVar[str] = (
        "batchf1 fetch fashion_mnist, or Debian's package dataset-fashion-mnist"
    )
    """Ways to get the files, for messages."""
    positive: list[int] = field(default_factory=lambda: [5, 7, 9])  # footwear
    folder: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = set(self.positive)
        good = 0 < len(kinds) < KINDS and kinds <= set(range(KINDS))
        check(good, "dataset.positive", "must name one to nine of the kinds 0 to 9", self.positive)

    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """Draw positives and negatives, see `Dataset.draw`."""
        images, labels = _table(self._folder())
        is_positive = np.isin(labels, self.positive)
        positives = sample_rows(rng, images[is_positive], n_positive, "fashion_mnist positives")
        return positives, sample_rows(
            rng, images[~is_positive], n_negative, "fashion_mnist negatives"
        )

    def class_sizes(self) -> Mapping[str, int]:
        """Return the sizes of both classes, see `Dataset.class_sizes`."""
        n = OF_EACH_KIND * len(set(self.positive))
        return {"positives": n, "negatives": self.n_available - n}

    @property
    def available(self) -> bool:
        """True if one of the folders contains the four files."""
        return any(_complete(folder) for folder in (self.folder, DEBIAN, _cache()) if folder)

    def fetch(self) -> str:
        """Download the files into Keras' cache unless they are present; returns a line for the log.

        Raises `InputError`, and leaves no incomplete file, where that fails.
        """
        folder = DEBIAN if _complete(DEBIAN) else _cache()
        if folder != DEBIAN and (_invalid(folder) or not _complete(folder)):
            return f"its files were fetched into {_download(folder)}"
        _check(folder)
        return f"its files are in {folder}"

    def _folder(self) -> Path:
        if self.folder is not None:
            return Path(self.folder)
        return DEBIAN if _complete(DEBIAN) else _keras_cache()


@cache
def _table(folder: Path) -> tuple[Features, NDArray[np.uint8]]:
    train_x, train_y, test_x, test_y = (_idx(folder, name) for name in FILES)
    images = np.concatenate([train_x[IMAGES:], test_x[IMAGES:]]).reshape(-1, 784)
    return images.astype(np.float32), np.concatenate([train_y[LABELS:], test_y[LABELS:]])


def _idx(folder: Path, name: str) -> NDArray[np.uint8]:
    path = folder / f"{name}.gz"
    try:
        content = gzip.decompress(read(path))
    except (OSError, EOFError, zlib.error) as error:
        raise_input_error(str(path), "must be a whole gzip file", error)
    return np.frombuffer(verified(content, path, FILES[name]), np.uint8)


def _complete(folder: str | Path) -> bool:
    return all((Path(folder) / f"{name}.gz").is_file() for name in FILES)


def _cache() -> Path:
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return home / "datasets" / "fashion-mnist"


def _keras_cache() -> Path:
    folder = _cache()
    return folder if _complete(folder) else _download(folder)


def _download(folder: Path) -> Path:
    """Download missing files into Keras' cache by Keras; valid ones stay."""
    import keras

    load: Any = keras.datasets.fashion_mnist.load_data
    _remove_invalid(folder)  # Keras accepts any file of that name
    try:
        with redirect_stdout(io.StringIO()):  # its progress
            load()
        _check(folder)
    except Exception as error:
        raise_input_error(
            "dataset fashion_mnist",
            f"cannot be found in {DEBIAN} or {folder}, nor downloaded: install Debian's package "
            "dataset-fashion-mnist, or set dataset.folder to a folder with the four .gz files",
            error,
        )
    finally:
        _remove_invalid(folder)
    return folder


def _check(folder: Path) -> None:
    """Raise `InputError` for a file that is missing, incomplete or another."""
    for name in FILES:
        _idx(folder, name)


def _remove_invalid(folder: Path) -> None:
    for path in _invalid(folder):
        path.unlink()
    with suppress(OSError):  # it holds files, or there is none
        folder.rmdir()


def _invalid(folder: Path) -> list[Path]:
    """Return the files that are present but incomplete, or others."""
    return [
        path for name in FILES if (path := folder / f"{name}.gz").is_file() and not _is_valid(path)
    ]


def _is_valid(path: Path) -> bool:
    try:
        _idx(path.parent, path.stem)
    except InputError:
        return False
    return True
