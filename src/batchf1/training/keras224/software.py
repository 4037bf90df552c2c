"""Installation of unmodified Keras 2.2.4, used with the installed TensorFlow.

It has the import name of Keras 3, so it lies in a folder of its own and needs a process of its own.
"""

from __future__ import annotations

import collections
import collections.abc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from batchf1.errors import check, raise_input_error
from batchf1.records.files import replacing_folder
from batchf1.records.provenance import PACKAGE
from batchf1.training import keras_defaults
from batchf1.training.tensorflow_log import silenced

VERSION = "2.2.4"
PINS = PACKAGE / "training" / "keras224" / "requirements.txt"
FOLDER = Path(os.environ.get("BATCHF1_KERAS224", ".keras224"))
"""Folder of the installation, overridden by the environment variable BATCHF1_KERAS224."""


def install(folder: Path) -> None:
    """Put Keras 2.2.4 into a folder, whole or not at all, checked against the pinned hashes.

    Raises `InputError` where the package index does not answer or sends other files.
    """
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    options = [
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--requirement",
        str(PINS),
    ]
    with replacing_folder(folder) as part:
        done = subprocess.run(
            [*command, *options, "--target", str(part)], capture_output=True, text=True
        )
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise_input_error(
                "Keras 2.2.4",
                f"needs the package index once, or its wheels through PIP_FIND_LINKS ({PINS.name})",
                errors[-1] if errors else done.stderr,
            )


def activate(folder: Path = FOLDER) -> None:
    """Make `import keras` import Keras 2.2.4 in this process, in TensorFlow's graph mode.

    It has its own defaults, whatever the user's `keras.json` says.

    Six small gaps are filled, names that Python, NumPy or TensorFlow have dropped; nothing in Keras
    is changed. Raises `InputError` where it is not installed, or another Keras is already in use.
    """
    here = folder.resolve()
    check(
        (here / "keras" / "__init__.py").is_file(),
        str(folder),
        f"must hold Keras {VERSION}: batchf1 workflow keras224 {folder}",
        "no such package",
    )
    loaded = sys.modules.get("keras")
    if loaded is not None:
        version = getattr(loaded, "__version__", "another")
        check(version == VERSION, "keras", f"must not be in use before Keras {VERSION}", version)
        return
    sys.path.insert(0, str(here))
    with keras_defaults.environment(), silenced():
        _fill_gaps()
        import keras
    check(keras.__version__ == VERSION, str(folder), f"must hold Keras {VERSION}", keras)


def _fill_gaps() -> None:
    import numpy as np
    import tensorflow as tf
    from tensorflow.python.framework import ops, tensor
    from tensorflow.python.ops import variables

    def is_dense(x: Any) -> bool:
        return isinstance(x, tensor.Tensor | variables.Variable)

    old_names: Any = collections
    old_names.Iterable, old_names.Mapping = collections.abc.Iterable, collections.abc.Mapping
    numpy: Any = np
    numpy.Inf = np.inf
    ops._TensorLike = type("NeverMatches", (), {})
    ops.is_dense_tensor_like = is_dense
    tf.compat.v1.disable_v2_behavior()
    tf.compat.v1.enable_resource_variables()
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    for name in [n for n in sys.modules if n == "keras" or n.startswith("keras.")]:
        del sys.modules[name]  # TensorFlow may have loaded Keras 3
    sys.modules["tensorflow"] = tf.compat.v1
