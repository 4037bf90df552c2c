"""The kind of device that a run trains on."""

from __future__ import annotations

import tensorflow as tf

from batchf1.errors import require
from batchf1.study.settings import Run


def kind(run: Run) -> str:
    """`CPU` or `GPU`; `InputError` where a GPU is wanted and TensorFlow sees none."""
    wanted, gpus = run.training.device, tf.config.list_physical_devices("GPU")
    require(bool(gpus) or wanted != "gpu", "training.device", "TensorFlow must see a GPU", wanted)
    return "GPU" if gpus and wanted != "cpu" else "CPU"
