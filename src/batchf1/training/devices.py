"""Devices and threads of a process."""

from __future__ import annotations

from typing import Any

from batchf1.errors import check
from batchf1.training.tensorflow_log import silenced

with silenced():
    import tensorflow as tf


def visible_gpus() -> list[Any]:
    """Return the GPUs that TensorFlow sees."""
    with silenced():
        return list(tf.config.list_physical_devices("GPU"))


def kind(requested: str) -> str:
    """Return `CPU` or `GPU` for `auto`, `cpu` or `gpu`.

    Raises `InputError` where a GPU is wanted and TensorFlow sees none.
    """
    gpus = visible_gpus()
    check(
        bool(gpus) or requested != "gpu",
        "training.device",
        "needs a GPU that TensorFlow can see",
        requested,
    )
    return "GPU" if gpus and requested != "cpu" else "CPU"


def configure(requested: str, threads: int) -> str:
    """Set TensorFlow's devices and threads, 0 for its own choice; return `CPU` or `GPU`.

    A GPU's memory grows as it is needed, and its products are in float32, as on a CPU. Raises
    `InputError` as `kind` does.
    """
    device = kind(requested)
    if device == "CPU":
        tf.config.set_visible_devices([], "GPU")
    else:  # in TF32 a score would depend on how many are computed together
        tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    return device
