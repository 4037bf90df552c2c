"""Removal of TensorFlow's start-up messages from standard error on machines without a GPU."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
"""TensorFlow's environment variable; a user who sets it gets the messages of that level."""
GPUS = ("nvidia[0-9]*", "nvidiactl", "kfd", "dxg")
"""Files of `/dev` on a machine with a GPU."""
NOISE = re.compile(
    rb"WARNING: All log messages before absl|[IWEF]\d{4} \d\d:\d\d:|\d{4}-\d\d-\d\d "
)
"""Beginnings of the lines of TensorFlow's C++ code."""


def has_gpu() -> bool:
    """Return True if this machine may have a GPU, whose troubles are worth a message."""
    return not sys.platform.startswith("linux") or any(
        any(Path("/dev").glob(pattern)) for pattern in GPUS
    )


@contextmanager
def silenced() -> Iterator[None]:
    """Drop what TensorFlow's C++ code writes while it is imported, on a machine without a GPU.

    It writes to the file descriptor, and before its level applies. Other lines are passed on at the
    end of the block.
    """
    if LEVEL in os.environ or has_gpu():
        os.environ.setdefault(LEVEL, "2")
        yield
        return
    os.environ[LEVEL] = "3"
    sys.stderr.flush()
    with tempfile.TemporaryFile() as written:
        saved = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            written.seek(0)
            os.write(2, b"".join(line for line in written if not NOISE.match(line)))
