"""Device and threads of a process whose Keras runs on PyTorch."""

from __future__ import annotations

import torch

from batchf1.errors import check
from batchf1.training import keras_defaults


def configure(requested: str, threads: int) -> str:
    """Set PyTorch's device and threads, load Keras; return as `backends.configure`.

    Apple's GPUs are left aside: they have no float64, in which counts are exact.
    """
    sees_gpu = torch.cuda.is_available()
    good = sees_gpu or requested != "gpu"
    check(good, "training.device", "needs a GPU that PyTorch can see", requested)
    device = "cuda" if sees_gpu and requested != "cpu" else "cpu"
    if threads:
        torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")  # PyTorch's default
    keras = keras_defaults.load("torch", KERAS_TORCH_DEVICE=device)
    used = keras.ops.zeros(()).device.type
    rule = "must be that of the Keras which this process has imported"
    check(used == device, "training.device", f"{rule}, {used}", device)
    return "GPU" if device == "cuda" else "CPU"
