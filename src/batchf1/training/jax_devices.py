"""Device and threads of a process whose Keras runs on JAX."""

from __future__ import annotations

import os
from typing import Any

import jax

from batchf1.errors import check
from batchf1.training import keras_defaults


def configure(requested: str, threads: int) -> str:
    """Set JAX's device and threads, load Keras; return as `backends.configure`.

    JAX gets its 64 bits, without which counts stop at 2**24, and products in float32; it takes a
    GPU's memory as it is needed.
    """
    # read when JAX first computes
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if threads:
        os.environ["PJRT_NPROC"] = str(threads)
    if requested == "cpu":
        jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    # in TF32 a score would depend on how many are computed together
    jax.config.update("jax_default_matmul_precision", "highest")
    gpus = [] if requested == "cpu" else _gpus()
    good = bool(gpus) or requested != "gpu"
    check(good, "training.device", "needs a GPU that JAX can see", requested)
    jax.config.update("jax_default_device", (gpus or jax.devices("cpu"))[0])
    keras_defaults.load("jax")
    return "GPU" if gpus else "CPU"


def _gpus() -> list[Any]:
    try:
        return list(jax.devices("gpu"))
    except RuntimeError:  # no such platform
        return []
