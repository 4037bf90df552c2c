"""Small files in the format of Fashion-MNIST."""

import gzip
import hashlib

import numpy as np

from batchf1.datasets import fashion_mnist


def idx_files(folder, monkeypatch, n=(1500, 500)):
    """Files in the official format with content of our own, their checksums made the right ones."""
    rng = np.random.default_rng(0)
    checksums = {}
    for name in fashion_mnist.FILES:
        size = n[0] if name.startswith("train") else n[1]
        body = (size, 784) if "images" in name else (size,)
        header = bytes(fashion_mnist.IMAGES if "images" in name else fashion_mnist.LABELS)
        content = header + rng.integers(0, 10, body, np.uint8).tobytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        checksums[name] = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(fashion_mnist, "FILES", checksums)
    return folder
