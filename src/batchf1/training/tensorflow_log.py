"""Removal of TensorFlow's start-up messages from standard error on machines without a GPU."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEVEL, ERRORS = "TF_CPP_MIN_LOG_LEVEL", "2"
"""TensorFlow's environment variable, and its value for errors only; a user who sets another gets
every message of that level."""
GPUS = ("nvidia[0-9]*", "nvidiactl", "kfd", "dxg")
"""Files of `/dev` on a machine with a GPU."""
NOISE = re.compile(
    rb"WARNING: All log messages before absl|[IW]\d{4} \d\d:\d\d:|E\d{4} .*cuda"
    rb"|\d{4}-\d\d-\d\d [\d:.]+: [IW] |To enable the following instructions:"
)
"""Beginnings of lines that TensorFlow's C++ code writes on any machine without a GPU: notes,
warnings, and the errors of a search for one."""


def has_gpu() -> bool:
    """Return True if this machine may have a GPU, whose troubles are worth a message."""
    return not sys.platform.startswith("linux") or any(
        any(Path("/dev").glob(pattern)) for pattern in GPUS
    )


@contextmanager
def silenced() -> Iterator[None]:
    """Drop the start-up messages of TensorFlow, imported in the block, on a machine without a GPU.

    Its C++ code writes to the file descriptor, and before its level applies. Other lines, such as
    its errors, are passed on at the end of the block.
    """
    if os.environ.setdefault(LEVEL, ERRORS) != ERRORS or has_gpu():
        yield
        return
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
