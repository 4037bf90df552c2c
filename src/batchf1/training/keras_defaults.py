"""Keras with its default settings, regardless of `~/.keras/keras.json` and the environment.

Only processes that train or measure for a study use it: its results then depend on no such setting.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from batchf1.errors import check
from batchf1.training.tensorflow_log import silenced

PREFIX = "KERAS_"
"""Prefix of the environment variables that Keras reads."""
BACKEND = "tensorflow"


@contextmanager
def environment(backend: str = BACKEND, **variables: str) -> Iterator[None]:
    """Hide the user's settings from a Keras, of any version, that is imported in the `with` block.

    It reads them when it is imported, as a part of it is by TensorFlow; so does that of a process
    that is started here. Afterwards the environment is as before: `KERAS_HOME` holds data, too.
    """
    users = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    with TemporaryDirectory() as home:
        _replace({"KERAS_HOME": home, "KERAS_BACKEND": backend} | variables)
        try:
            yield
        finally:
            _replace(users)


def _replace(variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(variables)


def load(backend: str = BACKEND, **variables: str) -> Any:
    """Import Keras 3 on a backend with its default settings; return `keras`.

    `variables`: further ones of the environment for the import. Raises `InputError` where another
    backend is already in use in this process.
    """
    with environment(backend, **variables), silenced():
        import keras
    used = keras.config.backend()
    rule = f"must be that of the Keras which this process has imported, {used}"
    check(used == backend, "training.backend", rule, backend)
    # for a Keras that was imported before
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    for limit in ("set_max_epochs", "set_max_steps_per_epoch"):  # newer than Keras 3.10
        getattr(keras.config, limit, lambda _: None)(None)
    return keras
