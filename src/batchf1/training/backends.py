"""Backend of Keras in a process: where it is installed, its device and its threads.

One that is not installed is taken from its pinned environment in `.frameworks`, where that has been
made: its packages fill what this environment lacks, and replace none of its own.
"""

from __future__ import annotations

import sys
import sysconfig
from importlib import invalidate_caches
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from batchf1.config.settings import BACKENDS
from batchf1.errors import check
from batchf1.training import keras_defaults

DEFAULT = BACKENDS[0]
FOLDER = Path(".frameworks")
"""Folder of the pinned environments of other frameworks, a folder each."""
PACKAGES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}
"""Backend -> the packages that decide what it computes."""


def is_installed(backend: str) -> bool:
    """Return True if this environment can import a backend."""
    return find_spec(backend) is not None


def required_files(backend: str) -> list[Path]:
    """Return the environment that must be made before the backend is used; none if installed."""
    return [] if is_installed(backend) else [FOLDER / backend]


def versions(backend: str) -> dict[str, str]:
    """Return the versions of a backend's packages, without importing them."""
    path = [*sys.path, str(_site_packages(backend))]
    return {
        name: next((one.version for one in distributions(name=name, path=path)), "not installed")
        for name in PACKAGES[backend]
    }


def configure(backend: str, device: str, threads: int) -> str:
    """Load Keras on a backend, with its device and threads, 0 for the backend's own choice.

    Return `CPU` or `GPU`. Keras gets its default settings, not the user's. Raises `InputError` for
    a backend that is not installed, where a GPU is wanted and the backend sees none, and where this
    process has another backend already.
    """
    _make_importable(backend)
    if backend == "jax":
        from batchf1.training import jax_devices

        return jax_devices.configure(device, threads)
    if backend == "torch":
        from batchf1.training import torch_devices

        return torch_devices.configure(device, threads)
    keras_defaults.load()
    from batchf1.training import devices

    return devices.configure(device, threads)


def _make_importable(backend: str) -> None:
    """Add the packages of the backend's own environment to those of this process, if needed."""
    if is_installed(backend):
        return
    folder = _site_packages(backend)
    needed = f"needs it installed: pip install {backend} (or its pinned version, by snakemake"
    check(folder.is_dir(), "training.backend", f"{needed} --cores 1 {FOLDER / backend})", backend)
    sys.path.append(str(folder.resolve()))
    invalidate_caches()


def _site_packages(backend: str) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(FOLDER / backend)}))
