"""How a command ends: with an answer or one line on what is wrong, and an exit status."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from batchf1.errors import EXTRA_OF, InputError, TraceError, missing, one_line

NO_READER = 128 + 13
"""What a shell reports of a command that SIGPIPE ended."""


def status(name: str, command: Callable[[], int | None]) -> int:
    """The command's exit status: its own, 2 for input that makes no sense, 1 where it failed."""
    try:
        return command() or 0
    except InputError as error:
        said, code = one_line(error), 2
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in EXTRA_OF:
            raise
        said, code = missing(str(error.name)), 2
    except TraceError as error:
        said, code = f"nothing written: {one_line(error)}", 1
    except MemoryError as error:
        said, code = f"not enough memory: {one_line(error) or 'out of memory'}", 1
    print(f"{name}: {said}", file=sys.stderr)  # noqa: T201
    return code


def as_json(answer: Any) -> str:
    """An answer as strict JSON: named tuples as objects, null for what JSON has no number for."""
    return json.dumps(_plain(answer), allow_nan=False)


@contextmanager
def while_read() -> Iterator[None]:
    """End the process without a word, with status 141, once its reader (`head`) has left."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # what is buffered would fail when the interpreter ends
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            _drop_unread(stream)
        raise SystemExit(NO_READER) from None


def _drop_unread(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: the interpreter tries once more at its end."""
    try:
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
