"""Programs on other backends than TensorFlow, in their pinned environments."""

import os
import subprocess

import pytest

from batchf1.programs import environments


def printed(backend, repository, *arguments, **environment):
    """Run Python on a backend and return what it prints; skip where it is not installed."""
    python = repository / environments.python(backend)
    if not python.is_file():
        pytest.skip(f"{backend} is not installed: make test-frameworks")
    paths = os.pathsep.join(str(repository / part) for part in ("src", "tests"))
    given = {"KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    given |= {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"} | environment
    command, everything = [str(python), *arguments], os.environ | given
    done = subprocess.run(command, capture_output=True, text=True, env=everything, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
